//! The data commands that read, over any kind of store.

use super::context::{Answer, Context};
use super::glob_matches;
use crate::random::mix;
use crate::wire::arguments::{parse_integer, parse_unsigned};
use crate::wire::error::ErrorReply;
use crate::wire::reply::ReplyWriter;

/// What a read needs of a store.
pub trait Keyspace {
    /// What a key costs beside its own bytes and its value's, roughly.
    fn key_overhead(&self) -> usize;

    /// How many bytes the data take, by a sum over keys and values that is the same for the same data.
    fn bytes(&self) -> usize;

    /// No value has more bytes than this.
    fn longest(&self) -> usize {
        usize::MAX
    }

    /// The value at a key.
    fn get(&self, key: &[u8]) -> Option<&[u8]>;

    /// How many keys there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every key and value, in no order that means anything.
    fn live(&self) -> Box<dyn Iterator<Item = (&[u8], &[u8])> + '_>;

    /// The keys of the next part of a walk (see [`super::Table::walk`]) and the cursor behind it.
    fn scan(&self, cursor: Option<usize>, count: usize) -> (Vec<&[u8]>, Option<usize>);

    /// Some key, the same for the same number and data.
    fn pick(&self, number: u64) -> Option<&[u8]>;

    /// Every key and value, sorted by key.
    fn sorted(&self) -> Vec<(&[u8], &[u8])> {
        let mut pairs: Vec<_> = self.live().collect();
        pairs.sort_unstable();
        pairs
    }
}

/// What the reads take: the data, the command, and where the reply goes.
type Reply<'a, 'b> = &'a mut ReplyWriter<'b>;

/// GET.
pub fn get(
    keys: &dyn Keyspace,
    words: &[&[u8]],
    _how: &Context<'_>,
    reply: Reply<'_, '_>,
) -> Answer {
    reply.bulk_or_null(keys.get(words[1]));
    Ok(())
}

/// EXISTS and TOUCH.
pub fn exists(
    keys: &dyn Keyspace,
    words: &[&[u8]],
    _how: &Context<'_>,
    reply: Reply<'_, '_>,
) -> Answer {
    let named = words[1..].iter();
    reply.count(named.filter(|key| keys.get(key).is_some()).count());
    Ok(())
}

/// STRLEN.
pub fn strlen(
    keys: &dyn Keyspace,
    words: &[&[u8]],
    _how: &Context<'_>,
    reply: Reply<'_, '_>,
) -> Answer {
    reply.count(keys.get(words[1]).map_or(0, <[u8]>::len));
    Ok(())
}

/// TYPE.
pub fn type_of(
    keys: &dyn Keyspace,
    words: &[&[u8]],
    _how: &Context<'_>,
    reply: Reply<'_, '_>,
) -> Answer {
    let present = keys.get(words[1]).is_some();
    reply.simple(if present { "string" } else { "none" });
    Ok(())
}

/// DBSIZE.
pub fn dbsize(
    keys: &dyn Keyspace,
    _words: &[&[u8]],
    _how: &Context<'_>,
    reply: Reply<'_, '_>,
) -> Answer {
    reply.count(keys.len());
    Ok(())
}

/// RANDOMKEY.
pub fn randomkey(
    keys: &dyn Keyspace,
    _words: &[&[u8]],
    how: &Context<'_>,
    reply: Reply<'_, '_>,
) -> Answer {
    reply.bulk_or_null(keys.pick(mix(how.random)));
    Ok(())
}

/// PERSIST: there is nothing to take away.
pub fn persist(
    _keys: &dyn Keyspace,
    _words: &[&[u8]],
    _how: &Context<'_>,
    reply: Reply<'_, '_>,
) -> Answer {
    reply.integer(0);
    Ok(())
}

/// TTL, PTTL, EXPIRETIME and PEXPIRETIME: no key expires.
pub fn ttl(
    keys: &dyn Keyspace,
    words: &[&[u8]],
    _how: &Context<'_>,
    reply: Reply<'_, '_>,
) -> Answer {
    let present = keys.get(words[1]).is_some();
    reply.integer(if present { -1 } else { -2 });
    Ok(())
}

