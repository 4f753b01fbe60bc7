//! The names of accounts, which nobody else may have. A message asks the backend nothing: a user is asked for when it chooses a
//! name, enters a room, makes a private one or posts over REST, and answers are kept for a while.
//!
//! A session that has the name when the account is made goes on for [`GRACE`], so that a guest who registers can go over to
//! the account; then it is closed.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use indexmap::IndexMap;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{debug, warn};

use super::{check_not_system, username_taken};
use crate::backend::{Account, Channel, Result};
use crate::chat::{Chat, Identity, Source};
use crate::model::{Author, Member, Skeleton, UserId};
use crate::protocol::Rejection;
use crate::websocket::CloseCode;

/// Time that sessions have for which an account has taken the name.
const GRACE: Duration = Duration::from_secs(3);

/// Answers that are kept, at most.
const MOST_ANSWERS: usize = 4096;

/// How long the answer that a name is free counts, should no node tell of the account that takes it.
const FREE_FOR: Duration = Duration::from_secs(60);

/// Delay before another attempt to ask the backend.
const RETRY: Duration = Duration::from_secs(1);

/// Names that are compared with those of accounts in one call.
const BATCH: usize = 250;

type Skeletons = [Skeleton; 2];

/// This node's knowledge of accounts' names.
#[derive(Debug)]
pub(in crate::chat) struct TakenNames {
    /// Whether accounts may exist. True before the backend has been asked.
    may_exist: AtomicBool,
    state: Mutex<State>,
    /// Accounts were created.
    created: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// Rises with each account, so that an answer of before is not kept.
    version: u64,
    answers: IndexMap<Skeletons, Answer>,
    /// Accounts whose names sessions may have until then, the oldest first.
    in_grace: VecDeque<(Instant, Author)>,
}

#[derive(Debug)]
struct Answer {
    owners: Owners,
    at: Instant,
}

/// The users of the accounts that have a name, or one that looks like it; nobody if it is free.
type Owners = Arc<[UserId]>;

impl Default for TakenNames {
    fn default() -> Self {
        Self { may_exist: AtomicBool::new(true), state: Mutex::default(), created: Notify::new() }
    }
}

impl TakenNames {
    fn may_exist(&self) -> bool {
        self.may_exist.load(Ordering::Acquire)
    }

    /// A kept answer.
    fn answer(&self, skeletons: &Skeletons, now: Instant) -> Option<Owners> {
        let state = self.lock();
        let Answer { owners, at } = state.answers.get(skeletons)?;
        (!owners.is_empty() || now < *at + FREE_FOR).then(|| owners.clone())
    }

    fn version(&self) -> u64 {
        self.lock().version
    }

    /// Keeps an answer to a question that was asked at `version`.
    fn keep(&self, skeletons: Skeletons, answer: Answer, version: u64) {
        let mut state = self.lock();
        if state.version != version {
            return;
        }
        if state.answers.len() >= MOST_ANSWERS {
            let any = fastrand::usize(..state.answers.len());
            state.answers.swap_remove_index(any);
        }
        state.answers.insert(skeletons, answer);
    }

    /// Takes over whether accounts exist, as the backend said at `version`.
    fn set_existence(&self, exist: bool, version: u64) {
        let state = self.lock();
        if exist || state.version == version {
            self.may_exist.store(exist, Ordering::Release);
        }
    }

    /// From now on the names that look like that of an account are taken.
    pub(in crate::chat) fn add(&self, author: Author) {
        {
            let mut state = self.lock();
            state.version += 1;
            state.answers.retain(|_, answer| !answer.owners.is_empty());
            state.in_grace.push_back((Instant::now() + GRACE, author));
            self.may_exist.store(true, Ordering::Release);
        }
        self.created.notify_one();
    }

    /// Waits until a new account has existed for [`GRACE`], and returns those that have. May be given up and called again.
    async fn next_after_grace(&self) -> Vec<Author> {
        loop {
            let first = self.lock().in_grace.front().map(|(until, _)| *until);
            match first {
                None => self.created.notified().await,
                Some(until) => {
                    sleep_until(until).await;
                    return self.take_after_grace(Instant::now());
                }
            }
        }
    }

