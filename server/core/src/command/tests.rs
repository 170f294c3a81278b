//! The data commands on a store of their own, through the table.

use super::{Run, lookup};
use crate::store::{Context, HashSecret, Limits, Store};
use crate::turn::Now;
use crate::wire::reply::{ReplyWriter, Resp};
use proptest::prelude::*;

/// Runs lines against one store; each line's reply as RESP.
fn run(lines: &[&str]) -> Vec<String> {
    let mut store = Store::new(HashSecret::known(1));
    let limits = Limits {
        value_bytes: 20,
        ..Limits::default()
    };
    let mut run = |(line, position): (&&str, u64)| {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let how = Context {
            position,
            limits: &limits,
            reply_bytes: usize::MAX,
            random: 0,
            now: Now::default(),
        };
        let mut buffer = Vec::new();
        let mut reply = ReplyWriter::new(&mut buffer, Resp::Two);
        let answer = match lookup(words[0]).expect(line).run {
            Run::Read(read) => read(&store, &words, &how, &mut reply),
            Run::Write(write) => write(&mut store, &words, &how, &mut reply),
            _ => panic!("{line} is no data command"),
        };
        if let Err(error) = answer {
            reply.error(&error);
        }
        String::from_utf8(buffer)
            .unwrap()
            .trim_end()
            .replace("\r\n", " ")
    };
    lines.iter().zip(1..).map(&mut run).collect()
}

#[test]
fn set_and_its_options() {
    let replies = run(&[
        "SET a 1",
        "SET a 2 NX",
        "SET b 3 XX",
        "SET a 4 XX",
        "SET a 5 GET",
        "SET c 6 NX GET",
        "SET c 7 nx get",
        "GET a",
        "GET b",
        "GET c",
    ]);
    assert_eq!(
        replies,
        [
            "+OK", "$-1", "$-1", "+OK", "$1 4", "$-1", "$1 6", "$1 5", "$-1", "$1 6"
        ]
    );
}

#[test]
fn numbers() {
    let replies = run(&[
        "INCR n",
        "INCRBY n 41",
        "DECRBY n 2",
        "DECR n",
        "SET n x",
        "INCR n",
        "SET n 9223372036854775807",
        "INCR n",
        "GET n",
        "DECR m",
    ]);
    let nan = "-ERR value is not an integer or out of range";
    let over = "-ERR increment or decrement would overflow";
    assert_eq!(
        replies,
        [
            ":1",
            ":42",
            ":40",
            ":39",
            "+OK",
            nan,
            "+OK",
            over,
            "$19 9223372036854775807",
            ":-1"
        ]
    );
}

#[test]
fn strings_and_keys() {
    let replies = run(&[
        "APPEND a 12345",
        "APPEND a 678901234567890",
        "APPEND a 1",
        "STRLEN a",
        "MSET b 1 c 2",
        "MGET b x c",
        "EXISTS b b x",
        "KEYS [bc]",
        "DBSIZE",
        "GETDEL b",
        "DEL b c x",
        "TYPE a",
        "TYPE b",
        "CAS a no x",
        "CAS z 1 2",
        "SETNX z 1",
        "SETNX z 2",
        "CAS z 1 3",
        "GETSET z 4",
        "GET z",
        "FLUSHALL",
        "DBSIZE",
    ]);
    let long = "-ERR string exceeds maximum allowed size (20 bytes)";
    assert_eq!(
        replies,
        [
            ":5",
            ":20",
            long,
            ":20",
            "+OK",
            "*3 $1 1 $-1 $1 2",
            ":2",
            "*2 $1 b $1 c",
            ":3",
            "$1 1",
            ":1",
            "+string",
            "+none",
            ":0",
            ":0",
            ":1",
            ":0",
            ":1",
            "$1 3",
            "$1 4",
            "+OK",
            ":0",
        ]
    );
}

#[test]
fn changes_are_dated_and_memory_returns_to_nothing() {
    let mut store = Store::new(HashSecret::known(1));
    store.set(b"a", b"1", 7);
    assert_eq!((store.changed(b"a"), store.changed(b"b")), (7, 0));
    store.write(b"a", 1, b"2", 9);
    assert_eq!(store.changed(b"a"), 9);
    store.set(b"b", &[0; 100], 10);
    store.set(b"b", b"", 11);
    store.remove(b"a");
    assert_eq!((store.changed(b"a"), store.remove(b"b")), (0, true));
    assert_eq!(store.memory(), 0);
}

fn command() -> impl Strategy<Value = String> {
    let key = || prop_oneof![Just("a"), Just("b"), Just("longer")];
    let value = || (0..40usize).prop_map(|length| "7".repeat(length.clamp(1, 18)));
    prop_oneof![
        (key(), value()).prop_map(|(key, value)| format!("SET {key} {value}")),
        (key(), value()).prop_map(|(key, value)| format!("APPEND {key} {value}")),
        (key(), 0..300usize).prop_map(|(key, at)| format!("SETRANGE {key} {at} 12")),
        (key(), key()).prop_map(|(from, to)| format!("COPY {from} {to} REPLACE")),
        (key(), key()).prop_map(|(from, to)| format!("RENAME {from} {to}")),
        (key(), key(), value()).prop_map(|(a, b, value)| format!("MSET {a} {value} {b} 1")),
        key().prop_map(|key| format!("INCR {key}")),
        key().prop_map(|key| format!("INCRBYFLOAT {key} 1e300")),
        key().prop_map(|key| format!("GETSET {key} {key}")),
        key().prop_map(|key| format!("DEL {key}")),
    ]
}

proptest! {
    #[test]
    fn data_never_grow_by_more(commands in proptest::collection::vec(command(), 0..60)) {
        let mut store = Store::new(HashSecret::known(1));
        let limits = Limits::default();
        for (line, position) in commands.iter().zip(1..) {
            let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            let spec = lookup(words[0]).unwrap();
            let grows = spec.growth.map_or(0, |growth| growth.bytes(&words, &store, 0));
            let (before, now) = (store.memory(), Now::default());
            let how = Context { position, limits: &limits, reply_bytes: 0, random: 0, now };
            let Run::Write(write) = spec.run else { unreachable!() };
            let _refused = write(&mut store, &words, &how, &mut ReplyWriter::discard());
            let after = store.memory();
            prop_assert!(after <= before + grows, "{line}: {before} to {after}, not {grows} more");
        }
    }
}
