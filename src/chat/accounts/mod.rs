//! Accounts: registration, log-in and log-out, changes of passwords. `names` keeps others from an account's name,
//! `setup` makes the first admin, `commands` serves the command line.

mod commands;
mod hashing;
mod names;
mod password;
mod setup;
#[cfg(test)]
mod tests;

use std::sync::{Arc, LazyLock};

pub use self::commands::{
    CommandError, change_role, change_standing, create_account, replace_password, untrue_claims,
};
use self::hashing::{HashingPool, Verdict};
pub(super) use self::names::TakenNames;
pub use self::password::Password;
use self::setup::Setup;
use super::completion::Completion;
use super::identity::banned;
use super::{Chat, Identity, IssuedToken, RoomScope, Source};
use crate::backend::{Account, Condition, Creation, PasswordHash, StandingChange};
use crate::config::{Passwords, Registration};
use crate::model::{Role, Skeleton, Timestamp, UserId, Username};
use crate::protocol::{ClientAddress, ErrorCode, Rejection};
use crate::telemetry::{LoginOutcome, count_login};

/// Times that a log-in compares its password. The hash may be replaced meanwhile, by a new password or by another log-in that
/// renews an outdated one.
const COMPARISONS: usize = 2;

/// The name of guests who choose none, which no account can have.
pub const ANONYMOUS: &str = "Anonymous";

/// The hashing of passwords, the names that accounts have, and the setup of the first admin.
#[derive(Debug)]
pub(super) struct AccountState {
    passwords: HashingPool,
    pub(super) taken_names: Arc<TakenNames>,
    setup: Setup,
}

impl AccountState {
    /// Of a node that has read nothing yet.
    pub(super) fn new(settings: &Passwords) -> Self {
        Self { passwords: HashingPool::new(settings), taken_names: Arc::default(), setup: Setup::default() }
    }
}

/// A user who has proven a password, and a new token.
#[derive(Debug, Clone)]
pub struct SignedIn {
    /// The user.
    pub identity: Identity,
    /// The token.
    pub issued: IssuedToken,
}

/// A name and a password as a client gives them, and the address of the client.
#[derive(Debug)]
pub struct Credentials {
    /// The name, not checked yet.
    pub username: String,
    /// The password.
    pub password: Password,
    /// Its client.
    pub address: ClientAddress,
}

impl Chat {
    /// Makes an account for the client.
    ///
    /// # Errors
    /// `registration_closed`, `bad_username`, `weak_password`, `username_taken`, `too_fast`, `unavailable`.
    pub async fn register(&self, credentials: Credentials) -> Result<SignedIn, Rejection> {
        if self.inner.config.auth.registration == Registration::Closed {
            let sentence = "Only administrators make accounts here";
            return Err(Rejection::new(ErrorCode::RegistrationClosed, sentence));
        }
        let account = self.create(credentials, Role::Member, Condition::Always).await?;
        self.sign_in(account).await?.ok_or_else(bad_credentials)
    }

    /// Checks a password, and gives its user a token. A name without an account is refused as a wrong password is, after
    /// the same work.
    ///
    /// # Errors
    /// `bad_credentials`, `bad_username`, `banned`, `too_fast`, `unavailable`.
    pub async fn log_in(&self, credentials: Credentials) -> Result<SignedIn, Rejection> {
        let outcome = self.check_credentials(credentials).await;
        count_login(match outcome.as_ref().map_err(|rejection| rejection.code) {
            Ok(_) => LoginOutcome::Accepted,
            Err(ErrorCode::BadCredentials) => LoginOutcome::WrongPassword,
            Err(ErrorCode::TooFast) => LoginOutcome::TooFast,
            Err(_) => LoginOutcome::Failed,
        });
        outcome
    }

    /// Ends all sessions and tokens of the user, on every node.
    ///
    /// # Errors
    /// `unavailable`: the log-out is to be repeated.
    pub async fn log_out(&self, identity: &Identity) -> Result<(), Rejection> {
        let change = match identity.source {
            Source::Guest => StandingChange::NextGuestGeneration,
            Source::Account => StandingChange::NextGeneration,
            Source::Issuer => {
                identity.issued_at.map_or(StandingChange::NextGeneration, StandingChange::NextGenerationAfter)
            }
        };
        self.change_standing(&identity.author.user_id, change).await.map(drop)
    }

