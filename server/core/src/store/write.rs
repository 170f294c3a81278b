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
        (true, _) => reply.old_value(old),
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
    reply.old_value(store.get(key));
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
    reply.old_value(store.get(key));
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
    let part = words[3];
    if part.is_empty() {
        reply.count(store.get(words[1]).map_or(0, <[u8]>::len));
        return Ok(());
    }
    let end = offset.checked_add(part.len());
    let end = end.filter(|end| *end <= limits.value_bytes);
    let end = end.ok_or_else(|| too_long(limits))?;
    let held = store.get(words[1]).map_or(0, <[u8]>::len);
    store.count_moved(end.saturating_sub(held), limits)?;
    reply.count(store.write(words[1], offset, part, how.position));
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
            store.count_moved(value.len(), how.limits)?;
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
        store.count_moved(value.len(), how.limits)?;
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
    let old = store.get(key).map_or(0, <[u8]>::len);
    if old + suffix.len() > how.limits.value_bytes {
        return Err(too_long(how.limits));
    }
    reply.count(store.write(key, old, suffix, how.position));
    Ok(())
}

fn too_long(limits: &Limits) -> ErrorReply {
    let limit = limits.value_bytes;
    ErrorReply::err(format!(
        "string exceeds maximum allowed size ({limit} bytes)"
    ))
}
