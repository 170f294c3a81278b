//! `holdback-lab run` and `run_case.sh` against real replicas.

use crate::place::{Place, case_file, root};
use serde_json::Value as Json;

fn lines(text: &str) -> Vec<Json> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_case_is_run_judged_and_kept() {
    let place = Place::new();
    place
        .script("run_case.sh --free-ports hold_back")
        .exits(0)
        .prints("frames from 1 to 2 take 1 s longer")
        .prints("x m2 m2 m2")
        .prints("1 1.1 SET x m1 1.1 SET x m1 1.1 SET x m1")
        .prints("2 2.3 SET x m2 2.3 SET x m2 2.3 SET x m2")
        .prints("orders identical yes 2 entries, digest 1e39ac66")
        .prints("sequential yes with the replicas' order as witness")
        .prints("linearizable yes more than sequential promises, as it happened")
        .prints("expectations met yes 4 of 4");
    place.assert_no_processes();

    let cluster: Json = serde_json::from_str(&place.latest("cluster.json")).unwrap();
    assert_eq!(cluster["replicas"].as_array().unwrap().len(), 3);
    assert_eq!(cluster["consistency"], "sequential");
    for id in 1..=3 {
        let order = lines(&place.latest(&format!("replica-{id}.order.jsonl")));
        assert_eq!(order[1]["stamp"], "2.3");
        assert_eq!(
            order[1]["commands"],
            serde_json::json!([["SET", "x", "m2"]])
        );
        assert!(
            place
                .latest(&format!("replica-{id}.log"))
                .contains("SET x m1")
        );
        assert!(!lines(&place.latest(&format!("replica-{id}.trace.jsonl"))).is_empty());
        let store: Json =
            serde_json::from_str(&place.latest(&format!("replica-{id}.store.json"))).unwrap();
        assert_eq!(store, serde_json::json!({"x": "m2"}));
    }
    let history = lines(&place.latest("history.jsonl"));
    let kinds: Vec<&str> = history
        .iter()
        .filter_map(|line| line["type"].as_str())
        .collect();
    assert_eq!(
        kinds,
        ["invoke", "invoke", "ok", "ok", "final", "final", "final"]
    );
    let verdict: Json = serde_json::from_str(&place.latest("verdict.json")).unwrap();
    assert_eq!(
        (&verdict["verdict"], &verdict["seed"]),
        (&"yes".into(), &1.into())
    );
    assert!(place.latest("client-2.log").contains("> SET x m2"));
}

