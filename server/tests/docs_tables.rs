//! The tables of `protocol.md` and `README.md` are what the code says, so that the pages cannot drift.
//!
//! Each table stands between two comments, `<!-- table: NAME -->` and `<!-- end of table -->`. To write
//! them anew:
//!
//! ```sh
//! HOLDBACK_WRITE_DOCS=1 cargo test -p holdback --test docs_tables
//! ```

use clap::CommandFactory;
use holdback::config::Arguments;
use holdback::consistency::Consistency;
use holdback::multicast::{Entry, EntryBody, ReplicaId, Stamp};
use holdback::order::Order;
use holdback::protocol::command::{CommandSpec, Group};
use holdback::protocol::error::ErrorCode;
use holdback::protocol::frame::FrameLimits;
use holdback::protocol::inline::split_owned;
use holdback::protocol::message::{MESSAGES, encode_ack, encode_mcast, encode_update};
use holdback::protocol::redis::{Compatibility, REDIS_COMMANDS};
use holdback::protocol::table::COMMANDS;
use holdback::replica::Settings;
use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use xxhash_rust::xxh3::xxh3_128;

const END: &str = "<!-- end of table -->";
const ADVICE: &str = "HOLDBACK_WRITE_DOCS=1 cargo test -p holdback --test docs_tables";

#[test]
fn the_tables_of_the_protocol_page() {
    let tables = [
        ("commands", commands()),
        ("errors", errors()),
        ("limits", limits()),
        ("frames", frames()),
        ("redis", redis()),
    ];
    check_page("protocol.md", &tables);
}

#[test]
fn the_tables_of_the_readme() {
    check_page("README.md", &[("flags", flags())]);
}

/// Compares the tables of a page with what they should be, or writes them.
fn check_page(name: &str, tables: &[(&str, String)]) {
    let path = path_of(name);
    let mut page = read(name);
    let mut stale = Vec::new();
    for (table, content) in tables {
        let start = format!("<!-- table: {table} -->\n");
        let from = page
            .find(&start)
            .unwrap_or_else(|| panic!("{name}: no {start}"))
            + start.len();
        let length = page[from..].find(END).expect("the table has an end");
        let content = format!("\n{content}\n");
        if page[from..from + length] != content {
            stale.push(*table);
            page.replace_range(from..from + length, &content);
        }
    }
    if std::env::var_os("HOLDBACK_WRITE_DOCS").is_some() {
        fs::write(&path, page).expect("the page can be written");
    } else {
        assert!(
            stale.is_empty(),
            "{name}: {stale:?} are stale. To write them anew:\n\n  {ADVICE}\n"
        );
    }
}

fn path_of(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name)
}

