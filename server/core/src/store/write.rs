//! The data commands that write, in the ordered models.

use super::admission::{Limits, SetOptions};
use super::float;
use super::ordered::Store;
use super::read::Keyspace;
use crate::command::{CommandSpec, Name};
use crate::wire::arguments::parse_integer;
use crate::wire::error::ErrorReply;
use crate::wire::reply::ReplyWriter;

/// Executes a writing data command of the right arity, as part of the entry at `position`. An error
/// changes nothing.
pub fn write(
    store: &mut Store,
    spec: &CommandSpec,
    words: &[&[u8]],
    position: u64,
    limits: &Limits,
    reply: &mut ReplyWriter<'_>,
) {
    match spec.id {
        Name::Set => set(store, words, position, reply),
        Name::Setnx => {
            let absent = store.get(words[1]).is_none();
            if absent {
                store.set(words[1], words[2], position);
            }
            reply.integer(absent.into());
        }
        Name::Getset => {
            reply.bulk_or_null(store.get(words[1]));
            store.set(words[1], words[2], position);
        }
        Name::Getdel => {
            reply.bulk_or_null(store.get(words[1]));
            store.remove(words[1]);
        }
        Name::Cas => {
            let swap = store.get(words[1]) == Some(words[2]);
            if swap {
                store.set(words[1], words[3], position);
            }
            reply.integer(swap.into());
        }
        Name::Mset => {
            for pair in words[1..].chunks_exact(2) {
                store.set(pair[0], pair[1], position);
            }
            reply.ok();
        }
        Name::Msetnx => {
            let free = words[1..]
                .iter()
                .step_by(2)
                .all(|key| store.get(key).is_none());
            if free {
                for pair in words[1..].chunks_exact(2) {
                    store.set(pair[0], pair[1], position);
                }
            }
            reply.integer(free.into());
        }
        Name::Del | Name::Unlink => {
            reply.count(words[1..].iter().filter(|key| store.remove(key)).count());
        }
        Name::Incr => add(store, words[1], Some(1), position, reply),
        Name::Decr => add(store, words[1], Some(-1), position, reply),
        Name::Incrby => add(store, words[1], parse_integer(words[2]), position, reply),
        Name::Decrby => {
            let amount = parse_integer(words[2]).and_then(i64::checked_neg);
            add(store, words[1], amount, position, reply);
        }
        Name::Append => append(store, words, position, limits, reply),
        Name::Incrbyfloat => add_float(store, words, position, reply),
        Name::Setrange => set_range(store, words, position, limits, reply),
        Name::Copy => copy(store, words, position, reply),
        Name::Rename | Name::Renamenx => rename(store, spec.id, words, position, reply),
        Name::Flushall | Name::Flushdb => {
            store.clear();
            reply.ok();
        }
        _ => reply.error(&ErrorReply::err(format!("{} is not a write", spec.name))),
    }
}

fn set(store: &mut Store, words: &[&[u8]], position: u64, reply: &mut ReplyWriter<'_>) {
    let (key, value) = (words[1], words[2]);
    if words.len() == 3 {
        store.set(key, value, position);
        return reply.ok();
    }
    let options = match SetOptions::parse(&words[3..]) {
        Ok(options) => options,
        Err(error) => return reply.error(&error),
    };
    let old = store.get(key);
    let forbidden = (options.if_absent && old.is_some()) || (options.if_present && old.is_none());
    match (options.get, forbidden) {
        (true, _) => reply.bulk_or_null(old),
        (false, true) => reply.null(),
        (false, false) => reply.ok(),
    }
    if !forbidden {
        store.set(key, value, position);
    }
}

fn add(
    store: &mut Store,
    key: &[u8],
    amount: Option<i64>,
    position: u64,
    reply: &mut ReplyWriter<'_>,
) {
    let old = match store.get(key) {
        None => Some(0),
        Some(bytes) => parse_integer(bytes),
    };
    let (Some(old), Some(amount)) = (old, amount) else {
        return reply.error(&ErrorReply::not_an_integer());
    };
    match old.checked_add(amount) {
        None => reply.error(&ErrorReply::err("increment or decrement would overflow")),
        Some(new) => {
            store.set(key, itoa::Buffer::new().format(new).as_bytes(), position);
            reply.integer(new);
        }
    }
}

