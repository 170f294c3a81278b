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

#[track_caller]
fn wrong(from: &str, to: &str, expected: &str) {
    assert_eq!(problems(from, to), [expected]);
}

#[test]
fn syntax_and_types_are_reported_where_they_are_wrong() {
    wrong(r#""seed": 1,"#, r#""seed": 1"#, "9:3: expected `,` or `}`");
    wrong(
        r#""seed": 1"#,
        r#""sead": 1"#,
        "8:8: sead: unknown field `sead`, expected one of `name`, `description`, `consistency`, \
         `num_processes`, `ports`, `output_sleep`, `seed`, `delays`, `faults`, `clients`, `expect`",
    );
    wrong(
        r#"{"process": 2, "requests""#,
        r#"{"process": 2, "request""#,
        "17:28: clients[1].request: unknown field `request`, expected `process` or `requests`",
    );
    wrong(
        r#""num_processes": 3"#,
        r#""num_processes": "3""#,
        "5:22: num_processes: invalid type: string \"3\", expected a whole number",
    );
    wrong(
        r#""delay": [0, 2]"#,
        r#""delay": "soon""#,
        "16:48: clients[0].requests[0].delay: invalid type: string \"soon\", expected a number of \
         seconds or [min, max]",
    );
    wrong(
        r#""delay": [0, 2]"#,
        r#""delay": [0, 1, 2]"#,
        "16:51: clients[0].requests[0].delay: invalid value: a list of more than two, expected a \
         number of seconds or [min, max]",
    );
    wrong(
        r#""sequential""#,
        r#""strict""#,
        "4:25: consistency: unknown variant `strict`, expected one of `sequential`, `linearizable`, \
         `eventual`",
    );
    wrong(
        "20201",
        "70000",
        "6:24: ports[1]: invalid value: integer `70000`, expected a whole number up to 65535",
    );
    wrong(
        r#"["x", "1"]"#,
        r#"["x", 1]"#,
        "16:78: clients[0].requests[0].args[1]: invalid type: integer `1`, expected a string",
    );
    wrong(
        r#"[["OK"],"#,
        r#"[[{"ok": 1}],"#,
        "21:27: expect.replies[0][0]: {\"ok\":1} is none of {\"any\":[...]}, {\"error\":\"CODE\"} and \
         {\"anything\":true}",
    );
    wrong(r#""name": "sample","#, "", "24:1: missing field `name`");
}

#[test]
fn numbers_and_ids_out_of_range_are_reported() {
    wrong(
        r#""sample""#,
        r#""a/b""#,
        "2:11: name: a name has 1 to 64 letters, digits, `-` and `_`; it names the run folder",
    );
    wrong(
        "20201",
        "20200",
        "6:20: ports[1]: port 20200 is also ports[0]",
    );
    wrong(
        "20201",
        "0",
        "6:20: ports[1]: port 0 is no port to listen on",
    );
    wrong(
        "[20200, 20201, 20202]",
        "[20200]",
        "6:12: ports: 1 ports for num_processes 3",
    );
    wrong(
        r#""output_sleep": 7"#,
        r#""output_sleep": -1"#,
        "7:19: output_sleep: -1 seconds is a negative time",
    );
    wrong(
        r#""to": 2, "seconds": [0.5"#,
        r#""to": 1, "seconds": [0.5"#,
        "9:32: delays[0].to: replica 1 sends no frames to itself",
    );
    wrong(
        r#""to": 2, "seconds": [0.5"#,
        r#""to": 4, "seconds": [0.5"#,
        "9:32: delays[0].to: there is no replica 4; ids go from 1 to 3",
    );
    wrong(
        "[0.5, 1]",
        "[1, 0.5]",
        "9:46: delays[0].seconds: the range begins at 1 and ends before it, at 0.5",
    );
    wrong(
        "[0.5, 1]",
        "1000",
        "9:46: delays[0].seconds: 1000 seconds is more than the 600 allowed",
    );
    wrong(
        r#"[0, 2], "op": "SET""#,
        r#"-2, "op": "SET""#,
        "16:43: clients[0].requests[0].delay: -2 seconds is a negative time",
    );
    wrong(
        r#"{"process": 2"#,
        r#"{"process": 0"#,
        "17:17: clients[1].process: there is no replica 0; ids go from 1 to 3",
    );
    assert_eq!(
        problems(
            r#"[{"from": 1, "#,
            r#"[{"from":1,"to":2,"seconds":1}, {"from": 1, "#
        ),
        ["9:45: delays[1]: delays[0] has the same `from` and `to`"]
    );
}

#[test]
fn faults_are_checked() {
    wrong(
        r#""delay": {"from": 2,"#,
        r#""delay": {"from": 4,"#,
        "13:35: faults[2].delay.from: there is no replica 4; ids go from 1 to 3",
    );
    assert_eq!(
        problems(r#""cut": [1, 3]"#, r#""cut": [1, 4]"#),
        [
            "11:28: faults[0].cut[1]: there is no replica 4; ids go from 1 to 3",
            "12:25: faults[1].heal: the link between 1 and 3 is not cut or delayed before",
        ]
    );
    wrong(
        r#", "heal": [1, 3]"#,
        "",
        "12:5: faults[1]: a fault has exactly one of `cut`, `heal` and `delay`",
    );
    wrong(
        r#""heal": [1, 3]"#,
        r#""heal": [2, 3]"#,
        "12:25: faults[1].heal: the link between 2 and 3 is not cut or delayed before",
    );
    wrong(
        r#""at": 1.0"#,
        r#""at": -1.0"#,
        "11:12: faults[0].at: -1 seconds is a negative time",
    );
    assert_eq!(
        problems(r#""cut": [1, 3]"#, r#""cut": [1, 1]"#),
        [
            "11:24: faults[0].cut: replica 1 has no link to itself",
            "12:25: faults[1].heal: the link between 1 and 3 is not cut or delayed before",
        ]
    );
}

#[test]
fn commands_are_checked_against_the_table() {
    // The order expects the command too, so it has something to say as well.
    assert_eq!(
        problems(r#""op": "SET""#, r#""op": "SETT""#),
        [
            "16:57: clients[0].requests[0].op: there is no command `SETT`",
            "20:17: expect.orders[0][0]: no client sends `SET x 1`",
        ]
    );
    wrong(
        r#""op": "get", "args": ["x"]"#,
        r#""op": "get""#,
        "17:33: clients[1].requests[0].args: GET takes the arguments: key",
    );
    wrong(
        r#""op": "DBSIZE""#,
        r#""op": "DBSIZE", "args": ["x"]"#,
        "17:103: clients[1].requests[1].args: DBSIZE takes no arguments",
    );
    wrong(
        r#""op": "DBSIZE""#,
        r#""op": "MONITOR""#,
        "17:85: clients[1].requests[1].op: MONITOR answers without end",
    );
    assert_eq!(
        problems(
            r#"[{"op": "get", "args": ["x"]}, {"delay": 0.25, "op": "DBSIZE"}]"#,
            "[]"
        ),
        [
            "17:32: clients[1].requests: a client without requests does nothing",
            "21:25: expect.replies[1]: 2 replies for the 0 requests of clients[1]",
        ]
    );
}

#[test]
fn expectations_are_checked_against_the_clients() {
    wrong(
        r#"["SET x 1"]"#,
        r#"["SET x 2"]"#,
        "20:17: expect.orders[0][0]: no client sends `SET x 2`",
    );
    wrong(
        r#"["SET x 1"]"#,
        r#"["SET x \"1"]"#,
        "20:17: expect.orders[0][0]: unbalanced quotes",
    );
    wrong(
        r#"["SET x 1"]"#,
        r#"["DBSIZE", "PING"]"#,
        "20:27: expect.orders[0][1]: PING is never part of the order",
    );
    wrong(
        r#"[["SET x 1"]]"#,
        "[]",
        "20:15: expect.orders: no order at all is allowed; leave `orders` out to allow any",
    );
    wrong(
        r#""sequential""#,
        r#""eventual""#,
        "20:15: expect.orders: replicas of an eventual cluster agree on no order",
    );
    wrong(
        r#""TIMEOUT"}]}]]"#,
        r#""TIMEOUT"}]}], []]"#,
        "21:16: expect.replies: 3 lists of replies for 2 clients",
    );
    wrong(
        r#"["OK"]"#,
        r#"["OK", "OK"]"#,
        "21:17: expect.replies[0]: 2 replies for the 1 requests of clients[0]",
    );
    wrong(
        r#"{"any": ["1", null]}"#,
        r#"{"any": []}"#,
        "21:34: expect.replies[1][0].any: no reply at all is allowed",
    );
    wrong(
        r#""store": {"x": "1"}"#,
        r#""store": {"x": 1}"#,
        "22:20: expect.store.x: a store holds strings (null: the key is absent)",
    );
    assert!(problems("TIMEOUT", "TIMEOUTS")[0].contains(
        "expect.replies[1][1].any[2].error: there is no error code \"TIMEOUTS\"; there are ERR, "
    ));
}

#[test]
fn several_problems_are_reported_at_once() {
    let found = problems(r#""num_processes": 3"#, r#""num_processes": 1"#);
    assert!(found.len() > 5, "{found:#?}");
}