    fn take_after_grace(&self, now: Instant) -> Vec<Author> {
        let in_grace = &mut self.lock().in_grace;
        let over = in_grace.partition_point(|(until, _)| *until <= now);
        in_grace.drain(..over).map(|(_, author)| author).collect()
    }

    fn forget_free_names(&self) {
        let mut state = self.lock();
        state.version += 1;
        state.answers.retain(|_, answer| !answer.owners.is_empty());
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code panics while it holds this lock")
    }
}

impl Chat {
    /// Checks that a user has no name of another's account, nor one that looks like it, also if its token says so.
    ///
    /// # Errors
    /// `username_taken`, or `unavailable` if the backend can't be asked.
    pub async fn check_name(&self, identity: &Identity) -> std::result::Result<(), Rejection> {
        let names = &self.inner.accounts.taken_names;
        let Author { user_id, username } = &identity.author;
        check_not_system(username)?;
        if !names.may_exist() {
            return Ok(());
        }
        let skeletons = username.skeletons();
        let now = Instant::now();
        let owners = match names.answer(&skeletons, now) {
            Some(owners) => owners,
            None => {
                let version = names.version();
                let owners = self.inner.backend.accounts.owners(&skeletons).await?;
                let owners: Owners = owners.into_iter().flatten().collect();
                names.keep(skeletons, Answer { owners: owners.clone(), at: now }, version);
                owners
            }
        };
        // An account is proved by the cluster's own token: another issuer may name any user.
        let is_own = |owner: &UserId| identity.source == Source::Account && owner == user_id;
        if owners.iter().all(is_own) { Ok(()) } else { Err(username_taken()) }
    }

    /// Tells all nodes of a new account. A node that is not told learns of it when it asks again.
    pub(super) async fn announce_account(&self, account: &Account) {
        self.inner.accounts.taken_names.add(account.author());
        if let Err(error) = self.inner.backend.tell_account(account).await {
            warn!(error = %error.root_cause(), "could not tell the nodes of a new account");
        }
    }

    /// Asks the backend after each possible loss of events, and closes sessions that have the name of a new account.
    pub(in crate::chat) async fn keep_names(self) {
        let supervisor = self.inner.supervisor.clone();
        let mut resumed = self.inner.backend.pubsub.resumed();
        resumed.mark_changed();
        let mut is_asked = true;
        loop {
            tokio::select! {
                () = supervisor.stopping() => return,
                changed = resumed.changed() => match changed {
                    Ok(()) => is_asked = self.compare_names().await,
                    // The subscription has ended with the node.
                    Err(_) => return supervisor.stopping().await,
                },
                () = sleep(RETRY), if !is_asked => is_asked = self.compare_names().await,
                created = self.inner.accounts.taken_names.next_after_grace() => self.close_others(created).await,
            }
        }
    }

    /// Whether the backend has answered.
    async fn compare_names(&self) -> bool {
        match self.try_compare_names().await {
            Ok(()) => true,
            Err(error) => {
                debug!(error = %error.root_cause(), "could not ask for the names of accounts");
                false
            }
        }
    }

    /// Accounts may have been created unnoticed, and sessions of this node may have their names.
    async fn try_compare_names(&self) -> Result<()> {
        let names = &self.inner.accounts.taken_names;
        self.inner.backend.pubsub.subscribe(&Channel::Control).await?;
        names.forget_free_names();
        let version = names.version();
        let accounts = &self.inner.backend.accounts;
        let exist = accounts.are_any().await?;
        names.set_existence(exist, version);
        if !exist {
            return Ok(());
        }
        let members = self.named_members().await;
        for batch in members.chunks(BATCH) {
            let skeletons: Vec<Skeleton> =
                batch.iter().flat_map(|(_, skeletons)| skeletons.iter().cloned()).collect();
            let owners = accounts.owners(&skeletons).await?;
            for ((user, _), owners) in batch.iter().zip(owners.chunks(2)) {
                if owners.iter().flatten().any(|owner| owner != user) {
                    self.close_user(user, CloseCode::Unauthorized);
                }
            }
        }
        Ok(())
    }

