//! The data commands that read, over any kind of store.

use super::glob_matches;
use crate::command::{CommandSpec, Name};
use crate::wire::arguments::{parse_integer, parse_unsigned};
use crate::wire::error::ErrorReply;
use crate::wire::reply::ReplyWriter;

/// What a read needs of a store.
pub trait Keyspace {
    /// What a key costs beside its own bytes and its value's, roughly.
    const KEY_OVERHEAD: usize;

    /// The value at a key.
    fn get(&self, key: &[u8]) -> Option<&[u8]>;

    /// How many keys there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every key and value, in no order that means anything.
    fn live(&self) -> impl Iterator<Item = (&[u8], &[u8])>;

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

/// The largest reply of one MGET, which can name a large value many times.
const REPLY_BYTES: usize = 512 << 20;

/// Executes a reading data command of the right arity. `random` is a random number.
pub fn read<K: Keyspace>(
    keyspace: &K,
    spec: &CommandSpec,
    words: &[&[u8]],
    random: u64,
    reply: &mut ReplyWriter<'_>,
) {
    let result = match spec.id {
        Name::Get => {
            reply.bulk_or_null(keyspace.get(words[1]));
            Ok(())
        }
        Name::Scan => scan(keyspace, words, reply),
        Name::Mget => mget(keyspace, words, reply),
        Name::Getrange | Name::Substr => range(keyspace, words, reply),
        Name::Object => object(keyspace, words, reply),
        Name::Memory => memory(keyspace, words, reply),
        _ => {
            read_plain(keyspace, spec, words, random, reply);
            Ok(())
        }
    };
    if let Err(error) = result {
        reply.error(&error);
    }
}

/// The reads that cannot fail.
fn read_plain<K: Keyspace>(
    keyspace: &K,
    spec: &CommandSpec,
    words: &[&[u8]],
    random: u64,
    reply: &mut ReplyWriter<'_>,
) {
    let present = |key: &[u8]| keyspace.get(key).is_some();
    match spec.id {
        Name::Exists | Name::Touch => {
            reply.count(words[1..].iter().filter(|key| present(key)).count());
        }
        Name::Strlen => reply.count(keyspace.get(words[1]).map_or(0, <[u8]>::len)),
        Name::Type => reply.simple(if present(words[1]) { "string" } else { "none" }),
        Name::Dbsize => reply.count(keyspace.len()),
        Name::Randomkey => reply.bulk_or_null(keyspace.pick(random)),
        Name::Persist => reply.integer(0),
        Name::Ttl | Name::Pttl | Name::Expiretime | Name::Pexpiretime => {
            reply.integer(if present(words[1]) { -1 } else { -2 });
        }
        Name::Keys => {
            let pattern = words[1];
            let mut keys: Vec<&[u8]> = keyspace
                .live()
                .map(|(key, _)| key)
                .filter(|key| glob_matches(pattern, key))
                .collect();
            keys.sort_unstable();
            reply.array(keys.len());
            keys.into_iter().for_each(|key| reply.bulk(key));
        }
        _ => reply.error(&ErrorReply::err(format!("{} is not a read", spec.name))),
    }
}

fn mget<K: Keyspace>(
    keyspace: &K,
    words: &[&[u8]],
    reply: &mut ReplyWriter<'_>,
) -> Result<(), ErrorReply> {
    let keys = &words[1..];
    let size: usize = keys
        .iter()
        .map(|key| keyspace.get(key).map_or(0, <[u8]>::len))
        .sum();
    if size > REPLY_BYTES {
        return Err(ErrorReply::err(format!(
            "the reply would be larger than {REPLY_BYTES} bytes"
        )));
    }
    reply.array(keys.len());
    keys.iter()
        .for_each(|key| reply.bulk_or_null(keyspace.get(key)));
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

fn scan<K: Keyspace>(
    keyspace: &K,
    words: &[&[u8]],
    reply: &mut ReplyWriter<'_>,
) -> Result<(), ErrorReply> {
    let options = scan_options(words)?;
    let (mut keys, next) = keyspace.scan(options.cursor, options.count);
    keys.retain(|key| {
        !options.nothing
            && options
                .pattern
                .is_none_or(|pattern| glob_matches(pattern, key))
    });
    reply.array(2);
    reply.text(&next.unwrap_or(0).to_string());
    reply.array(keys.len());
    keys.into_iter().for_each(|key| reply.bulk(key));
    Ok(())
}

fn range<K: Keyspace>(
    keyspace: &K,
    words: &[&[u8]],
    reply: &mut ReplyWriter<'_>,
) -> Result<(), ErrorReply> {
    let bound = |word| parse_integer(word).ok_or_else(ErrorReply::not_an_integer);
    let (start, end) = (bound(words[2])?, bound(words[3])?);
    let value = keyspace.get(words[1]).unwrap_or_default();
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

/// What Redis says to a subcommand that does not exist, or has other arguments.
pub(crate) fn wrong_subcommand(name: &str, subcommand: &[u8]) -> ErrorReply {
    let spec = crate::command::lookup(name.as_bytes());
    let known = spec.is_some_and(|spec| {
        let mut names = forms(spec).filter_map(|form| form.split(' ').next());
        names.any(|known| known.as_bytes().eq_ignore_ascii_case(subcommand))
    });
    if known {
        let subcommand = String::from_utf8_lossy(subcommand);
        return ErrorReply::wrong_arity(&format!("{name}|{subcommand}"));
    }
    let shown = String::from_utf8_lossy(&subcommand[..subcommand.len().min(128)]).into_owned();
    ErrorReply::err(format!("unknown subcommand '{shown}'. Try {name} HELP."))
}

/// Each subcommand with its arguments.
fn forms(spec: &CommandSpec) -> impl Iterator<Item = &'static str> {
    spec.arguments.trim_matches(['[', ']']).split(" | ")
}

/// The text of a HELP subcommand.
pub(crate) fn subcommand_help(spec: &CommandSpec, reply: &mut ReplyWriter<'_>) {
    let forms: Vec<&str> = forms(spec).collect();
    reply.array(forms.len() + 1);
    reply.simple(&format!(
        "{} <subcommand> [<argument> ...]. Subcommands are:",
        spec.name
    ));
    forms.iter().for_each(|form| reply.simple(form));
}

fn object<K: Keyspace>(
    keyspace: &K,
    words: &[&[u8]],
    reply: &mut ReplyWriter<'_>,
) -> Result<(), ErrorReply> {
    let value = words.get(2).map(|key| keyspace.get(key));
    let subcommand = words[1].to_ascii_uppercase();
    match (subcommand.as_slice(), value, words.len()) {
        (b"HELP", _, 2) => {
            if let Some(spec) = crate::command::lookup(b"object") {
                subcommand_help(spec, reply);
            }
        }
        (b"ENCODING" | b"REFCOUNT" | b"IDLETIME" | b"FREQ", Some(None), 3) => reply.null(),
        (b"ENCODING", Some(Some(value)), 3) => reply.text(encoding(value)),
        (b"REFCOUNT", Some(Some(_)), 3) => reply.integer(1),
        (b"IDLETIME", Some(Some(_)), 3) => reply.integer(0),
        (b"FREQ", Some(Some(_)), 3) => {
            return Err(ErrorReply::err(
                "An LFU maxmemory policy is not selected, access frequency not tracked.",
            ));
        }
        _ => return Err(wrong_subcommand("OBJECT", words[1])),
    }
    Ok(())
}

/// The name that Redis gives to the representation of such a value.
fn encoding(value: &[u8]) -> &'static str {
    match value {
        _ if parse_integer(value).is_some() => "int",
        _ if value.len() <= 44 => "embstr",
        _ => "raw",
    }
}

fn memory<K: Keyspace>(
    keyspace: &K,
    words: &[&[u8]],
    reply: &mut ReplyWriter<'_>,
) -> Result<(), ErrorReply> {
    let subcommand = words[1].to_ascii_uppercase();
    match (subcommand.as_slice(), words.len()) {
        (b"USAGE", 3) => usage(keyspace, words[2], reply),
        (b"USAGE", 5) if words[3].eq_ignore_ascii_case(b"samples") => {
            let samples = parse_integer(words[4]).ok_or_else(ErrorReply::not_an_integer)?;
            if samples < 0 {
                return Err(ErrorReply::syntax());
            }
            usage(keyspace, words[2], reply);
        }
        (b"USAGE", 4..) => return Err(ErrorReply::syntax()),
        (b"DOCTOR", 2) => reply.verbatim("INFO and STATUS say how much memory the data takes."),
        (b"HELP", 2) => {
            if let Some(spec) = crate::command::lookup(b"memory") {
                subcommand_help(spec, reply);
            }
        }
        _ => return Err(wrong_subcommand("MEMORY", words[1])),
    }
    Ok(())
}

fn usage<K: Keyspace>(keyspace: &K, key: &[u8], reply: &mut ReplyWriter<'_>) {
    match keyspace.get(key) {
        Some(value) => reply.count(K::KEY_OVERHEAD + key.len() + value.len()),
        None => reply.null(),
    }
}
