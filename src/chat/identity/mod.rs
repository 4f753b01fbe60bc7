//! Identities of callers, the tokens that prove them, and the secrets of the cluster that sign tokens. WebSocket and HTTP ask
//! [`Chat::authenticate`]; what an identity may do is in `chat::access`.

mod crypto;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
mod issuer;
mod issuer_users;
mod jwks;
mod key;
mod keyring;
mod scope;
mod tokens;

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use self::issuer::{Issuer, Issuers};
use self::issuer_users::IssuerUsers;
use self::keyring::Keyring;
pub use self::scope::RoomScope;
use self::tokens::Tokens;
use super::Chat;
use crate::backend::{Ban, Health, Standing};
use crate::config::Config;
use crate::model::{Author, Role, Timestamp, UserId, Username};
use crate::protocol::{ErrorCode, Rejection};

/// The user of a session or a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user, and the name that others see.
    pub author: Author,
    /// Its rights beyond those of everybody.
    pub role: Role,
    /// The origin of the identity.
    pub source: Source,
    /// The rooms that it may enter.
    pub scope: RoomScope,
    /// Of the user's tokens: those of an earlier generation than the user's present one are void.
    pub generation: u64,
    /// When the token was issued; `None` for a guest who has shown none.
    pub issued_at: Option<Timestamp>,
    /// When the token runs out; `None` for a guest who has shown none.
    pub expires_at: Option<Timestamp>,
}

/// The origin of an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// This node: a guest, proved by its token alone.
    Guest,
    /// This cluster: an account, or a user that the operator has named.
    Account,
    /// The issuer of `auth.issuer`.
    Issuer,
}

/// A token, and when it runs out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuedToken {
    /// To be shown to nobody but its user.
    pub token: String,
    /// From then on it proves nothing.
    pub expires_at: Timestamp,
}

/// The secrets and keys that prove identities, and the users of the other issuer that have no account.
#[derive(Debug)]
pub(super) struct Identities {
    pub(super) keyring: Keyring,
    pub(super) issuers: Issuers,
    issuer_users: IssuerUsers,
}

impl Identities {
    /// Of the settings.
    ///
    /// # Errors
    /// One sentence, if the keys of `auth.issuer` can't be used.
    pub(super) fn open(config: &Config) -> Result<Self, String> {
        let issuers = Issuers::new(Issuer::open(&config.auth_issuer, config.limits.username_chars)?);
        Ok(Self { keyring: Keyring::new(&config.auth), issuers, issuer_users: IssuerUsers::default() })
    }
}

/// A caller that may do what admins may, in all rooms.
#[derive(Debug, Clone, Copy)]
pub struct Admin<'a>(&'a Identity);

impl Deref for Admin<'_> {
    type Target = Identity;

    fn deref(&self) -> &Identity {
        self.0
    }
}

impl Identity {
    /// A new guest of this name.
    pub fn guest(username: Username) -> Self {
        Self::guest_with(Author { user_id: UserId::guest(), username })
    }

    /// A guest that is this user.
    pub fn guest_with(author: Author) -> Self {
        Self {
            author,
            role: Role::Guest,
            source: Source::Guest,
            scope: RoomScope::ALL,
            generation: 0,
            issued_at: None,
            expires_at: None,
        }
    }

    /// The same user with the role of now.
    ///
    /// # Errors
    /// `bad_token` if the token is of before a log-out or a new password; `banned`.
    pub fn compared_with(mut self, standing: &Standing) -> Result<Self, Rejection> {
        let is_past = match (self.source, standing.signed_out_at) {
            (Source::Issuer, Some(signed_out_at)) => {
                self.issued_at.is_none_or(|issued_at| issued_at < signed_out_at)
            }
            (Source::Issuer, None) => false,
            (Source::Guest | Source::Account, _) => self.generation < standing.generation,
        };
        if is_past {
            return Err(bad_token());
        }
        if let Some(ban) = &standing.ban {
            return Err(banned(ban));
        }
        self.role = standing.role.unwrap_or(self.role);
        Ok(self)
    }

    /// Whether the user may do what a role may, where it is about all rooms or none. A token that is limited to some rooms gives
    /// no right beyond them.
    ///
    /// # Errors
    /// `forbidden`.
    pub fn everywhere(&self, role: Role) -> Result<(), Rejection> {
        self.at_least(role)?;
        if self.scope.is_all() {
            return Ok(());
        }
        Err(Rejection::new(
            ErrorCode::Forbidden,
            "This token admits to some rooms only, and this concerns others",
        ))
    }

