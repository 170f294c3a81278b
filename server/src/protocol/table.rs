//! The one table of commands: documentation, `HELP`, arity, the REPL's completion and hints, and the
//! path through the replica all come from here.

use super::command::Eventual::{Accepted, Refused, WithoutOptions};
use super::command::Kind::{Connection, Inspect, Read, Transaction, Write};
use super::command::{CommandSpec, Eventual, Group, Keys, Kind};

/// A row without barrier and errors of its own.
#[allow(clippy::too_many_arguments, reason = "the columns of a table")]
const fn row(
    id: Name,
    name: &'static str,
    arguments: &'static str,
    arity: i32,
    kind: Kind,
    keys: Keys,
    eventual: Eventual,
    group: Group,
    summary: &'static str,
    reply: &'static str,
) -> CommandSpec {
    CommandSpec {
        id,
        name,
        arguments,
        arity,
        kind,
        barrier: false,
        keys,
        eventual,
        group,
        summary,
        reply,
        errors: "",
    }
}

const fn barrier(mut spec: CommandSpec) -> CommandSpec {
    spec.barrier = true;
    spec
}

const fn errors(mut spec: CommandSpec, errors: &'static str) -> CommandSpec {
    spec.errors = errors;
    spec
}

const NONE: Keys = Keys {
    first: 0,
    last: 0,
    step: 0,
};
const ONE: Keys = Keys {
    first: 1,
    last: 1,
    step: 1,
};
const ALL: Keys = Keys {
    first: 1,
    last: -1,
    step: 1,
};
const PAIRS: Keys = Keys {
    first: 1,
    last: -1,
    step: 2,
};

const STR: Group = Group::String;
const GEN: Group = Group::Generic;
const TXN: Group = Group::Transactions;
const CON: Group = Group::Connection;
const SRV: Group = Group::Server;
const HB: Group = Group::Holdback;

/// Declares [`Name`] and [`COMMANDS`] together, so that neither can lack what the other has.
macro_rules! commands {
    ($($id:ident => $row:expr;)*) => {
        /// Every command, for `match`.
        #[allow(missing_docs, reason = "the names are the commands'")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Name { $($id),* }

        /// The table, sorted by name.
        pub const COMMANDS: &[CommandSpec] = &[$({ const ID: Name = Name::$id; $row(ID) }),*];
    };
}

/// `cmd!("NAME", "arguments", arity, Kind, KEYS, Eventual, GROUP, "summary", "reply")` is a row that
/// still wants its [`Name`]; `barrier` and `errors: "..."` may follow.
macro_rules! cmd {
    ($name:literal, $args:literal, $arity:literal, $kind:expr, $keys:expr, $eventual:expr, $group:expr,
     $summary:literal, $reply:literal) => {{
        const fn make(id: Name) -> CommandSpec {
            row(
                id, $name, $args, $arity, $kind, $keys, $eventual, $group, $summary, $reply,
            )
        }
        make
    }};
    ($name:literal, $args:literal, $arity:literal, $kind:expr, $keys:expr, $eventual:expr, $group:expr,
     $summary:literal, $reply:literal, barrier) => {{
        const fn make(id: Name) -> CommandSpec {
            barrier(row(
                id, $name, $args, $arity, $kind, $keys, $eventual, $group, $summary, $reply,
            ))
        }
        make
    }};
    ($name:literal, $args:literal, $arity:literal, $kind:expr, $keys:expr, $eventual:expr, $group:expr,
     $summary:literal, $reply:literal, $errors:literal) => {{
        const fn make(id: Name) -> CommandSpec {
            errors(
                row(
                    id, $name, $args, $arity, $kind, $keys, $eventual, $group, $summary, $reply,
                ),
                $errors,
            )
        }
        make
    }};
}

