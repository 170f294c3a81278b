//! Without a person: one command from the command line, or one a line from standard input.

use crate::args::{Args, Format};
use crate::client::Client;
use crate::commands::help;
use crate::commands::local::{self, Local};
use crate::exit::Verdict;
use holdback::wire::inline::split_owned;
use std::io::{self, BufRead};
use std::time::Duration;

/// Runs the command of the command line, as often as is wanted; returns the exit code.
pub(crate) fn run_one(mut client: Client, args: &Args, command: &[Vec<u8>]) -> anyhow::Result<u8> {
    // Help must be had without a replica.
    if is_local(command, Local::Help) && matches!(args.format(), Format::Terminal | Format::Raw) {
        client
            .output
            .line(&help::answer(&command[1..], client.output.palette))?;
        return Ok(0);
    }
    client.turn_to_one_that_answers(args);
    let times = args.times(Some(1));
    let verdict = repeat(&mut client, times, args.interval, command)?;
    Ok(verdict.code_if(args.exit_code))
}

/// Runs a command this often, or for ever; an error reply does not end it.
pub(crate) fn repeat(
    client: &mut Client,
    times: Option<u64>,
    interval: Option<Duration>,
    command: &[Vec<u8>],
) -> io::Result<Verdict> {
    let mut worst = Verdict::Fine;
    let mut done = 0;
    while times.is_none_or(|times| done < times) {
        // A Ctrl-C between two commands is seen here; one within a command, by the command.
        if done > 0 && client.interrupt.pause(interval.unwrap_or_default()) {
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
pub(crate) fn run_lines(
    mut client: Client,
    args: &Args,
    mut input: impl BufRead,
) -> anyhow::Result<u8> {
    client.turn_to_one_that_answers(args);
    let mut worst = Verdict::Fine;
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        client.interrupt.set_idle(true);
        // A Ctrl-C from just before would be lost: reading goes on after a signal.
        if client.interrupt.take() {
            return Ok(Verdict::Interrupted.code());
        }
        let length = input.read_until(b'\n', &mut line)?;
        client.interrupt.set_idle(false);
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
            Verdict::Malformed => worst = verdict,
            Verdict::Refused if worst == Verdict::Fine => worst = verdict,
            Verdict::Fine | Verdict::Refused => {}
            Verdict::Unreachable | Verdict::Interrupted => {
                client.say("lines behind it, if there are any, are not sent");
                return Ok(verdict.code_if(args.exit_code));
            }
        }
    }
    Ok(worst.code_if(args.exit_code))
}

fn is_local(arguments: &[Vec<u8>], wanted: Local) -> bool {
    let spec = arguments.first().and_then(|name| local::lookup(name));
    spec.is_some_and(|spec| spec.local == wanted)
}
