//! The client: its command line, the REPL, and the ways to use it in scripts.
//!
//! - [`args`] says what was asked for; [`interactive`] is the REPL, [`batch`] everything else.
//! - [`dispatch`] carries out one command line, with a [`session`] to the replica we talk to, and
//!   [`fanout`] to all of them.
//! - [`output`] prints: [`format`](mod@format) for a person, [`json`], [`tables`] for several replicas.
//! - [`helper`] is what the line editor asks while a line is typed: completion and hints, from
//!   [`hint`] and the command table.

mod args;
mod batch;
mod colours;
mod completions;
mod csv;
mod dispatch;
mod fanout;
mod format;
mod help;
mod helper;
mod hint;
mod interactive;
mod interrupt;
mod json;
mod local;
mod manual;
mod modes;
mod nature;
mod output;
mod preferences;
mod rows;
mod screen;
mod session;
mod status;
mod style;
mod suggest;
mod tables;
mod target;
mod top;
mod units;
mod wait;
mod words;

use args::Args;
use clap::Parser;
use dispatch::{Client, Verdict};
use interrupt::{EXIT_INTERRUPTED, Interrupt};
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::process::ExitCode;

const EXIT_REFUSED: u8 = 1;
const EXIT_USAGE: u8 = 64;
const EXIT_UNREACHABLE: u8 = 69;

/// Runs the program.
pub(crate) fn run() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    match run_with(args) {
        Ok(code) => ExitCode::from(code),
        // Whoever read the output has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::notice(&format!("holdback-cli: {error:#}"));
            ExitCode::from(EXIT_REFUSED)
        }
    }
}

fn run_with(mut args: Args) -> anyhow::Result<u8> {
    if let Err(wrong) = args.check() {
        return Ok(complain(wrong));
    }
    let command = std::mem::take(&mut args.command);
    let mut command: Vec<_> = command.into_iter().map(OsStringExt::into_vec).collect();
    if let Some((name, rest)) = command.split_first()
        && name == completions::NAME.as_bytes()
    {
        return Ok(match completions::answer(rest) {
            Ok(text) => write!(io::stdout(), "{text}").map(|()| 0)?,
            Err(wrong) => complain(&wrong),
        });
    }
    if args.last_from_stdin {
        let mut last = Vec::new();
        io::stdin().lock().read_to_end(&mut last)?;
        command.push(last);
    }
    let interrupt = Interrupt::install()?;
    let interactive = command.is_empty() && args.live().is_none() && io::stdin().is_terminal();
    let client = Client::new(&args, interactive, interrupt.clone());
    if let Some(mode) = args.live() {
        let (args, command, interrupt) = (&args, &command, &interrupt);
        modes::run(
            mode,
            modes::Job {
                client,
                args,
                command,
                interrupt,
            },
        )
    } else if interactive {
        interactive::run(client, &args)
    } else if command.is_empty() {
        batch::run_lines(client, &args, io::stdin().lock(), &interrupt)
    } else {
        batch::run_one(client, &args, &command, &interrupt)
    }
}

/// Prints help, version or what is wrong with the command line.
fn usage(error: &clap::Error) -> ExitCode {
    let wrong = error.use_stderr();
    if let Err(unwritable) = error.print() {
        output::notice(&format!("holdback-cli: {unwritable}"));
    }
    ExitCode::from(if wrong { EXIT_USAGE } else { 0 })
}

fn complain(wrong: &str) -> u8 {
    output::notice(&format!("holdback-cli: {wrong} (see --help)"));
    EXIT_USAGE
}

/// The exit code for what came of a command; `strict` is `-e`.
fn exit_code(verdict: Verdict, strict: bool) -> u8 {
    match verdict {
        Verdict::Refused if strict => EXIT_REFUSED,
        Verdict::Fine | Verdict::Refused => 0,
        Verdict::Unreachable => EXIT_UNREACHABLE,
        Verdict::Interrupted => EXIT_INTERRUPTED,
        Verdict::Malformed => EXIT_USAGE,
    }
}

/// The exit code of a program that a signal ended, as shells give it.
fn signal_code(number: u8) -> u8 {
    number.saturating_add(128)
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<io::Error>();
    cause.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