/// Adds decimals exactly, as far as 28 digits go, and as binary floating point beyond.
fn add_float(store: &mut Store, words: &[&[u8]], position: u64, reply: &mut ReplyWriter<'_>) {
    let old = store.get(words[1]).unwrap_or(b"0");
    let Some(new) = float::add(old, words[2]) else {
        return reply.error(&ErrorReply::err("value is not a valid float"));
    };
    match new {
        Some(new) => {
            store.set(words[1], new.as_bytes(), position);
            reply.text(&new);
        }
        None => reply.error(&ErrorReply::err("increment would produce NaN or Infinity")),
    }
}

fn set_range(
    store: &mut Store,
    words: &[&[u8]],
    position: u64,
    limits: &Limits,
    reply: &mut ReplyWriter<'_>,
) {
    let offset = parse_integer(words[2]).and_then(|offset| usize::try_from(offset).ok());
    let Some(offset) = offset else {
        return reply.error(&ErrorReply::err("offset is out of range"));
    };
    let old = store.get(words[1]);
    let part = words[3];
    if part.is_empty() {
        return reply.count(old.map_or(0, <[u8]>::len));
    }
    let Some(end) = offset
        .checked_add(part.len())
        .filter(|end| *end <= limits.value_bytes)
    else {
        return reply.error(&too_long(limits));
    };
    let mut value = old.unwrap_or_default().to_vec();
    if value.len() < end {
        value.resize(end, 0);
    }
    value[offset..end].copy_from_slice(part);
    store.set(words[1], &value, position);
    reply.count(value.len());
}

fn copy(store: &mut Store, words: &[&[u8]], position: u64, reply: &mut ReplyWriter<'_>) {
    let replace = words[3..]
        .iter()
        .any(|word| word.eq_ignore_ascii_case(b"replace"));
    let value = store.get(words[1]).map(<[u8]>::to_vec);
    let free = replace || store.get(words[2]).is_none();
    match value {
        Some(value) if free && words[1] != words[2] => {
            store.set(words[2], &value, position);
            reply.integer(1);
        }
        _ => reply.integer(0),
    }
}

fn rename(
    store: &mut Store,
    id: Name,
    words: &[&[u8]],
    position: u64,
    reply: &mut ReplyWriter<'_>,
) {
    let (from, to) = (words[1], words[2]);
    let Some(value) = store.get(from).map(<[u8]>::to_vec) else {
        return reply.error(&ErrorReply::err("no such key"));
    };
    let only_if_free = id == Name::Renamenx;
    if only_if_free && store.get(to).is_some() {
        return reply.integer(0);
    }
    if from != to {
        store.remove(from);
        store.set(to, &value, position);
    }
    if only_if_free {
        reply.integer(1);
    } else {
        reply.ok();
    }
}

fn too_long(limits: &Limits) -> ErrorReply {
    let limit = limits.value_bytes;
    ErrorReply::err(format!(
        "string exceeds maximum allowed size ({limit} bytes)"
    ))
}

fn append(
    store: &mut Store,
    words: &[&[u8]],
    position: u64,
    limits: &Limits,
    reply: &mut ReplyWriter<'_>,
) {
    let length = store.get(words[1]).map_or(0, <[u8]>::len) + words[2].len();
    if length > limits.value_bytes {
        return reply.error(&too_long(limits));
    }
    reply.count(store.append(words[1], words[2], position));
}

#[cfg(test)]
mod tests {
    use super::super::read::read;
    use super::*;
    use crate::command::{Kind, lookup};
    use crate::wire::reply::Resp;

    /// Runs lines against one store; each line's reply as RESP.
    fn run(lines: &[&str]) -> Vec<String> {
        let mut store = Store::new(1);
        let limits = Limits {
            value_bytes: 20,
            ..Limits::default()
        };
        let mut run = |(line, position): (&&str, u64)| {
            let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            let spec = lookup(words[0]).unwrap();
            let mut buffer = Vec::new();
            let mut reply = ReplyWriter::new(&mut buffer, Resp::Two);
            if spec.kind == Kind::Read {
                read(&store, spec, &words, 0, &mut reply);
            } else {
                write(&mut store, spec, &words, position, &limits, &mut reply);
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
        let mut store = Store::new(1);
        store.set(b"a", b"1", 7);
        assert_eq!((store.changed(b"a"), store.changed(b"b")), (7, 0));
        store.append(b"a", b"2", 9);
        assert_eq!(store.changed(b"a"), 9);
        store.set(b"b", &[0; 100], 10);
        store.set(b"b", b"", 11);
        store.remove(b"a");
        assert_eq!((store.changed(b"a"), store.remove(b"b")), (0, true));
        assert_eq!(store.memory(), 0);
    }
}
