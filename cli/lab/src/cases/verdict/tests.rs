use super::*;
use crate::cases::clients::Exchange;
use crate::check::{Evidence, Limits};
use holdback::wire::value::Value;

/// Two clients: `SET x 1` at replica 1, `GET x` at replica 2.
fn case(consistency: &str, expect: &str) -> Case {
    Case::parse(&format!(
        r#"{{"name":"c","consistency":"{consistency}","num_processes":2,"clients":[
            {{"process":1,"requests":[{{"op":"SET","args":["x","1"]}}]}},
            {{"process":2,"requests":[{{"op":"GET","args":["x"]}}]}}],
            "expect":{{{expect}}}}}"#
    ))
    .expect("a good case")
}

fn exchange(outcome: Result<Value, String>, milliseconds: u64) -> Seen {
    vec![Exchange {
        sent: Duration::from_millis(5),
        ended: Duration::from_millis(5 + milliseconds),
        outcome,
    }]
}

fn seen(read: Value) -> Vec<Seen> {
    vec![
        exchange(Ok(Value::Simple("OK".into())), 3),
        exchange(Ok(read), 1),
    ]
}

fn last(replica: usize, order: &[&str], value: Option<&str>) -> Final {
    Final {
        replica,
        digest: "d".into(),
        order: order
            .iter()
            .map(|line| Entry::parse(line.as_bytes()).unwrap())
            .collect(),
        store: value
            .into_iter()
            .map(|v| (b"x".to_vec(), v.into()))
            .collect(),
        ..Final::default()
    }
}

fn settled() -> Settled {
    Settled {
        after: Duration::ZERO,
        missing: None,
    }
}

fn judge(case: &Case, seen: &[Seen], finals: &[Final]) -> Verdict {
    Verdict::judge(case, seen, finals, settled(), Vec::new())
}

const ORDER: &[&str] = &["1 1.1 SET x 1", "2 2.1 SET x 2"];

fn same() -> [Final; 2] {
    [last(1, ORDER, Some("2")), last(2, ORDER, Some("2"))]
}

fn value() -> Value {
    Value::Bulk(b"1".to_vec())
}

#[test]
fn equal_replicas_and_met_expectations_are_a_yes() {
    let case = case(
        "sequential",
        r#""replies":[["OK"],["1"]],"store":{"x":"2"}"#,
    );
    let verdict = judge(&case, &seen(value()), &same());
    assert!(verdict.is_yes(), "{verdict:#?}");
    assert_eq!(verdict.orders, Some(Agreement::Same(2)));
    assert_eq!(verdict.stores, Agreement::Same(1));
    assert_eq!((verdict.expectations, verdict.unmet.len()), (3, 0));
    assert_eq!(verdict.latency.writes.max, Duration::from_millis(3));
    assert_eq!(verdict.latency.reads.count, 1);
    assert_eq!(
        verdict.to_json(&case, 1, &History::default())["verdict"],
        "yes"
    );
}

#[test]
fn a_history_that_breaks_the_own_model_is_a_no_and_a_stronger_one_is_not_asked_for() {
    let text = r#"{"process":1,"type":"invoke","f":"get","key":"x","value":null}
                  {"process":1,"type":"ok","f":"get","key":"x","value":"7"}"#;
    let evidence = Evidence {
        history: crate::history::read(text.as_bytes()).unwrap(),
        order: None,
        promised: None,
    };
    let never_written = |model| evidence.judge(model, &Limits::default());
    let yes = Evidence {
        history: History::default(),
        ..evidence.clone()
    };
    let yes = |model| yes.judge(model, &Limits::default());
    let (own, stronger) = (Consistency::Sequential, Consistency::Linearizable);
    let mut verdict = judge(&case("sequential", ""), &seen(value()), &same());
    for (checks, expected) in [
        (vec![yes(own), yes(stronger)], true),
        (vec![yes(own), never_written(stronger)], true),
        (vec![never_written(own), never_written(stronger)], false),
    ] {
        verdict.checks = checks;
        assert_eq!(verdict.is_yes(), expected, "{:#?}", verdict.checks);
    }
}

#[test]
fn orders_differ_at_the_first_position_with_other_entries() {
    let entry = |text: &str| Some(text.to_owned());
    for (other, position, found) in [
        // Swapped.
        (
            &[ORDER[0], "2 2.2 SET x 3", "3 2.1 SET x 2"][..],
            2,
            ["2.1 SET x 2", "2.2 SET x 3"].map(entry),
        ),
        // The same command under another stamp.
        (
            &["1 1.2 SET x 1", ORDER[1]],
            1,
            ["1.1 SET x 1", "1.2 SET x 1"].map(entry),
        ),
        // Without the last one.
        (&ORDER[..1], 2, [entry("2.1 SET x 2"), None]),
    ] {
        let finals = [last(1, ORDER, Some("2")), last(2, other, Some("2"))];
        let verdict = judge(&case("sequential", ""), &seen(value()), &finals);
        assert!(!verdict.is_yes());
        let expected = Agreement::Different {
            place: format!("position {position}"),
            found: (1..).zip(found).collect(),
        };
        assert_eq!(verdict.orders, Some(expected));
    }
}

