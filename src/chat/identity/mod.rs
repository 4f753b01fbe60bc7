//! Who a caller is: identities, the tokens that prove them, and the secrets of the cluster that sign tokens. Both doors ask
//! [`Chat::authenticate`]; what an identity may do is in `chat::access`.

mod crypto;
mod issuer;
mod jwks;
mod key;
mod keyring;
mod scope;
mod tokens;

use std::sync::Arc;

pub(super) use self::issuer::{Issuer, Issuers};
pub(super) use self::keyring::Keyring;
pub use self::scope::RoomScope;
use self::tokens::Tokens;
use super::Chat;
use crate::backend::Health;
use crate::config::Config;
use crate::model::{Author, Role, Timestamp, UserId, Username};
use crate::protocol::{ErrorCode, Rejection};

/// A user as a door knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user, and the name that others see.
    pub author: Author,
    /// What it may do beyond what everybody may.
    pub role: Role,
    /// Who vouches for it.
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

/// Who vouches for an identity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// Nobody: a user that the node has made up, for whoever bears its token.
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

    /// The same user under another name, if it may choose one: a guest may, others have the name that is vouched for.
    #[must_use]
    pub fn named(mut self, username: Option<Username>) -> Self {
        if let (Source::Guest, Some(username)) = (self.source, username) {
            self.author.username = username;
        }
        self
    }
}

/// Checks the settings of tokens and the files that they name.
///
/// # Errors
/// One sentence about a key that can't be used.
pub fn check(config: &Config) -> Result<(), String> {
    Issuer::open(&config.auth_issuer, config.limits.username_chars).map(drop)
}

impl Chat {
    /// The identity that a token proves. The one way to it, whatever door the token came through.
    ///
    /// # Errors
    /// `bad_token`, or `unavailable` while the cluster's secret is not known yet.
    pub async fn authenticate(&self, token: &str) -> Result<Identity, Rejection> {
        let own = self.tokens()?.verify(token);
        own.or_else(|| self.inner.issuers.verify(token)).ok_or_else(|| {
            Rejection::new(ErrorCode::BadToken, "The token is not valid (any more); get a new one")
        })
    }

    /// A new token for an identity that this cluster vouches for.
    ///
    /// # Errors
    /// `unavailable` while the cluster's secret is not known yet.
    pub fn issue_token(&self, identity: &Identity) -> Result<IssuedToken, Rejection> {
        Ok(self.tokens()?.issue(identity))
    }

    /// Whether sessions can be opened: not before the cluster's secret is known.
    pub fn check_open(&self) -> Result<(), Rejection> {
        self.tokens().map(drop)
    }

    fn tokens(&self) -> Result<Arc<Tokens>, Rejection> {
        let has_started = *self.inner.health.borrow() != Health::Starting;
        self.inner.keyring.tokens().filter(|_| has_started).ok_or_else(|| {
            Rejection::new(ErrorCode::Unavailable, "The server has not reached its storage yet; try again")
        })
    }
}
