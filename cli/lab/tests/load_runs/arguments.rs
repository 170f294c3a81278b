//! What is refused before anything is loaded.

use crate::cluster::Cluster;
use crate::place::Place;

#[test]
fn wrong_arguments_are_refused_with_the_reason() {
    let cluster = Cluster::up("eventual");
    for (arguments, complaint) in [
        (
            "--mix get,cas=3,incr",
            "--mix cas,incr: needs a total order",
        ),
        ("--mix get,fly", "there is no operation 'fly'"),
        ("--mix get=0", "no operation has a weight above 0"),
        ("--targets 4", "--targets: there is no replica 4"),
        (
            "--targets 1,127.0.0.1:1",
            "no replica of the cluster is at '127.0.0.1:1'",
        ),
        ("--ops 5 --duration 1", "cannot be used with"),
        ("--duration soon", "--duration"),
        ("--rate 0", "expected operations in a second"),
        ("--clients 0", "--clients"),
        ("--pipeline 0", "--pipeline"),
        ("--faults some", "--faults"),
        ("--witness --no-history", "cannot be used with"),
        ("--redis --witness", "cannot be used with"),
        ("--redis --faults cuts", "cannot be used with"),
        ("--redis --mix cas", "--mix cas: is no command of Redis"),
        ("--wait 1", "--redis"),
    ] {
        cluster.load(arguments).exits(64).complains(complaint);
    }
    assert!(!cluster.run.join("history.jsonl").exists());
}

#[test]
fn a_cluster_that_is_not_there_is_unreachable() {
    let place = Place::new();
    let address = place.cluster(1);
    place
        .lab(&format!("load --redis --targets {address}"))
        .exits(69)
        .complains(&format!("{address}: connection refused"));
    place
        .lab("load --run nowhere")
        .exits(64)
        .complains("nowhere");
}

#[test]
fn a_cluster_that_allows_no_faults_is_left_alone() {
    let place = Place::new();
    place.up("-n 2").exits(0);
    let run = place.latest_path();
    place
        .lab(&format!("load --run {run} --ops 10 --faults delays"))
        .exits(64)
        .complains("refuses FAULT LIST: NOPERM");
}

#[test]
fn prove_explains_itself_and_refuses_nonsense() {
    let place = Place::new();
    let help = place.script("prove.sh --help").exits(0);
    assert!(help.out.contains("Usage: scripts/prove.sh"), "{help:?}");
    for arguments in [
        "-c strong",
        "-n 0",
        "-n 1",
        "--seconds 0",
        "--faults some",
        "--as strong",
        "--rate x",
        "--seed",
        "sideways",
    ] {
        let answer = place.script(&format!("prove.sh {arguments}"));
        answer.exits(64).complains("prove.sh: ");
    }
    place.assert_no_processes();
}
