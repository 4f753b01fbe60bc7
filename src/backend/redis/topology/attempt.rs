//! Attempts: each call goes to the server of its key, and follows the key if it moves.

use std::sync::Arc;

use futures_util::future::join_all;
use redis::Value;

use super::{REDIRECT_DELAY, Shards, no_master};
use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::complaints::Complaints;
use crate::backend::redis::client::pipeline::Redirect;
use crate::backend::redis::client::role::Role;
use crate::backend::redis::client::server::{Atomicity, Reason, Sending, Server, value_or_error};
use crate::backend::{BackendError, Result};

/// A call and its state.
pub(super) struct Attempt<'a> {
    call: &'a Call,
    state: State,
}

enum State {
    /// To be sent to the server of its key.
    Pending,
    /// To be sent to this server once (`ASK`).
    Asking(Arc<Server>),
    /// Redirected by a server.
    Redirected { redirect: Redirect, refusal: Value },
    /// Finished.
    Done(Result<Value>),
}

/// The attempts of one pipeline, by index.
struct Group {
    server: Arc<Server>,
    reason: Reason,
    places: Vec<usize>,
}

impl<'a> Attempt<'a> {
    pub(super) fn new(call: &'a Call) -> Self {
        Self { call, state: State::Pending }
    }

    pub(super) fn is_done(&self) -> bool {
        matches!(self.state, State::Done(_))
    }

    /// Without time to follow it, a redirect is the result.
    pub(super) fn give_up(&mut self, complaints: &Complaints) {
        if let State::Redirected { refusal, .. } = &self.state {
            complaints.note_answer("", self.call.key(), refusal);
            self.state = State::Done(value_or_error(refusal.clone()));
        }
    }

    pub(super) fn into_result(self) -> Result<Value> {
        match self.state {
            State::Done(result) => result,
            _ => no_master(),
        }
    }

    fn take_answer(&mut self, value: Value, server: &Server, complaints: &Complaints) {
        self.state = match Redirect::of(&value, server.host()) {
            Some(redirect) => State::Redirected { redirect, refusal: value },
            None => {
                complaints.note_answer(&server.name, self.call.key(), &value);
                State::Done(value_or_error(value))
            }
        };
    }
}

impl Shards {
    /// Sends pending attempts, to all servers concurrently.
    pub(super) async fn send_pending(&self, role: &Role, atomicity: Atomicity, attempts: &mut [Attempt<'_>]) {
        let groups = self.group_by_server(attempts);
        let outcomes = join_all(groups.into_iter().map(async |group| {
            let calls: Vec<&Call> = group.places.iter().map(|&place| attempts[place].call).collect();
            let sending = Sending { role, atomicity, reason: group.reason };
            (group.server.run(sending, &calls).await, group)
        }))
        .await;
        for (outcome, group) in outcomes {
            match outcome {
                Ok(values) => {
                    for (place, value) in group.places.into_iter().zip(values) {
                        attempts[place].take_answer(value, &group.server, &self.complaints);
                    }
                }
                // A failure of a pipeline is the result of all its calls.
                Err(error) => {
                    let sentence = error.root_cause();
                    for place in group.places {
                        let error = BackendError::Unavailable(sentence.clone().into());
                        attempts[place].state = State::Done(Err(error));
                    }
                }
            }
        }
    }

    /// Groups pending attempts by server, in order. A call without a server fails at once.
    fn group_by_server(&self, attempts: &mut [Attempt<'_>]) -> Vec<Group> {
        let map = self.map();
        let mut groups: Vec<Group> = Vec::new();
        for (place, attempt) in attempts.iter_mut().enumerate() {
            let (server, reason) = match &attempt.state {
                State::Pending => (map.server(attempt.call.key()).cloned(), Reason::Owner),
                State::Asking(server) => (Some(server.clone()), Reason::Asked),
                State::Redirected { .. } | State::Done(_) => continue,
            };
            let Some(server) = server else {
                attempt.state = State::Done(no_master());
                continue;
            };
            let is_same = |group: &&mut Group| Arc::ptr_eq(&group.server, &server) && group.reason == reason;
            match groups.iter_mut().find(is_same) {
                Some(group) => group.places.push(place),
                None => groups.push(Group { server, reason, places: vec![place] }),
            }
        }
        groups
    }

    /// Resolves redirects to the servers of the next attempts.
    pub(super) async fn follow_redirects(&self, attempts: &mut [Attempt<'_>]) {
        let is = |wanted: &Redirect| {
            let is_it = |attempt: &Attempt<'_>| matches!(&attempt.state, State::Redirected { redirect, .. } if redirect == wanted);
            attempts.iter().any(is_it)
        };
        let mut is_early = is(&Redirect::TryAgain);
        if is(&Redirect::Moved) {
            let before = self.map();
            self.refresh().await;
            // No server knows more than the one that refused.
            is_early |= self.map().same_layout(&before);
        }
        if is_early {
            tokio::time::sleep(REDIRECT_DELAY).await;
        }
        for attempt in attempts {
            let State::Redirected { redirect, .. } = &attempt.state else { continue };
            let asked = match redirect {
                Redirect::Ask(address) => self.server_at(address.clone()).await,
                Redirect::Moved | Redirect::TryAgain => None,
            };
            attempt.state = asked.map_or(State::Pending, State::Asking);
        }
    }
}
