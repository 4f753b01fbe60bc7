//! Accounts for the command line, which has a backend and no node.

use super::hashing::Hasher;
use super::password::Password;
use super::{check_not_system, check_reserved, new_account};
use crate::backend::{Account, Backend, BackendError, Condition, Creation, Standing, StandingChange};
use crate::chat::Identity;
use crate::config::Config;
use crate::model::{Author, Role, UserId, Username};
use crate::protocol::Rejection;

/// Why a command failed, as a sentence.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The name or the password is refused.
    #[error("{0}")]
    Refused(String),
    /// No account has this name.
    #[error("no account has the name {0:?}")]
    NoAccount(String),
    /// The account changed meanwhile.
    #[error("another program has changed the password meanwhile; try again")]
    Changed,
    /// Redis does not answer or refuses, or the change is not allowed.
    #[error("{}", sentence(.0))]
    Backend(#[from] BackendError),
}

fn sentence(error: &BackendError) -> String {
    match error {
        BackendError::Unavailable(_) => format!("Redis does not do this now: {}", error.root_cause()),
        other => other.to_string(),
    }
}

impl From<Rejection> for CommandError {
    fn from(rejection: Rejection) -> Self {
        Self::Refused(rejection.message)
    }
}

/// Creates an account, also where registration is closed.
///
/// # Errors
/// [`CommandError`]
pub async fn create_account(
    backend: &Backend,
    config: &Config,
    name: &str,
    password: &Password,
    role: Role,
) -> Result<Account, CommandError> {
    let username = parse_name(config, name)?;
    check_reserved(&username)?;
    let hash = hash(config, &username, password)?;
    let account = new_account(username, hash, role);
    if backend.accounts.create(&account, Condition::Always).await? != Creation::Created {
        let sentence = format!("{name:?}, or a name that looks like it, belongs to another account");
        return Err(CommandError::Refused(sentence));
    }
    if role != Role::Member {
        change_standing(backend, &account.user_id, StandingChange::SetRole(role)).await?;
    }
    backend.tell_account(&account).await?;
    Ok(account)
}

/// Gives the user of an account a role. Sessions learn of it.
///
/// # Errors
/// [`CommandError`]
pub async fn change_role(
    backend: &Backend,
    config: &Config,
    name: &str,
    role: Role,
) -> Result<Account, CommandError> {
    let account = find(backend, config, name).await?;
    change_standing(backend, &account.user_id, StandingChange::SetRole(role)).await?;
    if role == Role::Admin {
        backend.accounts.record_admin(&account.user_id).await?;
    }
    Ok(account)
}

/// Replaces the password of an account, and ends its sessions and tokens.
///
/// # Errors
/// [`CommandError`]
pub async fn replace_password(
    backend: &Backend,
    config: &Config,
    name: &str,
    password: &Password,
) -> Result<Account, CommandError> {
    let account = find(backend, config, name).await?;
    let hash = hash(config, &account.username, password)?;
    if !backend.accounts.replace_password(&account.user_id, &account.password, &hash).await? {
        return Err(CommandError::Changed);
    }
    change_standing(backend, &account.user_id, StandingChange::NextGeneration).await?;
    Ok(account)
}

/// Changes the standing of a user and tells all nodes, so that they read it again. A command that fails is run again;
/// a node goes on by itself ([`crate::chat::Chat::change_standing`]).
///
/// # Errors
/// [`BackendError`]. The change may have been made.
pub async fn change_standing(
    backend: &Backend,
    user: &UserId,
    change: StandingChange,
) -> Result<Standing, BackendError> {
    let changed = backend.standings.change(user, change).await;
    if let Ok(_) | Err(BackendError::Unavailable(_)) = changed {
        backend.tell_change(user).await?;
    }
    changed
}

/// The claims of a token of this user that do not hold: a sentence each.
pub fn untrue_claims(identity: &Identity, standing: &Standing, owners: &[UserId]) -> Vec<String> {
    let Author { user_id, username } = &identity.author;
    let mut found = Vec::new();
    if user_id.is_system() {
        found.push(format!("the id {user_id} is reserved: no node takes the token"));
    }
    if let Some(ban) = &standing.ban {
        let ends = ban.until.map(|until| format!(" until {until}")).unwrap_or_default();
        found.push(format!("the user {user_id} is banned{ends}: no node takes the token"));
    }
    if check_not_system(username).is_err() {
        found.push(format!("the name {username} is reserved: the user can enter no room with it"));
    } else if owners.iter().any(|owner| owner != user_id) {
        let sentence =
            "or one that looks like it, is that of another account: the user can enter no room with it";
        found.push(format!("the name {username}, {sentence}"));
    }
    if let Some(role) = standing.role.filter(|role| *role != identity.role) {
        found.push(format!(
            "the user {user_id} was given the role {role}, which counts and not {}",
            identity.role
        ));
    }
    found
}

fn parse_name(config: &Config, name: &str) -> Result<Username, CommandError> {
    Username::parse(name, config.limits.username_chars)
        .map_err(|error| CommandError::Refused(format!("a username {error}")))
}

async fn find(backend: &Backend, config: &Config, name: &str) -> Result<Account, CommandError> {
    let username = parse_name(config, name)?;
    let account = backend.accounts.by_name(&username.skeleton()).await?;
    account.ok_or_else(|| CommandError::NoAccount(name.to_owned()))
}

fn hash(
    config: &Config,
    username: &Username,
    password: &Password,
) -> Result<crate::backend::PasswordHash, CommandError> {
    password.check(username).map_err(CommandError::Refused)?;
    let hashed = Hasher::new(&config.passwords).hash(password);
    hashed.map_err(|error| CommandError::Refused(format!("could not hash the password: {error}")))
}
