//! `prove.sh`: the verdicts that it has to come to.

use crate::place::Place;

/// Proves a cluster of this model while everything goes wrong.
fn prove(model: &str) {
    let place = Place::new();
    let line = format!("prove.sh -c {model} --seconds 2 --seed 11");
    let answer = place.script(&line).exits(0);
    assert!(answer.out.contains(&format!("{model}: yes")), "{answer:?}");
    let verdict: serde_json::Value = serde_json::from_str(&place.latest("verdict.json")).unwrap();
    assert!(!verdict.is_null());
    assert!(place.latest("faults.jsonl").lines().count() > 3);
    assert!(place.latest("report.html").contains("<html"));
    let page = place.runs.path().join("latest").canonicalize().unwrap();
    let page = page.join("report.html");
    let told = answer.out.lines().last().unwrap();
    assert_eq!(told, format!("the picture: {}", page.display()));
    place.assert_no_processes();
}

#[test]
fn a_sequential_cluster_is_sequential() {
    prove("sequential");
}

#[test]
fn a_linearizable_cluster_is_linearizable() {
    prove("linearizable");
}

#[test]
fn an_eventual_cluster_is_eventually_consistent() {
    prove("eventual");
}

/// The checkers can say no: of reads that were stale, because frames were slow.
#[test]
fn a_sequential_cluster_is_not_linearizable() {
    let place = Place::new();
    let line = "prove.sh -c sequential --as linearizable --faults delays --seconds 3 --seed 11";
    let answer = place.script(line).exits(1);
    assert!(answer.out.contains("linearizable: no"), "{answer:?}");
    // A person can follow it: a few operations, and why they cannot be ordered.
    let shown = answer.out.split("linearizable: no").nth(1).unwrap();
    let calls = |name: &str| shown.lines().filter(|line| line.contains(name)).count();
    assert!(calls("GET k") >= 1 && calls("SET k") >= 1, "{shown}");
    assert!(shown.lines().count() < 30, "{shown}");
    place.assert_no_processes();
}
