//! The data commands that write, in the ordered models. An error changes nothing.

use super::admission::{Limits, SetOptions};
use super::context::{Answer, Context};
use super::float;
use super::ordered::Store;
use super::read::Keyspace;
use crate::wire::arguments::parse_integer;
use crate::wire::error::ErrorReply;
use crate::wire::reply::ReplyWriter;

/// Where the reply goes.
type Reply<'a, 'b> = &'a mut ReplyWriter<'b>;

/// SET.
pub fn set(store: &mut Store, words: &[&[u8]], how: &Context<'_>, reply: Reply<'_, '_>) -> Answer {
    let (key, value) = (words[1], words[2]);
    if words.len() == 3 {
        store.set(key, value, how.position);
        reply.ok();
        return Ok(());
    }
    let options = SetOptions::parse(&words[3..])?;
    let old = store.get(key);
    let forbidden = (options.if_absent && old.is_some()) || (options.if_present && old.is_none());
    match (options.get, forbidden) {
        (true, _) => reply.bulk_or_null(old),
        (false, true) => reply.null(),
        (false, false) => reply.ok(),
    }
    if !forbidden {
        store.set(key, value, how.position);
    }
    Ok(())
}

/// SETNX.
pub fn setnx(
    store: &mut Store,
    words: &[&[u8]],
    how: &Context<'_>,
    reply: Reply<'_, '_>,
) -> Answer {
    let (key, value) = (words[1], words[2]);
    let absent = store.get(key).is_none();
    if absent {
        store.set(key, value, how.position);
    }
    reply.integer(absent.into());
    Ok(())
}

/// GETSET.
pub fn getset(
    store: &mut Store,
    words: &[&[u8]],
    how: &Context<'_>,
    reply: Reply<'_, '_>,
) -> Answer {
    let (key, value) = (words[1], words[2]);
    reply.bulk_or_null(store.get(key));
    store.set(key, value, how.position);
    Ok(())
}

/// GETDEL.
pub fn getdel(
    store: &mut Store,
    words: &[&[u8]],
    _how: &Context<'_>,
    reply: Reply<'_, '_>,
) -> Answer {
    let key = words[1];
    reply.bulk_or_null(store.get(key));
    store.remove(key);
    Ok(())
}

/// CAS.
pub fn cas(store: &mut Store, words: &[&[u8]], how: &Context<'_>, reply: Reply<'_, '_>) -> Answer {
    let swap = store.get(words[1]) == Some(words[2]);
    if swap {
        store.set(words[1], words[3], how.position);
    }
    reply.integer(swap.into());
    Ok(())
}

/// MSET.
pub fn mset(store: &mut Store, words: &[&[u8]], how: &Context<'_>, reply: Reply<'_, '_>) -> Answer {
    for pair in words[1..].chunks_exact(2) {
        store.set(pair[0], pair[1], how.position);
    }
    reply.ok();
    Ok(())
}

/// MSETNX.
pub fn msetnx(
    store: &mut Store,
    words: &[&[u8]],
    how: &Context<'_>,
    reply: Reply<'_, '_>,
) -> Answer {
    let pairs = &words[1..];
    let mut keys = pairs.iter().step_by(2);
    let free = keys.all(|key| store.get(key).is_none());
    if free {
        for pair in pairs.chunks_exact(2) {
            store.set(pair[0], pair[1], how.position);
        }
    }
    reply.integer(free.into());
    Ok(())
}

/// DEL and UNLINK.
pub fn del(store: &mut Store, words: &[&[u8]], _how: &Context<'_>, reply: Reply<'_, '_>) -> Answer {
    let keys = words[1..].iter();
    reply.count(keys.filter(|key| store.remove(key)).count());
    Ok(())
}

/// FLUSHALL and FLUSHDB.
pub fn flushall(
    store: &mut Store,
    _words: &[&[u8]],
    how: &Context<'_>,
    reply: Reply<'_, '_>,
) -> Answer {
    store.clear(how.position);
    reply.ok();
    Ok(())
}

/// INCR.
pub fn incr(store: &mut Store, words: &[&[u8]], how: &Context<'_>, reply: Reply<'_, '_>) -> Answer {
    add(store, words, how, Some(1), reply)
}

/// DECR.
pub fn decr(store: &mut Store, words: &[&[u8]], how: &Context<'_>, reply: Reply<'_, '_>) -> Answer {
    add(store, words, how, Some(-1), reply)
}

/// INCRBY.
pub fn incrby(
    store: &mut Store,
    words: &[&[u8]],
    how: &Context<'_>,
    reply: Reply<'_, '_>,
) -> Answer {
    add(store, words, how, parse_integer(words[2]), reply)
}

/// DECRBY.
pub fn decrby(
    store: &mut Store,
    words: &[&[u8]],
    how: &Context<'_>,
    reply: Reply<'_, '_>,
) -> Answer {
    let amount = parse_integer(words[2]).and_then(i64::checked_neg);
    add(store, words, how, amount, reply)
}