commands! {
    Append => cmd!("APPEND", "key value", 3, Write, ONE, Refused, STR,
        "Appends a value to what the key holds", "integer: the new length",
        "ERR value above --max-value");
    Await => cmd!("AWAIT", "position", 2, Inspect, NONE, Refused, HB,
        "Waits until this replica has delivered a position", "integer: the position reached", barrier);
    Cas => cmd!("CAS", "key expected new", 4, Write, ONE, Refused, HB,
        "Sets the key to `new` if it holds `expected`", "integer: 1 if it was set, 0 if not");
    Consistency => cmd!("CONSISTENCY", "[sequential|linearizable]", -1, Connection, NONE, Accepted, HB,
        "Shows or picks this connection's read path", "simple string: the model, or OK",
        "ERR unknown model; ERR an eventual cluster has one model only");
    Dbsize => cmd!("DBSIZE", "", 1, Read, NONE, Accepted, SRV,
        "Counts the keys", "integer");
    Decr => cmd!("DECR", "key", 2, Write, ONE, Refused, STR,
        "Takes one from the number at the key", "integer: the new number",
        "ERR value is not an integer or out of range; ERR overflow");
    Decrby => cmd!("DECRBY", "key decrement", 3, Write, ONE, Refused, STR,
        "Takes a number from the number at the key", "integer: the new number",
        "ERR value is not an integer or out of range; ERR overflow");
    Del => cmd!("DEL", "key [key ...]", -2, Write, ALL, Accepted, GEN,
        "Deletes keys", "integer: how many existed");
    Digest => cmd!("DIGEST", "[position]", -1, Inspect, NONE, Accepted, HB,
        "The digest of the order up to a position (eventual model: of the data)",
        "array: position (eventual model: number of keys), hexadecimal digest",
        "OUTOFRANGE position dropped or not reached");
    Discard => cmd!("DISCARD", "", 1, Transaction, NONE, Refused, TXN,
        "Leaves a transaction without executing it", "OK", "ERR DISCARD without MULTI");
    Echo => cmd!("ECHO", "message", 2, Connection, NONE, Accepted, CON,
        "Answers with the message", "bulk string");
    Exec => cmd!("EXEC", "", 1, Transaction, NONE, Refused, TXN,
        "Executes a transaction as one entry of the order",
        "array of replies; null if a watched key changed",
        "EXECABORT a queued command was refused; ERR EXEC without MULTI");
    Exists => cmd!("EXISTS", "key [key ...]", -2, Read, ALL, Accepted, GEN,
        "Counts how many of the keys exist", "integer");
    Fault => cmd!("FAULT", "DELAY peer|* min_ms max_ms | CUT peer|* | HEAL peer|* | LIST", -2,
        Connection, NONE, Accepted, HB,
        "Delays, cuts and heals this replica's links (with --allow-faults)", "OK; LIST: array of strings",
        "ERR faults are not allowed; ERR no such peer");
    Flushall => cmd!("FLUSHALL", "[ASYNC|SYNC]", -1, Write, NONE, Accepted, SRV,
        "Deletes every key (eventual model: those held here)", "OK");
    Get => cmd!("GET", "key", 2, Read, ONE, Accepted, STR,
        "The value at the key", "bulk string, or null");
    Getdel => cmd!("GETDEL", "key", 2, Write, ONE, Refused, STR,
        "The value at the key, which is deleted", "bulk string, or null");
    Getset => cmd!("GETSET", "key value", 3, Write, ONE, Refused, STR,
        "Sets the key and answers with its old value", "bulk string, or null");
    Help => cmd!("HELP", "[command|@group]", -1, Connection, NONE, Accepted, HB,
        "Explains a command, or lists them", "array of strings", "ERR no such command");
    Holdback => cmd!("HOLDBACK", "[count]", -1, Inspect, NONE, Accepted, HB,
        "The entries held back, head first, and whom each waits for",
        "array of `STAMP waits:3,5 command args...` strings");
    Incr => cmd!("INCR", "key", 2, Write, ONE, Refused, STR,
        "Adds one to the number at the key", "integer: the new number",
        "ERR value is not an integer or out of range; ERR overflow");
    Incrby => cmd!("INCRBY", "key increment", 3, Write, ONE, Refused, STR,
        "Adds a number to the number at the key", "integer: the new number",
        "ERR value is not an integer or out of range; ERR overflow");
    Info => cmd!("INFO", "[section ...]", -1, Connection, NONE, Accepted, SRV,
        "Describes this replica as Redis tools expect", "bulk string of `name:value` lines");
    Keys => cmd!("KEYS", "pattern", 2, Read, NONE, Accepted, GEN,
        "The keys that match a pattern, sorted", "array of bulk strings");
    Mget => cmd!("MGET", "key [key ...]", -2, Read, ALL, Accepted, STR,
        "The values at the keys", "array of bulk strings or nulls");
    Monitor => cmd!("MONITOR", "[COMMANDS|ORDER|FRAMES]", -1, Connection, NONE, Accepted, HB,
        "Streams client commands, deliveries or peer frames as they happen", "OK, then a line each");
    Mset => cmd!("MSET", "key value [key value ...]", -3, Write, PAIRS, Accepted, STR,
        "Sets several keys at once (eventual model: one after another)", "OK");
    Multi => cmd!("MULTI", "", 1, Transaction, NONE, Refused, TXN,
        "Begins a transaction", "OK", "ERR MULTI calls can not be nested");
    Order => cmd!("ORDER", "[count [from]]", -1, Inspect, NONE, Accepted, HB,
        "The last entries of the order, or `count` of them beginning at position `from`",
        "array, oldest first, of `POSITION STAMP command args...` strings",
        "OUTOFRANGE position dropped");
    Peer => cmd!("PEER", "name=value ...", -1, Connection, NONE, Accepted, HB,
        "The handshake by which another replica makes this connection a link", "the PEER frame of this replica, or REFUSE");
    Ping => cmd!("PING", "[message]", -1, Connection, NONE, Accepted, CON,
        "Answers PONG, or with the message", "simple string, or bulk string");
    Position => cmd!("POSITION", "", 1, Inspect, NONE, Refused, HB,
        "The position at which this connection's last command took effect or was read", "integer");
    Quit => cmd!("QUIT", "", -1, Connection, NONE, Accepted, CON,
        "Closes the connection once everything before it is answered", "OK");
    Set => cmd!("SET", "key value [NX|XX] [GET]", -3, Write, ONE, WithoutOptions, STR,
        "Sets the key", "OK; null if NX or XX forbade it; with GET the old value, or null",
        "ERR syntax error; ERR option not supported");
    Setnx => cmd!("SETNX", "key value", 3, Write, ONE, Refused, STR,
        "Sets the key if it does not exist", "integer: 1 if it was set, 0 if not");
    Shutdown => cmd!("SHUTDOWN", "[NOSAVE|SAVE] [NOW] [FORCE]", -1, Connection, NONE, Accepted, SRV,
        "Stops this replica", "none: the connection closes");
    Status => cmd!("STATUS", "", 1, Connection, NONE, Accepted, HB,
        "This replica, its links and what it waits for", "bulk string of `name:value` lines");
    Store => cmd!("STORE", "", 1, Inspect, NONE, Accepted, HB,
        "Everything this replica holds", "array of key, value pairs, sorted by key");
    Strlen => cmd!("STRLEN", "key", 2, Read, ONE, Accepted, STR,
        "The length of the value at the key", "integer, 0 if absent");
    Time => cmd!("TIME", "", 1, Connection, NONE, Accepted, SRV,
        "The wall clock of this replica", "array: seconds, microseconds");
    Type => cmd!("TYPE", "key", 2, Read, ONE, Accepted, GEN,
        "The type of the value at the key", "simple string: string, or none");
    Unwatch => cmd!("UNWATCH", "", 1, Transaction, NONE, Refused, TXN,
        "Forgets the watched keys", "OK");
    Watch => cmd!("WATCH", "key [key ...]", -2, Transaction, ALL, Refused, TXN,
        "Makes the next EXEC depend on the keys not changing", "OK", barrier);
}
