//! Clients without a network.

use super::*;
use crate::history::Call;

fn client_with(call: Call, extras: Extras) -> Client {
    let mut client = Client::new(0, 1, Author::new(1, 1), extras);
    client.send(Kind::Set, Operation::open(1, call, 5), 3);
    client
}

fn set() -> Call {
    Call::Set(b"k".to_vec(), b"v".to_vec())
}

#[test]
fn what_was_never_sent_certainly_did_not_happen() {
    let extras = Extras::default();
    let lose = |sent: u64| {
        let (mut client, mut over) = (client_with(set(), extras), Vec::new());
        client.written = sent;
        client.lose("connection refused", 9, &mut over);
        assert!(client.is_idle() && !client.has_room(1));
        let over = over.pop().unwrap();
        assert_eq!(over.latency, 6);
        assert_eq!(over.error.as_deref(), Some("connection refused"));
        assert_eq!(over.operation.completed, Some(9));
        over.operation.outcome
    };
    let all = client_with(set(), extras).encoded;
    assert_eq!(lose(0), Outcome::Fail);
    assert_eq!(lose(all - 1), Outcome::Fail, "without its last byte");
    assert_eq!(lose(all), Outcome::Info);
}

#[test]
fn an_uncertain_write_may_have_happened_even_if_answers_are_not_understood() {
    for (reply, expected) in [
        (
            "-UNCERTAIN write 1.1: not done; it may still happen",
            Outcome::Info,
        ),
        ("-TIMEOUT not begun within 10s", Outcome::Fail),
        ("+OK", Outcome::Ok(Answer::Unknown)),
    ] {
        let (mut client, mut over) = (client_with(set(), Extras::default()), Vec::new());
        client.input = format!("{reply}\r\n").into_bytes();
        client.understand(7, &mut over).unwrap();
        assert_eq!(over[0].operation.outcome, expected, "{reply}");
    }
}

#[test]
fn an_operation_is_over_when_its_position_has_come() {
    let extras = Extras {
        position: true,
        understand: true,
        ..Extras::default()
    };
    let (mut client, mut over) = (client_with(set(), extras), Vec::new());
    client.input = b"+OK\r\n".to_vec();
    client.understand(7, &mut over).unwrap();
    assert!(over.is_empty() && !client.is_idle());
    client.input = b":12\r\n".to_vec();
    client.understand(8, &mut over).unwrap();
    let over = over.pop().unwrap();
    assert_eq!(over.operation.outcome, Outcome::Ok(Answer::Done));
    assert_eq!(over.operation.completed, Some(7));
    assert_eq!(over.operation.position, Some(12));
    client.input = b":13\r\n".to_vec();
    let unasked = client.understand(9, &mut Vec::new());
    assert!(unasked.is_err(), "a reply that nobody asked for");
}

#[test]
fn a_transaction_is_answered_by_its_last_reply() {
    let extras = Extras {
        understand: true,
        ..Extras::default()
    };
    let call = Call::Txn(vec![set(), Call::Get(b"k".to_vec())]);
    let (mut client, mut over) = (client_with(call, extras), Vec::new());
    client.input = b"+OK\r\n+QUEUED\r\n+QUEUED\r\n*2\r\n+OK\r\n$1\r\nv\r\n".to_vec();
    client.understand(7, &mut over).unwrap();
    let answers = vec![Answer::Done, Answer::Value(Some(b"v".to_vec()))];
    let outcome = &over[0].operation.outcome;
    assert_eq!(*outcome, Outcome::Ok(Answer::List(answers)));
}
