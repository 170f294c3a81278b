//! A run that broke an invariant, written as a run folder: what a real run leaves, so that the report draws it.

use super::history::{Reads, entry};
use super::plan::Plan;
use super::run::run_world;
use super::shrink::shrink;
use super::trace::Keep;
use super::violation::Violation;
use super::world::World;
use crate::history::{self, Answer, History, Outcome};
use crate::kit::cluster::Cluster;
use crate::kit::failure::Failure;
use crate::kit::run_folder::{RunFolder, runs};
use crate::order::to_json;
use holdback_client::json;
use serde_json::{Map, Value as Json};
use std::fmt::Write;
use std::path::PathBuf;

/// Makes a run smaller and writes what it does in the end; where, and what it broke.
///
/// # Errors
/// [`Failure::Other`] if a file cannot be written.
pub(super) fn write_shrunk(
    plan: &Plan,
    violation: &Violation,
) -> Result<(PathBuf, Violation), Failure> {
    let small = shrink(plan, violation.invariant);
    let mut world = World::new(&small, Keep::All);
    world.keep_journals();
    let violation = run_world(&mut world).unwrap_or_else(|| violation.clone());
    let name = format!("simulation-{}-{}", small.consistency.name(), small.seed);
    let folder = RunFolder::create(&runs(), &name)?;
    folder.write("cluster.json", cluster(&small)?)?;
    folder.write("verdict.json", verdict(&small, &violation).to_string())?;
    write_replicas(&world, &folder)?;
    let mut file = Vec::new();
    let writing = Failure::doing("cannot write the history");
    history::write(&recorded(&world), &mut file).map_err(writing)?;
    folder.write("history.jsonl", file)?;
    let mut story = story(&small, &violation) + "\n";
    for line in world.trace.into_lines() {
        story.push_str(&line);
        story.push('\n');
    }
    folder.write("simulation.txt", story)?;
    Ok((folder.path().to_owned(), violation))
}

/// What the clients saw, as far as a file can hold it.
fn recorded(world: &World) -> History {
    let mut history = world.history(Reads::Promised);
    for operation in &mut history.operations {
        if let Outcome::Ok(answer) = &mut operation.outcome
            && let Answer::List(parts) = &*answer
            && parts.contains(&Answer::Unknown)
        {
            *answer = Answer::Unknown;
        }
    }
    if !world.settled {
        // The run was stopped in the middle, and nothing was promised of the data then.
        history.finals.clear();
    }
    history
}

fn cluster(plan: &Plan) -> Result<String, Failure> {
    let cluster = Cluster {
        consistency: Some(plan.consistency),
        seed: Some(plan.seed),
        ..Cluster::at(&plan.tuning.settings.cluster)
    };
    serde_json::to_string_pretty(&cluster).map_err(|error| Failure::Other(error.to_string()))
}

fn verdict(plan: &Plan, violation: &Violation) -> Json {
    serde_json::json!({
        "verdict": "no",
        "simulated": true,
        "seed": plan.seed,
        "consistency": plan.consistency.name(),
        "invariant": violation.invariant,
        "detail": violation.detail,
    })
}

/// The trace, the order and the data of each replica.
fn write_replicas(world: &World, folder: &RunFolder) -> Result<(), Failure> {
    for (machine, id) in world.machines.iter().zip(1..) {
        let Some(journal) = &machine.journal else {
            continue;
        };
        let mut order = String::new();
        for (position, delivered) in &journal.delivered {
            let entry = entry(*position, delivered.stamp.to_string(), &delivered.body);
            order.push_str(&to_json(&entry));
            order.push('\n');
        }
        folder.write(&format!("replica-{id}.trace.jsonl"), &journal.trace)?;
        folder.write(&format!("replica-{id}.order.jsonl"), order)?;
    }
    for last in world.finals() {
        let pairs = last.store.iter();
        let store: Map<String, Json> = pairs
            .map(|(key, value)| (json::key(key), json::bytes(value)))
            .collect();
        let name = format!("replica-{}.store.json", last.replica);
        folder.write(&name, Json::Object(store).to_string())?;
    }
    Ok(())
}

/// What was planned, and what it broke, for a person.
fn story(plan: &Plan, violation: &Violation) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _infallible = (|| -> std::fmt::Result {
        writeln!(text, "seed {}, {} model", plan.seed, plan.consistency)?;
        writeln!(text, "broken: {violation}\n")?;
        for fault in &plan.faults {
            let (seconds, micros) = (fault.at / 1_000_000, fault.at % 1_000_000);
            writeln!(text, "at {seconds}.{micros:06} {fault}")?;
        }
        for (program, client) in plan.clients.iter().zip(1..) {
            for step in program {
                writeln!(text, "client {client}: {step:?}")?;
            }
        }
        Ok(())
    })();
    text
}