fn add(
    store: &mut Store,
    words: &[&[u8]],
    how: &Context<'_>,
    amount: Option<i64>,
    reply: Reply<'_, '_>,
) -> Answer {
    let key = words[1];
    let old = match store.get(key) {
        None => Some(0),
        Some(bytes) => parse_integer(bytes),
    };
    let (Some(old), Some(amount)) = (old, amount) else {
        return Err(ErrorReply::not_an_integer());
    };
    let new = old.checked_add(amount);
    let new = new.ok_or_else(|| ErrorReply::err("increment or decrement would overflow"))?;
    store.set(
        key,
        itoa::Buffer::new().format(new).as_bytes(),
        how.position,
    );
    reply.integer(new);
    Ok(())
}

/// INCRBYFLOAT: adds decimals exactly, as far as 28 digits go, and as binary floating point beyond.
pub fn incrbyfloat(
    store: &mut Store,
    words: &[&[u8]],
    how: &Context<'_>,
    reply: Reply<'_, '_>,
) -> Answer {
    let old = store.get(words[1]).unwrap_or(b"0");
    let new = float::add(old, words[2]);
    let new = new.ok_or_else(|| ErrorReply::err("value is not a valid float"))?;
    let new = new.ok_or_else(|| ErrorReply::err("increment would produce NaN or Infinity"))?;
    store.set(words[1], new.as_bytes(), how.position);
    reply.text(&new);
    Ok(())
}

/// SETRANGE.
pub fn setrange(
    store: &mut Store,
    words: &[&[u8]],
    how: &Context<'_>,
    reply: Reply<'_, '_>,
) -> Answer {
    let limits = how.limits;
    let offset = parse_integer(words[2]).and_then(|offset| usize::try_from(offset).ok());
    let offset = offset.ok_or_else(|| ErrorReply::err("offset is out of range"))?;
    let old = store.get(words[1]);
    let part = words[3];
    if part.is_empty() {
        reply.count(old.map_or(0, <[u8]>::len));
        return Ok(());
    }
    let end = offset.checked_add(part.len());
    let end = end.filter(|end| *end <= limits.value_bytes);
    let end = end.ok_or_else(|| too_long(limits))?;
    let mut value = old.unwrap_or_default().to_vec();
    if value.len() < end {
        value.resize(end, 0);
    }
    value[offset..end].copy_from_slice(part);
    store.set(words[1], &value, how.position);
    reply.count(value.len());
    Ok(())
}

/// COPY.
pub fn copy(store: &mut Store, words: &[&[u8]], how: &Context<'_>, reply: Reply<'_, '_>) -> Answer {
    let mut options = words[3..].iter();
    let replace = options.any(|word| word.eq_ignore_ascii_case(b"replace"));
    let value = store.get(words[1]).map(<[u8]>::to_vec);
    let free = replace || store.get(words[2]).is_none();
    match value {
        Some(value) if free && words[1] != words[2] => {
            store.set(words[2], &value, how.position);
            reply.integer(1);
        }
        _ => reply.integer(0),
    }
    Ok(())
}

/// RENAME.
pub fn rename(
    store: &mut Store,
    words: &[&[u8]],
    how: &Context<'_>,
    reply: Reply<'_, '_>,
) -> Answer {
    move_value(store, words, how, false)?;
    reply.ok();
    Ok(())
}

/// RENAMENX.
pub fn renamenx(
    store: &mut Store,
    words: &[&[u8]],
    how: &Context<'_>,
    reply: Reply<'_, '_>,
) -> Answer {
    let moved = move_value(store, words, how, true)?;
    reply.integer(moved.into());
    Ok(())
}

/// Moves a value to another key; whether it was free, if it has to be.
fn move_value(
    store: &mut Store,
    words: &[&[u8]],
    how: &Context<'_>,
    only_if_free: bool,
) -> Result<bool, ErrorReply> {
    let (from, to) = (words[1], words[2]);
    let value = store.get(from).map(<[u8]>::to_vec);
    let value = value.ok_or_else(|| ErrorReply::err("no such key"))?;
    if only_if_free && store.get(to).is_some() {
        return Ok(false);
    }
    if from != to {
        store.remove(from);
        store.set(to, &value, how.position);
    }
    Ok(true)
}

/// APPEND.
pub fn append(
    store: &mut Store,
    words: &[&[u8]],
    how: &Context<'_>,
    reply: Reply<'_, '_>,
) -> Answer {
    let (key, suffix) = (words[1], words[2]);
    let length = store.get(key).map_or(0, <[u8]>::len) + suffix.len();
    if length > how.limits.value_bytes {
        return Err(too_long(how.limits));
    }
    reply.count(store.append(key, suffix, how.position));
    Ok(())
}

fn too_long(limits: &Limits) -> ErrorReply {
    let limit = limits.value_bytes;
    ErrorReply::err(format!(
        "string exceeds maximum allowed size ({limit} bytes)"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Run, lookup};
    use crate::turn::Now;
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
            let how = Context {
                position,
                limits: &limits,
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
