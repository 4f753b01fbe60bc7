//! `adda token`: makes a token with the secret of the settings, or with the one that the Redis of the settings keeps.

use std::time::Duration;

use adda::backend::{Backend, BackendError, Standing};
use adda::chat::{self, Identity, Source};
use adda::config::Config;
use adda::model::{Author, Role, UserId, Username};
use clap::Args;

use super::backend::with_backend;
use super::{Settings, check, read_role};

#[derive(Debug, Args)]
pub struct Token {
    /// The user's id: 1 to 64 characters without blanks.
    #[arg(long)]
    user: String,
    /// The name that others see [default: the user's id].
    #[arg(long)]
    name: Option<String>,
    /// The user's role: member, moderator or admin.
    #[arg(long, default_value = "member", value_parser = read_role)]
    role: Role,
    /// The time for which it is valid, such as 1h or 30days [default: auth.token_ttl].
    #[arg(long, value_parser = read_ttl)]
    ttl: Option<Duration>,
    #[command(flatten)]
    settings: Settings,
}

/// The secret that signs, and what the nodes know of the user.
struct Known {
    secret: String,
    standing: Standing,
    /// The users of the accounts that have the name, or one that looks like it.
    owners: Vec<UserId>,
}

fn read_ttl(text: &str) -> Result<Duration, String> {
    let ttl = humantime::parse_duration(text).ok().filter(|ttl| ttl.as_secs() > 0);
    ttl.ok_or_else(|| "say a duration of a second or more, such as 1h or 30days".to_owned())
}

/// Makes a token. Tells on the standard error what it proves.
///
/// # Errors
/// One sentence.
pub fn run(token: Token) -> Result<String, String> {
    let (config, _) = check::read(&token.settings.into())?;
    let user_id = UserId::parse(&token.user).ok_or_else(|| {
        "--user must have 1 to 64 characters without blanks and control characters".to_owned()
    })?;
    let name = token.name.as_deref().unwrap_or(user_id.as_str());
    let username =
        Username::parse(name, config.limits.username_chars).map_err(|error| format!("--name {error}"))?;
    let author = Author { user_id, username };
    let known = known(&config, &author)?;
    let identity = Identity {
        role: token.role,
        source: Source::Account,
        generation: known.standing.generation,
        ..Identity::guest_with(author)
    };
    for sentence in chat::untrue_claims(&identity, &known.standing, &known.owners) {
        eprintln!("warning: {sentence}");
    }
    let issued = chat::sign_token(&known.secret, &identity, token.ttl.unwrap_or(config.auth.token_ttl));
    let Author { user_id, username } = &identity.author;
    eprintln!(
        "made a token of {username} (user {user_id}, {}), valid until {}",
        identity.role, issued.expires_at
    );
    Ok(issued.token)
}

/// Without a Redis nothing is known of the user.
fn known(config: &Config, author: &Author) -> Result<Known, String> {
    let (standing, owners) = (Standing::default(), Vec::new());
    if config.redis.url.is_empty() {
        return match config.auth.secret.as_str() {
            "" => Err("there is no secret to sign with: set auth.secret, or name the Redis of the nodes with --redis".to_owned()),
            secret => Ok(Known { secret: secret.to_owned(), standing, owners }),
        };
    }
    with_backend(config, async |backend| ask(backend, config, author).await)
}

async fn ask(backend: &Backend, config: &Config, author: &Author) -> Result<Known, String> {
    let unreachable = |error: BackendError| format!("can't ask Redis: {}", error.root_cause());
    let standing = backend.standings.standing(&author.user_id).await.map_err(unreachable)?;
    let owners = backend.accounts.owners(&author.username.skeletons()).await.map_err(unreachable)?;
    let owners = owners.into_iter().flatten().collect();
    if !config.auth.secret.is_empty() {
        return Ok(Known { secret: config.auth.secret.clone(), standing, owners });
    }
    match backend.cluster.secrets().await.map_err(unreachable)? {
        Some(secrets) => Ok(Known { secret: secrets.current, standing, owners }),
        None => Err("this Redis keeps no secret yet: start a node first, or set auth.secret".to_owned()),
    }
}
