//! What is read is what was written, and what is wrong is named with its line.

use super::*;
use proptest::prelude::*;

fn read_text(text: &str) -> Result<History, Malformed> {
    read(text.as_bytes())
}

fn written(history: &History) -> String {
    let mut text = Vec::new();
    write(history, &mut text).expect("memory takes everything");
    String::from_utf8(text).expect("JSON is text")
}

fn word() -> impl Strategy<Value = Word> {
    prop_oneof![
        "[a-c]{1,2}".prop_map(String::into_bytes),
        Just(b"\xff\0;".to_vec())
    ]
}

fn call() -> impl Strategy<Value = Call> {
    let single = || {
        prop_oneof![
            word().prop_map(Call::Get),
            (word(), word()).prop_map(|(k, v)| Call::Set(k, v)),
            (word(), word()).prop_map(|(k, v)| Call::SetNx(k, v)),
            (word(), word()).prop_map(|(k, v)| Call::GetSet(k, v)),
            (word(), word(), word()).prop_map(|(k, o, n)| Call::Cas(k, o, n)),
            word().prop_map(Call::Incr),
            (word(), word()).prop_map(|(k, v)| Call::Append(k, v)),
            word().prop_map(Call::Del),
            proptest::collection::vec(word(), 1..3).prop_map(Call::Mget),
            proptest::collection::btree_map(word(), word(), 1..3)
                .prop_map(|pairs| Call::Mset(pairs.into_iter().collect())),
        ]
    };
    prop_oneof![
        4 => single(),
        1 => proptest::collection::vec(single(), 1..3).prop_map(Call::Txn),
    ]
}

/// An answer that the call can have.
fn answer(call: &Call, value: &Option<Word>, yes: bool) -> Answer {
    match call {
        Call::Get(_) | Call::GetSet(..) => Answer::Value(value.clone()),
        Call::Set(..) | Call::Mset(_) => Answer::Done,
        Call::SetNx(..) | Call::Cas(..) | Call::Del(_) => Answer::Flag(yes),
        Call::Incr(_) | Call::Append(..) => Answer::Number(7),
        Call::Mget(keys) => {
            Answer::List(keys.iter().map(|_| Answer::Value(value.clone())).collect())
        }
        Call::Txn(calls) => {
            Answer::List(calls.iter().map(|call| answer(call, value, yes)).collect())
        }
    }
}