#[test]
fn other_digests_under_equal_entries_differ() {
    let mut finals = same();
    finals[1].digest = "e".into();
    let orders = judge(&case("sequential", ""), &seen(value()), &finals).orders;
    assert!(matches!(orders, Some(Agreement::Different { place, .. }) if place == "digest"));
    let stores = judge(&case("eventual", ""), &seen(value()), &finals).stores;
    assert!(matches!(stores, Agreement::Different { place, .. } if place == "digest"));
}

#[test]
fn other_values_and_missing_keys_are_found_in_the_stores() {
    for (value, shown) in [(Some("3"), Some("3".to_owned())), (None, None)] {
        let finals = [last(1, ORDER, Some("2")), last(2, ORDER, value)];
        let verdict = judge(&case("eventual", ""), &seen(self::value()), &finals);
        assert!(!verdict.is_yes());
        let expected = Agreement::Different {
            place: "key x".into(),
            found: vec![(1, Some("2".into())), (2, shown)],
        };
        assert_eq!(verdict.stores, expected);
        assert_eq!(
            verdict.orders, None,
            "an eventual cluster has no common order"
        );
    }
}

/// What is unmet of `expect`, as `place: about: expected / found`.
fn unmet(expect: &str, read: Value) -> Vec<String> {
    let verdict = judge(&case("sequential", expect), &seen(read), &same());
    assert_eq!(verdict.is_yes(), verdict.unmet.is_empty());
    let show = |one: &Unmet| {
        format!(
            "{}: {}: {} / {}",
            one.place, one.about, one.expected, one.found
        )
    };
    verdict.unmet.iter().map(show).collect()
}

#[test]
fn each_unmet_expectation_is_named_with_what_was_found() {
    let error = || Value::Error("TIMEOUT too late".into());
    for (expect, read, found) in [
        (
            r#""replies":[["OK"],[{"any":["1",null]}]]"#,
            Value::Integer(1),
            &[r#"expect.replies[1][0]: client 2: GET x: "1" or (nil) / (integer) 1"#][..],
        ),
        (
            r#""store":{"x":"1","y":null}"#,
            value(),
            &[r#"expect.store.x: key x at replica 1: "1" / "2""#],
        ),
        (
            r#""store":{"y":"1"}"#,
            value(),
            &[
                r#"expect.store.y: key y at replica 1: "1" / absent"#,
                r#"expect.store: key x at replica 1: absent / "2""#,
            ],
        ),
        (
            r#""orders":[["SET x 1"],["GET x","SET x 1"]]"#,
            value(),
            &["expect.orders: order at replica 1: SET x 1 | GET x, SET x 1 / SET x 1, SET x 2"],
        ),
        (r#""store":{"x":{"any":["1","2"]}}"#, value(), &[]),
        // An error is unexpected unless the case says otherwise.
        (
            "",
            error(),
            &[
                "clients[1].requests[0]: client 2: GET x: anything but an error / (error) TIMEOUT too late",
            ],
        ),
        (r#""replies":[["OK"],[{"error":"TIMEOUT"}]]"#, error(), &[]),
    ] {
        assert_eq!(unmet(expect, read), found, "{expect}");
    }
}

#[test]
fn what_is_incomplete_is_a_no() {
    let case = case("sequential", "");
    let mut finals = same();
    finals[1] = Final {
        replica: 2,
        problem: Some("connection refused".into()),
        ..Final::default()
    };
    let mut lost = seen(value());
    lost[1] = exchange(Err("the connection was closed".into()), 1);
    let verdict = judge(&case, &lost, &finals);
    assert_eq!(
        verdict.incomplete,
        [
            "replica 2 could not be asked: connection refused",
            "client 2 got no reply to GET x: the connection was closed",
        ]
    );
    assert!(!verdict.is_yes());
    let unsettled = Settled {
        after: Duration::from_secs(7),
        missing: Some("replica 1 still holds back 1 entry".into()),
    };
    assert!(!Verdict::judge(&case, &seen(value()), &same(), unsettled, Vec::new()).is_yes());
    let failed = vec!["the fault at 1 s failed".to_owned()];
    assert!(!Verdict::judge(&case, &seen(value()), &same(), settled(), failed).is_yes());
}

#[test]
fn the_median_of_an_even_number_is_the_lower_one_in_the_middle() {
    let latency = |milliseconds: &[u64]| {
        let times = milliseconds.iter().copied().map(Duration::from_millis);
        let latency = Latency::of(times.collect());
        (latency.median.as_millis(), latency.max.as_millis())
    };
    assert_eq!(latency(&[]), (0, 0));
    assert_eq!(latency(&[9]), (9, 9));
    assert_eq!(latency(&[4, 1, 3, 2]), (2, 4));
    assert_eq!(latency(&[5, 1, 3]), (3, 5));
}
