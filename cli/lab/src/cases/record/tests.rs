use super::*;
use holdback::wire::value::Value;
use serde_json::Value as Json;
use std::time::Duration;

fn case(requests: &str) -> Case {
    Case::parse(&format!(
        r#"{{"name":"c","consistency":"sequential","num_processes":2,
            "clients":[{{"process":2,"requests":[{requests}]}}]}}"#
    ))
    .expect("a good case")
}

fn request(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    serde_json::json!({"op": words[0], "args": &words[1..]}).to_string()
}

/// The lines of the history of one client that sent `lines` and got `outcomes`.
fn history(exchanges: &[(&str, Came)]) -> Vec<String> {
    let requests: Vec<String> = exchanges.iter().map(|(line, _)| request(line)).collect();
    let exchange = |((_, outcome), at): (&(&str, Came), u64)| Exchange {
        sent: Duration::from_nanos(at * 10),
        ended: Duration::from_nanos(at * 10 + 5),
        outcome: outcome.clone(),
    };
    let seen: Seen = exchanges.iter().zip(0..).map(exchange).collect();
    let history = super::history(&case(&requests.join(",")), 7, &[seen], &[]);
    let mut text = Vec::new();
    history::write(&history, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// What comes of a request.
type Came = Result<Value, String>;

fn ok() -> Came {
    Ok(done())
}

fn done() -> Value {
    Value::Simple("OK".into())
}

fn bulk(text: &str) -> Value {
    Value::Bulk(text.into())
}

#[test]
fn a_write_and_a_read() {
    let lines = history(&[("SET x 1", ok()), ("get x", Ok(bulk("1")))]);
    let meta: Json = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(meta["meta"]["seed"], 7);
    assert_eq!(meta["meta"]["left_out"], 0);
    assert_eq!(
        lines[1..],
        [
            r#"{"process":1,"type":"invoke","f":"set","key":"x","value":"1","replica":2,"time":0}"#,
            r#"{"process":1,"type":"ok","f":"set","key":"x","value":"1","time":5}"#,
            r#"{"process":1,"type":"invoke","f":"get","key":"x","value":null,"replica":2,"time":10}"#,
            r#"{"process":1,"type":"ok","f":"get","key":"x","value":"1","time":15}"#,
        ]
    );
}

/// The completion of a single command: its kind, `f`, value and result.
fn completed(line: &str, outcome: Came) -> String {
    let lines = history(&[(line, outcome)]);
    let last: Json = serde_json::from_str(&lines[2]).unwrap();
    let result = last.get("result").map(|result| format!(" -> {result}"));
    let result = result.unwrap_or_default();
    let word = |name: &str| last[name].as_str().unwrap_or_default().to_owned();
    format!("{} {} {}{result}", word("type"), word("f"), last["value"])
}

#[test]
fn every_kind_of_operation_has_its_value_and_result() {
    for (line, value, expected) in [
        ("GET x", Value::Null, "ok get null"),
        ("SET x 1 NX", Value::Null, r#"ok setnx "1" -> false"#),
        ("SET x 1 nx", done(), r#"ok setnx "1" -> true"#),
        ("SETNX x 1", Value::Integer(1), r#"ok setnx "1" -> true"#),
        ("SET x 1 GET", Value::Null, r#"ok getset "1" -> null"#),
        ("GETSET x 1", bulk("0"), r#"ok getset "1" -> "0""#),
        (
            "CAS x 1 2",
            Value::Integer(0),
            r#"ok cas ["1","2"] -> false"#,
        ),
        ("INCR x", Value::Integer(5), "ok incr null -> 5"),
        ("APPEND x ab", Value::Integer(2), r#"ok append "ab" -> 2"#),
        ("DEL x", Value::Integer(1), "ok del null -> true"),
        (
            "MGET x y",
            Value::Array(vec![bulk("1"), Value::Null]),
            r#"ok mget ["x","y"] -> ["1",null]"#,
        ),
        ("MSET x 1 y 2", done(), r#"ok mset {"x":"1","y":"2"}"#),
    ] {
        assert_eq!(completed(line, Ok(value)), expected, "{line}");
    }
}

#[test]
fn definite_errors_fail_and_others_leave_it_open() {
    let error = |text: &str| Ok(Value::Error(text.into()));
    for (line, outcome, expected) in [
        (
            "INCR x",
            error("ERR value is not an integer"),
            "fail incr null",
        ),
        ("GET x", error("TIMEOUT too late"), "fail get null"),
        ("DEL x", error("UNCERTAIN may happen"), "info del null"),
        ("DEL x", error("STRANGE what"), "info del null"),
        ("DEL x", Err("gone".into()), "info del null"),
    ] {
        assert_eq!(completed(line, outcome.clone()), expected, "{outcome:?}");
    }
}

#[test]
fn a_client_goes_on_as_a_new_process_after_an_open_operation() {
    let lines = history(&[
        ("SET x 1", Ok(Value::Error("UNCERTAIN may happen".into()))),
        ("SET x 2", ok()),
    ]);
    let process = |line: &String| serde_json::from_str::<Json>(line).unwrap()["process"].clone();
    assert_eq!(
        lines[1..].iter().map(process).collect::<Vec<_>>(),
        [1, 1, 2, 2]
    );
}

#[test]
fn a_transaction_is_one_operation_and_a_refused_one_fails() {
    let queued = || Ok(Value::Simple("QUEUED".into()));
    let transaction = |outcome: Value| {
        history(&[
            ("MULTI", ok()),
            ("SET x 1", queued()),
            ("DEL y", queued()),
            ("EXEC", Ok(outcome)),
        ])
    };
    let lines = transaction(Value::Array(vec![done(), Value::Integer(0)]));
    assert_eq!(lines.len(), 3);
    assert_eq!(
        lines[2],
        r#"{"process":1,"type":"ok","f":"txn","value":[["set","x","1"],["del","y"]],"result":["OK",false],"time":35}"#
    );
    assert!(transaction(Value::Null)[2].contains(r#""type":"fail""#));
    let discarded = history(&[("MULTI", ok()), ("SET x 1", queued()), ("DISCARD", ok())]);
    assert_eq!(discarded.len(), 1);
}

#[test]
fn what_the_format_cannot_say_is_counted() {
    let lines = history(&[("DBSIZE", Ok(Value::Integer(0))), ("PING", ok())]);
    assert_eq!(lines.len(), 1);
    let meta: Json = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(meta["meta"]["left_out"], 1);
}
