//! Loads during which things go wrong, and what is left of that afterwards.

use crate::cluster::Cluster;
use holdback_testkit::processes::{programs, signal, until};
use std::process::{Child, Stdio};

fn faults(cluster: &Cluster) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(cluster.run.join("faults.jsonl")).unwrap_or_default();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.collect()
}

#[test]
fn faults_are_healed_and_written_down_and_no_order_has_a_hole() {
    for model in ["sequential", "eventual"] {
        let cluster = Cluster::up(model);
        let arguments = "--duration 2s --rate 200 --faults all --witness";
        cluster.load(arguments).exits(0);
        cluster.place.assert_healed(3);
        let faults = faults(&cluster);
        assert!(faults.len() > 3, "{faults:?}");
        for (fault, id) in faults[faults.len() - 3..].iter().zip(1..) {
            assert_eq!(fault["command"], serde_json::json!(["FAULT", "HEAL", "*"]));
            assert_eq!(
                (&fault["event"], &fault["replica"]),
                (&"fault".into(), &id.into())
            );
            assert!(fault["wall_ns"].as_u64().unwrap() > fault["time"].as_u64().unwrap());
        }
        let history = cluster.history();
        assert!(history.operations.iter().any(|operation| operation.is_ok()));
        assert_eq!(history.finals[0].store, history.finals[2].store);
        for id in 1..=3 {
            let order = cluster.order(id);
            let positions = order.iter().map(|entry| entry.position);
            assert!(positions.eq(1..=order.len() as u64), "replica {id}");
        }
        if model == "sequential" {
            assert_eq!(cluster.order(1), cluster.order(3));
        }
    }
}

/// Waits until the load has recorded something and something has gone wrong.
fn wait_for_faults(cluster: &Cluster, load: &mut Child) {
    let recorded = || std::fs::metadata(cluster.run.join("history.jsonl")).map_or(0, |m| m.len());
    until("something to go wrong", || {
        assert_eq!(load.try_wait().unwrap(), None, "it is over before its time");
        !faults(cluster).is_empty() && recorded() >= 1000
    });
}

#[test]
fn an_interrupted_load_heals_and_shows_what_it_has_measured() {
    let cluster = Cluster::up("sequential");
    let mut command = cluster.place.command(programs().join("holdback-lab"));
    let run = cluster.run.to_str().unwrap();
    command.args(["load", "--run", run, "--json"]);
    command.args(["--duration", "10m", "--faults", "all"]);
    let mut load = command.stdout(Stdio::piped()).spawn().unwrap();
    wait_for_faults(&cluster, &mut load);
    signal(load.id(), "-INT");
    let output = load.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let figures: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(
        figures["all"]["answered"].as_u64().unwrap() > 0,
        "{figures}"
    );
    cluster.place.assert_healed(3);
    let history = cluster.history();
    assert_eq!(
        history.operations.len() as u64,
        figures["invoked"].as_u64().unwrap()
    );
}
