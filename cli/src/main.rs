//! `holdback-cli`: the REPL of Holdback, its live view, and a client for scripts.
//!
//! Modules import only from lines above their own:
//!
//! - [`exit`] and [`args`]: how the program ends, and what its command line asks for.
//! - [`text`]: colours, units and lines; [`interrupt`] is Ctrl-C, [`screen`] a terminal that is drawn over.
//! - [`commands`]: what is known of commands without asking anybody.
//! - [`replicas`]: one replica, or all of them, are asked; [`print`](mod@print) shows what they answer.
//! - [`client`] carries out one command line, [`batch`] many of them.
//! - [`editor`] helps while a line is typed, [`completions`] does so in a shell; [`repl`] is the REPL.
//! - [`modes`] are `--latency`, `--pipe` and their like; [`top`] is the live view of a cluster.

mod args;
mod batch;
mod client;
mod commands;
mod completions;
mod editor;
mod exit;
mod interrupt;
mod modes;
mod print;
mod repl;
mod replicas;
mod screen;
mod text;
mod top;

use args::{Args, Mode};
use clap::Parser;
use client::Client;
use exit::Verdict;
use interrupt::Interrupt;
use modes::Job;
use std::io::{self, IsTerminal, Read, Write};
use std::os::unix::ffi::OsStringExt;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    match run(args) {
        Ok(code) => ExitCode::from(code),
        // Whoever read the output has seen enough.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            print::notice(&format!("holdback-cli: {error:#}"));
            ExitCode::from(Verdict::Refused.code())
        }
    }
}

fn run(mut args: Args) -> anyhow::Result<u8> {
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
    let mode = args.mode();
    let interactive = command.is_empty() && mode.is_none() && io::stdin().is_terminal();
    let client = Client::new(&args, interactive, Interrupt::install()?);
    match mode {
        None if interactive => repl::run(client, &args),
        None if command.is_empty() => batch::run_lines(client, &args, io::stdin().lock()),
        None => batch::run_one(client, &args, &command),
        Some(mode) => {
            let job = Job::new(client, &args, &command);
            match mode {
                Mode::Top => top::run(job),
                Mode::Watch => modes::watch::run(job),
                Mode::Stat => modes::stat::run(job),
                Mode::Latency => modes::latency::run(job),
                Mode::Scan => modes::scan::run(job),
                Mode::Pipe => modes::pipe::run(&job),
            }
        }
    }
}

/// Prints help, version or what is wrong with the command line.
fn usage(error: &clap::Error) -> ExitCode {
    let wrong = error.use_stderr();
    if let Err(unwritable) = error.print() {
        print::notice(&format!("holdback-cli: {unwritable}"));
    }
    ExitCode::from(if wrong { Verdict::Malformed.code() } else { 0 })
}

fn complain(wrong: &str) -> u8 {
    print::notice(&format!("holdback-cli: {wrong} (see --help)"));
    Verdict::Malformed.code()
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let cause = error.downcast_ref::<io::Error>();
    cause.is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
