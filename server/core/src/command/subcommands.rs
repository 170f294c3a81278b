//! What commands with subcommands have in common, and those of them that read data.

use super::{CommandSpec, lookup};
use crate::store::{Answer, Context, Keyspace};
use crate::wire::arguments::parse_integer;
use crate::wire::error::ErrorReply;
use crate::wire::reply::ReplyWriter;

/// What Redis says to a subcommand that does not exist, or has other arguments.
pub(crate) fn wrong_subcommand(name: &str, subcommand: &[u8]) -> ErrorReply {
    let spec = lookup(name.as_bytes());
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
fn forms(spec: &CommandSpec) -> impl Iterator<Item = &'static str> + use<> {
    spec.arguments.trim_matches(['[', ']']).split(" | ")
}

/// The text of a command's HELP subcommand.
pub(crate) fn subcommand_help(name: &str, reply: &mut ReplyWriter<'_>) {
    let spec = lookup(name.as_bytes());
    let forms: Vec<&str> = spec.into_iter().flat_map(forms).collect();
    reply.array(forms.len() + 1);
    reply.simple(&format!(
        "{name} <subcommand> [<argument> ...]. Subcommands are:"
    ));
    forms.iter().for_each(|form| reply.simple(form));
}

/// OBJECT.
pub(super) fn object(
    keyspace: &dyn Keyspace,
    words: &[&[u8]],
    _how: &Context<'_>,
    reply: &mut ReplyWriter<'_>,
) -> Answer {
    let value = words.get(2).map(|key| keyspace.get(key));
    let subcommand = words[1].to_ascii_uppercase();
    match (subcommand.as_slice(), value, words.len()) {
        (b"HELP", _, 2) => subcommand_help("OBJECT", reply),
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

/// MEMORY.
pub(super) fn memory(
    keyspace: &dyn Keyspace,
    words: &[&[u8]],
    _how: &Context<'_>,
    reply: &mut ReplyWriter<'_>,
) -> Answer {
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
        (b"HELP", 2) => subcommand_help("MEMORY", reply),
        _ => return Err(wrong_subcommand("MEMORY", words[1])),
    }
    Ok(())
}

fn usage(keyspace: &dyn Keyspace, key: &[u8], reply: &mut ReplyWriter<'_>) {
    match keyspace.get(key) {
        Some(value) => reply.count(keyspace.key_overhead() + key.len() + value.len()),
        None => reply.null(),
    }
}
