//! Carries out one command line: to the replica we are connected to, to another one, or to all.

use super::args::{Args, PORT};
use super::fanout::{self, Answer, Asked};
use super::interrupt::Interrupt;
use super::nature;
use super::output::{Mode, Output, notice};
use super::session::{self, Fate, Outcome, Session};
use super::status::Status;
use super::style::Role;
use super::target::{Cluster, Target};
use super::wait::{Ended, for_reply, words};
use holdback::protocol::command::Name;
use holdback::protocol::value::Value;
use std::io;
use std::time::Duration;

/// What came of a command line, for the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A reply.
    Fine,
    /// An error reply.
    Refused,
    /// No reply: the replica is not to be reached, or was lost.
    Unreachable,
    /// Ctrl-C came first.
    Interrupted,
    /// The line is wrong.
    Malformed,
}

/// How long a reply may take before a person is told what it waits for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Who sends commands, and prints what comes back.
#[derive(Debug)]
pub(crate) struct Client {
    /// The session with the replica we talk to.
    pub(crate) session: Session,
    /// Every replica, as far as known.
    pub(crate) cluster: Cluster,
    /// Where replies go.
    pub(crate) output: Output,
    /// Stands before every notice; names the input line.
    pub(crate) place: String,
    /// A person is watching.
    interactive: bool,
    /// The session is only for one command.
    elsewhere: bool,
    timeout: Duration,
    interrupt: Interrupt,
}

impl Client {
    /// A client as the command line wants it, with nothing sent yet.
    pub(crate) fn new(args: &Args, interactive: bool, interrupt: Interrupt) -> Self {
        let address = args.addresses().into_iter().next().unwrap_or_default();
        Self {
            session: Session::new(address, args.timeout, interrupt.clone()),
            cluster: Cluster::given(args.cluster.clone()),
            output: Output::new(args.mode()),
            place: String::new(),
            interactive,
            elsewhere: false,
            timeout: args.timeout,
            interrupt,
        }
    }

    /// Ctrl-C.
    pub(crate) fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Turns to the replica at `address`; nothing is sent yet.
    pub(crate) fn turn_to(&mut self, address: String) {
        self.session = Session::new(address, self.timeout, self.interrupt.clone());
    }

    /// Connects, and learns who the replica is and which others there are.
    ///
    /// # Errors
    /// As [`Session::connect_and_ask`].
    pub(crate) fn connect_and_learn(&mut self) -> io::Result<Option<Status>> {
        let status = self.session.connect_and_ask()?;
        if let Some(status) = &status {
            self.cluster.learn(status, self.session.address());
        }
        Ok(status)
    }

    /// Carries out a command line.
    ///
    /// # Errors
    /// What standard output says. All else is said to the person.
    pub(crate) fn run(&mut self, arguments: &[Vec<u8>]) -> io::Result<Verdict> {
        let (target, command) = match Target::split(arguments) {
            Ok((target, command)) => (target, command.to_vec()),
            Err(wrong) => return Ok(self.complain(&wrong, Verdict::Malformed)),
        };
        if target == Target::Current {
            return self.run_here(&command);
        }
        if nature::is_bound_to_connection(&command) {
            let wrong = format!(
                "{} concerns only its own connection, and a command with @ gets one of its own: \
                 connect to that replica first",
                nature::name(&command)
            );
            return Ok(self.complain(&wrong, Verdict::Malformed));
        }
        if self.cluster.addresses().is_empty() && !matches!(target, Target::Address(_)) {
            // One that is not there is reported by what follows, in the same words for everybody.
            if let Err(error) = self.connect_and_learn() {
                return Ok(self.unreachable(self.session.address(), &error));
            }
        }
        match (self.cluster.resolve(&target), &target) {
            (Err(wrong), _) => Ok(self.complain(&wrong, Verdict::Malformed)),
            (Ok(replicas), Target::All) => self.run_everywhere(&replicas, &command),
            (Ok(replicas), _) => match replicas.into_iter().next() {
                Some((_, address)) => self.run_there(address, &command),
                None => Ok(Verdict::Unreachable),
            },
        }
    }

