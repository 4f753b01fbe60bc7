//! Injects faults into a running cluster, one after another, and prints a table of the results.
//! Run by `scripts/chaos`.
#![allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a program that shares modules with the tests"
)]

#[path = "it/chaos/mod.rs"]
mod chaos;
#[path = "it/harness/mod.rs"]
mod harness;

use std::io::Write;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::time::Duration;

use chaos::crowd::Size;
use chaos::fault::Fault;
use chaos::faults;
use chaos::person::Return;
use chaos::report::Report;
use chaos::run::run;
use chaos::scene::{Length, Plan};
use chaos::table;
use clap::Parser;
use futures_util::FutureExt;
use tokio::signal::unix::{SignalKind, signal};

/// Starts a cluster (Redis, nodes, HAProxy) with writers and readers, injects a fault, and judges the run by the
/// recorded events of all clients. Each fault has a cluster of its own.
#[derive(Debug, Parser)]
#[command(name = "scripts/chaos")]
struct Arguments {
    /// List the faults.
    #[arg(long)]
    list: bool,
    /// Nodes behind the balancer.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(2..=20))]
    nodes: u16,
    /// Messages a second, in all rooms together.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=1000))]
    rate: u16,
    /// The faults to inject; all of them unless named.
    #[arg(value_name = "FAULT")]
    faults: Vec<String>,
}

// One thread, as in the tests: a fault may give it a network of its own.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if arguments.list {
        faults::all().iter().for_each(|fault| println!("{:<20} {}", fault.name, fault.about));
        return ExitCode::SUCCESS;
    }
    let faults = match chosen(&arguments.faults) {
        Ok(faults) => faults,
        Err(sentence) => {
            eprintln!("{sentence}");
            return ExitCode::from(2);
        }
    };
    let plan = plan(&arguments);
    // Dropping the future of `run_all` ends every process that it started.
    tokio::select! {
        code = run_all(&faults, &plan) => code,
        () = told_to_stop() => ExitCode::from(130),
    }
}

const ROOMS: usize = 4;

fn plan(arguments: &Arguments) -> Plan {
    Plan {
        nodes: arguments.nodes.into(),
        size: Size { rooms: ROOMS, rate: arguments.rate.into(), comes_back: Return::Resuming },
        length: Length::Full,
        warm_up: Duration::from_secs(2),
        leave_grace: Duration::from_secs(3),
        // At least the default; more if the rate fills it in 40 s.
        log: 1000.max(40 * usize::from(arguments.rate) / ROOMS),
        settings: Vec::new(),
    }
}

fn chosen(names: &[String]) -> Result<Vec<Fault>, String> {
    if names.is_empty() {
        return Ok(faults::all());
    }
    let find =
        |name: &String| faults::named(name).ok_or_else(|| format!("no fault is called {name}; see --list"));
    names.iter().map(find).collect()
}

async fn run_all(faults: &[Fault], plan: &Plan) -> ExitCode {
    let (mut reports, mut broken) = (Vec::new(), Vec::new());
    for fault in faults {
        print!("{:<20} {} … ", fault.name, fault.about);
        // Shows the running fault at once. A closed stdout has no reader, so its error is ignored.
        let _ = std::io::stdout().flush();
        // A panic fails this fault only; the next ones still run.
        match AssertUnwindSafe(run(fault, plan)).catch_unwind().await {
            Ok(Some(report)) => {
                println!("{}", summary(&report));
                reports.push(report);
            }
            // `skip` has named the missing program.
            Ok(None) => println!("can't be run here"),
            Err(_) => {
                println!("broke off");
                broken.push(fault.name);
            }
        }
    }
    println!("\n{}", table::markdown(&reports));
    let failures = table::failures(&reports);
    if failures.is_empty() && broken.is_empty() && !reports.is_empty() {
        return ExitCode::SUCCESS;
    }
    println!("\n{failures}");
    broken.iter().for_each(|name| println!("{name}: broke off"));
    ExitCode::FAILURE
}

fn summary(report: &Report) -> String {
    match report.failures().count() {
        0 => format!("all {} checks hold", report.checks.len()),
        failed => format!("{failed} of {} checks FAILED", report.checks.len()),
    }
}

async fn told_to_stop() {
    let mut terminations = signal(SignalKind::terminate()).expect("signals can be listened for");
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminations.recv() => {}
    }
}