#[test]
fn expectations_that_are_not_met_are_a_no() {
    let place = Place::new();
    let case = std::fs::read_to_string(root().join("test_cases/sequential/m1_first.json")).unwrap();
    let case = case
        .replace(r#"["SET x m1", "SET x m2"]"#, r#"["SET x m2", "SET x m1"]"#)
        .replace(r#"{"x": "m2"}"#, r#"{"x": "m1"}"#);
    let file = place.case("wrong.json", &case);
    place
        .script(&format!("run_case.sh --free-ports {file}"))
        .exits(1)
        .prints("orders identical yes 2 entries, digest 82660a22")
        .prints("expectations met no 2 of 4 not met")
        .prints("expected SET x m2, SET x m1")
        .prints("found SET x m1, SET x m2")
        .prints(r#"expected "m1""#)
        .prints(r#"found "m2""#);
    place.assert_no_processes();
    let verdict: Json = serde_json::from_str(&place.latest("verdict.json")).unwrap();
    assert_eq!(verdict["verdict"], "no");
    assert_eq!(
        verdict["expectations"]["unmet"][0]["place"],
        "expect.orders"
    );
}

#[test]
fn a_cut_that_is_never_healed_is_a_no_and_everything_is_printed() {
    let place = Place::new();
    let options = "--allow-faults -- --request-timeout 1s";
    place.up(options).exits(0);
    let file = place.case(
        "cut.json",
        r#"{"name":"cut","consistency":"sequential","num_processes":3,"output_sleep":0.5,
            "faults":[{"at":0,"cut":[1,3]}],
            "clients":[{"process":1,"requests":[{"delay":0.2,"op":"SET","args":["x","1"]}]}]}"#,
    );
    let cluster = place.cluster(3);
    let arguments = format!("run {file} --cluster {cluster}");
    let answer = place
        .lab(&arguments)
        .exits(1)
        .prints("replica 1 1.1 waits:3 SET x 1");
    let settled = answer
        .out
        .lines()
        .find(|line| line.contains("settled"))
        .unwrap();
    assert!(
        settled.starts_with("  settled           no   after 5"),
        "{settled}"
    );
    assert!(
        settled.ends_with(": replica 1 still holds back 1 entry"),
        "{settled}"
    );
}

#[test]
fn a_stale_read_is_sequential_and_not_linearizable() {
    let place = Place::new();
    place
        .script("run_case.sh --free-ports stale_read")
        .exits(0)
        .prints("sequential yes with the replicas' order as witness")
        .prints("linearizable no sequential does not promise it");
    let verdict: Json = serde_json::from_str(&place.latest("verdict.json")).unwrap();
    assert_eq!(verdict["checks"][0]["verdict"], "yes");
    assert_eq!(verdict["checks"][1]["verdict"], "no");
    let run = place.latest_path();
    place
        .lab(&format!("check {run} --model all"))
        .exits(1)
        .prints("no linearizable store answers so, whatever its replicas did");
}

#[test]
fn a_cluster_that_was_used_before_is_used_again_and_its_links_are_healed() {
    let place = Place::new();
    place.up("--allow-faults").exits(0);
    let cluster = place.cluster(3);
    let case = case_file("sequential/hold_back");
    let arguments = format!("run {case} --cluster {cluster}");
    place.lab(&arguments).exits(0);
    place
        .lab(&arguments)
        .exits(0)
        .prints("the cluster was not new: 2 entries from before are not shown")
        .prints("3 3.1 SET x m1 3.1 SET x m1 3.1 SET x m1");
    place.assert_healed(3);
    place
        .lab(&format!("status --cluster {cluster}"))
        .exits(0)
        .prints("digests agree at position 4");
}

#[test]
fn a_cluster_that_does_not_fit_the_case_is_refused() {
    let place = Place::new();
    place.up("-n 2 -c eventual --allow-faults").exits(0);
    let (case, cluster) = (case_file("sequential/m1_first"), place.cluster(2));
    place
        .lab(&format!("run {case} --cluster {cluster}"))
        .exits(64)
        .complains("the case wants 3 replicas and the cluster has 2");
    let file = place.case(
        "two.json",
        r#"{"name":"two","consistency":"sequential","num_processes":2,
            "clients":[{"process":1,"requests":[{"op":"PING"}]}]}"#,
    );
    place
        .lab(&format!("run {file} --cluster {cluster}"))
        .exits(64)
        .complains("the case wants a sequential cluster and replica 1 at ");
    place
        .lab(&format!("run {file} --run /nowhere"))
        .exits(64)
        .complains("cluster.json");
}

#[test]
fn what_is_not_there_or_malformed_has_its_exit_code() {
    let place = Place::new();
    let case = case_file("sequential/m1_first");
    let cluster = place.cluster(3);
    let seconds_less = place.lab(&format!("wait --cluster {cluster} --timeout 0"));
    seconds_less.exits(69).complains("connection refused");
    let missing = place.lab("run nowhere.json");
    missing.exits(64).complains("nowhere.json");
    let valueless = place.lab(&format!("run {case} --run"));
    valueless.exits(64).complains("--run");
    place.lab(&format!("run {case} --check")).exits(0);
    let file = place.case("broken.json", "{\"name\": \"x\",\n \"nam\": 1}");
    for command in ["run", "check-case"] {
        let answer = place.lab(&format!("{command} {file}"));
        answer
            .exits(64)
            .complains("broken.json:2:6: nam: unknown field `nam`");
    }
    for option in ["--check", "--free-ports"] {
        let answer = place.script(&format!("run_case.sh {option} {file}"));
        answer.exits(64).complains("broken.json:2:6:");
    }
    let unknown = place.script("run_case.sh no_such_case");
    unknown.exits(64).complains("hold_back");
    place.assert_no_processes();
}

#[test]
fn chosen_cases_are_run_with_a_summary() {
    let place = Place::new();
    let answer = place.script("run_all_cases.sh --times 2 concurrent m1_first");
    let answer = answer.exits(0);
    let lines = |start: &str| {
        answer
            .out
            .lines()
            .filter(|line| line.starts_with(start))
            .count()
    };
    assert_eq!(
        (
            lines("["),
            lines("sequential/concurrent"),
            lines("all 4 passed")
        ),
        (4, 2, 1)
    );
    assert!(place.latest("output.txt").contains("orders identical  yes"));
    place.script("run_all_cases.sh no_such_case").exits(64);
    place.assert_no_processes();
}

#[test]
fn a_reader_that_goes_away_does_not_change_what_a_program_does() {
    let place = Place::new();
    let case = case_file("sequential/hold_back");
    for arguments in [["cases", "--files"], ["check-case", &case]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command =
            place.command(holdback_testkit::processes::programs().join("holdback-lab"));
        command.args(arguments).current_dir(root()).stdout(writer);
        assert_eq!(command.status().unwrap().code(), Some(0), "{arguments:?}");
    }
}
