//! The first admin. While none exists, each node logs one code that the backend keeps, and a client that knows it makes the
//! first admin's account.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ring::hmac;
use tokio::time::{Instant, sleep};
use tracing::{debug, info};
use uuid::Uuid;

use super::{Credentials, SignedIn, bad_credentials};
use crate::backend::Condition;
use crate::chat::Chat;
use crate::model::{Role, UserId};
use crate::protocol::{ErrorCode, Rejection};

/// Delay before another attempt to ask the backend.
const RETRY: Duration = Duration::from_secs(1);

/// How long the answer that an admin is missing counts.
const NEEDED_FOR: Duration = Duration::from_secs(1);

/// Letters of a code.
const CODE_LETTERS: usize = 16;

/// This node's knowledge of the setup.
#[derive(Debug)]
pub(in crate::chat) struct Setup {
    /// The code, should this node be the first to store one.
    own_code: String,
    /// Whether an admin exists, which stays so.
    is_done: AtomicBool,
    /// When the backend last said that none exists.
    needed_at: Mutex<Option<Instant>>,
}

impl Default for Setup {
    fn default() -> Self {
        let mut own_code = Uuid::new_v4().simple().to_string();
        own_code.truncate(CODE_LETTERS);
        Self { own_code, is_done: AtomicBool::new(false), needed_at: Mutex::default() }
    }
}

impl Chat {
    /// Whether no admin exists yet.
    ///
    /// # Errors
    /// `unavailable`
    pub async fn needs_setup(&self) -> Result<bool, Rejection> {
        let setup = &self.inner.accounts.setup;
        if setup.is_done.load(Ordering::Acquire) {
            return Ok(false);
        }
        let last = *setup.needed_at.lock().expect("no code panics while it holds this lock");
        if last.is_some_and(|last| last.elapsed() < NEEDED_FOR) {
            return Ok(true);
        }
        Ok(self.setup_code().await?.is_some())
    }

    /// Makes the first admin's account, also where registration is closed.
    ///
    /// # Errors
    /// `forbidden` once an admin exists, `bad_credentials` for a wrong code, and as [`Chat::register`].
    pub async fn set_up(&self, code: &str, credentials: Credentials) -> Result<SignedIn, Rejection> {
        let expected = self.setup_code().await?.ok_or_else(done)?;
        if !is_same(&expected, code) {
            let username = self.username(&credentials.username)?;
            self.admit_login(credentials.address, &username.skeleton()).await?;
            return Err(Rejection { message: "This is not the setup code".into(), ..bad_credentials() });
        }
        let account = self.create(credentials, Role::Admin, Condition::IfNoAdmin).await?;
        self.inner.accounts.setup.is_done.store(true, Ordering::Release);
        info!(user = %account.user_id, "the first admin was made");
        self.sign_in(account).await?.ok_or_else(bad_credentials)
    }

    /// From now on an admin exists, however it became one.
    pub(in crate::chat) async fn close_setup(&self, admin: &UserId) -> crate::backend::Result<()> {
        self.inner.backend.accounts.record_admin(admin).await?;
        self.inner.accounts.setup.is_done.store(true, Ordering::Release);
        Ok(())
    }

    /// The code while no admin exists.
    async fn setup_code(&self) -> crate::backend::Result<Option<String>> {
        let setup = &self.inner.accounts.setup;
        if setup.is_done.load(Ordering::Acquire) {
            return Ok(None);
        }
        let code = self.inner.backend.accounts.setup_code(&setup.own_code).await?;
        let needed_at = code.is_some().then(Instant::now);
        *setup.needed_at.lock().expect("no code panics while it holds this lock") = needed_at;
        setup.is_done.store(code.is_none(), Ordering::Release);
        Ok(code)
    }

    /// Logs the code, if it is needed, as soon as the backend answers.
    pub(in crate::chat) async fn tell_setup_code(self) {
        let supervisor = self.inner.supervisor.clone();
        let asking = async {
            loop {
                match self.setup_code().await {
                    Ok(code) => return code,
                    Err(error) => debug!(error = %error.root_cause(), "could not ask for the setup code"),
                }
                sleep(RETRY).await;
            }
        };
        if let Some(Some(code)) = supervisor.until_stopping(asking).await {
            info!(code, "no admin exists yet; open /setup and enter this code to make one");
        }
        supervisor.stopping().await;
    }
}

/// The refusal of a setup that is not needed.
pub(super) fn done() -> Rejection {
    Rejection::new(ErrorCode::Forbidden, "An admin exists already")
}

/// In constant time.
fn is_same(expected: &str, given: &str) -> bool {
    let key = hmac::Key::new(hmac::HMAC_SHA256, expected.as_bytes());
    let tag = hmac::sign(&key, expected.as_bytes());
    hmac::verify(&key, given.trim().as_bytes(), tag.as_ref()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_equal_to_itself_alone() {
        let Setup { own_code, .. } = Setup::default();
        assert_eq!(own_code.len(), CODE_LETTERS);
        assert!(is_same(&own_code, &own_code));
        assert!(is_same(&own_code, &format!(" {own_code}\n")), "as it is copied");
        for other in ["", "x", &own_code[1..], &Setup::default().own_code] {
            assert!(!is_same(&own_code, other));
        }
    }
}
