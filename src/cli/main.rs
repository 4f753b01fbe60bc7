//! The command line: one file a command. The library does the work.

mod account;
mod backend;
mod check;
mod config;
mod health;
mod serve;
mod token;

use std::path::PathBuf;
use std::process::ExitCode;

use adda::config::Flags;
use adda::model::Role;
use clap::{Args, Parser, Subcommand};

/// The part of `--help` about settings.
const SETTINGS_HELP: &str = "\
Settings: built-in defaults, then a file (--config, or ADDA_CONFIG, or /etc/adda/adda.toml if it exists),
then variables ADDA__SECTION__KEY, such as ADDA__REDIS__URL=redis://127.0.0.1:6379, then flags.
`adda config` prints them all with the place of each, `adda check` validates them.";

/// adda: a chat cluster. Stateless nodes accept WebSockets; Redis stands between them.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true, after_help = SETTINGS_HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Settings,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs a node (the default).
    #[command(after_help = SETTINGS_HELP)]
    Serve(Settings),
    /// Asks a node whether it is ready; the exit status says it.
    Health(health::Health),
    /// Prints the settings that count, and where each comes from; secrets are not shown.
    Config(Settings),
    /// Validates the settings without starting anything.
    Check(Settings),
    /// Makes and changes accounts in the Redis of the settings.
    Account(account::Account),
    /// Makes a token of a user, for a program or a test.
    #[command(after_help = SETTINGS_HELP)]
    Token(token::Token),
    /// Prints the version.
    Version,
}

/// The settings that the command line may change.
#[derive(Debug, Args)]
struct Settings {
    /// Address or name and port to listen on, or a port alone [default: 0.0.0.0:3000].
    #[arg(long)]
    bind: Option<String>,
    /// Redis to share with the other nodes, redis://host:port; without it the node is alone.
    #[arg(long)]
    redis: Option<String>,
    /// A file of settings, like config/default.toml.
    #[arg(long)]
    config: Option<PathBuf>,
}

impl From<Settings> for Flags {
    fn from(settings: Settings) -> Self {
        Self { config: settings.config, bind: settings.bind, redis: settings.redis }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command.unwrap_or(Command::Serve(arguments.serve)) {
        Command::Serve(settings) => serve::run(&settings.into()),
        Command::Health(health) => health::run(health).map(|answer| print(&answer)),
        Command::Config(settings) => config::run(&settings.into()).map(|toml| print(&toml)),
        Command::Check(settings) => check::run(&settings.into()).map(|answer| print(&answer)),
        Command::Account(account) => account::run(account).map(|answer| print(&answer)),
        Command::Token(token) => token::run(token).map(|token| print(&token)),
        Command::Version => {
            print(concat!("adda ", env!("CARGO_PKG_VERSION")));
            Ok(())
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            // There may be no log yet.
            adda::telemetry::print_error(&sentence);
            ExitCode::FAILURE
        }
    }
}

/// A role that an account may have.
fn read_role(text: &str) -> Result<Role, String> {
    Role::parse(text)
        .filter(|role| *role > Role::Guest)
        .ok_or_else(|| "say member, moderator or admin".to_owned())
}

/// Writes the answer of a command; a reader that has gone needs none.
fn print(answer: &str) {
    let _ = std::io::Write::write_fmt(&mut std::io::stdout(), format_args!("{}\n", answer.trim_end()));
}
