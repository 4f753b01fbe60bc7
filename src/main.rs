//! The program: arguments, and the command that they name.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