/// KEYS.
pub fn keys(
    keys: &dyn Keyspace,
    words: &[&[u8]],
    _how: &Context<'_>,
    reply: Reply<'_, '_>,
) -> Answer {
    let pattern = words[1];
    let mut found: Vec<&[u8]> = keys
        .live()
        .map(|(key, _)| key)
        .filter(|key| glob_matches(pattern, key))
        .collect();
    found.sort_unstable();
    reply.array(found.len());
    found.into_iter().for_each(|key| reply.bulk(key));
    Ok(())
}

/// MGET.
pub fn mget(
    keys: &dyn Keyspace,
    words: &[&[u8]],
    how: &Context<'_>,
    reply: Reply<'_, '_>,
) -> Answer {
    let named = &words[1..];
    let size: usize = named
        .iter()
        .map(|key| keys.get(key).map_or(0, <[u8]>::len))
        .sum();
    if size > how.reply_bytes {
        let most = how.reply_bytes;
        return Err(ErrorReply::err(format!(
            "the reply would be larger than {most} bytes"
        )));
    }
    reply.array(named.len());
    named
        .iter()
        .for_each(|key| reply.bulk_or_null(keys.get(key)));
    Ok(())
}

/// What SCAN was asked for.
struct ScanOptions<'a> {
    cursor: Option<usize>,
    pattern: Option<&'a [u8]>,
    count: usize,
    /// A type that no key has was asked for.
    nothing: bool,
}

/// Reads the words of SCAN.
fn scan_options<'a>(words: &[&'a [u8]]) -> Result<ScanOptions<'a>, ErrorReply> {
    let cursor = parse_unsigned(words[1]).and_then(|cursor| usize::try_from(cursor).ok());
    let cursor = cursor.ok_or_else(|| ErrorReply::err("invalid cursor"))?;
    let mut options = ScanOptions {
        cursor: (cursor > 0).then_some(cursor),
        pattern: None,
        count: 10,
        nothing: false,
    };
    for option in words[2..].chunks(2) {
        let [name, value] = option else {
            return Err(ErrorReply::syntax());
        };
        match name.to_ascii_uppercase().as_slice() {
            b"MATCH" => options.pattern = Some(value),
            b"TYPE" => options.nothing = !value.eq_ignore_ascii_case(b"string"),
            b"COUNT" => {
                let count = parse_integer(value).ok_or_else(ErrorReply::not_an_integer)?;
                options.count = usize::try_from(count).unwrap_or(0);
                if options.count == 0 {
                    return Err(ErrorReply::syntax());
                }
            }
            _ => return Err(ErrorReply::syntax()),
        }
    }
    Ok(options)
}

/// SCAN.
pub fn scan(
    keys: &dyn Keyspace,
    words: &[&[u8]],
    _how: &Context<'_>,
    reply: Reply<'_, '_>,
) -> Answer {
    let options = scan_options(words)?;
    let (mut found, next) = keys.scan(options.cursor, options.count);
    found.retain(|key| {
        !options.nothing
            && options
                .pattern
                .is_none_or(|pattern| glob_matches(pattern, key))
    });
    reply.array(2);
    reply.text(&next.unwrap_or(0).to_string());
    reply.array(found.len());
    found.into_iter().for_each(|key| reply.bulk(key));
    Ok(())
}

/// GETRANGE and SUBSTR.
pub fn getrange(
    keys: &dyn Keyspace,
    words: &[&[u8]],
    _how: &Context<'_>,
    reply: Reply<'_, '_>,
) -> Answer {
    let bound = |word| parse_integer(word).ok_or_else(ErrorReply::not_an_integer);
    let (start, end) = (bound(words[2])?, bound(words[3])?);
    let value = keys.get(words[1]).unwrap_or_default();
    let length = i64::try_from(value.len()).unwrap_or(i64::MAX);
    // A negative bound counts from the end; what still lies before the start is the start.
    let place = |bound: i64| {
        if bound < 0 {
            bound.saturating_add(length).max(0)
        } else {
            bound
        }
    };
    let (first, last) = (place(start), place(end).min(length - 1));
    let backwards = start < 0 && end < 0 && start > end;
    let part = match (usize::try_from(first), usize::try_from(last)) {
        (Ok(first), Ok(last)) if first <= last && !backwards => &value[first..=last],
        _ => &[],
    };
    reply.bulk(part);
    Ok(())
}
