//! Replicas as processes.

use super::ports::Ports;
use holdback_testkit::processes::{PATIENCE, Process, signal};
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;

/// A `holdback-server` that listens. It is killed when it goes out of scope.
pub(crate) struct Replica {
    process: Process,
    log: Receiver<String>,
}

impl Replica {
    /// Runs a documented command line, `holdback-server ...`, with its ports mapped, and waits until the
    /// replica listens.
    pub(crate) fn start(command: &str, ports: &mut Ports) -> Result<Self, String> {
        let mut words: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
        if words.first().map(String::as_str) != Some("holdback-server") {
            return Err(format!("'{command}' is not holdback-server"));
        }
        words.remove(0);
        if !words.iter().any(|word| word == "--cluster") {
            // Without a cluster it would listen on the default address.
            words.extend(["--bind".to_owned(), "127.0.0.1:8081".to_owned()]);
        }
        let mut process = Command::new(env!("CARGO_BIN_EXE_holdback-server"))
            .args(words.iter().map(|word| ports.map(word)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{command}: {error}"))?;
        let log = process.stderr.take().ok_or("no standard error")?;
        let mut replica = Self {
            process: Process(process),
            log: follow(log),
        };
        replica.wait_for(" listens on ")?;
        Ok(replica)
    }

    /// Waits for a line of the log.
    fn wait_for(&mut self, part: &str) -> Result<(), String> {
        let mut seen = String::new();
        loop {
            match self.log.recv_timeout(PATIENCE) {
                Ok(line) if line.contains(part) => return Ok(()),
                Ok(line) => seen = seen + &line + "\n",
                Err(RecvTimeoutError::Timeout) => return Err(format!("no '{part}' in:\n{seen}")),
                Err(RecvTimeoutError::Disconnected) => return Err(format!("it ended:\n{seen}")),
            }
        }
    }

    /// Sends it the signal of Ctrl-C and waits until it has ended; its exit code.
    pub(crate) fn interrupt(mut self) -> Option<i32> {
        signal(self.process.0.id(), "-INT");
        self.process.end()
    }
}

/// Reads lines in the background, so that the replica never waits for its log to be read.
fn follow(log: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            // Nobody listens any more once the replica is up; the lines are still read.
            drop(sender.send(line));
        }
    });
    receiver
}
