use super::*;

const GOOD: &str = r#"{
  "name": "sample",
  "description": "A case that uses every field.",
  "consistency": "sequential",
  "num_processes": 3,
  "ports": [20200, 20201, 20202],
  "output_sleep": 7,
  "seed": 1,
  "delays": [{"from": 1, "to": 2, "seconds": [0.5, 1]}],
  "faults": [
    {"at": 1.0, "cut": [1, 3]},
    {"at": 2.0, "heal": [1, 3]},
    {"at": 2.5, "delay": {"from": 2, "to": 1, "seconds": 0.1}}
  ],
  "clients": [
    {"process": 1, "requests": [{"delay": [0, 2], "op": "SET", "args": ["x", "1"]}]},
    {"process": 2, "requests": [{"op": "get", "args": ["x"]}, {"delay": 0.25, "op": "DBSIZE"}]}
  ],
  "expect": {
    "orders": [["SET x 1"]],
    "replies": [["OK"], [{"any": ["1", null]}, {"any": [0, 1, {"error": "TIMEOUT"}]}]],
    "store": {"x": "1"}
  }
}"#;

#[test]
fn a_good_case_is_read_whole_and_written_back() {
    let case = Case::parse(GOOD).expect("a good case");
    assert_eq!(case.delays[0].seconds, Seconds { min: 0.5, max: 1.0 });
    assert_eq!(case.faults[0].kind(), Some(FaultKind::Cut([1, 3])));
    assert_eq!(case.clients[1].requests[0].line(), "get x");
    assert_eq!(case.ports(), [20200, 20201, 20202]);
    let written = serde_json::to_string(&case).unwrap();
    let again = Case::parse(&written).expect("what is written is a case");
    assert_eq!(serde_json::to_string(&again).unwrap(), written);
}

#[test]
fn what_is_left_out_has_a_default() {
    let case = Case::parse(
        r#"{"name":"least","consistency":"eventual","num_processes":2,
            "clients":[{"process":1,"requests":[{"op":"PING"}]}]}"#,
    )
    .expect("a good case");
    assert_eq!(case.ports(), [8081, 8082]);
    assert!(!case.needs_faults());
    assert_eq!(case.clients[0].requests[0].delay, Seconds::default());
}

/// The problems of [`GOOD`] with `from` replaced by `to`.
fn problems(from: &str, to: &str) -> Vec<String> {
    assert!(GOOD.contains(from), "{from}");
    match Case::parse(&GOOD.replacen(from, to, 1)) {
        Ok(_) => panic!("nothing is wrong with {to}"),
        Err(problems) => problems.iter().map(ToString::to_string).collect(),
    }
}

#[test]
fn every_problem_is_reported_where_it_is() {
    let text = include_str!("problems.txt").replace("\n        ", " ");
    let told = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let mut lines = text.lines().filter(told).peekable();
    while let Some(change) = lines.next() {
        let (from, to) = change.split_once(" =>").expect(change);
        for found in problems(from, to.trim_start()) {
            let expected = lines.next().unwrap_or_default().trim_start();
            match expected.strip_suffix("...") {
                Some(beginning) => assert!(found.starts_with(beginning), "{change}: {found}"),
                None => assert_eq!(found, expected, "{change}"),
            }
        }
        let missing = lines.peek().filter(|line| line.starts_with(' '));
        assert_eq!(missing, None, "{change}");
    }
}

#[test]
fn several_problems_are_reported_at_once() {
    let found = problems(r#""num_processes": 3"#, r#""num_processes": 1"#);
    assert!(found.len() > 5, "{found:#?}");
}