    fn run_here(&mut self, command: &[Vec<u8>]) -> io::Result<Verdict> {
        if self.keeps_session() && !self.session.is_connected() {
            if let Err(error) = self.connect_and_learn() {
                return Ok(self.unreachable(self.session.address(), &error));
            }
            self.announce_reconnection();
        }
        let patience = self.patience();
        let outcome = self.session.execute(
            command,
            &mut waiting(self.session.address().to_owned(), patience),
        );
        self.announce_reconnection();
        let verdict = self.report(outcome, command)?;
        if verdict == Verdict::Fine
            && nature::is(command, Name::Monitor)
            && !self.session.in_transaction()
        {
            return self.stream();
        }
        Ok(verdict)
    }

    /// Sends a command on a connection of its own.
    fn run_there(&mut self, address: String, command: &[Vec<u8>]) -> io::Result<Verdict> {
        let other = Session::new(address, self.timeout, self.interrupt.clone());
        let here = std::mem::replace(&mut self.session, other);
        self.elsewhere = true;
        let verdict = self.run_here(command);
        self.elsewhere = false;
        self.session = here;
        verdict
    }

    fn run_everywhere(
        &mut self,
        replicas: &[(usize, String)],
        command: &[Vec<u8>],
    ) -> io::Result<Verdict> {
        if nature::is(command, Name::Monitor) {
            let wrong = "MONITOR streams from one replica at a time: say @2 MONITOR";
            return Ok(self.complain(wrong, Verdict::Malformed));
        }
        let (asked, interrupted) = fanout::ask(replicas, command, self.timeout, &self.interrupt);
        self.output.answers(command, &asked)?;
        let silent: Vec<_> = asked
            .iter()
            .filter_map(|asked| match &asked.answer {
                Answer::None(why) => Some((asked, why)),
                Answer::Reply(_) => None,
            })
            .collect();
        if self.output.mode() == Mode::Raw {
            for (asked, why) in &silent {
                self.say(&format!("replica {} ({}): {why}", asked.id, asked.address));
            }
        }
        if nature::may_change(command) && silent.iter().any(|(_, why)| why.was_sent()) {
            self.say(&uncertain(command));
        }
        Ok(if interrupted {
            Verdict::Interrupted
        } else if !silent.is_empty() {
            Verdict::Unreachable
        } else if asked.iter().any(refused) {
            Verdict::Refused
        } else {
            Verdict::Fine
        })
    }

    /// Prints what came of a command.
    pub(crate) fn report(&mut self, outcome: Outcome, command: &[Vec<u8>]) -> io::Result<Verdict> {
        let address = self.session.address();
        match outcome {
            Outcome::Reply(value, took) => {
                self.output.reply(command, &value, took)?;
                return Ok(match value {
                    Value::Error(_) => Verdict::Refused,
                    _ => Verdict::Fine,
                });
            }
            Outcome::Closed => {
                self.say(&format!(
                    "{address} closed the connection, as it was told to."
                ));
                return Ok(Verdict::Fine);
            }
            Outcome::Unreachable(error) => return Ok(self.unreachable(address, &error)),
            Outcome::StateLost(what) => {
                self.say(&format!(
                    "The connection to {address} was lost, and {what} with it. Nothing was sent."
                ));
            }
            Outcome::Lost(error, fate) => {
                self.say(&format!(
                    "The connection to {address} was lost: {}.{}",
                    words(&error),
                    self.consequence(fate, command)
                ));
            }
            Outcome::Abandoned(fate) => {
                // The terminal has put a ^C on the line.
                let start = if self.interactive { "\n" } else { "" };
                let consequence = self.consequence(fate, command);
                self.say(&format!("{start}Abandoned.{consequence}"));
                if self.keeps_session() {
                    self.reconnect_quietly();
                }
                return Ok(Verdict::Interrupted);
            }
        }
        Ok(Verdict::Unreachable)
    }

