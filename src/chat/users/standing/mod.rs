//! The standing of users as this node knows it. It is kept for half a second for callers that show a token, and given to the
//! sessions of users whose standing may have changed: at the event of a change, and after events may have been missed.

#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tracing::debug;

use super::{Control, Users};
use crate::backend::{Backend, Channel, Standing, StandingChange};
use crate::chat::{Chat, Identity, Source};
use crate::model::UserId;
use crate::protocol::Rejection;

/// Age up to which a standing is used without reading it again.
const FRESH: Duration = Duration::from_millis(500);

/// Standings that are kept, at most.
const MOST_KEPT: usize = 10_000;

/// Users whose standing is read together.
const BATCH: usize = 256;

/// Reads under way, at most: a part of the backend that does not answer must not delay the users of others.
const MOST_READS: usize = 8;

/// Wait before a read that failed is tried again.
const RETRY: Duration = Duration::from_millis(250);

/// The standings that this node keeps, and those that its sessions must be given; a cheap handle.
#[derive(Debug, Clone, Default)]
pub(in crate::chat) struct KnownStandings {
    users: Users,
    state: Arc<Mutex<State>>,
    /// Users have become due.
    due: Arc<Notify>,
}

#[derive(Debug, Default)]
struct State {
    /// Rises with each change that the node learns of.
    version: Version,
    kept: HashMap<UserId, Kept>,
    /// Users with sessions here that must be given their standing.
    due: HashSet<UserId>,
    /// Users whose standing is being read for their sessions. One read at a time, so that the newest is given last.
    reading: HashSet<UserId>,
}

#[derive(Debug)]
struct Kept {
    read: Instant,
    standing: Standing,
}

/// The changes of standing that a node had learned of at some moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Version(u64);

/// A read of standings for sessions.
struct Read {
    found: Vec<(UserId, Standing)>,
    failed: Vec<UserId>,
}

impl KnownStandings {
    /// Of the sessions in `users`.
    pub(in crate::chat) fn new(users: Users) -> Self {
        Self { users, ..Self::default() }
    }

    pub(in crate::chat) fn users(&self) -> &Users {
        &self.users
    }

    /// The standing of a user has changed.
    pub(in crate::chat) fn on_change(&self, user: &UserId) {
        let mut state = self.lock();
        state.version.0 += 1;
        state.kept.remove(user);
        drop(state);
        self.recheck(user);
    }

    /// The standing of any user may have changed.
    pub(in crate::chat) fn on_possible_loss(&self) {
        let users = self.users.all();
        let mut state = self.lock();
        state.version.0 += 1;
        state.kept.clear();
        state.due.extend(users);
        drop(state);
        self.due.notify_one();
    }

    /// Has the standing of a user read for its sessions on this node.
    fn recheck(&self, user: &UserId) {
        if self.users.has(user) {
            self.lock().due.insert(user.clone());
            self.due.notify_one();
        }
    }

    fn version(&self) -> Version {
        self.lock().version
    }

    fn fresh(&self, user: &UserId) -> (Option<Standing>, Version) {
        let state = self.lock();
        let kept = state.kept.get(user).filter(|kept| kept.read.elapsed() < FRESH);
        (kept.map(|kept| kept.standing.clone()), state.version)
    }

    /// Keeps what was read since the node had learned of `version`, unless a change came meanwhile.
    fn keep(&self, user: &UserId, read: Instant, standing: Standing, version: Version) {
        let mut state = self.lock();
        if state.version != version {
            return;
        }
        if state.kept.len() >= MOST_KEPT {
            state.kept.retain(|_, kept| kept.read.elapsed() < FRESH);
        }
        if state.kept.len() < MOST_KEPT {
            state.kept.insert(user.clone(), Kept { read, standing });
        }
    }

    /// Takes users that are due and not being read.
    fn take_due(&self) -> Vec<UserId> {
        let mut state = self.lock();
        let State { due, reading, .. } = &mut *state;
        let batch: Vec<UserId> = due.difference(reading).take(BATCH).cloned().collect();
        for user in &batch {
            due.remove(user);
            reading.insert(user.clone());
        }
        batch
    }

    fn finish(&self, Read { found, failed }: Read) {
        let mut state = self.lock();
        for user in found.iter().map(|(user, _)| user).chain(&failed) {
            state.reading.remove(user);
        }
        state.due.extend(failed);
        drop(state);
        for (user, standing) in found {
            self.users.send(&user, &Control::Standing(Box::new(standing)));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code panics while it holds this lock")
    }
}

impl Chat {
    /// The standing of a user, at most half a second old.
    ///
    /// # Errors
    /// `unavailable`
    pub(in crate::chat) async fn standing(&self, user: &UserId) -> Result<Standing, Rejection> {
        let (fresh, version) = self.inner.standings.fresh(user);
        if let Some(standing) = fresh {
            return Ok(standing);
        }
        let read = Instant::now();
        let standing = self.inner.backend.standings.standing(user).await?;
        self.inner.standings.keep(user, read, standing.clone(), version);
        Ok(standing)
    }

