//! The tables of `protocol.md` and `README.md` are what the code says, so that the pages cannot drift.
//!
//! Each table stands between two comments, `<!-- table: NAME -->` and `<!-- end of table -->`. To write
//! them anew:
//!
//! ```sh
//! HOLDBACK_WRITE_DOCS=1 cargo test -p holdback-server --test docs_tables
//! ```

mod tables;
mod worked;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const END: &str = "<!-- end of table -->";
const ADVICE: &str = "HOLDBACK_WRITE_DOCS=1 cargo test -p holdback-server --test docs_tables";

#[test]
fn the_tables_of_the_protocol_page() {
    let tables = [
        ("commands", tables::commands()),
        ("errors", tables::errors()),
        ("limits", tables::limits()),
        ("frames", tables::frames()),
        ("redis", tables::redis()),
    ];
    check_page("protocol.md", &tables);
}

#[test]
fn the_tables_of_the_readme() {
    check_page("README.md", &[("flags", tables::flags())]);
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

/// Files and folders that the pages name in backquotes.
#[test]
fn what_the_pages_name_exists() {
    let tops = ["server/", "cli/", "scripts/", "test_cases/"];
    let mut missing = BTreeSet::new();
    let mut seen = 0;
    for page in ["README.md", "protocol.md", "server/docs/architecture.md"] {
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
