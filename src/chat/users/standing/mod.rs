//! The standing of users as this node knows it. It is kept for half a second for callers that show a token, and given to the
//! sessions of users whose standing may have changed: at the event of a change, and after events may have been missed.

mod changing;
mod reading;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use super::due::DueUsers;
use super::{Control, Users};
use crate::backend::Standing;
use crate::chat::{Chat, Identity, Source};
use crate::model::UserId;
use crate::protocol::Rejection;

/// Age up to which a standing is used without reading it again.
const FRESH: Duration = Duration::from_millis(500);

/// Standings that are kept, at most.
const MOST_KEPT: usize = 10_000;

/// The standings that this node keeps, and those that its sessions must be given; a cheap handle.
#[derive(Debug, Clone, Default)]
pub(in crate::chat) struct KnownStandings {
    users: Users,
    state: Arc<Mutex<State>>,
    /// Users with sessions here that must be given their standing.
    due: Arc<DueUsers>,
}

#[derive(Debug, Default)]
struct State {
    /// Rises with each change that the node learns of.
    version: Version,
    kept: HashMap<UserId, Kept>,
    /// Users whose standing is being read for their sessions. One read at a time, so that the newest is given last.
    reading: HashSet<UserId>,
    /// Users of whose change the nodes are to be told yet.
    untold: HashSet<UserId>,
}

#[derive(Debug)]
struct Kept {
    read: Instant,
    standing: Standing,
}

/// The changes of standing that a node had learned of at some moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Version(u64);

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
        drop(state);
        self.due.add(users);
    }

    /// Has the standing of a user read for its sessions on this node.
    fn recheck(&self, user: &UserId) {
        if self.users.has(user) {
            self.due.add([user.clone()]);
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
        let batch = self.due.take_batch(|user| !state.reading.contains(user));
        state.reading.extend(batch.iter().cloned());
        batch
    }

    /// Gives the sessions of a user a standing that was read.
    fn give(&self, user: &UserId, standing: Standing) {
        self.lock().reading.remove(user);
        self.users.send(user, &Control::Standing(Box::new(standing)));
    }

    /// Has a standing that could not be read be read again.
    fn read_again(&self, user: &UserId) {
        self.lock().reading.remove(user);
        self.recheck(user);
    }

    /// Whether the user was not among those of whose change the nodes are to be told.
    fn note_untold(&self, user: &UserId) -> bool {
        self.lock().untold.insert(user.clone())
    }

    fn note_told(&self, user: &UserId) {
        self.lock().untold.remove(user);
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
}