    /// The identity that a token has proved, as far as its user's standing admits it. While the standing can't be read, a
    /// guest is admitted, who could come back as another guest as well; its sessions are checked as soon as it can.
    pub(in crate::chat) async fn admit(&self, identity: Identity) -> Result<Identity, Rejection> {
        match self.standing(&identity.author.user_id).await {
            Ok(standing) => identity.compared_with(&standing),
            Err(_) if identity.source == Source::Guest => {
                self.inner.standings.on_change(&identity.author.user_id);
                Ok(identity)
            }
            Err(rejection) => Err(rejection),
        }
    }

    /// Changes the standing of a user, and tells all nodes. Once this returns no node admits what the change forbids for
    /// longer than half a second; the sessions of nodes that can't be told now learn it as soon as they can.
    ///
    /// # Errors
    /// `unavailable`: the change may have been made; it is to be repeated. `forbidden` for the last admin's role.
    pub async fn change_standing(
        &self,
        user: &UserId,
        change: StandingChange,
    ) -> Result<Standing, Rejection> {
        let standing = self.inner.backend.standings.change(user, change).await?;
        self.inner.standings.on_change(user);
        if self.inner.backend.tell_change(user).await.is_err() {
            let (chat, user) = (self.clone(), user.clone());
            let supervisor = self.inner.supervisor.clone();
            self.inner.supervisor.run_once("standing-change", async move {
                let publishing = async {
                    while chat.inner.backend.tell_change(&user).await.is_err() {
                        sleep(RETRY).await;
                    }
                };
                supervisor.until_stopping(publishing).await;
            });
        }
        Ok(standing)
    }

    /// The present version of what the node knows. To be asked for before a user's token is looked at.
    pub fn standings_version(&self) -> Version {
        self.inner.standings.version()
    }

    /// Has the standing of a user read again if the node has learned of a change since `version`. To be called once the
    /// user has a session here, which no later change can miss.
    pub fn recheck_since(&self, user: &UserId, version: Version) {
        if self.inner.standings.version() != version {
            self.inner.standings.recheck(user);
        }
    }

    /// Gives the sessions of this node what is to be known of their users, until the node stops.
    pub(in crate::chat) async fn give_standings(self) {
        let standings = &self.inner.standings;
        let mut feed = self.inner.backend.pubsub.resumed();
        let mut reads = FuturesUnordered::new();
        if self.inner.supervisor.until_stopping(self.subscribe_to_changes()).await.is_none() {
            return;
        }
        standings.on_possible_loss();
        loop {
            while reads.len() < MOST_READS {
                let batch = standings.take_due();
                if batch.is_empty() {
                    break;
                }
                reads.push(read(&self.inner.backend, batch));
            }
            tokio::select! {
                () = self.inner.supervisor.stopping() => return,
                Some(read) = reads.next() => standings.finish(read),
                () = standings.due.notified() => {}
                Ok(()) = feed.changed() => standings.on_possible_loss(),
            }
        }
    }

    /// Subscribes to changes of standing, as often as it takes.
    async fn subscribe_to_changes(&self) {
        while let Err(error) = self.inner.backend.pubsub.subscribe(&Channel::Control).await {
            debug!(error = %error.root_cause(), "could not subscribe to changes of standing");
            sleep(RETRY).await;
        }
    }
}

/// Reads standings together, or each by itself if one of them fails. Ends a moment later if any failed.
async fn read(backend: &Backend, users: Vec<UserId>) -> Read {
    if let Ok(standings) = backend.standings.standings(&users).await {
        return Read { found: users.into_iter().zip(standings).collect(), failed: Vec::new() };
    }
    let standings = join_all(users.iter().map(|user| backend.standings.standing(user))).await;
    let mut read = Read { found: Vec::new(), failed: Vec::new() };
    for (user, standing) in users.into_iter().zip(standings) {
        match standing {
            Ok(standing) => read.found.push((user, standing)),
            Err(error) => {
                debug!(error = %error.root_cause(), "could not read the standing of a user");
                read.failed.push(user);
            }
        }
    }
    if !read.failed.is_empty() {
        sleep(RETRY).await;
    }
    read
}