    /// Closes the sessions of others that have the names of these accounts.
    async fn close_others(&self, created: Vec<Author>) {
        let owners: Vec<(UserId, Skeletons)> =
            created.into_iter().map(|author| (author.user_id, author.username.skeletons())).collect();
        for (user, skeletons) in self.named_members().await {
            let looks_like = |(owner, taken): &(UserId, Skeletons)| {
                *owner != user && skeletons.iter().any(|skeleton| taken.contains(skeleton))
            };
            if owners.iter().any(looks_like) {
                self.close_user(&user, CloseCode::Unauthorized);
            }
        }
    }

    /// The users in rooms of this node, each name with its skeletons. Other sessions are asked when they enter a room.
    async fn named_members(&self) -> Vec<(UserId, Skeletons)> {
        let rooms = self.inner.hub.occupied_rooms();
        let computing = tokio::task::spawn_blocking(move || {
            let named = |member: Member| (member.user_id, member.username);
            let users: BTreeSet<_> = rooms.iter().flat_map(|room| room.members()).map(named).collect();
            users.into_iter().map(|(user, name)| (user, name.skeletons())).collect()
        });
        computing.await.unwrap_or_else(|error| {
            warn!(%error, "could not compare names");
            Vec::new()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Username;

    fn skeletons(name: &str) -> Skeletons {
        Username::from_trusted(name).skeletons()
    }

    fn answer(owners: &[UserId]) -> Answer {
        Answer { owners: owners.into(), at: Instant::now() }
    }

    fn is_taken(names: &TakenNames, name: &str, now: Instant) -> Option<bool> {
        names.answer(&skeletons(name), now).map(|owners| !owners.is_empty())
    }

    fn author(name: &str) -> Author {
        Author { user_id: UserId::guest(), username: Username::from_trusted(name) }
    }

    #[test]
    fn an_account_ends_the_answer_that_its_name_is_free() {
        let (names, now) = (TakenNames::default(), Instant::now());
        names.keep(skeletons("Rahim"), answer(&[]), names.version());
        names.keep(skeletons("Mita"), answer(&[UserId::account()]), names.version());
        assert_eq!(is_taken(&names, "RAHIM", now), Some(false));
        let version = names.version();
        names.add(author("Rahim"));
        assert_eq!(is_taken(&names, "Rahim", now), None);
        assert_eq!(is_taken(&names, "Mita", now), Some(true), "a name stays taken");
        names.keep(skeletons("Rahim"), answer(&[]), version);
        assert_eq!(is_taken(&names, "Rahim", now), None, "an answer of before is not kept");
    }

    #[tokio::test(start_paused = true)]
    async fn each_new_account_leaves_others_the_whole_grace_period() {
        let (names, start) = (TakenNames::default(), Instant::now());
        let (rahim, mita) = (author("Rahim"), author("Mita"));
        names.add(rahim.clone());
        let between = Duration::from_millis(2900);
        tokio::time::advance(between).await;
        names.add(mita.clone());
        assert_eq!(names.next_after_grace().await, [rahim]);
        assert!(start.elapsed() < between + GRACE, "{:?}", start.elapsed());
        assert_eq!(names.next_after_grace().await, [mita]);
        assert!(start.elapsed() >= between + GRACE, "{:?}", start.elapsed());
    }

    #[test]
    fn a_free_name_is_asked_for_again() {
        let (names, now) = (TakenNames::default(), Instant::now());
        names.keep(skeletons("Rahim"), answer(&[]), names.version());
        assert_eq!(is_taken(&names, "Rahim", now + FREE_FOR * 2), None);
    }

    #[test]
    fn accounts_exist_from_the_first_one_on() {
        let names = TakenNames::default();
        assert!(names.may_exist(), "nobody has been asked");
        names.set_existence(false, names.version());
        assert!(!names.may_exist());
        let version = names.version();
        names.add(author("Rahim"));
        names.set_existence(false, version);
        assert!(names.may_exist(), "an answer of before changes nothing");
    }

    #[test]
    fn the_answers_are_bounded() {
        let names = TakenNames::default();
        for number in 0..MOST_ANSWERS + 100 {
            names.keep(skeletons(&format!("guest {number}")), answer(&[]), names.version());
        }
        assert_eq!(names.lock().answers.len(), MOST_ANSWERS);
    }
}