    /// Replaces the password of the user, and ends all sessions and tokens of before. May be repeated with the same
    /// passwords after an error.
    ///
    /// # Errors
    /// `forbidden` if the user has no account; `banned`, `bad_credentials`, `weak_password`, `too_fast`, `unavailable`.
    pub async fn change_password(
        &self,
        identity: &Identity,
        old: Password,
        new: Password,
        address: ClientAddress,
    ) -> Result<SignedIn, Rejection> {
        let account = self.inner.backend.accounts.by_id(&identity.author.user_id).await?;
        let mut account = account.ok_or_else(|| {
            Rejection::new(ErrorCode::Forbidden, "Only the user of an account has a password")
        })?;
        // Each comparison is a guess.
        let name = account.username.skeleton();
        self.admit_login(address, &name).await?;
        new.check(&account.username).map_err(weak)?;
        let passwords = &self.inner.accounts.passwords;
        let stored = Some(account.password.clone());
        if old.is_too_long() || passwords.verify(old, stored.clone()).await? == Verdict::Differs {
            // The password may have been replaced by an earlier try whose answer was lost.
            self.admit_login(address, &name).await?;
            if passwords.verify(new, stored).await? == Verdict::Differs {
                return Err(bad_credentials());
            }
            self.next_generation(&account.user_id).await?;
        } else {
            let hash = passwords.hash(new).await?;
            let replacing = self.clone().replace_password(account, hash);
            account = Completion::new(&self.inner.supervisor, "new-password", replacing).await?;
        }
        self.sign_in(account).await?.ok_or_else(bad_credentials)
    }

    /// Replaces the password of an account, and ends all sessions and tokens of before.
    async fn replace_password(self, mut account: Account, hash: PasswordHash) -> Result<Account, Rejection> {
        let (accounts, user) = (&self.inner.backend.accounts, &account.user_id);
        if !accounts.replace_password(user, &account.password, &hash).await? {
            return Err(bad_credentials());
        }
        self.next_generation(user).await?;
        account.password = hash;
        Ok(account)
    }

    async fn next_generation(&self, user: &UserId) -> Result<(), Rejection> {
        self.change_standing(user, StandingChange::NextGeneration).await?;
        Ok(())
    }

    /// Creates an account and tells all nodes.
    async fn create(
        &self,
        credentials: Credentials,
        role: Role,
        condition: Condition,
    ) -> Result<Account, Rejection> {
        let Credentials { username, password, address } = credentials;
        let username = self.username(&username)?;
        check_reserved(&username)?;
        password.check(&username).map_err(weak)?;
        self.admit_login(address, &username.skeleton()).await?;
        let owners = self.inner.backend.accounts.owners(&username.skeletons()).await?;
        if owners.iter().any(Option::is_some) {
            return Err(username_taken());
        }
        // The first admin's account needs a code.
        if condition == Condition::Always {
            self.admit_registration(address).await?;
        }
        let password = self.inner.accounts.passwords.hash(password).await?;
        let creating = self.clone().store_account(new_account(username, password, role), condition);
        Completion::new(&self.inner.supervisor, "new-account", creating).await
    }

    async fn store_account(self, account: Account, condition: Condition) -> Result<Account, Rejection> {
        match self.inner.backend.accounts.create(&account, condition).await? {
            Creation::Created => {}
            Creation::NameTaken => return Err(username_taken()),
            Creation::AdminExists => return Err(setup::done()),
        }
        self.announce_account(&account).await;
        Ok(account)
    }

    /// Signs in the user of an account whose name and password were given.
    async fn check_credentials(&self, credentials: Credentials) -> Result<SignedIn, Rejection> {
        let Credentials { username, password, address } = credentials;
        let username = self.username(&username)?;
        let skeleton = username.skeleton();
        self.admit_login(address, &skeleton).await?;
        let mut account = self.inner.backend.accounts.by_name(&skeleton).await?;
        let own_name = account.as_ref().map(|account| account.username.skeleton());
        if let Some(own_name) = own_name.filter(|own_name| *own_name != skeleton) {
            // Several names find an account, and all of them together may be tried as often as its own.
            self.admit_login_to(&own_name).await?;
        }
        if password.is_too_long() {
            return Err(bad_credentials());
        }
        for _ in 0..COMPARISONS {
            let checked = self.check_password(account, &password).await?;
            if let Some(signed_in) = self.sign_in(checked).await? {
                return Ok(signed_in);
            }
            account = self.inner.backend.accounts.by_name(&skeleton).await?;
        }
        Err(bad_credentials())
    }

