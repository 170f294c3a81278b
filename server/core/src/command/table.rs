//! The one table of commands: documentation, `HELP`, arity, the REPL's completion and hints, and the
//! path through the replica all come from here.

use super::Eventual::{Accepted, Refused, WithoutOptions};
use super::Kind::{Connection, Inspect, Read, Transaction, Write};
use super::{CommandSpec, Eventual, Group, Keys, Kind};

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
const TWO: Keys = Keys {
    first: 1,
    last: 2,
    step: 1,
};
const SECOND: Keys = Keys {
    first: 2,
    last: 2,
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
        "ERR string exceeds maximum allowed size (--max-value)");
    Auth => cmd!("AUTH", "[username] password", -2, Connection, NONE, Accepted, CON,
        "Takes the default user's word for it: there are no passwords", "OK",
        "ERR no password is configured; WRONGPASS any other user");
    Await => cmd!("AWAIT", "position", 2, Inspect, NONE, Refused, HB,
        "Waits until this replica has delivered a position", "integer: the position reached, at least the one asked for",
        barrier);
    Cas => cmd!("CAS", "key expected new", 4, Write, ONE, Refused, HB,
        "Sets the key to `new` if it holds `expected`", "integer: 1 if it was set, 0 if not");
    Client => cmd!("CLIENT", "ID | SETNAME name | GETNAME | SETINFO LIB-NAME|LIB-VER value | LIST | INFO | KILL [ID id] [ADDR address] [SKIPME yes|no] | NO-EVICT ON|OFF | NO-TOUCH ON|OFF | REPLY ON|OFF|SKIP | HELP", -2,
        Connection, NONE, Accepted, CON, "Names, lists and closes connections", "by subcommand",
        "ERR no such client");
    Command => cmd!("COMMAND", "[COUNT | LIST | INFO [command ...] | DOCS [command ...] | GETKEYS command ... | HELP]", -1,
        Connection, NONE, Accepted, SRV, "Describes the commands to programs", "by subcommand");
    Config => cmd!("CONFIG", "GET pattern [pattern ...] | SET name value [name value ...] | RESETSTAT | REWRITE | HELP", -2,
        Connection, NONE, Accepted, SRV, "Shows and changes settings of this replica", "by subcommand",
        "ERR unknown option; ERR it cannot be changed while the replica runs");
    Consistency => cmd!("CONSISTENCY", "[sequential|linearizable]", -1, Connection, NONE, Accepted, HB,
        "Shows or picks the read path of this connection's later commands", "simple string: the model; or OK",
        "ERR unknown model; ERR this cluster orders its writes (for eventual); ERR this cluster is eventual (for the others)");
    Copy => cmd!("COPY", "source destination [DB 0] [REPLACE]", -3, Write, TWO, Refused, GEN,
        "Copies a value to another key", "integer: 1 if it was copied, 0 if not");
    Dbsize => cmd!("DBSIZE", "", 1, Read, NONE, Accepted, SRV,
        "Counts the keys", "integer");
    Debug => cmd!("DEBUG", "subcommand [argument ...]", -2, Connection, NONE, Accepted, SRV,
        "Is refused: what it would show, STATUS, ORDER and HOLDBACK show", "none", "ERR always");
    Decr => cmd!("DECR", "key", 2, Write, ONE, Refused, STR,
        "Takes one from the number at the key", "integer: the new number",
        "ERR value is not an integer or out of range; ERR increment or decrement would overflow");
    Decrby => cmd!("DECRBY", "key decrement", 3, Write, ONE, Refused, STR,
        "Takes a number from the number at the key", "integer: the new number",
        "ERR value is not an integer or out of range; ERR increment or decrement would overflow");
    Del => cmd!("DEL", "key [key ...]", -2, Write, ALL, Accepted, GEN,
        "Deletes keys", "integer: how many existed");
    Digest => cmd!("DIGEST", "[position]", -1, Inspect, NONE, Accepted, HB,
        "The digest of the order up to a position (eventual model: of the data)",
        "array: position (eventual model: number of keys), hexadecimal digest",
        "OUTOFRANGE position dropped, or not reached yet; NEEDSORDER a position in the eventual model");
    Discard => cmd!("DISCARD", "", 1, Transaction, NONE, Refused, TXN,
        "Leaves a transaction without executing it, and forgets the watched keys", "OK",
        "ERR DISCARD without MULTI");
    Echo => cmd!("ECHO", "message", 2, Connection, NONE, Accepted, CON,
        "Answers with the message", "bulk string");
    Exec => cmd!("EXEC", "", 1, Transaction, NONE, Refused, TXN,
        "Executes a transaction as one entry of the order",
        "array of replies; null if a watched key changed",
        "EXECABORT a queued command was refused, or a WATCH failed; ERR EXEC without MULTI");
    Exists => cmd!("EXISTS", "key [key ...]", -2, Read, ALL, Accepted, GEN,
        "Counts how many of the keys exist", "integer; a key named twice counts twice");
    Expiretime => cmd!("EXPIRETIME", "key", 2, Read, ONE, Accepted, GEN,
        "When the key expires", "integer: -1, or -2 if absent");
    Fault => cmd!("FAULT", "DELAY peer|* min_ms max_ms | CUT peer|* | HEAL peer|* | LIST", -2,
        Connection, NONE, Accepted, HB,
        "Delays, cuts and heals this replica's links (with --allow-faults)", "OK; LIST: array of strings",
        "NOPERM without --allow-faults; ERR no such peer; ERR usage; ERR delays out of range");
    Flushall => cmd!("FLUSHALL", "[ASYNC|SYNC]", -1, Write, NONE, Accepted, SRV,
        "Deletes every key (eventual model: those held here)", "OK", "ERR syntax error");
    Flushdb => cmd!("FLUSHDB", "[ASYNC|SYNC]", -1, Write, NONE, Accepted, SRV,
        "Deletes every key (eventual model: those held here)", "OK", "ERR syntax error");
    Get => cmd!("GET", "key", 2, Read, ONE, Accepted, STR,
        "The value at the key", "bulk string, or null");
    Getdel => cmd!("GETDEL", "key", 2, Write, ONE, Refused, STR,
        "The value at the key, which is deleted", "bulk string, or null");
    Getrange => cmd!("GETRANGE", "key start end", 4, Read, ONE, Accepted, STR,
        "A part of the value at the key", "bulk string", "ERR value is not an integer or out of range");
    Getset => cmd!("GETSET", "key value", 3, Write, ONE, Refused, STR,
        "Sets the key and answers with its old value", "bulk string, or null");
    Hello => cmd!("HELLO", "[2|3] [AUTH username password] [SETNAME name]", -1, Connection, NONE, Accepted, CON,
        "Picks the version of RESP for this connection's replies", "map of facts about the server",
        "NOPROTO unsupported protocol version; WRONGPASS");
    Help => cmd!("HELP", "[command|@group]", -1, Connection, NONE, Accepted, HB,
        "Explains a command, or lists all or those of a group", "array of strings",
        "ERR no such command or group");
    Holdback => cmd!("HOLDBACK", "[count]", -1, Inspect, NONE, Accepted, HB,
        "The entries held back, head first, and whom each waits for; 100, or `count`",
        "array of `STAMP waits:3,5 command args...` strings");
    Incr => cmd!("INCR", "key", 2, Write, ONE, Refused, STR,
        "Adds one to the number at the key", "integer: the new number",
        "ERR value is not an integer or out of range; ERR increment or decrement would overflow");
    Incrby => cmd!("INCRBY", "key increment", 3, Write, ONE, Refused, STR,
        "Adds a number to the number at the key", "integer: the new number",
        "ERR value is not an integer or out of range; ERR increment or decrement would overflow");
    Incrbyfloat => cmd!("INCRBYFLOAT", "key increment", 3, Write, ONE, Refused, STR,
        "Adds a decimal number to the number at the key", "bulk string: the new number",
        "ERR value is not a valid float; ERR overflow");
    Info => cmd!("INFO", "[section ...]", -1, Connection, NONE, Accepted, SRV,
        "Describes this replica as Redis tools expect", "bulk string of `name:value` lines");
    Keys => cmd!("KEYS", "pattern", 2, Read, NONE, Accepted, GEN,
        "The keys that match a pattern, sorted", "array of bulk strings");
    Latency => cmd!("LATENCY", "LATEST | HISTORY event | RESET [event ...] | DOCTOR | HELP", -2,
        Connection, NONE, Accepted, SRV, "Answers tools that ask for latency events: there are none", "by subcommand");
    Memory => cmd!("MEMORY", "USAGE key [SAMPLES count] | DOCTOR | HELP", -2, Read, SECOND, Accepted, SRV,
        "Roughly how many bytes a key takes", "integer, or null");
    Mget => cmd!("MGET", "key [key ...]", -2, Read, ALL, Accepted, STR,
        "The values at the keys", "array of bulk strings or nulls");
    Monitor => cmd!("MONITOR", "[COMMANDS|ORDER|FRAMES]", -1, Connection, NONE, Accepted, HB,
        "Streams client commands (the default), deliveries or peer frames as they happen",
        "OK, then a simple string for each", "ERR syntax error");
    Mset => cmd!("MSET", "key value [key value ...]", -3, Write, PAIRS, Accepted, STR,
        "Sets several keys at once (eventual model: one after another)", "OK",
        "ERR wrong number of arguments");
    Msetnx => cmd!("MSETNX", "key value [key value ...]", -3, Write, PAIRS, Refused, STR,
        "Sets several keys at once if none of them exists", "integer: 1 if they were set, 0 if not");
    Multi => cmd!("MULTI", "", 1, Transaction, NONE, Refused, TXN,
        "Begins a transaction", "OK", "ERR MULTI calls can not be nested");
    Object => cmd!("OBJECT", "ENCODING key | REFCOUNT key | IDLETIME key | FREQ key | HELP", -2, Read, SECOND, Accepted, GEN,
        "What tools ask of a value's representation", "by subcommand, or null");
    Order => cmd!("ORDER", "[count [from]]", -1, Inspect, NONE, Accepted, HB,
        "The last 100 entries of the order, the last `count`, or `count` beginning at position `from`",
        "array, oldest first, of `POSITION STAMP command args...` strings, a transaction's commands joined by ` ; `",
        "OUTOFRANGE position dropped");
    Peer => cmd!("PEER", "name=value ...", -1, Connection, NONE, Accepted, HB,
        "The handshake by which another replica makes this connection a link", "the PEER frame of this replica, or REFUSE");
    Persist => cmd!("PERSIST", "key", 2, Read, ONE, Accepted, GEN,
        "Would remove a key's expiry: keys do not expire", "integer: 0");
    Pexpiretime => cmd!("PEXPIRETIME", "key", 2, Read, ONE, Accepted, GEN,
        "When the key expires", "integer: -1, or -2 if absent");
    Ping => cmd!("PING", "[message]", -1, Connection, NONE, Accepted, CON,
        "Answers PONG, or with the message", "simple string, or bulk string");
    Position => cmd!("POSITION", "", 1, Inspect, NONE, Refused, HB,
        "The position at which this connection's last command took effect or was read", "integer");
    Pttl => cmd!("PTTL", "key", 2, Read, ONE, Accepted, GEN,
        "How long the key lives, in milliseconds", "integer: -1, or -2 if absent");
    Quit => cmd!("QUIT", "", -1, Connection, NONE, Accepted, CON,
        "Closes the connection once everything before it is answered", "OK");
    Randomkey => cmd!("RANDOMKEY", "", 1, Read, NONE, Accepted, GEN,
        "Some key", "bulk string, or null");
    Rename => cmd!("RENAME", "key newkey", 3, Write, TWO, Refused, GEN,
        "Moves a value to another key", "OK", "ERR no such key");
    Renamenx => cmd!("RENAMENX", "key newkey", 3, Write, TWO, Refused, GEN,
        "Moves a value to another key if that does not exist", "integer: 1 if it was moved, 0 if not",
        "ERR no such key");
    Reset => cmd!("RESET", "", 1, Connection, NONE, Accepted, CON,
        "Makes the connection as good as new", "simple string: RESET");
    Scan => cmd!("SCAN", "cursor [MATCH pattern] [COUNT count] [TYPE type]", -2, Read, NONE, Accepted, GEN,
        "A part of the keys; a key that is there from the first call to the last is returned at least once",
        "array: the next cursor (0: the end), array of keys", "ERR invalid cursor");
    Select => cmd!("SELECT", "0", 2, Connection, NONE, Accepted, CON,
        "Picks the database: there is one", "OK", "ERR DB index is out of range");
    Set => cmd!("SET", "key value [NX|XX] [GET]", -3, Write, ONE, WithoutOptions, STR,
        "Sets the key", "OK; null if NX or XX forbade it; with GET the old value or null, whether it was set or not",
        "ERR syntax error; ERR option not supported");
    Setnx => cmd!("SETNX", "key value", 3, Write, ONE, Refused, STR,
        "Sets the key if it does not exist", "integer: 1 if it was set, 0 if not");
    Setrange => cmd!("SETRANGE", "key offset value", 4, Write, ONE, Refused, STR,
        "Overwrites a part of the value at the key", "integer: the new length",
        "ERR offset is out of range; ERR value above --max-value");
    Shutdown => cmd!("SHUTDOWN", "[NOSAVE|SAVE] [NOW] [FORCE]", -1, Connection, NONE, Accepted, SRV,
        "Stops this replica", "none: the connection closes", "ERR syntax error");
    Slowlog => cmd!("SLOWLOG", "GET [count] | LEN | RESET | HELP", -2, Connection, NONE, Accepted, SRV,
        "Commands that took long, from their arrival to their reply", "by subcommand");
    Status => cmd!("STATUS", "", 1, Connection, NONE, Accepted, HB,
        "This replica, its links and what it waits for", "bulk string of `name:value` lines");
    Store => cmd!("STORE", "", 1, Inspect, NONE, Accepted, HB,
        "Everything this replica holds", "array: key, value, key, value..., sorted by key", "NOTREADY");
    Strlen => cmd!("STRLEN", "key", 2, Read, ONE, Accepted, STR,
        "The length of the value at the key", "integer, 0 if absent");
    Substr => cmd!("SUBSTR", "key start end", 4, Read, ONE, Accepted, STR,
        "A part of the value at the key (the old name of GETRANGE)", "bulk string",
        "ERR value is not an integer or out of range");
    Time => cmd!("TIME", "", 1, Connection, NONE, Accepted, SRV,
        "The wall clock of this replica", "array: seconds, microseconds");
    Touch => cmd!("TOUCH", "key [key ...]", -2, Read, ALL, Accepted, GEN,
        "Counts how many of the keys exist", "integer");
    Ttl => cmd!("TTL", "key", 2, Read, ONE, Accepted, GEN,
        "How long the key lives, in seconds", "integer: -1, or -2 if absent");
    Type => cmd!("TYPE", "key", 2, Read, ONE, Accepted, GEN,
        "The type of the value at the key", "simple string: string, or none");
    Unlink => cmd!("UNLINK", "key [key ...]", -2, Write, ALL, Accepted, GEN,
        "Deletes keys", "integer: how many existed");
    Unwatch => cmd!("UNWATCH", "", 1, Transaction, NONE, Refused, TXN,
        "Forgets the watched keys", "OK");
    Wait => cmd!("WAIT", "numreplicas timeout", 3, Inspect, NONE, Accepted, GEN,
        "How many other replicas hold this connection's writes: a write that was answered is held by all",
        "integer");
    Watch => cmd!("WATCH", "key [key ...]", -2, Transaction, ALL, Refused, TXN,
        "Makes the next EXEC depend on the keys not changing", "OK", barrier);
}
