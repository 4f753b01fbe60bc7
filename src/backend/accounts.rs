//! Accounts: names, hashes of passwords, and the first admin.

use std::fmt;

use async_trait::async_trait;

use super::Result;
use crate::model::{Author, Role, Skeleton, Timestamp, UserId, Username};

/// The accounts. `tests/it/backend_contract/accounts.rs` is the suite that every implementation passes.
///
/// Every method is safe to call concurrently and ends within `redis.command_timeout`. Accounts are not removed, so a
/// name that is taken stays taken.
#[async_trait]
pub trait Accounts: Send + Sync + fmt::Debug {
    /// Stores a new account, unless one of the skeletons of its name is another account's. One of several concurrent
    /// calls with such names succeeds.
    async fn create(&self, account: &Account, condition: Condition) -> Result<Creation>;

    /// The account whose name has this skeleton.
    async fn by_name(&self, skeleton: &Skeleton) -> Result<Option<Account>>;

    /// The account of a user.
    async fn by_id(&self, user: &UserId) -> Result<Option<Account>>;

    /// Replaces the hash of a password. Returns false, and changes nothing, if it is not `from`.
    async fn replace_password(&self, user: &UserId, from: &PasswordHash, to: &PasswordHash) -> Result<bool>;

    /// The users of the accounts that have these skeletons, in the order of `skeletons`.
    async fn owners(&self, skeletons: &[Skeleton]) -> Result<Vec<Option<UserId>>>;

    /// Whether there is an account.
    async fn are_any(&self) -> Result<bool>;

    /// Records that an admin exists. Later calls have no effect.
    async fn record_admin(&self, user: &UserId) -> Result<()>;

    /// The code with which the first admin is made: `own` if none is stored. `None` once an admin exists.
    async fn setup_code(&self, own: &str) -> Result<Option<String>>;
}

/// An account as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The user.
    pub user_id: UserId,
    /// The name, as it was registered.
    pub username: Username,
    /// The hash of the password.
    pub password: PasswordHash,
    /// The role that the account was created with. A role in the user's standing replaces it.
    pub role: Role,
    /// When it was created.
    pub created_at: Timestamp,
}

impl Account {
    /// The user, under the name that was registered.
    pub fn author(&self) -> Author {
        Author { user_id: self.user_id.clone(), username: self.username.clone() }
    }
}

/// The hash of a password, in the PHC string format. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash")
    }
}

/// A condition of the creation of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// None.
    Always,
    /// No admin exists yet.
    IfNoAdmin,
}

/// The result of creating an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creation {
    /// It is stored.
    Created,
    /// Another account has the name or one that looks like it.
    NameTaken,
    /// An admin exists.
    AdminExists,
}
