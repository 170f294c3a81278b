//! `help`: answered from the command table, with no replica asked.

use crate::commands::local::{self, LOCALS, LocalSpec};
use crate::commands::suggest;
use crate::text::style::{Palette, Role};
use crate::text::{printable, wrap};
use holdback::command::syntax::{self, Argument, Shape};
use holdback::command::table::COMMANDS;
use holdback::command::{CommandSpec, Eventual, Group, Kind, lookup};

/// The groups, in the order they are listed, each with what it is about.
pub(crate) const GROUPS: [(Group, &str); 6] = [
    (Group::String, "values"),
    (Group::Generic, "keys, whatever their value"),
    (Group::Transactions, "several commands as one"),
    (Group::Connection, "this connection"),
    (Group::Server, "this replica"),
    (Group::Holdback, "the order, and how it came about"),
];

/// No line of help is wider.
const WIDTH: usize = 78;

/// The answer to `help` with these arguments.
pub(crate) fn answer(arguments: &[Vec<u8>], palette: Palette) -> String {
    let Some(topic) = arguments.first() else {
        return overview(palette);
    };
    let topic = String::from_utf8_lossy(topic);
    if let Some(name) = topic.strip_prefix('@') {
        return group(name, palette);
    }
    let command = lookup(topic.as_bytes());
    let own = local::lookup(topic.as_bytes());
    match (command, own) {
        // Typed here, it is the REPL's own that answers.
        (_, Some(spec)) => about_local(spec, palette),
        (Some(spec), None) => about(spec, palette),
        (None, None) => {
            let question = suggest::question(&topic).unwrap_or_default();
            let unknown = format!("There is no command {}. {question}", printable(&topic));
            format!("{}\n`help` lists them.", unknown.trim_end())
        }
    }
}

fn overview(palette: Palette) -> String {
    let name = |text: &str| palette.paint(Role::Name, text);
    let mut text = String::new();
    for (typed, meaning) in [
        ("GET greeting", "asks the replica you are connected to"),
        ("@2 GET greeting", "asks replica 2"),
        (
            "@all GET greeting",
            "asks every replica: answers side by side",
        ),
        ("@all STATUS", "the whole cluster in one table"),
        ("connect @2", "talks to replica 2 from here on"),
        ("help SET", "explains a command"),
        ("help @holdback", "lists a group of commands"),
    ] {
        text.push_str(&format!("  {}{meaning}\n", name(&format!("{typed:<20}"))));
    }
    text.push_str(
        "\nTab completes, Ctrl-R searches what you typed, Ctrl-C abandons what is\n\
         waiting, Ctrl-D leaves. `holdback-cli --top` in another window shows the\n\
         cluster as it works, and why a write hangs.\n\
         Quote as in redis-cli: SET greeting \"hello\\nworld\" 'and so on'\n\n",
    );
    for (group, _) in GROUPS {
        let names = COMMANDS.iter().filter(|spec| spec.group == group);
        let names: Vec<_> = names.map(|spec| spec.name).collect();
        text.push_str(&listed(&format!("@{}", group.name()), &names, palette));
    }
    let names: Vec<_> = LOCALS.iter().map(|spec| spec.name).collect();
    text.push_str(&listed("here", &names, palette));
    text.trim_end().to_owned()
}

/// A heading and names.
fn listed(heading: &str, names: &[&str], palette: Palette) -> String {
    let heading = format!("  {heading:<15}");
    let names = wrapped(&names.join(" "), heading.len());
    format!("{}{names}\n", palette.paint(Role::Name, &heading))
}

/// A text as lines, where the first one begins, and all others are indented, at column `indent`.
fn wrapped(text: &str, indent: usize) -> String {
    wrap(text, WIDTH - indent).join(&format!("\n{:indent$}", ""))
}

fn group(name: &str, palette: Palette) -> String {
    let Some((group, what)) = GROUPS
        .into_iter()
        .find(|(group, _)| group.name().eq_ignore_ascii_case(name))
    else {
        let groups: Vec<_> = GROUPS
            .iter()
            .map(|(group, _)| format!("@{}", group.name()))
            .collect();
        return format!(
            "There is no group @{name}; there are {}.",
            groups.join(", ")
        );
    };
    let mut text = format!("@{}: {what}\n", group.name());
    for spec in COMMANDS.iter().filter(|spec| spec.group == group) {
        text.push_str(&entry(spec.name, spec.arguments, spec.summary, palette));
    }
    text.trim_end().to_owned()
}

/// A command with its arguments, and its summary beneath. Arguments too many for a line have a line for
/// each alternative.
fn entry(name: &str, arguments: &str, summary: &str, palette: Palette) -> String {
    let mut text = String::new();
    for arguments in usages(name, arguments) {
        let blank = if arguments.is_empty() { "" } else { " " };
        let name = palette.paint(Role::Name, name);
        text.push_str(&format!("  {name}{blank}{arguments}\n"));
    }
    let summary = wrapped(summary, 6);
    let summary = palette.paint(Role::Faint, &format!("      {summary}"));
    format!("{text}{summary}\n")
}

