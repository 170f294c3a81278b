//! Runs the examples of `README.md`.
//!
//! An example is an `sh` block that starts replicas, with `scripts/cluster.sh up`, and the `console` blocks
//! behind it up to the next one. In these, behind `$` stands a command, which bash runs as it stands but for
//! the ports, and below it what it prints. Here the replicas are started without the script. A command that
//! changes nothing is repeated for a while until it prints what is shown, because links and updates take
//! their time.

use super::page::{Block, Page};
use super::pattern::{Bindings, matches};
use super::ports::Ports;
use super::program::Replica;
use holdback::command::Kind;
use holdback::command::table::COMMANDS;
use holdback_testkit::processes::{PATIENCE, is_linked, until};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

/// Between two looks at something that changes with time.
const PAUSE: Duration = Duration::from_millis(50);

/// The command that starts an example's replicas, and what is done with them.
pub(crate) struct Example {
    start: String,
    blocks: Vec<Block>,
}

/// A command, where it is, and what it prints.
struct Shown {
    number: usize,
    command: String,
    output: Vec<String>,
}

/// The examples of a page.
pub(crate) fn examples(page: &Page) -> Vec<Example> {
    let mut examples: Vec<Example> = Vec::new();
    for block in page.blocks("") {
        let lines = block.lines.iter().map(|(_, line)| line);
        let start = lines
            .into_iter()
            .find(|line| line.contains("cluster.sh up"));
        match (block.language.as_str(), start, examples.last_mut()) {
            ("sh", Some(start), _) => examples.push(Example {
                start: start.clone(),
                blocks: Vec::new(),
            }),
            ("console", _, Some(example)) => example.blocks.push(block),
            ("console", _, None) => panic!("a console block before any cluster"),
            _ => {}
        }
    }
    examples.retain(|example| !example.blocks.is_empty());
    examples
}

/// Runs an example.
pub(crate) fn run(example: &Example) -> Result<(), String> {
    let mut ports = Ports::default();
    let replicas = start_replicas(&example.start, &mut ports)?;
    let mut bindings = Bindings::new();
    for block in &example.blocks {
        for shown in shown(block)? {
            let command = ports.map(&shown.command);
            expect(&command, &shown.output, &mut bindings)
                .map_err(|what| format!("{}: {what}", block.place(shown.number)))?;
        }
    }
    drop(replicas);
    Ok(())
}

fn shown(block: &Block) -> Result<Vec<Shown>, String> {
    let mut all: Vec<Shown> = Vec::new();
    for (number, line) in &block.lines {
        match (line.strip_prefix("$ "), all.last_mut()) {
            (Some(command), _) => all.push(Shown {
                number: *number,
                command: command.to_owned(),
                output: Vec::new(),
            }),
            (None, Some(shown)) => shown.output.push(line.clone()),
            (None, None) => return Err(format!("{}: no command", block.place(*number))),
        }
    }
    Ok(all)
}

/// Starts what a documented command would start, and waits until all links are up.
fn start_replicas(command: &str, ports: &mut Ports) -> Result<Vec<Replica>, String> {
    let mut words = command.split_whitespace().skip(1);
    let (mut count, mut options) = (3_u16, String::new());
    while let Some(word) = words.next() {
        match word {
            "up" | "--detach" => {}
            "-n" => {
                let number = words.next().and_then(|number| number.parse().ok());
                count = number.ok_or_else(|| format!("-n wants a number: {command}"))?;
            }
            "-c" => options += &format!(" --consistency {}", words.next().unwrap_or("")),
            "--allow-faults" => options += " --allow-faults",
            _ => return Err(format!("'{word}' is not understood: {command}")),
        }
    }
    let addresses: Vec<String> = (1..=count)
        .map(|id| format!("127.0.0.1:{}", 8080 + id))
        .collect();
    let cluster = addresses.join(",");
    let replicas = (1..=count)
        .map(|id| format!("holdback-server --id {id} --cluster {cluster}{options}"))
        .map(|command| Replica::start(&command, ports))
        .collect::<Result<_, _>>()?;
    for id in 1..=count {
        let port = ports.port(8080 + id);
        until("the links", || is_linked(port, usize::from(count) - 1));
    }
    Ok(replicas)
}

/// Runs a command, again and again if it changes nothing, until it prints what is shown.
fn expect(command: &str, shown: &[String], bindings: &mut Bindings) -> Result<(), String> {
    let attempts = if changes_something(command) { 1 } else { 40 };
    let mut printed = Vec::new();
    for attempt in 1..=attempts {
        printed = print_of(command)?;
        let mut bound = bindings.clone();
        let fits = printed.len() == shown.len()
            && shown
                .iter()
                .zip(&printed)
                .all(|(shown, line)| matches(shown, line, &mut bound));
        if fits {
            *bindings = bound;
            return Ok(());
        }
        if attempt < attempts {
            thread::sleep(PAUSE);
        }
    }
    Err(format!(
        "$ {command}\nprints\n{}\nand not\n{}",
        printed.join("\n"),
        shown.join("\n")
    ))
}

/// Whether one of the words is a command that should not be repeated.
fn changes_something(command: &str) -> bool {
    let words = command.split(|c: char| !c.is_ascii_alphanumeric());
    words.into_iter().any(|word| {
        let spec = COMMANDS.iter().find(|spec| spec.name == word);
        word == "FAULT" || spec.is_some_and(|spec| spec.kind == Kind::Write)
    })
}

/// What bash prints for a command. Into files, so that what the command leaves running in the background
/// keeps nobody waiting.
fn print_of(command: &str) -> Result<Vec<String>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let (out, complaints) = (folder.path().join("out"), folder.path().join("complaints"));
    let file = |path: &Path| File::create(path).map_err(|error| error.to_string());
    let mut process = Command::new("bash")
        .args(["-c", command])
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .stdin(Stdio::null())
        .stdout(file(&out)?)
        .stderr(file(&complaints)?)
        .spawn()
        .map_err(|error| format!("bash: {error}"))?;
    let id = process.id();
    let (sender, receiver) = channel();
    let waiting = thread::spawn(move || sender.send(process.wait()));
    if receiver.recv_timeout(PATIENCE).is_err() {
        let killed = Command::new("kill").arg(id.to_string()).status();
        drop(waiting.join());
        return Err(format!("$ {command}\nhangs (killed: {})", killed.is_ok()));
    }
    let text = |path: &Path| fs::read_to_string(path).map_err(|error| error.to_string());
    let complaints = text(&complaints)?;
    if !complaints.is_empty() {
        return Err(format!("$ {command}\n{complaints}"));
    }
    Ok(text(&out)?.lines().map(str::to_owned).collect())
}
