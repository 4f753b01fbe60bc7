//! The program: arguments, configuration, telemetry; then it serves until a signal.

use std::path::PathBuf;
use std::process::ExitCode;

use adda::config::{Config, Overrides};
use adda::server::Server;
use adda::{health, supervisor, telemetry};
use clap::{Args, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

/// adda: a chat cluster. Stateless nodes accept WebSockets; Redis stands between them.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    serve: Serve,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs a node (the default).
    Serve(Serve),
    /// Asks a node whether it is ready; the exit status says it.
    Health(Health),
}

#[derive(Debug, Args)]
struct Serve {
    /// Address and port to listen on [default: 0.0.0.0:3000].
    #[arg(long)]
    bind: Option<String>,
    /// Redis to share with the other nodes, redis://host:port; without it the node is alone.
    #[arg(long)]
    redis: Option<String>,
    /// A file of settings, like config/default.toml.
    #[arg(long)]
    config: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Health {
    /// What to ask.
    #[arg(long, default_value = "http://127.0.0.1:3000/readyz")]
    url: String,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.command.unwrap_or(Command::Serve(arguments.serve)) {
        Command::Serve(serve) => run_node(serve),
        Command::Health(asked) => health::ask(&asked.url).map(|status| print(&status)),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            // There may be no log yet.
            eprintln!("adda: {sentence}");
            ExitCode::FAILURE
        }
    }
}

fn run_node(serve: Serve) -> Result<(), String> {
    let overrides = Overrides { bind: serve.bind, redis: serve.redis };
    let config = Config::load(serve.config.as_deref(), overrides).map_err(|error| error.to_string())?;
    telemetry::start_logging(&config.log).map_err(|error| format!("log.level is no filter: {error}"))?;
    supervisor::log_panics();
    raise_descriptor_limit();
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    runtime.worker_threads(match config.server.worker_threads {
        0 => std::thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2)),
        threads => threads,
    });
    let runtime = runtime.enable_all().build().map_err(|error| format!("can't start threads: {error}"))?;
    runtime.block_on(async {
        let metrics = telemetry::start_metrics();
        let server = Server::start(config, metrics).await.map_err(|error| error.to_string())?;
        let stop = stop_signal().map_err(|error| format!("can't listen for signals: {error}"))?;
        server.run(stop).await.map_err(|failed| failed.to_string())
    })
}

/// Every session is a descriptor.
fn raise_descriptor_limit() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => info!(limit, "May open {limit} files and sockets"),
        Err(error) => warn!(%error, "Could not raise the limit of open files"),
    }
}

fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[expect(clippy::print_stdout, reason = "the answer of a command")]
fn print(status: &str) {
    println!("{status}");
}