    /// Prints what MONITOR streams, until Ctrl-C or the end of the connection.
    fn stream(&mut self) -> io::Result<Verdict> {
        let Some(mut connection) = self.session.take_connection() else {
            return Ok(Verdict::Unreachable);
        };
        if self.output.mode() == Mode::Terminal {
            self.say("(Ctrl-C leaves)");
        }
        loop {
            match for_reply(&mut connection, None, &self.interrupt, &mut |_| {}) {
                Ok(value) => self.output.streamed(&value)?,
                Err(Ended::Interrupted) => break,
                Err(Ended::TimedOut) => {}
                Err(Ended::Lost(error)) => {
                    let address = self.session.address();
                    self.say(&format!(
                        "The connection to {address} was lost: {}.",
                        words(&error)
                    ));
                    return Ok(Verdict::Unreachable);
                }
            }
        }
        drop(connection);
        if self.keeps_session() {
            self.reconnect_quietly();
        }
        Ok(Verdict::Interrupted)
    }

    /// After a Ctrl-C the old connection is gone on purpose. If there is no new one to be had, the
    /// prompt says so, and the next command says why.
    fn reconnect_quietly(&mut self) {
        const BRIEFLY: Duration = Duration::from_secs(1);
        let timeout = self.session.set_timeout(self.timeout.min(BRIEFLY));
        if self.connect_and_learn().is_ok() {
            self.session.take_reconnected();
        }
        self.session.set_timeout(timeout);
    }

    fn announce_reconnection(&mut self) {
        if self.session.take_reconnected() && self.keeps_session() {
            self.say(&format!("(connected to {} again)", self.session.address()));
        }
    }

    /// Whether a person goes on talking to the replica of this session.
    fn keeps_session(&self) -> bool {
        self.interactive && !self.elsewhere
    }

    fn patience(&self) -> Option<Duration> {
        (self.interactive && self.output.mode() == Mode::Terminal).then_some(PATIENCE)
    }

    /// What became of the command, as the end of a message.
    fn consequence(&self, fate: Fate, command: &[Vec<u8>]) -> String {
        let consequence = match fate {
            Fate::Nothing => return String::new(),
            Fate::Discarded => "The open transaction is discarded with it.".to_owned(),
            Fate::Uncertain => uncertain(command),
        };
        let gap = if self.interactive { '\n' } else { ' ' };
        format!("{gap}{consequence}")
    }

    /// Says that a replica is not to be reached.
    pub(crate) fn unreachable(&self, address: &str, error: &io::Error) -> Verdict {
        if error.kind() == io::ErrorKind::Interrupted {
            return self.complain("Abandoned; nothing was sent.", Verdict::Interrupted);
        }
        let mut text = format!(
            "Could not connect to Holdback at {address}: {}",
            words(error)
        );
        if error.kind() == io::ErrorKind::ConnectionRefused {
            let bind = match address.rsplit_once(':') {
                Some((_, port)) if port == PORT.to_string() => String::new(),
                _ => format!(" --bind {address}"),
            };
            text.push_str(&format!(
                "\nStart a replica with `holdback-server{bind}`, or three with \
                 `scripts/cluster.sh up`."
            ));
        }
        self.complain(&text, Verdict::Unreachable)
    }

    /// Says what is wrong.
    pub(crate) fn complain(&self, wrong: &str, verdict: Verdict) -> Verdict {
        let text = format!("{}{wrong}", self.place);
        notice(&self.output.palette().paint(Role::Bad, &text));
        verdict
    }

    /// Says something.
    pub(crate) fn say(&self, text: &str) {
        let text = format!("{}{text}", self.place);
        notice(&self.output.palette().paint(Role::Notable, &text));
    }
}

/// After `patience` says once what the reply may be waiting for.
fn waiting(address: String, patience: Option<Duration>) -> impl FnMut(Duration) {
    let mut patience = patience;
    move |waited| {
        if patience.is_some_and(|patience| waited >= patience) {
            patience = None;
            let reason = session::what_holds_it_up(&address);
            let reason = if reason.is_empty() {
                reason
            } else {
                format!(" ({reason})")
            };
            notice(&format!("Still waiting{reason}. Ctrl-C abandons it."));
        }
    }
}

fn refused(asked: &Asked) -> bool {
    matches!(asked.answer, Answer::Reply(Value::Error(_)))
}

fn uncertain(command: &[Vec<u8>]) -> String {
    format!(
        "{} was sent; it may or may not have happened, and may still happen.",
        nature::name(command)
    )
}
