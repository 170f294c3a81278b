//! What a command is: its name, shape and nature. The commands themselves are in [`super::table`].

use super::table::{COMMANDS, Name};
use crate::store::blind::BlindWrite;
use crate::store::{Answer, Context, Growth, Keyspace, Store};
use crate::wire::error::ErrorReply;
use crate::wire::reply::ReplyWriter;

/// Executes a command that reads: on this data, with these words, as many as its row says.
pub type ReadFn = fn(&dyn Keyspace, &[&[u8]], &Context<'_>, &mut ReplyWriter<'_>) -> Answer;
/// Executes a command that writes, likewise.
pub type WriteFn = fn(&mut Store, &[&[u8]], &Context<'_>, &mut ReplyWriter<'_>) -> Answer;
/// Checks a command's words.
pub type AdmitFn = fn(&[&[u8]]) -> Answer;
/// Executes a command that needs nothing but its words.
pub type PlainFn = fn(&[&[u8]], &Context<'_>, &mut ReplyWriter<'_>) -> Answer;

/// What executes a command. Those that look at the replica or concern the connection are named here, and the part of
/// the replica that has what they need matches all of them in one place.
#[derive(Clone, Copy, Debug)]
pub enum Run {
    /// On any store.
    Read(ReadFn),
    /// On the store of the ordered models.
    Write(WriteFn),
    /// On nothing.
    Plain(PlainFn),
    /// On this replica.
    Inspect(Inspection),
    /// On the connection, or on the process.
    Connection(ConnectionCommand),
    /// On the connection's transaction.
    Transaction(TransactionCommand),
}

/// The commands that look at this replica.
#[allow(missing_docs, reason = "the names are the commands'")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inspection {
    Await,
    Digest,
    Holdback,
    Order,
    Position,
    Store,
    Wait,
}

/// The commands that concern the connection or the process.
#[allow(missing_docs, reason = "the names are the commands'")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionCommand {
    Client,
    Config,
    Consistency,
    Fault,
    Hello,
    Info,
    Monitor,
    Peer,
    Quit,
    Reset,
    Shutdown,
    Slowlog,
    Status,
}

/// The commands that gather transactions.
#[allow(missing_docs, reason = "the names are the commands'")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionCommand {
    Discard,
    Exec,
    Multi,
    Unwatch,
    Watch,
}

/// A fact about a command that holds for few.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fact {
    /// Nothing behind it on its connection is stamped before it is answered.
    Barrier,
    /// Its work grows with the data, so that it is worth timing.
    Slow,
    /// It may stand between MULTI and EXEC, as all data commands may.
    InMulti,
    /// Checks its words, without looking at the data, before it is stamped.
    Admit(AdmitFn),
    /// Makes the data grow.
    Grows(Growth),
    /// Executes it without a total order.
    Blind(BlindWrite),
    /// Errors of its own.
    Errors(&'static str),
}

/// Which path a command takes through a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Reads data, on the connection's read path: locally, or through the multicast.
    Read,
    /// Changes data: through the multicast, or locally in the eventual model.
    Write,
    /// Looks at this replica, always locally, at its place in the connection's pipeline.
    Inspect,
    /// Concerns this connection or process; answered at its place in the pipeline, even by a replica
    /// that serves no data.
    Connection,
    /// Changes how the connection's next commands are understood: MULTI and its companions.
    Transaction,
}

impl Kind {
    /// The kind as `protocol.md` and `HELP` name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Inspect => "local read",
            Self::Connection => "connection",
            Self::Transaction => "transaction",
        }
    }
}

/// The groups that `HELP` and the documentation list commands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Group {
    /// Commands on values.
    String,
    /// Commands on keys whatever their value.
    Generic,
    /// MULTI, EXEC, WATCH.
    Transactions,
    /// The connection itself.
    Connection,
    /// The process.
    Server,
    /// What only Holdback has: the order and how it came about.
    Holdback,
}

