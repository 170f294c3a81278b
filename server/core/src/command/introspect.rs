//! COMMAND: the table for programs.

use super::subcommands::{subcommand_help, wrong_subcommand};
use super::syntax::{Argument, Shape, parse};
use super::table::COMMANDS;
use super::{CommandSpec, Group, Kind, lookup};
use crate::store::{Answer, Context};
use crate::wire::error::ErrorReply;
use crate::wire::reply::ReplyWriter;

/// Answers COMMAND and its subcommands.
///
/// # Errors
/// An unknown subcommand, or a command without keys.
pub fn answer(words: &[&[u8]], _how: &Context<'_>, reply: &mut ReplyWriter<'_>) -> Answer {
    let Some(subcommand) = words.get(1) else {
        all(reply);
        return Ok(());
    };
    match (subcommand.to_ascii_uppercase().as_slice(), &words[2..]) {
        (b"COUNT", []) => reply.count(COMMANDS.len()),
        (b"LIST", []) => {
            reply.array(COMMANDS.len());
            COMMANDS
                .iter()
                .for_each(|spec| reply.text(&spec.name.to_lowercase()));
        }
        (b"INFO", []) => all(reply),
        (b"INFO", names) => {
            reply.array(names.len());
            for name in names {
                match lookup(name) {
                    Some(spec) => info(spec, reply),
                    None => reply.null_array(),
                }
            }
        }
        (b"DOCS", []) => docs(COMMANDS.iter().collect(), reply),
        (b"DOCS", names) => docs(
            names.iter().filter_map(|name| lookup(name)).collect(),
            reply,
        ),
        (b"GETKEYS", [_, _, ..]) => get_keys(&words[2..], reply)?,
        (b"HELP", []) => subcommand_help("COMMAND", reply),
        _ => return Err(wrong_subcommand("COMMAND", subcommand)),
    }
    Ok(())
}

fn all(reply: &mut ReplyWriter<'_>) {
    reply.array(COMMANDS.len());
    COMMANDS.iter().for_each(|spec| info(spec, reply));
}

fn get_keys(words: &[&[u8]], reply: &mut ReplyWriter<'_>) -> Result<(), ErrorReply> {
    let spec = lookup(words[0]).ok_or_else(|| ErrorReply::err("Invalid command specified"))?;
    if !spec.arity_fits(words.len()) {
        return Err(ErrorReply::err(
            "Invalid number of arguments specified for command",
        ));
    }
    let keys: Vec<&[u8]> = spec.keys_of(words).collect();
    if keys.is_empty() {
        return Err(ErrorReply::err("The command has no key arguments"));
    }
    reply.array(keys.len());
    keys.into_iter().for_each(|key| reply.bulk(key));
    Ok(())
}

/// The ten elements that Redis 7 gives for a command.
fn info(spec: &CommandSpec, reply: &mut ReplyWriter<'_>) {
    reply.array(10);
    reply.text(&spec.name.to_lowercase());
    reply.integer(spec.arity.into());
    let flags: &[&str] = match spec.kind {
        Kind::Read => &["readonly"],
        Kind::Write => &["write", "denyoom"],
        Kind::Inspect => &["readonly", "noscript"],
        Kind::Connection => &["noscript", "loading", "stale"],
        Kind::Transaction => &["noscript", "loading", "stale", "fast"],
    };
    reply.set(flags.len());
    flags.iter().for_each(|flag| reply.simple(flag));
    let has_keys = spec.keys.first > 0;
    reply.count(spec.keys.first);
    reply.integer(if has_keys { spec.keys.last.into() } else { 0 });
    reply.count(if has_keys { spec.keys.step } else { 0 });
    let category = match spec.group {
        Group::String => "@string",
        Group::Generic => "@keyspace",
        Group::Transactions => "@transaction",
        Group::Connection => "@connection",
        Group::Server => "@admin",
        Group::Holdback => "@holdback",
    };
    let access = if spec.kind == Kind::Write {
        "@write"
    } else {
        "@read"
    };
    reply.set(2);
    reply.simple(category);
    reply.simple(access);
    // Tips, key specifications and subcommands.
    reply.array(0);
    reply.array(0);
    reply.array(0);
}

fn docs(specs: Vec<&CommandSpec>, reply: &mut ReplyWriter<'_>) {
    reply.map(specs.len());
    for spec in specs {
        let arguments = parse(spec.arguments);
        reply.text(&spec.name.to_lowercase());
        reply.map(3 + usize::from(!arguments.is_empty()));
        reply.text("summary");
        reply.text(spec.summary);
        reply.text("since");
        reply.text("0.1.0");
        reply.text("group");
        reply.text(spec.group.name());
        if !arguments.is_empty() {
            reply.text("arguments");
            reply.array(arguments.len());
            arguments
                .iter()
                .for_each(|argument| document(argument, reply));
        }
    }
}

/// One argument as redis-cli reads it for its hints.
fn document(argument: &Argument, reply: &mut ReplyWriter<'_>) {
    let (name, kind) = match &argument.shape {
        Shape::Value(name) | Shape::Token(_, Some(name)) => (name.clone(), value_type(name)),
        Shape::Token(token, None) => (token.to_lowercase(), "pure-token"),
        Shape::Block(_) => ("block".to_owned(), "block"),
        Shape::OneOf(_) => ("choice".to_owned(), "oneof"),
    };
    let token = match &argument.shape {
        Shape::Token(token, _) => Some(token),
        _ => None,
    };
    let inner = match &argument.shape {
        Shape::Block(inner) | Shape::OneOf(inner) => Some(inner),
        _ => None,
    };
    let flags: Vec<&str> = [
        (argument.optional, "optional"),
        (argument.multiple, "multiple"),
    ]
    .into_iter()
    .filter_map(|(set, flag)| set.then_some(flag))
    .collect();
    let shown = matches!(argument.shape, Shape::Value(_) | Shape::Token(_, Some(_)));
    let fields = 2
        + usize::from(shown)
        + usize::from(token.is_some())
        + usize::from(!flags.is_empty())
        + usize::from(inner.is_some());
    reply.map(fields);
    reply.text("name");
    reply.text(&name);
    reply.text("type");
    reply.text(kind);
    if shown {
        reply.text("display_text");
        reply.text(&name);
    }
    if let Some(token) = token {
        reply.text("token");
        reply.text(token);
    }
    if !flags.is_empty() {
        reply.text("flags");
        reply.set(flags.len());
        flags.iter().for_each(|flag| reply.simple(flag));
    }
    if let Some(inner) = inner {
        reply.text("arguments");
        reply.array(inner.len());
        inner.iter().for_each(|argument| document(argument, reply));
    }
}

fn value_type(name: &str) -> &'static str {
    match name {
        "key" | "newkey" | "source" | "destination" => "key",
        "pattern" => "pattern",
        "count" | "from" | "position" | "increment" | "decrement" | "offset" | "start" | "end"
        | "cursor" | "numreplicas" | "timeout" | "min_ms" | "max_ms" | "id" => "integer",
        _ => "string",
    }
}
