//! HELP.

use super::table::COMMANDS;
use super::{CommandSpec, Group, lookup};
use crate::store::{Answer, Context};
use crate::wire::error::ErrorReply;
use crate::wire::reply::ReplyWriter;

/// HELP: all commands, a group's, or one.
pub(super) fn answer(words: &[&[u8]], _how: &Context<'_>, reply: &mut ReplyWriter<'_>) -> Answer {
    let topic = match words {
        [_] => return list(COMMANDS.iter().map(one_line), reply),
        [_, topic] => *topic,
        _ => return Err(ErrorReply::wrong_arity("help")),
    };
    if let Some(group) = topic.strip_prefix(b"@") {
        let is_named =
            |spec: &&CommandSpec| group.eq_ignore_ascii_case(Group::name(spec.group).as_bytes());
        let found: Vec<String> = COMMANDS.iter().filter(is_named).map(one_line).collect();
        if !found.is_empty() {
            return list(found.into_iter(), reply);
        }
    } else if let Some(spec) = lookup(topic) {
        let mut lines = vec![one_line(spec), format!("  reply: {}", spec.reply)];
        if !spec.errors.is_empty() {
            lines.push(format!("  errors: {}", spec.errors));
        }
        let eventual = spec.eventual.name();
        let barrier = if spec.barrier { ", barrier" } else { "" };
        lines.push(format!(
            "  {}{barrier}; eventual model: {eventual}",
            spec.kind.name()
        ));
        return list(lines.into_iter(), reply);
    }
    let topic = topic[..topic.len().min(64)].escape_ascii();
    Err(ErrorReply::err(format!(
        "no such command or group '{topic}'; HELP lists all"
    )))
}

fn one_line(spec: &CommandSpec) -> String {
    format!("{} {} -- {}", spec.name, spec.arguments, spec.summary).replace("  ", " ")
}

fn list(lines: impl Iterator<Item = String>, reply: &mut ReplyWriter<'_>) -> Answer {
    let lines: Vec<String> = lines.collect();
    reply.array(lines.len());
    lines.iter().for_each(|line| reply.text(line));
    Ok(())
}
