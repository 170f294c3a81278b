//! Without a person: one command from the command line, or one a line from standard input.

use super::args::Args;
use super::dispatch::{Client, Verdict};
use super::interrupt::{EXIT_INTERRUPTED, Interrupt};
use super::local::{self, Local};
use super::output::Mode;
use super::{EXIT_REFUSED, EXIT_USAGE, exit_code, help};
use holdback::protocol::inline::split_owned;
use std::io::{self, BufRead};
use std::time::Duration;

/// Runs the command of the command line, as often as is wanted; returns the exit code.
///
/// # Errors
/// What standard output says.
pub(crate) fn run_one(
    mut client: Client,
    args: &Args,
    command: &[Vec<u8>],
    interrupt: &Interrupt,
) -> anyhow::Result<u8> {
    // Help must be had without a replica.
    if is_local(command, Local::Help) && matches!(args.mode(), Mode::Terminal | Mode::Raw) {
        client
            .output
            .line(&help::answer(&command[1..], client.output.palette()))?;
        return Ok(0);
    }
    turn_to_one_that_answers(&mut client, args);
    let times = args.times(Some(1));
    let verdict = repeat(&mut client, times, args.interval, interrupt, command)?;
    Ok(exit_code(verdict, args.exit_code))
}

/// Runs a command this often, or for ever; an error reply does not end it.
///
/// # Errors
/// What standard output says.
pub(crate) fn repeat(
    client: &mut Client,
    times: Option<u64>,
    interval: Option<Duration>,
    interrupt: &Interrupt,
    command: &[Vec<u8>],
) -> io::Result<Verdict> {
    let mut worst = Verdict::Fine;
    let mut done = 0;
    while times.is_none_or(|times| done < times) {
        // A Ctrl-C between two commands is seen here; one within a command, by the command.
        if done > 0 && interrupt.pause(interval.unwrap_or_default()) {
            return Ok(Verdict::Interrupted);
        }
        match client.run(command)? {
            Verdict::Fine => {}
            Verdict::Refused => worst = Verdict::Refused,
            ended => return Ok(ended),
        }
        done += 1;
    }
    Ok(worst)
}

/// Runs every line of `input`; returns the exit code. A line that is wrong, or refused, does not keep the
/// rest from running; a replica that is not there does.
///
/// # Errors
/// What standard input or output says.
pub(crate) fn run_lines(
    mut client: Client,
    args: &Args,
    mut input: impl BufRead,
    interrupt: &Interrupt,
) -> anyhow::Result<u8> {
    turn_to_one_that_answers(&mut client, args);
    let (mut malformed, mut refused) = (false, false);
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        interrupt.set_idle(true);
        // A Ctrl-C from just before would be lost: reading goes on after a signal.
        if interrupt.take() {
            return Ok(EXIT_INTERRUPTED);
        }
        let length = input.read_until(b'\n', &mut line)?;
        interrupt.set_idle(false);
        if length == 0 {
            break;
        }
        client.place = format!("line {number}: ");
        let verdict = match split_owned(&line) {
            Err(_) => client.complain("the quotes do not match", Verdict::Malformed),
            Ok(arguments) if arguments.is_empty() => continue,
            Ok(arguments) if is_local(&arguments, Local::Exit) => break,
            Ok(arguments) => client.run(&arguments)?,
        };
        match verdict {
            Verdict::Fine => {}
            Verdict::Refused => refused = true,
            Verdict::Malformed => malformed = true,
            Verdict::Unreachable | Verdict::Interrupted => {
                client.say("lines behind it, if there are any, are not sent");
                return Ok(exit_code(verdict, args.exit_code));
            }
        }
    }
    Ok(match (malformed, refused && args.exit_code) {
        (true, _) => EXIT_USAGE,
        (false, true) => EXIT_REFUSED,
        (false, false) => 0,
    })
}

/// With only `--cluster` to go by, any replica of it will do.
pub(crate) fn turn_to_one_that_answers(client: &mut Client, args: &Args) {
    let addresses = args.addresses();
    if addresses.len() < 2 {
        return;
    }
    for address in addresses {
        client.turn_to(address);
        if client.session.connect().is_ok() {
            return;
        }
    }
    // None does. The first one's error is the one to show.
    client.turn_to(args.addresses().swap_remove(0));
}

fn is_local(arguments: &[Vec<u8>], wanted: Local) -> bool {
    let spec = arguments.first().and_then(|name| local::lookup(name));
    spec.is_some_and(|spec| spec.local == wanted)
}
