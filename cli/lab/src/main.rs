//! `holdback-lab`: runs test cases against a cluster and judges them.

use clap::Parser;
use holdback_lab::commands::Arguments;
use holdback_lab::kit::failure::EXIT_USAGE;
use holdback_lab::kit::interrupt::catch_signals;
use std::process::ExitCode;

fn main() -> ExitCode {
    // A script that calls this program complains under its own name.
    let script = std::env::var("HOLDBACK_SCRIPT").ok();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let asked_for = !error.use_stderr();
            if let Some(script) = script.filter(|_| !asked_for) {
                anstream::eprint!("{script}: ");
            }
            // Printing fails only if nobody is there to read it.
            let _unread = error.print();
            return ExitCode::from(if asked_for { 0 } else { EXIT_USAGE });
        }
    };
    match catch_signals().and_then(|()| arguments.command.run()) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            let name = script.as_deref().unwrap_or("holdback-lab");
            anstream::eprintln!("{name}: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}