    /// Compares a password with that of an account, and renews an outdated hash. Returns the account with the hash that the
    /// password was found equal to.
    async fn check_password(
        &self,
        account: Option<Account>,
        password: &Password,
    ) -> Result<Account, Rejection> {
        let stored = account.as_ref().map(|account| account.password.clone());
        let verdict = self.inner.accounts.passwords.verify(password.clone(), stored).await?;
        let account = account.filter(|_| verdict != Verdict::Differs);
        let mut account = account.ok_or_else(bad_credentials)?;
        if verdict == Verdict::EqualAndOutdated {
            let hash = self.inner.accounts.passwords.hash(password.clone()).await?;
            let accounts = &self.inner.backend.accounts;
            if accounts.replace_password(&account.user_id, &account.password, &hash).await? {
                account.password = hash;
            }
        }
        Ok(account)
    }

    /// A token for the user of an account, or none if its hash is no longer `account.password`. A banned user is refused. A role
    /// that the account was created with is given first, if a crash after the creation has prevented that.
    ///
    /// A new password replaces the hash before it raises the generation. The hash is read after the generation, so a token of
    /// the new generation needs the new password.
    async fn sign_in(&self, account: Account) -> Result<Option<SignedIn>, Rejection> {
        let user = &account.user_id;
        let mut standing = self.inner.backend.standings.standing(user).await?;
        let stored = self.inner.backend.accounts.by_id(user).await?;
        if stored.is_none_or(|stored| stored.password != account.password) {
            return Ok(None);
        }
        // Behind the password, so that nobody else learns of the ban.
        if let Some(ban) = &standing.ban {
            return Err(banned(ban));
        }
        if standing.role.is_none() && account.role > Role::Member {
            let role = account.role;
            let generation = standing.generation;
            standing = self.change_standing(user, StandingChange::SetRole(role)).await?;
            standing.generation = generation;
        }
        let identity = Identity {
            author: account.author(),
            role: standing.role.unwrap_or(account.role),
            source: Source::Account,
            scope: RoomScope::ALL,
            generation: standing.generation,
            issued_at: None,
            expires_at: None,
        };
        let issued = self.issue_token(&identity)?;
        Ok(Some(SignedIn { identity, issued }))
    }
}

fn new_account(username: Username, password: PasswordHash, role: Role) -> Account {
    Account { user_id: UserId::account(), username, password, role, created_at: Timestamp::now() }
}

/// Guests who choose no name would have that of such an account.
fn check_reserved(username: &Username) -> Result<(), Rejection> {
    static RESERVED: LazyLock<[Skeleton; 2]> = LazyLock::new(|| skeletons_of(ANONYMOUS));
    if is_like(username, &RESERVED) { Err(username_taken()) } else { check_not_system(username) }
}

/// Refuses the name of the user that nobody is, which guests may not have either.
fn check_not_system(username: &Username) -> Result<(), Rejection> {
    static RESERVED: LazyLock<[Skeleton; 2]> = LazyLock::new(|| skeletons_of(UserId::SYSTEM));
    if is_like(username, &RESERVED) { Err(username_taken()) } else { Ok(()) }
}

fn skeletons_of(name: &'static str) -> [Skeleton; 2] {
    Username::from_trusted(name).skeletons()
}

fn is_like(username: &Username, reserved: &[Skeleton; 2]) -> bool {
    username.skeletons().iter().any(|skeleton| reserved.contains(skeleton))
}

fn username_taken() -> Rejection {
    let sentence = "This name, or one that looks like it, belongs to an account; choose another";
    Rejection::new(ErrorCode::UsernameTaken, sentence)
}

fn bad_credentials() -> Rejection {
    Rejection::new(ErrorCode::BadCredentials, "Username and password do not belong together")
}

fn weak(sentence: String) -> Rejection {
    Rejection::new(ErrorCode::WeakPassword, sentence)
}
