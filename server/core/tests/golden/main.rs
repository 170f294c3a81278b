//! Golden traces: short scenarios with the frames that they cause, beside the code that causes them.
//!
//! A script is a story in a sentence or two, commands, and behind `---` what they lead to. The commands:
//!
//! - `cluster 3 [eventual]`: replicas that are linked, and have nothing to say to each other;
//! - `client1 SET x a`: the client of replica 1 sends a command; `client1b` is another client of it;
//! - `together`, commands, `apart`: what these clients send is taken in by their replicas in one turn;
//! - `deliver 1 2 [COUNT]`: replica 2 reads the frames that replica 1 has sent it, or so many of them;
//! - `settle`: everything that is under way is read, until nothing is;
//! - `cut 1 2`, `connect 1 2`: their connection breaks, and what is under way on it is lost; they dial again.
//!
//! `UPDATE_GOLDENFILES=1 cargo test -p holdback --test golden` writes what comes out into the scripts; look at it.

mod show;
mod stage;

use goldenscript::{Argument, Command, Context, Runner};
use holdback::consistency::Consistency;
use stage::Stage;
use std::error::Error;
use std::path::Path;

/// Runs scripts.
#[derive(Default)]
struct Scripts {
    stage: Option<Stage>,
}

impl Runner for Scripts {
    type Command = Command;

    fn run(&mut self, command: &Command, _context: &Context) -> Result<String, Box<dyn Error>> {
        let words: Vec<String> = command.args.iter().map(text).collect();
        let number = |at: usize| -> Result<usize, Box<dyn Error>> {
            Ok(words.get(at).ok_or("a number is missing")?.parse()?)
        };
        if command.name == "cluster" {
            let model = match words.get(1).map(String::as_str) {
                Some("eventual") => Consistency::Eventual,
                _ => Consistency::Sequential,
            };
            self.stage = Some(Stage::new(number(0)?, model));
            return Ok(String::new());
        }
        let stage = self.stage.as_mut().ok_or("there is no cluster")?;
        match command.name.as_str() {
            "deliver" => stage.deliver(number(0)?, number(1)?, number(2).unwrap_or(usize::MAX)),
            "settle" => stage.settle(),
            "cut" => stage.cut(number(0)?, number(1)?),
            "connect" => stage.connect(number(0)?, number(1)?),
            "together" => stage.hold_turns(true),
            "apart" => stage.hold_turns(false),
            name => {
                let client = name.strip_prefix("client").ok_or("no such command")?;
                stage.command(client, &words);
            }
        }
        Ok(stage.take_text())
    }
}

fn text(argument: &Argument) -> String {
    match argument {
        Argument::Positional(word) => word.clone(),
        other => other.to_string(),
    }
}

/// Replays every script of a folder.
fn replay(folder: &str) -> Result<(), Box<dyn Error>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("src")
        .join(folder);
    let mut count = 0;
    for file in std::fs::read_dir(folder)? {
        goldenscript::run(&mut Scripts::default(), file?.path())?;
        count += 1;
    }
    assert!(count > 0, "there are scripts");
    Ok(())
}

#[test]
fn the_multicast_says_what_its_golden_traces_show() -> Result<(), Box<dyn Error>> {
    replay("ordered/golden")
}

#[test]
fn the_eventual_model_says_what_its_golden_traces_show() -> Result<(), Box<dyn Error>> {
    replay("eventual/golden")
}
