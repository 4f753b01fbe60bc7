//! The users of another issuer: none of them may be the user of an account, whose id everybody can see and the issuer may let
//! its users choose.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use indexmap::IndexMap;
use tokio::time::Instant;

use super::{Identity, Source, bad_token};
use crate::chat::Chat;
use crate::model::UserId;
use crate::protocol::Rejection;

/// Answers that are kept, at most.
const MOST_KEPT: usize = 10_000;

/// How long the answer counts that a user has no account. The id of a new account is chosen at random, so no account gets the
/// id of a user that was there before.
const COUNTS_FOR: Duration = Duration::from_secs(60);

/// Users of the issuer that have no account, each with the time at which the backend was asked.
#[derive(Debug, Default)]
pub(in crate::chat) struct IssuerUsers(Mutex<IndexMap<UserId, Instant>>);

impl IssuerUsers {
    fn is_known(&self, user: &UserId) -> bool {
        self.lock().get(user).is_some_and(|asked| asked.elapsed() < COUNTS_FOR)
    }

    fn keep(&self, user: &UserId, asked: Instant) {
        let mut users = self.lock();
        if users.len() >= MOST_KEPT && !users.contains_key(user) {
            let any = fastrand::usize(..users.len());
            users.swap_remove_index(any);
        }
        users.insert(user.clone(), asked);
    }

    fn lock(&self) -> MutexGuard<'_, IndexMap<UserId, Instant>> {
        self.0.lock().expect("no code panics while it holds this lock")
    }
}

impl Chat {
    /// Checks that a user that another issuer names is not the user of an account.
    ///
    /// # Errors
    /// `bad_token`; `unavailable`.
    pub(super) async fn check_no_account(&self, identity: &Identity) -> Result<(), Rejection> {
        let (user, known) = (&identity.author.user_id, &self.inner.identities.issuer_users);
        if identity.source != Source::Issuer || known.is_known(user) {
            return Ok(());
        }
        let asked = Instant::now();
        if self.inner.backend.accounts.by_id(user).await?.is_some() {
            return Err(bad_token());
        }
        known.keep(user, asked);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_counts_for_a_while_and_the_answers_are_bounded() {
        let (users, user) = (IssuerUsers::default(), UserId::guest());
        users.keep(&user, Instant::now());
        assert!(users.is_known(&user) && !users.is_known(&UserId::guest()));
        tokio::time::advance(COUNTS_FOR).await;
        assert!(!users.is_known(&user));
        for _ in 0..MOST_KEPT + 100 {
            users.keep(&UserId::guest(), Instant::now());
        }
        assert_eq!(users.lock().len(), MOST_KEPT);
    }
}