fn read(name: &str) -> String {
    let path = path_of(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A table of Markdown.
fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut text = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(N));
    for row in rows {
        let cells = row.map(|cell| cell.replace('|', "\\|"));
        let _infallible = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

fn commands() -> String {
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

fn errors() -> String {
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

fn limits() -> String {
    let settings = Settings::new(ReplicaId(1), Vec::new(), Consistency::Sequential);
    let stored = settings.limits;
    let row = |what: &str, limit: String, above: &str| [what.to_owned(), limit, above.to_owned()];
    let closed = "`ERR Protocol error: ...`, then the connection is closed";
    let definite = "a definite `ERR`";
    table(
        ["what", "limit", "above it"],
        [
            row("a key", bytes(stored.key_bytes), definite),
            row(
                "a value, or any other argument (`--max-value`)",
                bytes(stored.value_bytes),
                definite,
            ),
            row(
                "a command or transaction, each word counted with 16 bytes more",
                bytes(stored.entry_bytes),
                definite,
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
                "own undelivered entries of a replica (`--max-pending`)",
                bytes(settings.pending_bytes_max),
                "`OVERLOADED`",
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
        ],
    )
}

fn bytes(count: usize) -> String {
    match count {
        _ if count.is_multiple_of(1 << 20) => format!("{} MiB", count >> 20),
        _ if count.is_multiple_of(1 << 10) => format!("{} KiB", count >> 10),
        _ => format!("{count} bytes"),
    }
}

fn redis() -> String {
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

fn frames() -> String {
    let mut text = String::new();
    for spec in MESSAGES {
        let usage = format!("`{} {}`", spec.name, spec.arguments).replace(" `", "`");
        let _infallible = writeln!(text, "- {usage}");
        let _infallible = writeln!(text, "  - *Sender:* {}.", spec.sent);
        let _infallible = writeln!(text, "  - *Means:* {}.", spec.meaning);
    }
    text
}

fn flags() -> String {
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

/// The table is made from what `--help` is made from; this looks at what a person sees.
#[test]
fn every_flag_of_help_is_in_the_readme() {
    let output = Command::new(env!("CARGO_BIN_EXE_holdback-server"))
        .arg("--help")
        .output()
        .expect("the server's program runs");
    let help = String::from_utf8(output.stdout).expect("help is UTF-8");
    let named = |text: &str, before: &str| -> BTreeSet<String> {
        let flags = text
            .lines()
            .filter_map(|line| line.trim_start().split_once(before));
        let flag = |rest: &str| {
            rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
                .next()
                .map(str::to_owned)
        };
        flags.filter_map(|(_, rest)| flag(rest)).collect()
    };
    let options = help.split_once("Options:").expect("help lists options").1;
    let options: Vec<&str> = options
        .lines()
        .filter(|line| line.trim_start().starts_with('-'))
        .collect();
    let shown = named(&options.join("\n"), "--");
    let readme = read("README.md");
    let table: Vec<&str> = readme
        .lines()
        .filter(|line| line.starts_with("| `--"))
        .collect();
    let documented = named(&table.join("\n"), "| `--");
    assert!(
        shown.len() > 15 && shown.contains("link-timeout"),
        "{shown:?}"
    );
    assert_eq!(shown, documented);
}

/// Lines of the form `NAME = HASHED...`: hexadecimal digits and quoted strings, and a hash.
///
/// `digest 1 = 000... "1.1$1..." -> 75c...` says that the hash of these bytes is that.
fn hashed_lines(page: &str) -> Vec<(String, Vec<u8>, u128)> {
    let mut lines = Vec::new();
    for line in page.lines().filter(|line| line.contains(" -> ")) {
        let Some((left, hash)) = line.split_once(" -> ") else {
            continue;
        };
        let Some((name, parts)) = left.split_once(" = xxh3-128 ") else {
            continue;
        };
        let mut bytes = Vec::new();
        for part in parts.split_whitespace() {
            if part.starts_with('"') {
                bytes.extend(split_owned(part.as_bytes()).expect(part).concat());
            } else {
                bytes.extend(
                    (0..part.len())
                        .step_by(2)
                        .map(|at| u8::from_str_radix(&part[at..at + 2], 16).expect(part)),
                );
            }
        }
        lines.push((
            name.trim().to_owned(),
            bytes,
            u128::from_str_radix(hash.trim(), 16).expect(hash),
        ));
    }
    lines
}

#[test]
fn the_worked_digests() {
    let page = read("protocol.md");
    let lines = hashed_lines(&page);
    let names: Vec<&str> = lines.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(names, ["digest 1", "digest 2", "hash x", "hash y"]);
    for (name, bytes, hash) in &lines {
        assert_eq!(
            xxh3_128(bytes),
            *hash,
            "{name} should be {:032x}",
            xxh3_128(bytes)
        );
    }

    let mut order = Order::new(10, 1000);
    for (time, replica, command) in [(1, 1, "SET x 1"), (2, 2, "SET x 2")] {
        let words: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
        let stamp = Stamp::new(time, ReplicaId(replica));
        let entry = Entry {
            stamp,
            body: EntryBody::command(&words),
        };
        let position = order.append(&entry);
        let at = usize::try_from(position).expect("a small number") - 1;
        assert_eq!(
            order.digest().0,
            lines[at].2,
            "the order's digest at {position}"
        );
    }

    let mut versions = holdback::eventual::Versions::new(1);
    for (key, value, time, replica, incarnation) in [(b"x", b"1", 42, 1, 7), (b"y", b"2", 43, 2, 9)]
    {
        let origin = holdback::eventual::Origin {
            replica: ReplicaId(replica),
            incarnation,
        };
        versions.apply(
            key,
            Some(value),
            holdback::eventual::VersionStamp { time, origin },
        );
    }
    let sum = lines[2].2.wrapping_add(lines[3].2);
    assert_eq!(versions.digest().0, sum);
    assert!(
        page.contains(&format!("hash x + hash y = {sum:032x}")),
        "the sum is {sum:032x}"
    );
}

/// What the pages say of the sizes of frames.
#[test]
fn the_sizes_of_frames() {
    let stamp = Stamp::new(1, ReplicaId(1));
    let entry = Entry {
        stamp,
        body: EntryBody::command(&[b"SET", b"x", b"1"]),
    };
    let (mut mcast, mut ack, mut update) = (Vec::new(), Vec::new(), Vec::new());
    encode_mcast(&mut mcast, 0, &[&entry]);
    encode_ack(&mut ack, &[stamp]);
    encode_update(&mut update, 1_700_000_000_000_000, b"x", Some(b"1"));
    let claim = format!(
        "an `MCAST` with `SET x 1` takes {} bytes, an `ACK` {}, an `UPDATE` {}",
        mcast.len(),
        ack.len(),
        update.len()
    );
    let readme = read("README.md")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert!(readme.contains(&claim), "README.md does not say: {claim}");
}

/// Files and folders that the pages name in backquotes.
#[test]
fn what_the_pages_name_exists() {
    let tops = ["server/", "cli/", "scripts/", "test_cases/"];
    let mut missing = BTreeSet::new();
    let mut seen = 0;
    for page in ["README.md", "protocol.md"] {
        let text = read(page);
        for quoted in text.split('`').skip(1).step_by(2) {
            let path = quoted.split_whitespace().next().unwrap_or("");
            if tops.iter().any(|top| path.starts_with(top)) {
                seen += 1;
                if !path_of(path).exists() {
                    missing.insert(path.to_owned());
                }
            }
        }
    }
    assert!(seen > 10, "{seen} paths");
    assert!(
        missing.is_empty(),
        "the pages name what is not there: {missing:?}"
    );
}
