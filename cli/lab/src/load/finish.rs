//! What the replicas hold before a load and after it.

use super::recorder::Recorder;
use crate::history;
use crate::kit::cluster::Cluster;
use crate::kit::collect::{collect, store_json};
use crate::kit::failure::Failure;
use crate::kit::run_folder::RunFolder;

/// What the run's keys hold before it begins, in a cluster that is not new. `None` if nobody says.
pub(super) fn initial(cluster: &Cluster, before: &[u64], prefix: &str) -> Option<history::Initial> {
    let position = before
        .iter()
        .copied()
        .max()
        .filter(|position| *position > 0)?;
    let mut found = collect(cluster, before).into_iter();
    let mut store = found.find(|last| last.problem.is_none())?.store;
    store.retain(|key, _| key.starts_with(prefix.as_bytes()));
    Some(history::Initial { position, store })
}

/// Saves every replica's data: as lines of the history, and in a file of its own. Only keys that begin with
/// `prefix` are the run's. Returns what could not be had.
pub(super) fn save_stores(
    cluster: &Cluster,
    reached: &[u64],
    prefix: &str,
    folder: &RunFolder,
    recorder: &mut Recorder,
) -> Result<Vec<String>, Failure> {
    let mut problems = Vec::new();
    // What was delivered is not asked for: the orders were followed.
    for mut last in collect(cluster, reached) {
        if let Some(problem) = &last.problem {
            let id = last.replica;
            problems.push(format!("replica {id}'s data cannot be had: {problem}"));
            continue;
        }
        last.store
            .retain(|key, _| key.starts_with(prefix.as_bytes()));
        folder.write_json(&last.store_file(), &store_json(&last.store))?;
        recorder.last(&history::Final {
            replica: last.replica as u64,
            store: last.store,
        });
    }
    Ok(problems)
}