impl Group {
    /// The group's name, as in `HELP @string`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Generic => "generic",
            Self::Transactions => "transactions",
            Self::Connection => "connection",
            Self::Server => "server",
            Self::Holdback => "holdback",
        }
    }
}

/// Which arguments are keys: positions counted from the name (0); `last` counts from the end if
/// negative; `first` 0 means none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keys {
    /// The first key's position, 0 if the command has no keys.
    pub first: usize,
    /// The last key's position; -1 is the last argument.
    pub last: i32,
    /// From one key to the next.
    pub step: usize,
}

/// Whether an eventual cluster takes the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eventual {
    /// As in the ordered models.
    Accepted,
    /// Only without options that need a total order.
    WithoutOptions,
    /// Refused with a definite error: the command needs a total order.
    Refused,
}

impl Eventual {
    /// The column in `protocol.md`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::WithoutOptions => "without options",
            Self::Refused => "refused",
        }
    }
}

/// One row of the command table.
#[derive(Clone, Copy, Debug)]
pub struct CommandSpec {
    /// The command, for `match`.
    pub id: Name,
    /// The name in upper case.
    pub name: &'static str,
    /// The arguments as documentation shows them: `key value [NX|XX] [GET]`.
    pub arguments: &'static str,
    /// As Redis counts: the number of arguments with the name; negative means "at least".
    pub arity: i32,
    /// Its path through the replica.
    pub kind: Kind,
    /// What executes it.
    pub run: Run,
    /// Nothing behind it on its connection is stamped before it is answered.
    pub barrier: bool,
    /// Its work grows with the data, so that it is worth timing.
    pub slow: bool,
    /// It may stand between MULTI and EXEC.
    pub in_multi: bool,
    /// Checks its words, without looking at the data, before it is stamped.
    pub admit: Option<AdmitFn>,
    /// How it makes the data grow, if it can.
    pub growth: Option<Growth>,
    /// Executes it in the eventual model, if it writes there.
    pub blind: Option<BlindWrite>,
    /// Which arguments are keys.
    pub keys: Keys,
    /// Whether an eventual cluster takes it.
    pub eventual: Eventual,
    /// Where `HELP` lists it.
    pub group: Group,
    /// What it does, in one line.
    pub summary: &'static str,
    /// What it answers.
    pub reply: &'static str,
    /// Errors of its own, beside those that every command can have; empty if none.
    pub errors: &'static str,
}

impl CommandSpec {
    /// Whether `count` arguments, the name included, fit the command.
    #[must_use]
    pub fn arity_fits(&self, count: usize) -> bool {
        let wanted = self.arity.unsigned_abs() as usize;
        if self.arity < 0 {
            count >= wanted
        } else {
            count == wanted
        }
    }

    /// The keys among `arguments`.
    pub fn keys_of<'a, 'b>(
        &self,
        arguments: &'b [&'a [u8]],
    ) -> impl Iterator<Item = &'a [u8]> + 'b {
        let Keys { first, last, step } = self.keys;
        let end = match usize::try_from(last) {
            Ok(last) => last + 1,
            Err(_) => arguments
                .len()
                .saturating_sub(last.unsigned_abs() as usize - 1),
        };
        let end = if first == 0 {
            0
        } else {
            end.min(arguments.len())
        };
        arguments[..end]
            .iter()
            .skip(first)
            .step_by(step.max(1))
            .copied()
    }

    /// Checks the number of words.
    ///
    /// # Errors
    /// That it is wrong.
    #[inline]
    pub fn check_arity(&self, words: &[&[u8]]) -> Result<(), ErrorReply> {
        if self.arity_fits(words.len()) {
            return Ok(());
        }
        Err(ErrorReply::wrong_arity(self.name))
    }

    /// Checks everything that can be said against a data command of the right arity without looking at the data. What
    /// it refuses every replica would refuse alike, as limits are compared in the handshake; so an entry that one
    /// replica admitted is never refused by another.
    ///
    /// # Errors
    /// The error to answer with; the command must not be stamped.
    #[inline]
    pub fn admit(&self, words: &[&[u8]], limits: &crate::store::Limits) -> Answer {
        crate::store::admission::check_sizes(words, || self.keys_of(words).collect(), limits)?;
        self.admit.map_or(Ok(()), |admit| admit(words))
    }
}

