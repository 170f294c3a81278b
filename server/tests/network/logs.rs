//! A log that cannot be written costs lines, and nothing else.

use holdback_testkit::processes::{
    Client, Process, field, free_ports, is_linked, programs, signal, until,
};
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Read, pipe};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// A replica on its own that logs everything to this standard error.
fn alone(stderr: impl Into<Stdio>, options: &[&str]) -> (Process, u16) {
    let port = free_ports(1);
    let mut server = Command::new(programs().join("holdback-server"));
    server.args(["--bind", &format!("127.0.0.1:{port}"), "--log-level=debug"]);
    server.args(options).stdin(Stdio::null()).stderr(stderr);
    let server = Process(server.spawn().expect("the server starts"));
    until("the replica to serve", || is_linked(port, 0));
    (server, port)
}

fn lost(port: u16, what: &str) -> u64 {
    field(port, what).parse().expect("a number")
}

/// Has much said until some of it is lost; the replica serves on.
fn talk_until_lines_are_lost(port: u16) {
    let mut client = Client::open(port).expect("a connection");
    let words = format!(" k{}", "v".repeat(256)).repeat(31);
    let many = format!("DEL{words}\r\n").repeat(100);
    until("lines to be lost", || {
        client.send(&many);
        (0..100).for_each(|_| assert_eq!(client.reply(), ":0"));
        lost(port, "log_lost") > 0
    });
    assert_eq!(client.ask("PING"), "+PONG");
}

#[test]
fn a_replica_outlives_the_reader_of_its_log() {
    let (reader, writer) = pipe().expect("a pipe");
    drop(reader);
    let (mut server, port) = alone(writer, &[]);
    talk_until_lines_are_lost(port);
    let mut client = Client::open(port).expect("a connection");
    client.send("SHUTDOWN\r\n");
    assert_eq!(server.end(), Some(0));
}

#[test]
fn a_replica_goes_on_when_the_disk_of_its_log_and_trace_is_full() {
    let full = OpenOptions::new().write(true).open("/dev/full");
    for options in [&[][..], &["--log-file", "/dev/full"]] {
        let full = full.as_ref().expect("a device").try_clone();
        let options = [options, &["--trace", "/dev/full"]].concat();
        let (mut server, port) = alone(full.expect("a handle"), &options);
        talk_until_lines_are_lost(port);
        until("lines of the trace to be lost", || {
            lost(port, "trace_lost") > 0
        });
        let mut client = Client::open(port).expect("a connection");
        client.send("SHUTDOWN\r\n");
        assert_eq!(server.end(), Some(0));
    }
}

#[test]
fn a_replica_does_not_wait_for_the_reader_of_its_log() {
    let (mut reader, writer) = pipe().expect("a pipe");
    let (mut server, port) = alone(writer, &[]);
    talk_until_lines_are_lost(port);
    let mut client = Client::open(port).expect("a connection");
    client.send("SHUTDOWN\r\n");
    // Nor does its end, beyond a limit: nobody has read a line by then.
    assert_eq!(server.end(), Some(0));
    let mut text = String::new();
    reader.read_to_string(&mut text).expect("text");
    assert!(text.contains(" request "), "{text}");
}

#[test]
fn a_log_that_is_read_again_says_what_it_lost() {
    let (reader, writer) = pipe().expect("a pipe");
    let (mut server, port) = alone(writer, &[]);
    talk_until_lines_are_lost(port);
    let lost = lost(port, "log_lost");
    let mut lines = BufReader::new(reader).lines().map_while(Result::ok);
    let told = lines.find_map(|line| {
        let reason = " lines were lost: they came faster than they were taken";
        let told = line.strip_suffix(reason)?.rsplit(' ').next()?.parse();
        Some(told.expect("a number"))
    });
    // Those of the look at the number may have been lost as well.
    assert!(
        told.is_some_and(|told: u64| told >= lost),
        "{told:?} of {lost}"
    );
    let mut client = Client::open(port).expect("a connection");
    client.send("SHUTDOWN\r\n");
    assert!(lines.last().is_some_and(|line| line.ends_with(" stopped")));
    assert_eq!(server.end(), Some(0));
}

#[test]
fn the_last_line_of_a_log_is_written_before_the_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str| folder.path().join(name);
    let path = |path: &Path| path.to_str().expect("a name").to_owned();
    let (log, trace) = (path(&file("log")), path(&file("trace")));
    let (mut server, port) = alone(Stdio::null(), &["--log-file", &log, "--trace", &trace]);
    let mut client = Client::open(port).expect("a connection");
    client.send(format!("{}SHUTDOWN\r\n", "SET k v\r\n".repeat(1000)));
    assert_eq!(server.end(), Some(0));
    let read = |name: &str| std::fs::read_to_string(file(name)).expect("a file");
    assert!(read("log").ends_with(" stopped\n"));
    assert_eq!(read("trace").matches(r#""event":"deliver""#).count(), 1000);
}

#[test]
fn a_log_that_was_moved_away_goes_on_in_a_new_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let (log, old) = (folder.path().join("log"), folder.path().join("log.1"));
    let path = log.to_str().expect("a name");
    let (server, port) = alone(Stdio::null(), &["--log-file", path]);
    std::fs::rename(&log, &old).expect("moved");
    signal(server.0.id(), "-HUP");
    let read = |path: &Path| std::fs::read_to_string(path).unwrap_or_default();
    until("the new file", || {
        read(&log).contains("SIGHUP: the log file is opened again")
    });
    let before = read(&old);
    assert!(before.contains(" listens on ") && !before.contains("SIGHUP"));
    let mut client = Client::open(port).expect("a connection");
    assert_eq!(client.ask("SET new-key 1"), "+OK");
    until("a line of it", || read(&log).contains("new-key"));
    assert_eq!(read(&old), before, "the old file is left alone");
}

#[test]
fn signals_without_a_meaning_do_not_end_a_replica() {
    let folder = tempfile::tempdir().expect("a folder");
    let log = folder.path().join("log");
    let path = log.to_str().expect("a name");
    let (server, port) = alone(Stdio::null(), &["--log-file", path]);
    for name in ["USR1", "USR2"] {
        signal(server.0.id(), &format!("-{name}"));
        until("the signal to be told of", || {
            let text = std::fs::read_to_string(&log).expect("a file");
            text.contains(&format!("SIG{name} does nothing"))
        });
    }
    assert_eq!(field(port, "ready"), "yes");
}

#[test]
fn a_hangup_ends_a_replica_that_has_no_log_file() {
    let (mut server, _) = alone(Stdio::null(), &[]);
    signal(server.0.id(), "-HUP");
    let ended = server.0.wait().expect("its end");
    assert_eq!(ended.signal(), Some(1));
}

#[test]
fn what_clients_store_is_not_for_everybody_to_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let (log, trace) = (folder.path().join("log"), folder.path().join("trace"));
    let path = |path: &Path| path.to_str().expect("a name").to_owned();
    let options = ["--log-file", &path(&log), "--trace", &path(&trace)];
    let (_server, _) = alone(Stdio::null(), &options);
    let mode = |path: &Path| {
        let metadata = std::fs::metadata(path).expect("a file");
        metadata.permissions().mode() & 0o777
    };
    assert_eq!(mode(&trace), 0o600);
    // What the user's mask takes away is gone from this one.
    assert_eq!(mode(&log) & !0o640, 0, "{:o}", mode(&log));
}
