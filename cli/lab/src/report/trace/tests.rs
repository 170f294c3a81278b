use super::*;

fn one(line: &str) -> Result<Trace, (usize, String)> {
    read(format!("{line}\n").as_bytes(), 1)
}

#[test]
fn lines_as_the_server_writes_them_become_events() {
    let trace = one(
        r#"{"client":"c13","clock":1,"command":["set","x","a b"],"event":"request","replica":1,"wall_ns":7}
           {"clock":1,"event":"send","frame":"MCAST","peer":2,"replica":1,"stamp":"1.1","wall_ns":7}
           {"clock":1,"event":"receive","frame":"VECTOR","peer":2,"replica":1,"wall_ns":8}
           {"clock":1,"command":["SET","x","a b"],"event":"deliver","position":1,"replica":1,"stamp":"1.1","wall_ns":9}"#,
    )
    .unwrap();
    let [request, send, deliver] = &trace.events[..] else {
        panic!("a VECTOR is of no use: {trace:?}");
    };
    let (What::Request { command, .. }, What::Deliver { command: same, .. }) =
        (&request.what, &deliver.what)
    else {
        panic!("{trace:?}");
    };
    assert_eq!(
        command.fingerprint, same.fingerprint,
        "names are the same in any case"
    );
    assert_eq!(&*command.text, "set x \"a b\"");
    assert_eq!(
        send.what,
        What::Send(Frame {
            kind: FrameKind::Mcast,
            peer: 2,
            stamp: Stamp::parse(b"1.1")
        })
    );
}

#[test]
fn nonsense_is_an_error_with_its_line() {
    let good = r#"{"event":"link_up","peer":2,"replica":1,"wall_ns":1}"#;
    for (bad, part) in [
        ("{", "EOF"),
        (r#"{"event":"link_up","replica":1,"wall_ns":1}"#, "`peer`"),
        (r#"{"event":"dance","replica":1,"wall_ns":1}"#, "dance"),
        (
            r#"{"event":"link_up","peer":2,"replica":2,"wall_ns":1}"#,
            "replica 2",
        ),
        (
            r#"{"event":"send","frame":"ACK","peer":2,"stamp":"x","replica":1,"wall_ns":1}"#,
            "`stamp`",
        ),
    ] {
        let (line, what) = one(&format!("{good}\n{bad}")).unwrap_err();
        assert_eq!(line, 2);
        assert!(what.contains(part), "{what}");
    }
}

#[test]
fn a_line_without_an_end_may_be_cut_off() {
    let text = "{\"event\":\"link_up\",\"peer\":2,\"replica\":1,\"wall_ns\":1}\n{\"event\":\"li";
    let trace = read(text.as_bytes(), 1).unwrap();
    assert!(trace.torn);
    assert_eq!(trace.events.len(), 1);
}
