//! One command to every replica at once.

use crate::interrupt::Interrupt;
use crate::replicas::wait::{self, is_time_out, words};
use holdback::wire::value::Value;
use holdback_client::Connection;
use holdback_client::clock::now;
use std::fmt;
use std::io;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// What one replica said.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    pub(crate) id: usize,
    pub(crate) address: String,
    /// The reply, or why there is none.
    pub(crate) answer: Result<Value, Silence>,
    pub(crate) took: Duration,
}

impl Asked {
    /// Whether it replied with an error.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self.answer, Ok(Value::Error(_)))
    }

    /// Whether it replied with anything else.
    pub(crate) fn is_data(&self) -> bool {
        self.answer.is_ok() && !self.is_refused()
    }
}

/// Why a replica did not reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    /// It was not to be reached: nothing was sent.
    Unreachable(String),
    /// It did not reply in time.
    TimedOut(Duration),
    /// The connection broke.
    Lost(String),
    /// Ctrl-C came first.
    Interrupted,
}

impl Silence {
    /// Whether the command was, or may have been, sent.
    pub(crate) fn was_sent(&self) -> bool {
        !matches!(self, Self::Unreachable(_))
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) => write!(f, "unreachable: {why}"),
            Self::TimedOut(limit) => write!(f, "no answer in {}s", limit.as_secs_f64()),
            Self::Lost(why) => write!(f, "connection lost: {why}"),
            Self::Interrupted => f.write_str("no answer yet"),
        }
    }
}

/// Asks every replica, each on a connection of its own, for at most `timeout`. Returns the answers by
/// replica, and whether Ctrl-C ended it.
pub(crate) fn ask(
    replicas: &[(usize, String)],
    command: &[Vec<u8>],
    timeout: Duration,
    interrupt: &Interrupt,
) -> (Vec<Asked>, bool) {
    const STEP: Duration = Duration::from_millis(20);
    let start = now();
    let mut all: Vec<_> = replicas
        .iter()
        .map(|(id, address)| Asked {
            id: *id,
            address: address.clone(),
            answer: Err(Silence::Interrupted),
            took: Duration::ZERO,
        })
        .collect();
    let (sender, answers) = mpsc::channel();
    for (index, (_, address)) in replicas.iter().enumerate() {
        let (sender, address, command) = (sender.clone(), address.clone(), command.to_vec());
        thread::spawn(move || {
            let answer = ask_one(&address, &command, timeout);
            // Nobody listens any more after a Ctrl-C.
            let _abandoned = sender.send((index, answer, start.elapsed()));
        });
    }
    drop(sender);
    let _before = interrupt.take();
    loop {
        match answers.recv_timeout(STEP) {
            Ok((index, answer, took)) => {
                all[index].answer = answer;
                all[index].took = took;
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => return (all, false),
            Err(mpsc::RecvTimeoutError::Timeout) if interrupt.take() => return (all, true),
            Err(mpsc::RecvTimeoutError::Timeout) => {}
        }
    }
}

fn ask_one(address: &str, command: &[Vec<u8>], timeout: Duration) -> Result<Value, Silence> {
    let start = now();
    let unreachable = |error: io::Error| Silence::Unreachable(words(&error));
    let mut connection = Connection::open(address, timeout).map_err(unreachable)?;
    let sent = connection.send(command);
    let reply = sent.and_then(|()| wait::until(&mut connection, start, timeout));
    reply.map_err(|error| match is_time_out(&error) {
        true => Silence::TimedOut(timeout),
        false => Silence::Lost(words(&error)),
    })
}
