//! Every command: what it answers and how it fails, in each model. RESP3 has its own bytes.
//!
//! A row is a line, ` -> ` and its reply; `...` at the end of a reply stands for anything. The rows of a model are
//! one connection, so each builds on those before it.

use crate::world::World;
use holdback::consistency::Consistency::{self, Eventual, Linearizable, Sequential};
use holdback::protocol::table::COMMANDS;
use std::collections::BTreeSet;

/// Rows that hold in every model.
const ALL_MODELS: &str = r#"
PING -> +PONG
ping hello -> hello
PING a b -> -ERR wrong number of arguments for 'ping' command
ECHO hi -> hi
ECHO -> -ERR wrong number of arguments for 'echo' command
SET a 1 -> +OK
SET a -> -ERR wrong number of arguments for 'set' command
SET a 1 EX 10 -> -...
GET a -> 1
GET none -> nil
GET -> -ERR wrong number of arguments for 'get' command
MSET b 2 c 3 -> +OK
MSET b 2 c -> -ERR wrong number of arguments for 'mset' command
MGET a none c -> [1 nil 3]
MGET -> -ERR wrong number of arguments for 'mget' command
EXISTS a a none -> :2
EXISTS -> -ERR wrong number of arguments for 'exists' command
TOUCH a none -> :1
TOUCH -> -ERR wrong number of arguments for 'touch' command
STRLEN a -> :1
STRLEN -> -ERR wrong number of arguments for 'strlen' command
TYPE a -> +string
TYPE none -> +none
TYPE -> -ERR wrong number of arguments for 'type' command
KEYS [ab] -> [a b]
KEYS -> -ERR wrong number of arguments for 'keys' command
DBSIZE -> :3
DBSIZE x -> -ERR wrong number of arguments for 'dbsize' command
RANDOMKEY -> ...
RANDOMKEY x -> -ERR wrong number of arguments for 'randomkey' command
SCAN 0 COUNT 100 MATCH b -> [0 [b]]
SCAN 0 TYPE list -> [0 []]
SCAN x -> -ERR invalid cursor
SCAN 0 COUNT 0 -> -ERR syntax error
SCAN 0 COUNT x -> -ERR value is not an integer or out of range
SCAN 0 FOO x -> -ERR syntax error
SET s "Hello World" -> +OK
GETRANGE s -5 -1 -> World
GETRANGE s 3 1 ->
GETRANGE s x 1 -> -ERR value is not an integer or out of range
SUBSTR s 0 4 -> Hello
SUBSTR s 0 -> -ERR wrong number of arguments for 'substr' command
TTL a -> :-1
TTL none -> :-2
TTL -> -ERR wrong number of arguments for 'ttl' command
PTTL none -> :-2
PTTL -> -ERR wrong number of arguments for 'pttl' command
EXPIRETIME a -> :-1
EXPIRETIME -> -ERR wrong number of arguments for 'expiretime' command
PEXPIRETIME a -> :-1
PEXPIRETIME -> -ERR wrong number of arguments for 'pexpiretime' command
PERSIST a -> :0
PERSIST -> -ERR wrong number of arguments for 'persist' command
OBJECT ENCODING a -> int
OBJECT ENCODING none -> nil
OBJECT FOO a -> -ERR unknown subcommand 'FOO'. Try OBJECT HELP.
MEMORY USAGE a -> :...
MEMORY FOO -> -ERR unknown subcommand 'FOO'. Try MEMORY HELP.
DEL b none -> :1
DEL -> -ERR wrong number of arguments for 'del' command
UNLINK c -> :1
UNLINK -> -ERR wrong number of arguments for 'unlink' command
STORE -> [a 1 s Hello World]
STORE x -> -ERR wrong number of arguments for 'store' command
DIGEST -> [...
DIGEST x -> -...
ORDER 1 1 -> [1 ...
ORDER x -> -ERR value is not an integer or out of range
HOLDBACK -> []
HOLDBACK x -> -ERR value is not an integer or out of range
HOLDBACK 1 2 -> -ERR wrong number of arguments for 'holdback' command
STATUS -> id:1...
STATUS x -> -ERR wrong number of arguments for 'status' command
INFO server -> # Server...
HELP GET -> [GET key -- ...
HELP @string -> [APPEND key value -- ...
HELP NOSUCH -> -ERR no such command or group 'NOSUCH'; HELP lists all
TIME -> [...
TIME x -> -ERR wrong number of arguments for 'time' command
SELECT 0 -> +OK
SELECT 1 -> -ERR DB index is out of range
AUTH default x -> +OK
AUTH x -> -ERR AUTH <password> called without any password...
AUTH nobody x -> -WRONGPASS ...
CLIENT ID -> :...
CLIENT SETNAME me -> +OK
CLIENT GETNAME -> me
CLIENT KILL ID 99999 -> :0
CLIENT FOO -> -ERR unknown subcommand 'FOO'. Try CLIENT HELP.
CLIENT SETNAME "a b" -> -ERR Client names cannot contain...
COMMAND COUNT -> :...
COMMAND GETKEYS MSET a 1 b 2 -> [a b]
COMMAND GETKEYS PING x -> -ERR The command has no key arguments
CONFIG GET maxmemory -> [maxmemory 0]
CONFIG SET slowlog-max-len 7 -> +OK
CONFIG SET consistency strong -> -ERR CONFIG SET failed (possibly related to argument 'consistency')...
CONFIG SET nosuch 1 -> -ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'
SLOWLOG LEN -> :0
SLOWLOG GET x -> -ERR count should be greater than or equal to -1
LATENCY LATEST -> []
LATENCY FOO -> -ERR unknown subcommand 'FOO'. Try LATENCY HELP.
DEBUG SLEEP 1 -> -ERR DEBUG is not supported: ...
HELLO 2 -> [server redis version ...
HELLO 4 -> -NOPROTO unsupported protocol version
HELLO 2 FOO -> -ERR Syntax error in HELLO option 'FOO'
WAIT 0 x -> -ERR timeout is not an integer or out of range
FAULT LIST -> []
FAULT CUT 9 -> -ERR no such peer '9' (an id, or *)
FAULT -> -ERR wrong number of arguments for 'fault' command
PEER -> [REFUSE protocol PEER: version= is missing]
NOSUCH a b -> -ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b'\x20
MCAST 0 1 3 SET x 1 -> -NOTAPEER ...
LPUSH l 1 -> -ERR LPUSH works on lists: strings are the only type here
EXPIRE a 1 -> -ERR EXPIRE is not supported: keys do not expire
SUBSCRIBE c -> -ERR SUBSCRIBE is not supported: ...
MONITOR FOO -> -ERR syntax error
SHUTDOWN FOO -> -ERR syntax error
FLUSHALL FOO -> -ERR syntax error
FLUSHALL SYNC -> +OK
FLUSHDB ASYNC -> +OK
FLUSHDB FOO -> -ERR syntax error
DBSIZE -> :0
RANDOMKEY -> nil
RESET -> +RESET
RESET x -> -ERR wrong number of arguments for 'reset' command
"#;

/// Rows of the ordered models.
const ORDERED: &str = r"
SET n 5 -> +OK
SET n 6 NX -> nil
SET n 7 XX GET -> 5
SET n 7 NX XX -> -ERR syntax error
SET n 7 PX 5 -> -ERR option PX is not supported: keys do not expire
SETNX n 1 -> :0
SETNX m 1 -> :1
SETNX m -> -ERR wrong number of arguments for 'setnx' command
INCR n -> :8
INCR -> -ERR wrong number of arguments for 'incr' command
INCRBY n 10 -> :18
INCRBY n x -> -ERR value is not an integer or out of range
DECR n -> :17
DECR -> -ERR wrong number of arguments for 'decr' command
DECRBY n 7 -> :10
DECRBY n -9223372036854775808 -> -ERR decrement would overflow
INCRBY n 9223372036854775807 -> -ERR increment or decrement would overflow
INCRBYFLOAT n 0.5 -> 10.5
INCR n -> -ERR value is not an integer or out of range
INCRBYFLOAT n x -> -ERR value is not a valid float
APPEND t ab -> :2
APPEND t -> -ERR wrong number of arguments for 'append' command
SETRANGE t 4 x -> :5
SETRANGE t -1 x -> -ERR offset is out of range
GETSET t new -> ab\0\0x
GETSET t -> -ERR wrong number of arguments for 'getset' command
GETDEL t -> new
GETDEL -> -ERR wrong number of arguments for 'getdel' command
CAS m 1 2 -> :1
CAS m 1 3 -> :0
CAS m 1 -> -ERR wrong number of arguments for 'cas' command
MSETNX p 1 q 2 -> :1
MSETNX q 1 r 2 -> :0
MSETNX q -> -ERR wrong number of arguments for 'msetnx' command
COPY p c -> :1
COPY p c -> :0
COPY p c REPLACE -> :1
COPY p p -> -ERR source and destination objects are the same
COPY p d DB 1 -> -ERR DB index is out of range
RENAME p r -> +OK
RENAME p r -> -ERR no such key
RENAMENX r q -> :0
RENAMENX r u -> :1
RENAMENX r u -> -ERR no such key
MULTI -> +OK
SET x 1 -> +QUEUED
PING -> +QUEUED
EXEC -> [+OK +PONG]
EXEC -> -ERR EXEC without MULTI
DISCARD -> -ERR DISCARD without MULTI
MULTI -> +OK
MULTI -> -ERR MULTI calls can not be nested
EXEC -> -EXECABORT ...
MULTI -> +OK
INFO -> -ERR INFO is not allowed inside MULTI
DISCARD -> +OK
WATCH x -> +OK
WATCH -> -ERR wrong number of arguments for 'watch' command
UNWATCH -> +OK
UNWATCH x -> -ERR wrong number of arguments for 'unwatch' command
POSITION -> :...
POSITION x -> -ERR wrong number of arguments for 'position' command
AWAIT 1 -> :...
AWAIT x -> -ERR value is not an integer or out of range
WAIT 2 100 -> :2
CONSISTENCY linearizable -> +OK
CONSISTENCY -> +linearizable
CONSISTENCY eventual -> -ERR this cluster orders its writes; eventual needs a cluster of its own
CONSISTENCY strong -> -ERR unknown model 'strong'...
CONSISTENCY a b -> -ERR wrong number of arguments for 'consistency' command
ORDER 1 999999 -> []
DIGEST 999999 -> -OUTOFRANGE ...
DIGEST 0 -> [:0 00000000000000000000000000000000]
QUIT -> +OK
";

/// The lines of a table and their replies.
pub(crate) fn rows(table: &str) -> impl Iterator<Item = (&str, &str)> {
    let rows = table.lines().filter(|row| !row.is_empty());
    rows.map(|row| {
        let (line, reply) = row.split_once(" ->").expect("a line and its reply");
        (line, reply.trim_start())
    })
}

fn fits(expected: &str, reply: &str) -> bool {
    let expected = expected.replace("\\0", "\0").replace("\\x20", " ");
    match expected.strip_suffix("...") {
        Some(front) => reply.starts_with(front),
        None => reply == expected,
    }
}

fn check(model: Consistency, table: &str, seen: &mut BTreeSet<(String, bool)>) {
    let mut world = World::new(model, 3);
    let mut client = world.connect(1);
    for (line, expected) in rows(table) {
        let reply = world.ask(client, line);
        assert!(
            fits(expected, &reply),
            "{model}: {line}: {reply}, expected {expected}"
        );
        let name = line.split(' ').next().unwrap_or_default().to_uppercase();
        seen.insert((name, expected.starts_with('-')));
        if world.is_closed(client) {
            client = world.connect(1);
        }
    }
}

#[test]
fn every_command_answers_and_fails_as_documented() {
    let mut seen = BTreeSet::new();
    for model in [Sequential, Linearizable, Eventual] {
        check(model, ALL_MODELS, &mut seen);
    }
    for model in [Sequential, Linearizable] {
        check(model, ORDERED, &mut seen);
    }
    // These never fail, or never answer, by their nature; tests of their own see to the other half.
    let one_sided = [
        "DEBUG", "FAULT", "PEER", "SHUTDOWN", "MONITOR", "INFO", "QUIT", "MULTI",
    ];
    for spec in COMMANDS {
        for fails in [false, true] {
            let known = seen.contains(&(spec.name.to_owned(), fails));
            assert!(
                known || one_sided.contains(&spec.name),
                "{} has no row that {}",
                spec.name,
                if fails { "fails" } else { "answers" }
            );
        }
    }
}

#[test]
fn an_eventual_cluster_refuses_what_needs_an_order() {
    let mut world = World::new(Eventual, 3);
    let client = world.connect(2);
    for line in [
        "SET a 1 NX",
        "SET a 1 GET",
        "SETNX a 1",
        "GETSET a 1",
        "GETDEL a",
        "INCR a",
        "DECR a",
        "INCRBY a 1",
        "DECRBY a 1",
        "INCRBYFLOAT a 1",
        "APPEND a 1",
        "SETRANGE a 0 x",
        "CAS a 1 2",
        "MSETNX a 1",
        "COPY a b",
        "RENAME a b",
        "RENAMENX a b",
        "MULTI",
        "EXEC",
        "DISCARD",
        "WATCH a",
        "UNWATCH",
        "POSITION",
        "AWAIT 1",
        "DIGEST 1",
    ] {
        let reply = world.ask(client, line);
        assert!(reply.starts_with("-NEEDSORDER "), "{line}: {reply}");
    }
    assert_eq!(world.ask(client, "CONSISTENCY"), "+eventual");
    let reply = world.ask(client, "CONSISTENCY sequential");
    assert!(
        reply.starts_with("-ERR this cluster is eventual"),
        "{reply}"
    );
    assert_eq!(world.ask(client, "DBSIZE"), ":0");
}

#[test]
fn limits_are_errors_that_leave_the_connection_open() {
    for model in [Sequential, Eventual] {
        let mut world = World::with(model, 2, |settings| {
            settings.limits.key_bytes = 8;
            settings.limits.value_bytes = 16;
            settings.limits.entry_bytes = 256;
        });
        let client = world.connect(1);
        for (line, expected) in [
            ("SET 12345678 1", "+OK"),
            ("SET 123456789 1", "-ERR key is larger than 8 bytes"),
            ("GET 123456789", "-ERR key is larger than 8 bytes"),
            ("SET a 1234567890123456", "+OK"),
            (
                "SET a 12345678901234567",
                "-ERR value is larger than 16 bytes",
            ),
            (
                "MSET a 1 b 2 c 3 d 4 e 5 f 6 g 7",
                "-ERR command or transaction is larger than 256 bytes",
            ),
            ("PING", "+PONG"),
        ] {
            assert_eq!(world.ask(client, line), expected, "{line}");
        }
    }
    let mut world = World::with(Sequential, 2, |settings| settings.limits.value_bytes = 8);
    let client = world.connect(1);
    assert_eq!(world.ask(client, "SET a 1234567"), "+OK");
    assert_eq!(
        world.ask(client, "APPEND a 89"),
        "-ERR string exceeds maximum allowed size (8 bytes)"
    );
    assert_eq!(
        world.ask(client, "SETRANGE a 8 x"),
        "-ERR string exceeds maximum allowed size (8 bytes)"
    );
    assert_eq!(world.ask(client, "GET a"), "1234567");
}

#[test]
fn a_line_and_an_array_mean_the_same() {
    let mut world = World::new(Sequential, 2);
    let client = world.connect(1);
    world.send_bytes(
        client,
        b"*3\r\n$3\r\nset\r\n$1\r\na\r\n$5\r\nx \"\r\n\r\nGET a\r\n",
    );
    world.settle();
    assert_eq!(world.replies(client), ["+OK", "x \"\r\n"]);
}
