//! `adda account`: makes and changes accounts in the Redis of the settings. Passwords come from the terminal without echo,
//! or as the first line of the standard input.

use std::io::{BufRead, IsTerminal, Read};

use adda::chat::{self, Password};
use adda::config::Config;
use adda::model::Role;
use clap::{Args, Subcommand};

use super::backend::with_backend;
use super::{Settings, check, read_role};

/// Most bytes that are read as a password.
const MOST_BYTES: u64 = 4096;

#[derive(Debug, Args)]
pub struct Account {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes an account; its password is read from the terminal or the standard input.
    Create {
        /// The username.
        name: String,
        /// The role of its user: member, moderator or admin.
        #[arg(long, default_value = "member", value_parser = read_role)]
        role: Role,
        #[command(flatten)]
        settings: Settings,
    },
    /// Gives the user of an account a role; live sessions learn of it.
    Role {
        /// The username.
        name: String,
        /// The role of its user: member, moderator or admin.
        #[arg(value_parser = read_role)]
        role: Role,
        #[command(flatten)]
        settings: Settings,
    },
    /// Replaces the password of an account, and ends its sessions and tokens.
    Password {
        /// The username.
        name: String,
        #[command(flatten)]
        settings: Settings,
    },
}

/// Does it, and says what it did.
///
/// # Errors
/// One sentence.
pub fn run(account: Account) -> Result<String, String> {
    match account.command {
        Command::Create { name, role, settings } => {
            let (config, password) = (shared(settings)?, read_password()?);
            let account = with_backend(&config, async |backend| {
                chat::create_account(backend, &config, &name, &password, role).await
            })?;
            Ok(format!(
                "made the account {} with the role {role}; its user id is {}",
                account.username, account.user_id
            ))
        }
        Command::Role { name, role, settings } => {
            let config = shared(settings)?;
            let account = with_backend(&config, async |backend| {
                chat::change_role(backend, &config, &name, role).await
            })?;
            Ok(format!("{} has the role {role} from now on", account.username))
        }
        Command::Password { name, settings } => {
            let (config, password) = (shared(settings)?, read_password()?);
            let account = with_backend(&config, async |backend| {
                chat::replace_password(backend, &config, &name, &password).await
            })?;
            Ok(format!("replaced the password of {}; its sessions and tokens have ended", account.username))
        }
    }
}

/// The settings, which must name a Redis.
fn shared(settings: Settings) -> Result<Config, String> {
    let (config, _) = check::read(&settings.into())?;
    if config.redis.url.is_empty() {
        let why = "redis.url is empty: accounts are then in the memory of the node, where no other program reaches them";
        return Err(format!("{why}; name the Redis of the nodes with --redis"));
    }
    Ok(config)
}

fn read_password() -> Result<Password, String> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        let ask =
            |prompt| rpassword::prompt_password(prompt).map_err(|error| format!("no password: {error}"));
        let password = ask("Password: ")?;
        if ask("Again: ")? != password {
            return Err("the two passwords differ".to_owned());
        }
        return Ok(Password::new(&password));
    }
    let mut line = String::new();
    let read = stdin.lock().take(MOST_BYTES).read_line(&mut line);
    read.map_err(|error| format!("no password on the standard input: {error}"))?;
    Ok(Password::new(line.trim_end_matches(['\n', '\r'])))
}