    /// The user as an admin.
    ///
    /// # Errors
    /// As [`Self::everywhere`].
    pub fn as_admin(&self) -> Result<Admin<'_>, Rejection> {
        self.everywhere(Role::Admin)?;
        Ok(Admin(self))
    }

    /// Whether the user may do what a role may, in a room that its token admits it to.
    ///
    /// # Errors
    /// `forbidden`.
    pub(super) fn at_least(&self, role: Role) -> Result<(), Rejection> {
        if self.role >= role {
            return Ok(());
        }
        Err(Rejection::new(ErrorCode::Forbidden, format!("This needs the role {role}")))
    }

    /// The same user under another name, if it may choose one: a guest may, others have the name that is vouched for.
    #[must_use]
    pub fn named(mut self, username: Option<Username>) -> Self {
        if let (Source::Guest, Some(username)) = (self.source, username) {
            self.author.username = username;
        }
        self
    }
}

/// The refusal of a banned user.
pub(super) fn banned(ban: &Ban) -> Rejection {
    let ends = ban.until.map(|until| format!(" until {until}")).unwrap_or_default();
    let reason = ban.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    let rejection = Rejection::new(ErrorCode::Banned, format!("You are banned{ends}{reason}"));
    let left = ban.until.map(|until| until.unix_millis().saturating_sub(Timestamp::now().unix_millis()));
    Rejection { retry_after: left.map(Duration::from_millis), reason: ban.reason.clone(), ..rejection }
}

/// The refusal of a token, whatever is wrong with it.
pub(super) fn bad_token() -> Rejection {
    Rejection::new(ErrorCode::BadToken, "The token is not valid (any more); get a new one")
}

/// A token that proves an identity on every node whose secret this is.
pub fn sign_token(secret: &str, identity: &Identity, ttl: Duration) -> IssuedToken {
    Tokens::new(secret, &[], ttl).issue(identity)
}

/// Checks the settings of tokens and the files that they name.
///
/// # Errors
/// One sentence about a key that can't be used.
pub fn check(config: &Config) -> Result<(), String> {
    Issuer::open(&config.auth_issuer, config.limits.username_chars).map(drop)
}

impl Chat {
    /// The identity that a token proves. WebSocket, HTTP and the cookie all use it. Where guests may not take part their tokens
    /// prove nothing.
    ///
    /// # Errors
    /// `bad_token`; `banned`; `unavailable` while the cluster's secret or the user's standing is not known.
    pub async fn authenticate(&self, token: &str) -> Result<Identity, Rejection> {
        let own = self.tokens()?.verify(token);
        let identity = own.or_else(|| self.inner.identities.issuers.verify(token)).ok_or_else(bad_token)?;
        let is_unwanted = identity.source == Source::Guest && self.check_guests().is_err();
        if is_unwanted || identity.author.user_id.is_system() {
            return Err(bad_token());
        }
        let (identity, ()) =
            tokio::try_join!(self.admit(identity.clone()), self.check_no_account(&identity))?;
        Ok(identity)
    }

    /// A new token for an identity that this cluster vouches for.
    ///
    /// # Errors
    /// `unavailable` while the cluster's secret is not known yet.
    pub fn issue_token(&self, identity: &Identity) -> Result<IssuedToken, Rejection> {
        Ok(self.tokens()?.issue(identity))
    }

    /// Whether somebody may take part who has not said who it is.
    ///
    /// # Errors
    /// `auth_required`.
    pub fn check_guests(&self) -> Result<(), Rejection> {
        if self.inner.config.auth.guests { Ok(()) } else { Err(self.auth_required()) }
    }

    /// The refusal of a caller that has to say who it is.
    pub fn auth_required(&self) -> Rejection {
        Rejection::new(ErrorCode::AuthRequired, "Say who you are first: this needs a token")
    }

    /// Whether sessions can be opened: not before the cluster's secret is known.
    pub fn check_open(&self) -> Result<(), Rejection> {
        self.tokens().map(drop)
    }

    fn tokens(&self) -> Result<Arc<Tokens>, Rejection> {
        let has_started = *self.inner.health.borrow() != Health::Starting;
        self.inner.identities.keyring.tokens().filter(|_| has_started).ok_or_else(|| {
            Rejection::new(ErrorCode::Unavailable, "The server has not reached its storage yet; try again")
        })
    }
}
