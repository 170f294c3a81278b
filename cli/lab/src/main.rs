//! `holdback-lab`: runs test cases against a cluster and judges them.

use clap::Parser;
use holdback_lab::commands::{Arguments, Command};
use holdback_lab::kit::failure::EXIT_USAGE;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Printing fails only if nobody is there to read it.
            let _unread = error.print();
            let asked_for = !error.use_stderr();
            return ExitCode::from(if asked_for { 0 } else { EXIT_USAGE });
        }
    };
    let result = match arguments.command {
        Command::Run(arguments) => arguments.run(),
        Command::CheckCase(arguments) => arguments.run(),
        Command::Cases(arguments) => arguments.run(),
        Command::Plan(arguments) => arguments.run(),
        Command::Wait(arguments) => arguments.run(),
        Command::Status(arguments) => arguments.run(),
        Command::NewRun(arguments) => arguments.run(),
        Command::FreePorts(arguments) => arguments.run(),
        Command::Check(arguments) => arguments.run(),
        Command::Load(arguments) => arguments.run(),
        Command::Report(arguments) => arguments.run(),
        Command::Export(arguments) => arguments.run(),
        Command::Simulate(arguments) => arguments.run(),
    };
    match result {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            anstream::eprintln!("holdback-lab: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}
