//! Every command: what it answers and how it fails, in each model. RESP3 has its own bytes.
//!
//! A row is `line => reply`; `...` at the end of a reply stands for anything. The rows of a table are one connection,
//! so each builds on those before it.

use crate::world::World;
use holdback::command::table::COMMANDS;
use holdback::consistency::Consistency::{self, Eventual, Linearizable, Sequential};
use std::collections::BTreeSet;

/// Rows that hold in every model.
const ALL_MODELS: &str = "\
PING => +PONG
ping hello => hello
PING a b => -ERR wrong number of arguments for 'ping' command
ECHO hi => hi
ECHO => -ERR wrong number of arguments for 'echo' command
SET a 1 => +OK
SET a => -ERR wrong number of arguments for 'set' command
SET a 1 EX 10 => -...
GET a => 1
GET none => nil
GET => -ERR wrong number of arguments for 'get' command
MSET b 2 c 3 => +OK
MSET b 2 c => -ERR wrong number of arguments for 'mset' command
MGET a none c => [1 nil 3]
MGET => -ERR wrong number of arguments for 'mget' command
EXISTS a a none => :2
EXISTS => -ERR wrong number of arguments for 'exists' command
TOUCH a none => :1
TOUCH => -ERR wrong number of arguments for 'touch' command
STRLEN a => :1
STRLEN => -ERR wrong number of arguments for 'strlen' command
TYPE a => +string
TYPE none => +none
TYPE => -ERR wrong number of arguments for 'type' command
KEYS [ab] => [a b]
KEYS => -ERR wrong number of arguments for 'keys' command
DBSIZE => :3
DBSIZE x => -ERR wrong number of arguments for 'dbsize' command
RANDOMKEY => ...
RANDOMKEY x => -ERR wrong number of arguments for 'randomkey' command
SCAN 0 COUNT 100 MATCH b => [0 [b]]
SCAN 0 TYPE list => [0 []]
SCAN x => -ERR invalid cursor
SCAN 0 COUNT 0 => -ERR syntax error
SCAN 0 COUNT x => -ERR value is not an integer or out of range
SCAN 0 FOO x => -ERR syntax error
SET s \"Hello World\" => +OK
GETRANGE s -5 -1 => World
GETRANGE s 3 1 =>
GETRANGE s x 1 => -ERR value is not an integer or out of range
SUBSTR s 0 4 => Hello
SUBSTR s 0 => -ERR wrong number of arguments for 'substr' command
TTL a => :-1
TTL none => :-2
TTL => -ERR wrong number of arguments for 'ttl' command
PTTL none => :-2
PTTL => -ERR wrong number of arguments for 'pttl' command
EXPIRETIME a => :-1
EXPIRETIME => -ERR wrong number of arguments for 'expiretime' command
PEXPIRETIME a => :-1
PEXPIRETIME => -ERR wrong number of arguments for 'pexpiretime' command
PERSIST a => :0
PERSIST => -ERR wrong number of arguments for 'persist' command
OBJECT ENCODING a => int
OBJECT ENCODING none => nil
OBJECT FOO a => -ERR unknown subcommand 'FOO'. Try OBJECT HELP.
MEMORY USAGE a => :...
MEMORY FOO => -ERR unknown subcommand 'FOO'. Try MEMORY HELP.
DEL b none => :1
DEL => -ERR wrong number of arguments for 'del' command
UNLINK c => :1
UNLINK => -ERR wrong number of arguments for 'unlink' command
STORE => [a 1 s Hello World]
STORE x => -ERR wrong number of arguments for 'store' command
DIGEST => [...
DIGEST x => -...
ORDER 1 1 => [1 ...
ORDER x => -ERR value is not an integer or out of range
HOLDBACK => []
HOLDBACK x => -ERR value is not an integer or out of range
HOLDBACK 1 2 => -ERR wrong number of arguments for 'holdback' command
STATUS => id:1...
STATUS x => -ERR wrong number of arguments for 'status' command
INFO server => # Server...
HELP GET => [GET key -- ...
HELP @string => [APPEND key value -- ...
HELP NOSUCH => -ERR no such command or group 'NOSUCH'; HELP lists all
TIME => [...
TIME x => -ERR wrong number of arguments for 'time' command
SELECT 0 => +OK
SELECT 1 => -ERR DB index is out of range
AUTH default x => +OK
AUTH x => -ERR AUTH <password> called without any password...
AUTH nobody x => -WRONGPASS ...
CLIENT ID => :...
CLIENT SETNAME me => +OK
CLIENT GETNAME => me
CLIENT KILL ID 99999 => :0
CLIENT FOO => -ERR unknown subcommand 'FOO'. Try CLIENT HELP.
CLIENT SETNAME \"a b\" => -ERR Client names cannot contain...
COMMAND COUNT => :...
COMMAND GETKEYS MSET a 1 b 2 => [a b]
COMMAND GETKEYS PING x => -ERR The command has no key arguments
CONFIG GET maxmemory => [maxmemory 0]
CONFIG SET slowlog-max-len 7 => +OK
CONFIG SET consistency strong => -ERR CONFIG SET failed (possibly related to argument 'consistency')...
CONFIG SET nosuch 1 => -ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'
SLOWLOG LEN => :0
SLOWLOG GET x => -ERR count should be greater than or equal to -1
LATENCY LATEST => []
LATENCY FOO => -ERR unknown subcommand 'FOO'. Try LATENCY HELP.
DEBUG SLEEP 1 => -ERR DEBUG is not supported: ...
HELLO 2 => [server redis version ...
HELLO 4 => -NOPROTO unsupported protocol version
HELLO 2 FOO => -ERR Syntax error in HELLO option 'FOO'
WAIT 0 x => -ERR timeout is not an integer or out of range
FAULT LIST => []
FAULT CUT 9 => -ERR no such peer '9' (an id, or *)
FAULT => -ERR wrong number of arguments for 'fault' command
PEER => [REFUSE protocol PEER: version= is missing]
NOSUCH a b => -ERR unknown command 'NOSUCH', with args beginning with: 'a' 'b'\x20
MCAST 0 1 3 SET x 1 => -NOTAPEER ...
ack 1.1 => -NOTAPEER ...
UPDATE 1 x 1 => -NOTAPEER ...
VECTOR - => -NOTAPEER ...
ROUND => -NOTAPEER ...
ENTRY 1 1 1 x 1 => -NOTAPEER ...
END => -NOTAPEER ...
HEARTBEAT 1 => -NOTAPEER ...
HEARTBEATACK 1 => -NOTAPEER ...
CONFIRM 1 => -NOTAPEER ...
CONFIRMED 1 => -NOTAPEER ...
REFUSE mismatch no => -NOTAPEER ...
LPUSH l 1 => -ERR LPUSH works on lists: strings are the only type here
EXPIRE a 1 => -ERR EXPIRE is not supported: keys do not expire
SUBSCRIBE c => -ERR SUBSCRIBE is not supported: ...
MONITOR FOO => -ERR syntax error
SHUTDOWN FOO => -ERR syntax error
FLUSHALL FOO => -ERR syntax error
FLUSHALL SYNC => +OK
FLUSHDB ASYNC => +OK
FLUSHDB FOO => -ERR syntax error
DBSIZE => :0
RANDOMKEY => nil
RESET => +RESET
RESET x => -ERR wrong number of arguments for 'reset' command
";

/// Rows of the ordered models.
const ORDERED: &str = "\
SET n 5 => +OK
SET n 6 NX => nil
SET n 7 XX GET => 5
SET n 7 NX XX => -ERR syntax error
SET n 7 PX 5 => -ERR option PX is not supported: keys do not expire
SETNX n 1 => :0
SETNX m 1 => :1
SETNX m => -ERR wrong number of arguments for 'setnx' command
INCR n => :8
INCR => -ERR wrong number of arguments for 'incr' command
INCRBY n 10 => :18
INCRBY n x => -ERR value is not an integer or out of range
DECR n => :17
DECR => -ERR wrong number of arguments for 'decr' command
DECRBY n 7 => :10
DECRBY n -9223372036854775808 => -ERR decrement would overflow
INCRBY n 9223372036854775807 => -ERR increment or decrement would overflow
INCRBYFLOAT n 0.5 => 10.5
INCR n => -ERR value is not an integer or out of range
INCRBYFLOAT n x => -ERR value is not a valid float
APPEND t ab => :2
APPEND t => -ERR wrong number of arguments for 'append' command
SETRANGE t 4 x => :5
SETRANGE t -1 x => -ERR offset is out of range
GETSET t new => ab\0\0x
GETSET t => -ERR wrong number of arguments for 'getset' command
GETDEL t => new
GETDEL => -ERR wrong number of arguments for 'getdel' command
CAS m 1 2 => :1
CAS m 1 3 => :0
CAS m 1 => -ERR wrong number of arguments for 'cas' command
MSETNX p 1 q 2 => :1
MSETNX q 1 r 2 => :0
MSETNX q => -ERR wrong number of arguments for 'msetnx' command
COPY p c => :1
COPY p c => :0
COPY p c REPLACE => :1
COPY p p => -ERR source and destination objects are the same
COPY p d DB 1 => -ERR DB index is out of range
RENAME p r => +OK
RENAME p r => -ERR no such key
RENAMENX r q => :0
RENAMENX r u => :1
RENAMENX r u => -ERR no such key
MULTI => +OK
SET x 1 => +QUEUED
PING => +QUEUED
EXEC => [+OK +PONG]
EXEC => -ERR EXEC without MULTI
DISCARD => -ERR DISCARD without MULTI
MULTI => +OK
MULTI => -ERR MULTI calls can not be nested
EXEC => -EXECABORT ...
MULTI => +OK
INFO => -ERR INFO is not allowed inside MULTI
SET dropped 1 => +QUEUED
DISCARD => +OK
GET dropped => nil
WATCH x => +OK
WATCH => -ERR wrong number of arguments for 'watch' command
UNWATCH => +OK
UNWATCH x => -ERR wrong number of arguments for 'unwatch' command
POSITION => :...
POSITION x => -ERR wrong number of arguments for 'position' command
AWAIT 1 => :...
AWAIT x => -ERR value is not an integer or out of range
WAIT 2 100 => :2
CONSISTENCY linearizable => +OK
CONSISTENCY => +linearizable
CONSISTENCY eventual => -ERR this cluster orders its writes; eventual needs a cluster of its own
CONSISTENCY strong => -ERR unknown model 'strong'...
CONSISTENCY a b => -ERR wrong number of arguments for 'consistency' command
ORDER 1 999999 => []
DIGEST 999999 => -OUTOFRANGE ...
DIGEST 0 => [:0 00000000000000000000000000000000]
QUIT => +OK
";

/// Subcommands with the wrong arguments: each is told apart from one that does not exist, as Redis does.
const SUBCOMMANDS: &str = "\
OBJECT ENCODING => -ERR wrong number of arguments for 'object|encoding' command
OBJECT NOSUCH => -ERR unknown subcommand 'NOSUCH'. Try OBJECT HELP.
MEMORY USAGE => -ERR wrong number of arguments for 'memory|usage' command
MEMORY USAGE a SAMPLES -1 => -ERR syntax error
MEMORY USAGE a NOSUCH 1 => -ERR syntax error
COMMAND COUNT x => -ERR wrong number of arguments for 'command|count' command
COMMAND GETKEYS GET => -ERR wrong number of arguments for 'command|getkeys' command
SLOWLOG LEN x => -ERR wrong number of arguments for 'slowlog|len' command
SLOWLOG GET x => -ERR count should be greater than or equal to -1
LATENCY HISTORY => -ERR wrong number of arguments for 'latency|history' command
CONFIG GET => -ERR wrong number of arguments for 'config|get' command
CONFIG SET a b c => -ERR syntax error
CONFIG SET slowlog-max-len 7 SLOWLOG-MAX-LEN 7 => -ERR CONFIG SET failed (possibly related to argument 'SLOWLOG-MAX-LEN') - duplicate parameter
CLIENT NO-EVICT => -ERR wrong number of arguments for 'client|no-evict' command
CLIENT NO-EVICT maybe => -ERR syntax error
CLIENT REPLY maybe => -ERR syntax error
CLIENT KILL => -ERR wrong number of arguments for 'client|kill' command
CLIENT KILL SKIPME => -ERR No such client
CLIENT LIST ID x => -ERR Invalid client ID
CLIENT LIST ID => -ERR syntax error
CLIENT LIST TYPE nosuch => -ERR Unknown client type 'nosuch'
CLIENT LIST TYPE replica =>
CLIENT SETINFO LIB-NAME 'a b' => -ERR lib-name cannot contain spaces, newlines or special characters.
CONFIG GET slowlog-max-len => [slowlog-max-len 128]
";

/// Rows of the eventual model, of what needs an order.
const EVENTUAL: &str = "\
SET a 1 NX => -NEEDSORDER ...
SET a 1 GET => -NEEDSORDER ...
SETNX a 1 => -NEEDSORDER ...
GETSET a 1 => -NEEDSORDER ...
GETDEL a => -NEEDSORDER ...
INCR a => -NEEDSORDER ...
DECR a => -NEEDSORDER ...
INCRBY a 1 => -NEEDSORDER ...
DECRBY a 1 => -NEEDSORDER ...
INCRBYFLOAT a 1 => -NEEDSORDER ...
APPEND a 1 => -NEEDSORDER ...
SETRANGE a 0 x => -NEEDSORDER ...
CAS a 1 2 => -NEEDSORDER ...
MSETNX a 1 => -NEEDSORDER ...
COPY a b => -NEEDSORDER ...
RENAME a b => -NEEDSORDER ...
RENAMENX a b => -NEEDSORDER ...
MULTI => -NEEDSORDER ...
EXEC => -NEEDSORDER ...
DISCARD => -NEEDSORDER ...
WATCH a => -NEEDSORDER ...
UNWATCH => -NEEDSORDER ...
POSITION => -NEEDSORDER ...
AWAIT 1 => -NEEDSORDER ...
DIGEST 1 => -NEEDSORDER ...
CONSISTENCY => +eventual
CONSISTENCY sequential => -ERR this cluster is eventual...
DBSIZE => :0
";

/// Rows where a key has at most 8 bytes, a value 16, and an entry 256.
const LIMITED: &str = "\
SET 12345678 1 => +OK
SET 123456789 1 => -ERR key is larger than 8 bytes
GET 123456789 => -ERR key is larger than 8 bytes
SET a 1234567890123456 => +OK
SET a 12345678901234567 => -ERR value is larger than 16 bytes
MSET a 1 b 2 c 3 d 4 e 5 f 6 g 7 => -ERR command or transaction is larger than 256 bytes
PING => +PONG
";

/// Rows where a value has at most 8 bytes.
const LIMITED_GROWTH: &str = "\
SET a 1234567 => +OK
APPEND a 89 => -ERR string exceeds maximum allowed size (8 bytes)
SETRANGE a 8 x => -ERR string exceeds maximum allowed size (8 bytes)
GET a => 1234567
";

fn fits(expected: &str, reply: &str) -> bool {
    match expected.strip_suffix("...") {
        Some(front) => reply.starts_with(front),
        None => reply == expected,
    }
}

/// Goes through a table; by name of a command, whether it failed.
fn check(mut world: World, rows: &str) -> BTreeSet<(String, bool)> {
    let (mut client, model) = (world.connect(1), world.settings(1).consistency);
    let mut seen = BTreeSet::new();
    for row in rows.lines() {
        let (line, expected) = row.split_once(" =>").expect("a row");
        let expected = expected.strip_prefix(' ').unwrap_or_default();
        let reply = world.ask(client, line);
        assert!(fits(expected, &reply), "{model}: {row}, got {reply}");
        let name = line.split(' ').next().unwrap_or_default().to_uppercase();
        seen.insert((name, expected.starts_with('-')));
        if world.is_closed(client) {
            client = world.connect(1);
        }
    }
    seen
}

#[test]
fn every_command_answers_and_fails_as_documented() {
    let mut seen = BTreeSet::new();
    for model in Consistency::ALL {
        seen.extend(check(World::new(model, 3), ALL_MODELS));
    }
    for model in [Sequential, Linearizable] {
        seen.extend(check(World::new(model, 3), ORDERED));
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
fn wrong_arguments_are_told_apart_from_unknown_subcommands() {
    for model in [Sequential, Eventual] {
        check(World::new(model, 1), SUBCOMMANDS);
    }
}

#[test]
fn an_eventual_cluster_refuses_what_needs_an_order() {
    check(World::new(Eventual, 3), EVENTUAL);
}

#[test]
fn limits_are_errors_that_leave_the_connection_open() {
    for model in [Sequential, Eventual] {
        let world = World::with(model, 2, |settings| {
            settings.limits.key_bytes = 8;
            settings.limits.value_bytes = 16;
            settings.limits.entry_bytes = 256;
        });
        check(world, LIMITED);
    }
    let world = World::with(Sequential, 2, |settings| settings.limits.value_bytes = 8);
    check(world, LIMITED_GROWTH);
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