proptest! {
    #[test]
    fn what_was_written_is_read(
        drawn in proptest::collection::vec(
            (call(), proptest::option::of(word()), any::<bool>(), 0..5u8, 0..3u64), 1..8),
    ) {
        let operations = drawn.into_iter().zip(1..);
        let operations = operations.map(|((call, value, yes, outcome, process), at)| Operation {
            process,
            outcome: match outcome {
                0 => Outcome::Fail,
                1 => Outcome::Info,
                // Of these there is nothing to know.
                2 if !matches!(call, Call::Set(..) | Call::Mset(_)) => Outcome::Ok(Answer::Unknown),
                _ => Outcome::Ok(answer(&call, &value, yes)),
            },
            position: (outcome > 1).then_some(at),
            call,
            invoked: at * 10,
            completed: Some(at * 10 + 5),
            replica: Some(2),
            line: 0,
        });
        let history = History {
            meta: serde_json::json!({"consistency": "eventual"}).as_object().cloned(),
            operations: operations.collect(),
            initial: Some(Initial { position: 3, store: [(b"k".to_vec(), b"\xfe".to_vec())].into() }),
            finals: vec![Final { replica: 1, store: [(b"k".to_vec(), b"\xff".to_vec())].into() }],
            timed: true,
        };
        prop_assert_eq!(history.consistency(), Some(Consistency::Eventual));
        let text = written(&history);
        let mut again = read_text(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        again.operations.iter_mut().for_each(|operation| operation.line = 0);
        prop_assert_eq!(again, history, "{}", text);
    }
}

#[test]
fn an_answer_that_is_not_known_is_not_taken_for_another() {
    let text = r#"{"process":1,"type":"invoke","f":"txn","value":[["get","k"],["incr","n"]]}
{"process":1,"type":"ok","f":"txn","value":[["get","k"],["incr","n"]],"result":[{"unknown":true},{"unknown":true}]}
{"process":1,"type":"invoke","f":"mget","value":["a","b"]}
{"process":1,"type":"ok","f":"mget"}
"#;
    let history = read_text(text).unwrap();
    let unknown = Answer::List(vec![Answer::Unknown; 2]);
    assert_eq!(history.operations[0].outcome, Outcome::Ok(unknown));
    assert_eq!(history.operations[1].outcome, Outcome::Ok(Answer::Unknown));
    let again = read_text(&written(&history)).unwrap();
    assert_eq!(again.operations, history.operations);
}

#[test]
fn completions_pair_in_order_and_lines_are_the_time_where_there_is_none() {
    let history = read_text(
        r#"{"process":1,"type":"invoke","f":"set","key":"x","value":5}
           {"process":1,"type":"invoke","f":"get","key":"x","value":null}

           {"process":1,"type":"ok","f":"set","key":"x","value":5}
           {"process":1,"type":"ok","f":"get","key":"x","value":5}
           {"process":1,"type":"invoke","f":"incr","key":"x","value":null}"#,
    )
    .unwrap();
    assert!(!history.timed);
    let moments: Vec<_> = history
        .operations
        .iter()
        .map(|operation| (operation.invoked, operation.completed, operation.deadline()))
        .collect();
    assert_eq!(
        moments,
        [(1, Some(4), 4), (2, Some(5), 5), (6, None, Moment::MAX)]
    );
    assert_eq!(
        history.operations[1].outcome,
        Outcome::Ok(Answer::Value(Some(b"5".to_vec())))
    );
    assert_eq!(history.operations[2].outcome, Outcome::Info);
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let first = r#"{"process":1,"type":"invoke","f":"set","key":"x","value":"1","time":5}"#;
    for (second, expected) in [
        ("nonsense", "expected ident (column 2)"),
        (r#"{"process":1}"#, "there is neither a `type` nor a `meta`"),
        (r#"{"type":"ok","f":"set"}"#, "`process` is missing"),
        (
            r#"{"process":1,"type":"done","f":"set","time":6}"#,
            r#"`type` is "done", not one of invoke, ok, fail, info, initial, final"#,
        ),
        (
            r#"{"process":2,"type":"ok","f":"set","key":"x","time":6}"#,
            "process 2 has nothing to complete",
        ),
        (
            r#"{"process":1,"type":"ok","f":"get","key":"x","time":6}"#,
            "process 1 completes `get`, but its oldest open operation is `set` of line 1",
        ),
        (
            r#"{"process":1,"type":"ok","f":"set","key":"y","time":6}"#,
            r#"the key is "y", and the invocation in line 1 has another"#,
        ),
        (
            r#"{"process":1,"type":"ok","f":"set","key":"x"}"#,
            "`time` is missing, and lines before have it",
        ),
        (
            r#"{"process":1,"type":"ok","f":"set","key":"x","time":4}"#,
            "`time` goes back within process 1",
        ),
        (
            r#"{"process":2,"type":"invoke","f":"frob","key":"x","time":6}"#,
            r#"`f` is "frob", which is no operation"#,
        ),
        (
            r#"{"process":2,"type":"invoke","f":"cas","key":"x","value":"1","time":6}"#,
            "the `value` of `cas` is not [old, new]",
        ),
        (
            r#"{"process":2,"type":"invoke","f":"txn","value":[["keys","*"]],"time":6}"#,
            r#"["keys","*"] is no command that a `txn` can hold"#,
        ),
        (
            r#"{"process":2,"type":"invoke","f":"set","key":"x","value":[],"time":6}"#,
            r#"[] is no string, number or {"base64": ...}"#,
        ),
    ] {
        let error = read_text(&format!("{first}\n{second}\n")).unwrap_err();
        assert_eq!((error.line, error.what.as_str()), (2, expected), "{second}");
    }
}