fn usages(name: &str, arguments: &str) -> Vec<String> {
    if name.len() + arguments.len() + 3 <= WIDTH {
        return vec![arguments.to_owned()];
    }
    match syntax::parse(arguments).as_slice() {
        [
            Argument {
                shape: Shape::OneOf(each),
                optional,
                ..
            },
        ] => {
            let bare = optional.then(String::new);
            let each = each.iter().map(Argument::to_string);
            bare.into_iter().chain(each).collect()
        }
        _ => vec![arguments.to_owned()],
    }
}

fn about_local(spec: &LocalSpec, palette: Palette) -> String {
    let mut text = entry(spec.name, spec.arguments, spec.summary, palette);
    let mut field = |name: &str, value: &str| text.push_str(&fact(name, value, palette));
    if spec.local == local::Local::Connect {
        field(
            "for example",
            "connect 127.0.0.1:8082, connect localhost 8082, connect 8082, connect @2",
        );
    }
    field("answered", "by this program; no replica is asked");
    text.trim_end().to_owned()
}

fn about(spec: &CommandSpec, palette: Palette) -> String {
    let mut text = entry(spec.name, spec.arguments, spec.summary, palette);
    let mut field = |name: &str, value: &str| text.push_str(&fact(name, value, palette));
    field("answers", spec.reply);
    if !spec.errors.is_empty() {
        field("errors", spec.errors);
    }
    field("path", path(spec));
    if spec.barrier {
        field(
            "barrier",
            "nothing behind it on its connection happens before it is answered",
        );
    }
    let eventual = match spec.eventual {
        Eventual::Accepted => "accepted",
        Eventual::WithoutOptions => "accepted without options: they need a total order",
        Eventual::Refused => "refused: it needs a total order",
    };
    field("eventual", eventual);
    field("group", &format!("@{}", spec.group.name()));
    text.trim_end().to_owned()
}

fn path(spec: &CommandSpec) -> &'static str {
    match spec.kind {
        Kind::Write => {
            "write: through the multicast, answered once delivered here (eventual model: applied here, at once)"
        }
        Kind::Read => {
            "read: linearizable, through the multicast; sequential and eventual, here and at once"
        }
        Kind::Inspect => {
            "looks at this replica alone, at its place among the connection's commands"
        }
        Kind::Connection => "answered by this replica alone, even if it serves no data",
        Kind::Transaction => "changes how the next commands of the connection are understood",
    }
}

/// A named fact.
fn fact(name: &str, value: &str, palette: Palette) -> String {
    let name = format!("      {name:<13}");
    let value = wrapped(value, name.len());
    format!("{}{value}\n", palette.paint(Role::Faint, &name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn help(topic: &str) -> String {
        let arguments: Vec<_> = topic.split_whitespace().map(|word| word.into()).collect();
        answer(&arguments, Palette::plain())
    }

    #[test]
    fn every_command_is_listed_and_explained() {
        let overview = help("");
        let groups: String = GROUPS
            .iter()
            .map(|(group, _)| help(&format!("@{}", group.name())) + "\n")
            .collect();
        for spec in COMMANDS {
            assert!(overview.contains(spec.name), "{}", spec.name);
            let summary = wrapped(spec.summary, 6);
            assert!(groups.contains(&summary), "{}", spec.name);
            let explained = help(&spec.name.to_lowercase());
            assert!(
                explained.contains(spec.name) || explained.contains("answered"),
                "{explained}"
            );
        }
        let all = COMMANDS.iter().map(|spec| help(spec.name));
        for text in all.chain([overview, groups, help("connect")]) {
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(WIDTH), "{text}");
        }
    }

    #[test]
    fn set_is_explained() {
        assert_eq!(
            help("set"),
            "  SET key value [NX|XX] [GET]
      Sets the key
      answers      OK; null if NX or XX forbade it; with GET the old value or
                   null, whether it was set or not
      errors       ERR syntax error; ERR option not supported
      path         write: through the multicast, answered once delivered here
                   (eventual model: applied here, at once)
      eventual     accepted without options: they need a total order
      group        @string"
        );
    }

    #[test]
    fn many_alternatives_have_a_line_each() {
        let text = help("COMMAND");
        let usages: Vec<_> = text
            .lines()
            .take_while(|line| line.starts_with("  COMMAND"))
            .collect();
        assert_eq!(usages[..2], ["  COMMAND", "  COMMAND COUNT"]);
        assert!(usages.contains(&"  COMMAND INFO [command ...]"), "{text}");
    }

    #[test]
    fn what_is_not_there_is_said() {
        assert!(help("GTE").contains("Did you mean GET?"));
        assert!(help("@strng").contains("@string"));
        assert!(help("@HOLDBACK").contains("DIGEST"));
    }
}
