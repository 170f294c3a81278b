//! The one table of commands: documentation, `HELP`, arity, the REPL's completion and hints, and the
//! path through the replica all come from here.

use super::Eventual::{Accepted, Refused, WithoutOptions};
use super::spec::Fact::{Admit, Barrier, Blind, Errors, Grows, InMulti, Slow};
use super::spec::Run::{Connection, Inspect, Plain, Read, Transaction, Write};
use super::spec::{
    CommandSpec, ConnectionCommand as C, Eventual, Fact, Group, Inspection as I, Keys, Kind, Run,
    TransactionCommand as T,
};
use super::{help, introspect, plain, subcommands};
use crate::store::Growth::{Copied, Moved, Number, Pairs, Part, Suffix, Value};
use crate::store::{admission, blind, read, write};

#[allow(clippy::too_many_arguments, reason = "the columns of a table")]
const fn row(
    id: Name,
    name: &'static str,
    arguments: &'static str,
    arity: i32,
    run: Run,
    keys: Keys,
    eventual: Eventual,
    group: Group,
    summary: &'static str,
    reply: &'static str,
    facts: &[Fact],
) -> CommandSpec {
    let kind = match run {
        Read(_) => Kind::Read,
        Write(_) => Kind::Write,
        Inspect(_) => Kind::Inspect,
        Plain(_) | Connection(_) => Kind::Connection,
        Transaction(_) => Kind::Transaction,
    };
    let mut spec = CommandSpec {
        id,
        name,
        arguments,
        arity,
        kind,
        run,
        barrier: false,
        slow: false,
        in_multi: matches!(run, Read(_) | Write(_)),
        admit: None,
        growth: None,
        blind: None,
        keys,
        eventual,
        group,
        summary,
        reply,
        errors: "",
    };
    let mut at = 0;
    while at < facts.len() {
        match facts[at] {
            Barrier => spec.barrier = true,
            Slow => spec.slow = true,
            InMulti => spec.in_multi = true,
            Admit(check) => spec.admit = Some(check),
            Grows(growth) => spec.growth = Some(growth),
            Blind(write) => spec.blind = Some(write),
            Errors(errors) => spec.errors = errors,
        }
        at += 1;
    }
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

/// `cmd!("NAME", "arguments", arity, What runs it, KEYS, Eventual, GROUP, "summary", "reply")` is a row that
/// still wants its [`Name`]; [`Fact`]s may follow.
macro_rules! cmd {
    ($name:literal, $args:literal, $arity:literal, $run:expr, $keys:expr, $eventual:expr, $group:expr,
     $summary:literal, $reply:literal $(, $fact:expr)*) => {{
        const fn make(id: Name) -> CommandSpec {
            row(
                id, $name, $args, $arity, $run, $keys, $eventual, $group, $summary, $reply,
                &[$($fact),*],
            )
        }
        make
    }};
}

commands! {
    Append => cmd!("APPEND", "key value", 3, Write(write::append), ONE, Refused, STR,
        "Appends a value to what the key holds", "integer: the new length",
        Errors("ERR string exceeds maximum allowed size (--max-value)"), Grows(Suffix));
    Auth => cmd!("AUTH", "[username] password", -2, Plain(plain::auth), NONE, Accepted, CON,
        "Takes the default user's word for it: there are no passwords", "OK",
        Errors("ERR no password is configured; WRONGPASS any other user"));
    Await => cmd!("AWAIT", "position", 2, Inspect(I::Await), NONE, Refused, HB,
        "Waits until this replica has delivered a position", "integer: the position reached, at least the one asked for",
        Barrier);
    Cas => cmd!("CAS", "key expected new", 4, Write(write::cas), ONE, Refused, HB,
        "Sets the key to `new` if it holds `expected`", "integer: 1 if it was set, 0 if not", Grows(Value(3)));
    Client => cmd!("CLIENT", "ID | SETNAME name | GETNAME | SETINFO LIB-NAME|LIB-VER value | LIST | INFO | KILL [ID id] [ADDR address] [SKIPME yes|no] | NO-EVICT ON|OFF | NO-TOUCH ON|OFF | REPLY ON|OFF|SKIP | HELP", -2,
        Connection(C::Client), NONE, Accepted, CON, "Names, lists and closes connections", "by subcommand",
        Errors("ERR no such client"));
    Command => cmd!("COMMAND", "[COUNT | LIST | INFO [command ...] | DOCS [command ...] | GETKEYS command ... | HELP]", -1,
        Plain(introspect::answer), NONE, Accepted, SRV, "Describes the commands to programs", "by subcommand", Slow);
    Config => cmd!("CONFIG", "GET pattern [pattern ...] | SET name value [name value ...] | RESETSTAT | REWRITE | HELP", -2,
        Connection(C::Config), NONE, Accepted, SRV, "Shows and changes settings of this replica", "by subcommand",
        Errors("ERR unknown option; ERR it cannot be changed while the replica runs"));
    Consistency => cmd!("CONSISTENCY", "[sequential|linearizable]", -1, Connection(C::Consistency), NONE, Accepted, HB,
        "Shows or picks the read path of this connection's later commands", "simple string: the model; or OK",
        Errors("ERR unknown model; ERR this cluster orders its writes (for eventual); ERR this cluster is eventual (for the others)"));
    Copy => cmd!("COPY", "source destination [DB 0] [REPLACE]", -3, Write(write::copy), TWO, Refused, GEN,
        "Copies a value to another key", "integer: 1 if it was copied, 0 if not", Admit(admission::copy), Grows(Copied));
    Dbsize => cmd!("DBSIZE", "", 1, Read(read::dbsize), NONE, Accepted, SRV,
        "Counts the keys", "integer");
    Debug => cmd!("DEBUG", "subcommand [argument ...]", -2, Plain(plain::debug), NONE, Accepted, SRV,
        "Is refused: what it would show, STATUS, ORDER and HOLDBACK show", "none", Errors("ERR always"));
    Decr => cmd!("DECR", "key", 2, Write(write::decr), ONE, Refused, STR,
        "Takes one from the number at the key", "integer: the new number",
        Errors("ERR value is not an integer or out of range; ERR increment or decrement would overflow"), Grows(Number));
    Decrby => cmd!("DECRBY", "key decrement", 3, Write(write::decrby), ONE, Refused, STR,
        "Takes a number from the number at the key", "integer: the new number",
        Errors("ERR value is not an integer or out of range; ERR increment or decrement would overflow"), Admit(admission::decrby), Grows(Number));
    Del => cmd!("DEL", "key [key ...]", -2, Write(write::del), ALL, Accepted, GEN,
        "Deletes keys", "integer: how many existed", Slow, Blind(blind::del));
    Digest => cmd!("DIGEST", "[position]", -1, Inspect(I::Digest), NONE, Accepted, HB,
        "The digest of the order up to a position (eventual model: of the data)",
        "array: position (eventual model: number of keys), hexadecimal digest",
        Errors("OUTOFRANGE position dropped, or not reached yet; NEEDSORDER a position in the eventual model"));
    Discard => cmd!("DISCARD", "", 1, Transaction(T::Discard), NONE, Refused, TXN,
        "Leaves a transaction without executing it, and forgets the watched keys", "OK",
        Errors("ERR DISCARD without MULTI"));
    Echo => cmd!("ECHO", "message", 2, Plain(plain::echo), NONE, Accepted, CON,
        "Answers with the message", "bulk string", InMulti);
    Exec => cmd!("EXEC", "", 1, Transaction(T::Exec), NONE, Refused, TXN,
        "Executes a transaction as one entry of the order",
        "array of replies; null if a watched key changed",
        Errors("EXECABORT a queued command was refused, or a WATCH failed; ERR EXEC without MULTI"));
    Exists => cmd!("EXISTS", "key [key ...]", -2, Read(read::exists), ALL, Accepted, GEN,
        "Counts how many of the keys exist", "integer; a key named twice counts twice");
    Expiretime => cmd!("EXPIRETIME", "key", 2, Read(read::ttl), ONE, Accepted, GEN,
        "When the key expires", "integer: -1, or -2 if absent");
    Fault => cmd!("FAULT", "DELAY peer|* min_ms max_ms | CUT peer|* | HEAL peer|* | LIST", -2,
        Connection(C::Fault), NONE, Accepted, HB,
        "Delays, cuts and heals this replica's links (with --allow-faults)", "OK; LIST: array of strings",
        Errors("NOPERM without --allow-faults; ERR no such peer; ERR usage; ERR delays out of range"));
    Flushall => cmd!("FLUSHALL", "[ASYNC|SYNC]", -1, Write(write::flushall), NONE, Accepted, SRV,
        "Deletes every key (eventual model: those held here)", "OK", Errors("ERR syntax error"), Slow, Admit(admission::flushall), Blind(blind::flushall));
    Flushdb => cmd!("FLUSHDB", "[ASYNC|SYNC]", -1, Write(write::flushall), NONE, Accepted, SRV,
        "Deletes every key (eventual model: those held here)", "OK", Errors("ERR syntax error"), Slow, Admit(admission::flushall), Blind(blind::flushall));
    Get => cmd!("GET", "key", 2, Read(read::get), ONE, Accepted, STR,
        "The value at the key", "bulk string, or null");
    Getdel => cmd!("GETDEL", "key", 2, Write(write::getdel), ONE, Refused, STR,
        "The value at the key, which is deleted", "bulk string, or null");
    Getrange => cmd!("GETRANGE", "key start end", 4, Read(read::getrange), ONE, Accepted, STR,
        "A part of the value at the key", "bulk string", Errors("ERR value is not an integer or out of range"));
    Getset => cmd!("GETSET", "key value", 3, Write(write::getset), ONE, Refused, STR,
        "Sets the key and answers with its old value", "bulk string, or null", Grows(Value(2)));
    Hello => cmd!("HELLO", "[2|3] [AUTH username password] [SETNAME name]", -1, Connection(C::Hello), NONE, Accepted, CON,
        "Picks the version of RESP for this connection's replies", "map of facts about the server",
        Errors("NOPROTO unsupported protocol version; WRONGPASS"));
    Help => cmd!("HELP", "[command|@group]", -1, Plain(help::answer), NONE, Accepted, HB,
        "Explains a command, or lists all or those of a group", "array of strings",
        Errors("ERR no such command or group"));
    Holdback => cmd!("HOLDBACK", "[count]", -1, Inspect(I::Holdback), NONE, Accepted, HB,
        "The entries held back, head first, and whom each waits for; 100, or `count`",
        "array of `STAMP waits:3,5 command args...` strings", Slow);
    Incr => cmd!("INCR", "key", 2, Write(write::incr), ONE, Refused, STR,
        "Adds one to the number at the key", "integer: the new number",
        Errors("ERR value is not an integer or out of range; ERR increment or decrement would overflow"), Grows(Number));
    Incrby => cmd!("INCRBY", "key increment", 3, Write(write::incrby), ONE, Refused, STR,
        "Adds a number to the number at the key", "integer: the new number",
        Errors("ERR value is not an integer or out of range; ERR increment or decrement would overflow"), Admit(admission::incrby), Grows(Number));
    Incrbyfloat => cmd!("INCRBYFLOAT", "key increment", 3, Write(write::incrbyfloat), ONE, Refused, STR,
        "Adds a decimal number to the number at the key", "bulk string: the new number",
        Errors("ERR value is not a valid float; ERR overflow"), Admit(admission::incrbyfloat), Grows(Number));
    Info => cmd!("INFO", "[section ...]", -1, Connection(C::Info), NONE, Accepted, SRV,
        "Describes this replica as Redis tools expect", "bulk string of `name:value` lines");
    Keys => cmd!("KEYS", "pattern", 2, Read(read::keys), NONE, Accepted, GEN,
        "The keys that match a pattern, sorted", "array of bulk strings", Slow, Admit(admission::keys));
    Latency => cmd!("LATENCY", "LATEST | HISTORY event | RESET [event ...] | DOCTOR | HELP", -2,
        Plain(plain::latency), NONE, Accepted, SRV, "Answers tools that ask for latency events: there are none", "by subcommand");
    Memory => cmd!("MEMORY", "USAGE key [SAMPLES count] | DOCTOR | HELP", -2, Read(subcommands::memory), SECOND, Accepted, SRV,
        "Roughly how many bytes a key takes", "integer, or null");
    Mget => cmd!("MGET", "key [key ...]", -2, Read(read::mget), ALL, Accepted, STR,
        "The values at the keys", "array of bulk strings or nulls", Slow);
    Monitor => cmd!("MONITOR", "[COMMANDS|ORDER|FRAMES]", -1, Connection(C::Monitor), NONE, Accepted, HB,
        "Streams client commands (the default), deliveries or peer frames as they happen",
        "OK, then a simple string for each", Errors("ERR syntax error"));
    Mset => cmd!("MSET", "key value [key value ...]", -3, Write(write::mset), PAIRS, Accepted, STR,
        "Sets several keys at once (eventual model: one after another)", "OK",
        Errors("ERR wrong number of arguments"), Slow, Admit(admission::mset), Blind(blind::mset), Grows(Pairs));
    Msetnx => cmd!("MSETNX", "key value [key value ...]", -3, Write(write::msetnx), PAIRS, Refused, STR,
        "Sets several keys at once if none of them exists", "integer: 1 if they were set, 0 if not", Admit(admission::msetnx), Grows(Pairs));
    Multi => cmd!("MULTI", "", 1, Transaction(T::Multi), NONE, Refused, TXN,
        "Begins a transaction", "OK", Errors("ERR MULTI calls can not be nested"));
    Object => cmd!("OBJECT", "ENCODING key | REFCOUNT key | IDLETIME key | FREQ key | HELP", -2, Read(subcommands::object), SECOND, Accepted, GEN,
        "What tools ask of a value's representation", "by subcommand, or null");
    Order => cmd!("ORDER", "[count [from]]", -1, Inspect(I::Order), NONE, Accepted, HB,
        "The last 100 entries of the order, the last `count`, or `count` beginning at position `from`",
        "array, oldest first, of `POSITION STAMP command args...` strings, a transaction's commands joined by ` ; `",
        Errors("OUTOFRANGE position dropped"), Slow);
    Peer => cmd!("PEER", "name=value ...", -1, Connection(C::Peer), NONE, Accepted, HB,
        "The handshake by which another replica makes this connection a link", "the PEER frame of this replica, or REFUSE");
    Persist => cmd!("PERSIST", "key", 2, Read(read::persist), ONE, Accepted, GEN,
        "Would remove a key's expiry: keys do not expire", "integer: 0");
    Pexpiretime => cmd!("PEXPIRETIME", "key", 2, Read(read::ttl), ONE, Accepted, GEN,
        "When the key expires", "integer: -1, or -2 if absent");
    Ping => cmd!("PING", "[message]", -1, Plain(plain::ping), NONE, Accepted, CON,
        "Answers PONG, or with the message", "simple string, or bulk string", InMulti);
    Position => cmd!("POSITION", "", 1, Inspect(I::Position), NONE, Refused, HB,
        "The position at which this connection's last command took effect or was read", "integer");
    Pttl => cmd!("PTTL", "key", 2, Read(read::ttl), ONE, Accepted, GEN,
        "How long the key lives, in milliseconds", "integer: -1, or -2 if absent");
    Quit => cmd!("QUIT", "", -1, Connection(C::Quit), NONE, Accepted, CON,
        "Closes the connection once everything before it is answered", "OK");
    Randomkey => cmd!("RANDOMKEY", "", 1, Read(read::randomkey), NONE, Accepted, GEN,
        "Some key", "bulk string, or null");
    Rename => cmd!("RENAME", "key newkey", 3, Write(write::rename), TWO, Refused, GEN,
        "Moves a value to another key", "OK", Errors("ERR no such key"), Grows(Moved));
    Renamenx => cmd!("RENAMENX", "key newkey", 3, Write(write::renamenx), TWO, Refused, GEN,
        "Moves a value to another key if that does not exist", "integer: 1 if it was moved, 0 if not",
        Errors("ERR no such key"), Grows(Moved));
    Reset => cmd!("RESET", "", 1, Connection(C::Reset), NONE, Accepted, CON,
        "Makes the connection as good as new", "simple string: RESET");
    Scan => cmd!("SCAN", "cursor [MATCH pattern] [COUNT count] [TYPE type]", -2, Read(read::scan), NONE, Accepted, GEN,
        "A part of the keys; a key that is there from the first call to the last is returned at least once",
        "array: the next cursor (0: the end), array of keys", Errors("ERR invalid cursor"), Slow, Admit(admission::scan));
    Select => cmd!("SELECT", "0", 2, Plain(plain::select), NONE, Accepted, CON,
        "Picks the database: there is one", "OK", Errors("ERR DB index is out of range"));
    Set => cmd!("SET", "key value [NX|XX] [GET]", -3, Write(write::set), ONE, WithoutOptions, STR,
        "Sets the key", "OK; null if NX or XX forbade it; with GET the old value or null, whether it was set or not",
        Errors("ERR syntax error; ERR option not supported"), Admit(admission::set), Blind(blind::set), Grows(Value(2)));
    Setnx => cmd!("SETNX", "key value", 3, Write(write::setnx), ONE, Refused, STR,
        "Sets the key if it does not exist", "integer: 1 if it was set, 0 if not", Grows(Value(2)));
    Setrange => cmd!("SETRANGE", "key offset value", 4, Write(write::setrange), ONE, Refused, STR,
        "Overwrites a part of the value at the key", "integer: the new length",
        Errors("ERR offset is out of range; ERR value above --max-value"), Admit(admission::setrange), Grows(Part));
    Shutdown => cmd!("SHUTDOWN", "[NOSAVE|SAVE] [NOW] [FORCE]", -1, Connection(C::Shutdown), NONE, Accepted, SRV,
        "Stops this replica", "none: the connection closes", Errors("ERR syntax error"));
    Slowlog => cmd!("SLOWLOG", "GET [count] | LEN | RESET | HELP", -2, Connection(C::Slowlog), NONE, Accepted, SRV,
        "Commands that took long, from their arrival to their reply", "by subcommand");
    Status => cmd!("STATUS", "", 1, Connection(C::Status), NONE, Accepted, HB,
        "This replica, its links and what it waits for", "bulk string of `name:value` lines");
    Store => cmd!("STORE", "", 1, Inspect(I::Store), NONE, Accepted, HB,
        "Everything this replica holds", "array: key, value, key, value..., sorted by key", Errors("NOTREADY"), Slow);
    Strlen => cmd!("STRLEN", "key", 2, Read(read::strlen), ONE, Accepted, STR,
        "The length of the value at the key", "integer, 0 if absent");
    Substr => cmd!("SUBSTR", "key start end", 4, Read(read::getrange), ONE, Accepted, STR,
        "A part of the value at the key (the old name of GETRANGE)", "bulk string",
        Errors("ERR value is not an integer or out of range"));
    Time => cmd!("TIME", "", 1, Plain(plain::time), NONE, Accepted, SRV,
        "The wall clock of this replica", "array: seconds, microseconds");
    Touch => cmd!("TOUCH", "key [key ...]", -2, Read(read::exists), ALL, Accepted, GEN,
        "Counts how many of the keys exist", "integer");
    Ttl => cmd!("TTL", "key", 2, Read(read::ttl), ONE, Accepted, GEN,
        "How long the key lives, in seconds", "integer: -1, or -2 if absent");
    Type => cmd!("TYPE", "key", 2, Read(read::type_of), ONE, Accepted, GEN,
        "The type of the value at the key", "simple string: string, or none");
    Unlink => cmd!("UNLINK", "key [key ...]", -2, Write(write::del), ALL, Accepted, GEN,
        "Deletes keys", "integer: how many existed", Slow, Blind(blind::del));
    Unwatch => cmd!("UNWATCH", "", 1, Transaction(T::Unwatch), NONE, Refused, TXN,
        "Forgets the watched keys", "OK");
    Wait => cmd!("WAIT", "numreplicas timeout", 3, Inspect(I::Wait), NONE, Accepted, GEN,
        "How many other replicas hold this connection's writes: a write that was answered is held by all",
        "integer");
    Watch => cmd!("WATCH", "key [key ...]", -2, Transaction(T::Watch), ALL, Refused, TXN,
        "Makes the next EXEC depend on the keys not changing", "OK",
        Barrier);
}
