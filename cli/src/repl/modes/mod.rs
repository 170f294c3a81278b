//! What the program does beside sending commands: `--latency`, `--stat`, `--scan`, `--pipe` and
//! `--watch`; [`super::top`] is a room of its own.

mod latency;
mod pipe;
mod scan;
mod stat;
mod watch;

use super::args::{Args, Live};
use super::batch::turn_to_one_that_answers;
use super::dispatch::Client;
use super::interrupt::Interrupt;
use super::output::Mode;
use super::top;
use std::io::{self, IsTerminal};

/// What a mode works with.
pub(crate) struct Job<'a> {
    pub(crate) client: Client,
    pub(crate) args: &'a Args,
    /// The command of the command line, if there is one.
    pub(crate) command: &'a [Vec<u8>],
    pub(crate) interrupt: &'a Interrupt,
}

impl Job<'_> {
    /// Whether what is printed may be printed over.
    pub(crate) fn is_live(&self) -> bool {
        self.client.output.mode() == Mode::Terminal && io::stdout().is_terminal()
    }
}

/// Runs a mode; returns the exit code.
///
/// # Errors
/// What standard input or output says.
pub(crate) fn run(mode: Live, mut job: Job<'_>) -> anyhow::Result<u8> {
    turn_to_one_that_answers(&mut job.client, job.args);
    match mode {
        Live::Top => top::run(job),
        Live::Watch => watch::run(job),
        Live::Stat => stat::run(job),
        Live::Latency => latency::run(job),
        Live::Scan => scan::run(job),
        Live::Pipe => pipe::run(&job),
    }
}