/// Slots of [`INDEX`]: a power of two, several times the number of commands.
const SLOTS: usize = 512;
/// A slot without a command.
const EMPTY: u8 = u8::MAX;

/// An open-addressed hash table from names to places in [`COMMANDS`], made by the compiler.
static INDEX: [u8; SLOTS] = build_index();

const fn build_index() -> [u8; SLOTS] {
    assert!(COMMANDS.len() < EMPTY as usize, "places fit into a byte");
    let mut index = [EMPTY; SLOTS];
    let mut place = 0;
    while place < COMMANDS.len() {
        let mut slot = slot_of(COMMANDS[place].name.as_bytes());
        while index[slot] != EMPTY {
            slot = (slot + 1) % SLOTS;
        }
        index[slot] = place as u8;
        place += 1;
    }
    index
}

/// The slot where a name, in any case, is looked for first: by its length and three of its letters, without their
/// case bit, mixed by Fibonacci hashing (Knuth, volume 3, 6.4).
#[inline]
const fn slot_of(name: &[u8]) -> usize {
    let length = name.len();
    if length == 0 {
        return 0;
    }
    let (first, middle, last) = (name[0], name[length / 2], name[length - 1]);
    let letters = u32::from_le_bytes([first, middle, last, length as u8]) & 0xff_df_df_df;
    (letters.wrapping_mul(0x9e37_79b1) >> 23) as usize % SLOTS
}

/// The longest command name; anything longer is unknown.
const LONGEST_NAME: usize = 16;

/// Finds a command by its name in any case.
#[must_use]
pub fn lookup(name: &[u8]) -> Option<&'static CommandSpec> {
    if name.len() > LONGEST_NAME {
        return None;
    }
    let mut slot = slot_of(name);
    loop {
        let spec = COMMANDS.get(usize::from(INDEX[slot]))?;
        if name.eq_ignore_ascii_case(spec.name.as_bytes()) {
            return Some(spec);
        }
        slot = (slot + 1) % SLOTS;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_name_is_found() {
        assert!(COMMANDS.is_sorted_by(|a, b| a.name < b.name));
        for spec in COMMANDS {
            assert!(spec.name.len() <= LONGEST_NAME);
            let found = lookup(spec.name.to_lowercase().as_bytes()).expect(spec.name);
            assert_eq!(found.id, spec.id);
        }
        // Finding one is a matter of few steps.
        let steps = |spec: &CommandSpec| {
            let slots = (slot_of(spec.name.as_bytes())..).map(|slot| INDEX[slot % SLOTS]);
            let mut found = slots.map(|place| COMMANDS.get(usize::from(place)));
            found.position(|at| at.is_some_and(|at| at.id == spec.id))
        };
        assert!(COMMANDS.iter().map(steps).max() <= Some(Some(3)));
        assert!(lookup(b"NOSUCH").is_none() && lookup(b"").is_none());
        assert!(lookup(&[b'a'; 100]).is_none());
    }

    #[test]
    fn keys_are_found() {
        let keys = |line: &str| {
            let arguments: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            let spec = lookup(arguments[0]).unwrap();
            spec.keys_of(&arguments)
                .map(|k| String::from_utf8_lossy(k).into())
                .collect::<Vec<String>>()
        };
        assert_eq!(keys("MSET a 1 b 2"), ["a", "b"]);
        assert_eq!(keys("DEL a b c"), ["a", "b", "c"]);
        assert_eq!(keys("SET a 1 NX"), ["a"]);
        assert_eq!(keys("PING a"), Vec::<String>::new());
    }
}
