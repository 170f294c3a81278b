//! What the program does beside sending commands; `--top` has a folder of its own.

pub(crate) mod latency;
pub(crate) mod pipe;
pub(crate) mod scan;
pub(crate) mod stat;
pub(crate) mod watch;

use crate::args::{Args, Format};
use crate::client::Client;
use std::io::{self, IsTerminal};
use std::time::Duration;

/// What a mode works with.
pub(crate) struct Job<'a> {
    pub(crate) client: Client,
    pub(crate) args: &'a Args,
    /// The command of the command line, if there is one.
    pub(crate) command: &'a [Vec<u8>],
}

impl<'a> Job<'a> {
    pub(crate) fn new(mut client: Client, args: &'a Args, command: &'a [Vec<u8>]) -> Self {
        client.turn_to_one_that_answers(args);
        Self {
            client,
            args,
            command,
        }
    }

    /// The time between two redraws or repetitions.
    pub(crate) fn interval(&self) -> Duration {
        self.args.interval.unwrap_or(Duration::from_secs(1))
    }

    /// Whether what is printed may be printed over.
    pub(crate) fn is_live(&self) -> bool {
        self.client.output.format == Format::Terminal && io::stdout().is_terminal()
    }
}
