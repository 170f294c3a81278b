//! Carries out one command line: to the replica we are connected to, to another one, or to all.

use crate::args::{Args, Format, PORT};
use crate::commands::effects;
use crate::exit::Verdict;
use crate::interrupt::Interrupt;
use crate::print::{Output, notice};
use crate::replicas::fanout::{self, Asked};
use crate::replicas::session::{self, Fate, Outcome, Session};
use crate::replicas::status::Status;
use crate::replicas::target::{Cluster, Target};
use crate::replicas::wait::{Ended, for_reply, words};
use crate::text::style::Role;
use holdback::command::Name;
use holdback::wire::value::Value;
use std::io;
use std::time::Duration;

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
    pub(crate) interrupt: Interrupt,
}

impl Client {
    /// A client as the command line wants it, with nothing sent yet.
    pub(crate) fn new(args: &Args, interactive: bool, interrupt: Interrupt) -> Self {
        let address = args.addresses().into_iter().next().unwrap_or_default();
        Self {
            session: Session::new(address, args.timeout, interrupt.clone()),
            cluster: Cluster::given(args.cluster.clone()),
            output: Output::new(args.format()),
            place: String::new(),
            interactive,
            elsewhere: false,
            timeout: args.timeout,
            interrupt,
        }
    }

    /// Turns to the replica at `address`; nothing is sent yet.
    pub(crate) fn turn_to(&mut self, address: String) {
        self.session = Session::new(address, self.timeout, self.interrupt.clone());
    }

    /// With only `--cluster` to go by, any replica of it will do.
    pub(crate) fn turn_to_one_that_answers(&mut self, args: &Args) {
        let addresses = args.addresses();
        if addresses.len() < 2 {
            return;
        }
        for address in &addresses {
            self.turn_to(address.clone());
            if self.session.connect().is_ok() {
                return;
            }
        }
        // None does. The first one's error is the one to show.
        self.turn_to(args.addresses().swap_remove(0));
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
        if effects::is_bound_to_connection(&command) {
            let wrong = format!(
                "{} concerns only its own connection, and a command with @ gets one of its own: \
                 connect to that replica first",
                effects::name(&command)
            );
            return Ok(self.complain(&wrong, Verdict::Malformed));
        }
        if let Target::Address(address) = target {
            return self.run_there(address, &command);
        }
        match self.replicas_of(&target) {
            Err(verdict) => Ok(verdict),
            Ok(replicas) if target == Target::All => self.run_everywhere(&replicas, &command),
            Ok(replicas) => match replicas.into_iter().next() {
                Some((_, address)) => self.run_there(address, &command),
                None => Ok(Verdict::Unreachable),
            },
        }
    }

    /// The replicas that a target means, each with its id.
    ///
    /// # Errors
    /// What that makes of the command; the person is told why.
    pub(crate) fn replicas_of(&mut self, target: &Target) -> Result<Vec<(usize, String)>, Verdict> {
        if self.cluster.addresses.is_empty()
            && let Err(error) = self.connect_and_learn()
        {
            return Err(self.unreachable(&error));
        }
        let replicas = self.cluster.resolve(target);
        replicas.map_err(|wrong| self.complain(&wrong, Verdict::Malformed))
    }

    fn run_here(&mut self, command: &[Vec<u8>]) -> io::Result<Verdict> {
        if self.keeps_session() && !self.session.is_connected() {
            if let Err(error) = self.connect_and_learn() {
                return Ok(self.unreachable(&error));
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
            && effects::is(command, Name::Monitor)
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
        if effects::is(command, Name::Monitor) {
            let wrong = "MONITOR streams from one replica at a time: say @2 MONITOR";
            return Ok(self.complain(wrong, Verdict::Malformed));
        }
        let (asked, interrupted) = fanout::ask(replicas, command, self.timeout, &self.interrupt);
        self.output.answers(command, &asked)?;
        let silent: Vec<_> = asked
            .iter()
            .filter_map(|asked| Some((asked, asked.answer.as_ref().err()?)))
            .collect();
        if self.output.format == Format::Raw {
            for (asked, why) in &silent {
                self.say(&format!("replica {} ({}): {why}", asked.id, asked.address));
            }
        }
        if effects::may_change(command) && silent.iter().any(|(_, why)| why.was_sent()) {
            self.say(&uncertain(command));
        }
        Ok(if interrupted {
            Verdict::Interrupted
        } else if !silent.is_empty() {
            Verdict::Unreachable
        } else if asked.iter().any(Asked::is_refused) {
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
            Outcome::Unreachable(error) => return Ok(self.unreachable(&error)),
            Outcome::StateLost(what) => {
                self.say(&format!(
                    "The connection to {address} was lost, and {what} with it. Nothing was sent."
                ));
            }
            Outcome::Lost(error, fate) => {
                self.say_lost(&error, &self.consequence(fate, command));
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

    fn say_lost(&self, error: &io::Error, consequence: &str) {
        let (address, error) = (self.session.address(), words(error));
        self.say(&format!(
            "The connection to {address} was lost: {error}.{consequence}"
        ));
    }

    /// Prints what MONITOR streams, until Ctrl-C or the end of the connection.
    fn stream(&mut self) -> io::Result<Verdict> {
        let Some(mut connection) = self.session.take_connection() else {
            return Ok(Verdict::Unreachable);
        };
        if self.output.format == Format::Terminal {
            self.say("(Ctrl-C leaves)");
        }
        loop {
            match for_reply(&mut connection, None, &self.interrupt, &mut |_| {}) {
                Ok(value) => self.output.streamed(&value)?,
                Err(Ended::Interrupted) => break,
                Err(Ended::TimedOut) => {}
                Err(Ended::Lost(error)) => {
                    self.say_lost(&error, "");
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
        (self.interactive && self.output.format == Format::Terminal).then_some(PATIENCE)
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
    pub(crate) fn unreachable(&self, error: &io::Error) -> Verdict {
        let address = self.session.address();
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
        notice(&self.output.palette.paint(Role::Bad, &text));
        verdict
    }

    /// Says something.
    pub(crate) fn say(&self, text: &str) {
        let text = format!("{}{text}", self.place);
        notice(&self.output.palette.paint(Role::Notable, &text));
    }
}

/// After `patience` says once what the reply may be waiting for.
fn waiting(address: String, patience: Option<Duration>) -> impl FnMut(Duration) {
    let mut patience = patience;
    move |waited| {
        if patience.is_some_and(|patience| waited >= patience) {
            patience = None;
            let reason = match session::what_holds_it_up(&address) {
                reason if reason.is_empty() => reason,
                reason => format!(" ({reason})"),
            };
            notice(&format!("Still waiting{reason}. Ctrl-C abandons it."));
        }
    }
}

fn uncertain(command: &[Vec<u8>]) -> String {
    format!(
        "{} was sent; it may or may not have happened, and may still happen.",
        effects::name(command)
    )
}
