//! The tables, from the code.

use clap::CommandFactory;
use holdback::command::redis::{Compatibility, REDIS_COMMANDS};
use holdback::command::table::COMMANDS;
use holdback::command::{CommandSpec, Group};
use holdback::consistency::Consistency;
use holdback::ids::ReplicaId;
use holdback::message::MESSAGES;
use holdback::settings::Settings;
use holdback::wire::error::ErrorCode;
use holdback::wire::frame::FrameLimits;
use holdback_server::config::Arguments;
use std::fmt::Write;

/// A table of Markdown.
fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(N));
    for row in rows {
        let cells = row.map(|cell| cell.replace('|', "\\|"));
        let _infallible = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

pub(crate) fn commands() -> String {
    let groups = [
        Group::String,
        Group::Generic,
        Group::Transactions,
        Group::Connection,
        Group::Server,
        Group::Holdback,
    ];
    let head = [
        "command",
        "what it does",
        "reply",
        "errors of its own",
        "kind",
        "eventual model",
    ];
    let mut text = String::new();
    let mut shown = 0;
    for group in groups {
        let specs: Vec<_> = COMMANDS.iter().filter(|spec| spec.group == group).collect();
        shown += specs.len();
        let rows = table(head, specs.into_iter().map(command_row));
        let _infallible = writeln!(text, "**{}**\n\n{rows}", group.name());
    }
    assert_eq!(shown, COMMANDS.len(), "a group is missing here");
    text.trim_end().to_owned() + "\n"
}

fn command_row(spec: &CommandSpec) -> [String; 6] {
    let usage = format!("`{} {}`", spec.name, spec.arguments).replace(" `", "`");
    let kind = match spec.barrier {
        true => format!("{}, barrier", spec.kind.name()),
        false => spec.kind.name().to_owned(),
    };
    [
        usage,
        spec.summary.to_owned(),
        spec.reply.to_owned(),
        spec.errors.to_owned(),
        kind,
        spec.eventual.name().to_owned(),
    ]
}

pub(crate) fn errors() -> String {
    let row = |code: ErrorCode| {
        let certainty = if code.is_definite() {
            "definite"
        } else {
            "**indefinite**"
        };
        [
            format!("`{}`", code.text()),
            certainty.to_owned(),
            code.meaning().to_owned(),
        ]
    };
    table(["code", "certainty", "when"], ErrorCode::ALL.map(row))
}

pub(crate) fn limits() -> String {
    let settings = Settings::new(ReplicaId(1), Vec::new(), Consistency::Sequential);
    let rows = [requests(&settings), replicas(&settings)].concat();
    table(["what", "limit", "above it"], rows)
}

/// What bounds one request.
fn requests(settings: &Settings) -> Vec<[String; 3]> {
    let stored = settings.limits;
    let closed = "`ERR Protocol error: ...`, then the connection is closed";
    vec![
        row("a key", bytes(stored.key_bytes), DEFINITE),
        row(
            "a value, or any other argument (`--max-value`)",
            bytes(stored.value_bytes),
            DEFINITE,
        ),
        row(
            "a command or transaction, each word counted with 16 bytes more",
            bytes(stored.entry_bytes),
            DEFINITE,
        ),
        row(
            "an inline line, without its line end",
            bytes(FrameLimits::INLINE_BYTES),
            closed,
        ),
        row(
            "arguments of one request",
            FrameLimits::CLIENT_ARGUMENTS.to_string(),
            closed,
        ),
        row(
            "a request with its headers",
            bytes(stored.entry_bytes + (1 << 20)),
            closed,
        ),
        row(
            "the work of a transaction: bytes that its commands move or fill, and 1 KiB for each",
            bytes(stored.work_bytes()),
            DEFINITE,
        ),
    ]
}

/// What bounds all that a replica holds.
fn replicas(settings: &Settings) -> Vec<[String; 3]> {
    vec![
        row(
            "own undelivered entries of a replica (`--max-pending`)",
            bytes(settings.pending_bytes_max),
            "`OVERLOADED`",
        ),
        row(
            "data (`--max-memory`)",
            "none".to_owned(),
            "`OOM` for what could make them grow",
        ),
        row(
            "entries that a replica holds back (`--max-queue`)",
            bytes(settings.queue_bytes_max),
            "it tells the others, and none stamps more until it holds back half of that: `OVERLOADED`",
        ),
        row(
            "unanswered requests of one connection",
            settings.unanswered_max.to_string(),
            "the replica stops reading from it for a while",
        ),
        row(
            "clients (`--max-clients`)",
            settings.clients_max.to_string(),
            "`ERR max number of clients reached`, then the connection is closed",
        ),
        row(
            "what all clients' connections take together (`--max-clients-memory`)",
            bytes(settings.clients_memory_max),
            "`OVERLOADED` for the client that takes the most, then its connection is closed",
        ),
        row(
            "keys that one connection watches (`--max-watches`)",
            settings.watches_max.to_string(),
            DEFINITE,
        ),
    ]
}

const DEFINITE: &str = "a definite `ERR`";

fn row(what: &str, limit: String, above: &str) -> [String; 3] {
    [what.to_owned(), limit, above.to_owned()]
}

fn bytes(count: usize) -> String {
    match count {
        _ if count.is_multiple_of(1 << 20) => format!("{} MiB", count >> 20),
        _ if count.is_multiple_of(1 << 10) => format!("{} KiB", count >> 10),
        _ => format!("{count} bytes"),
    }
}

pub(crate) fn redis() -> String {
    let row = |(name, group, compatibility): &(&str, &str, Compatibility)| {
        let (verdict, how) = match compatibility {
            Compatibility::Same => ("same", ""),
            Compatibility::Differs(how) => ("differs", *how),
            Compatibility::Refused(why) => ("refused", *why),
        };
        [
            format!("`{name}`"),
            (*group).to_owned(),
            verdict.to_owned(),
            how.to_owned(),
        ]
    };
    table(
        ["command", "group in Redis", "here", "how, or why"],
        REDIS_COMMANDS.iter().map(row),
    )
}

pub(crate) fn frames() -> String {
    let mut text = String::new();
    for spec in MESSAGES {
        let usage = format!("`{} {}`", spec.name, spec.arguments).replace(" `", "`");
        let _infallible = writeln!(text, "- {usage}");
        let _infallible = writeln!(text, "  - *Sender:* {}.", spec.sent);
        let _infallible = writeln!(text, "  - *Means:* {}.", spec.meaning);
    }
    text
}

pub(crate) fn flags() -> String {
    let mut command = Arguments::command();
    command.build();
    let rows = command.get_arguments().map(|flag| {
        let name = flag.get_long().expect("every flag has a long name");
        let takes_value = flag.get_action().takes_values();
        let choices: Vec<_> = flag.get_possible_values();
        let choices: Vec<_> = choices.iter().map(|choice| choice.get_name()).collect();
        let value = match (takes_value, choices.is_empty()) {
            (false, _) => String::new(),
            (true, false) => format!(" {}", choices.join("|")),
            (true, true) => flag
                .get_value_names()
                .map_or(String::new(), |names| format!(" {}", names.join(" "))),
        };
        let defaults: Vec<_> = flag
            .get_default_values()
            .iter()
            .map(|value| value.to_string_lossy())
            .collect();
        let help = flag.get_help().map(ToString::to_string).unwrap_or_default();
        [
            format!("`--{name}{value}`"),
            if takes_value {
                defaults.join(" ")
            } else {
                String::new()
            },
            help,
        ]
    });
    table(["flag", "default", "meaning"], rows)
}
