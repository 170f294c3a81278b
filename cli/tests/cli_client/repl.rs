//! The REPL on a pseudo-terminal.

use crate::fake::{Fake, free_port};
use crate::holdback_cli;
use rexpect::reader::Options;
use rexpect::session::{PtySession, spawn_with_options};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

/// A person at a terminal.
pub(crate) struct Person {
    session: PtySession,
    pub(crate) prompt: String,
}

impl Person {
    /// Starts the REPL on a replica.
    pub(crate) fn start(port: u16) -> Self {
        Self::start_with(port, Path::new(""))
    }

    fn start_with(port: u16, history: &Path) -> Self {
        let port_text = port.to_string();
        let mut command = holdback_cli(&["-p", &port_text]);
        command
            .env("TERM", "xterm")
            .env("NO_COLOR", "1")
            .env("HOLDBACK_HISTORY", history);
        let options = Options::new()
            .timeout_ms(Some(10_000))
            .strip_ansi_escape_codes(true);
        Self {
            session: spawn_with_options(command, options).unwrap(),
            prompt: format!("127.0.0.1:{port} (replica 1, sequential)> "),
        }
    }

    pub(crate) fn see_prompt(&mut self) {
        let prompt = self.prompt.clone();
        self.see(&prompt);
    }

    /// Waits for a text; returns what was before it.
    #[track_caller]
    pub(crate) fn see(&mut self, text: &str) -> String {
        match self.session.exp_string(text) {
            Ok(before) => before,
            Err(error) => panic!("{text:?} is not to be seen: {error}"),
        }
    }

    /// Types keys, without Return.
    pub(crate) fn keys(&mut self, keys: &str) {
        self.session.send(keys).unwrap();
        self.session.flush().unwrap();
    }

    /// Types a line; waits for a text, and for the next prompt.
    #[track_caller]
    pub(crate) fn ask(&mut self, line: &str, expected: &str) {
        self.keys(&format!("{line}\r"));
        self.see(&format!("\r\n{expected}"));
        self.see_prompt();
    }

    pub(crate) fn control(&mut self, key: char) {
        self.session.send_control(key).unwrap();
    }

    pub(crate) fn leave(mut self) {
        self.control('d');
        self.session.exp_eof().unwrap();
    }
}

/// A person at the REPL on a fake replica.
fn sit_down() -> (Arc<Fake>, Person) {
    let fake = Fake::start();
    let mut person = Person::start(fake.port);
    person.see_prompt();
    (fake, person)
}

#[test]
fn replies_are_formatted_and_odd_lines_are_answered_here() {
    let (_fake, mut person) = sit_down();
    person.ask("SET greeting 'hello \"you\"'", "OK\r\n");
    person.ask("GET greeting", "\"hello \\\"you\\\"\"\r\n");
    person.ask("GET none", "(nil)\r\n");
    person.ask("GTE x", "(error) ERR unknown command 'GTE'");
    person.ask("SET a \"1", "The quotes do not match.\r\n");
    person.ask("help GET", "  GET key\r\n");
    person.ask("@2 PING", "there is no replica 2");
    person.ask("GET slow", "(nil)\r\n(");
    person.keys("@all GET greeting\r");
    person.see("replica 1");
    person.see("1 replica answered\r\n");
    person.see_prompt();
    person.leave();
}

#[test]
fn tab_completes_and_hints_show_what_is_missing() {
    let (_fake, mut person) = sit_down();
    person.keys("strl\t");
    person.see("strlen ");
    person.see("key");
    person.control('u');
    person.keys("@1 MONITOR fr\t");
    person.see("MONITOR frames");
    person.control('u');
    person.keys("SET k");
    person.see(" value [NX|XX] [GET]");
    person.keys(" v");
    person.see(" [NX|XX] [GET]");
    person.keys("\r");
    person.see("\r\nOK\r\n");
    person.see_prompt();
    person.keys("get\t\t");
    person.see("getdel");
    person.see("getset");
    person.control('u');
    person.leave();
}

#[test]
fn what_was_typed_is_kept_for_the_next_time() {
    let (fake, folder) = (Fake::start(), tempfile::tempdir().unwrap());
    let file = folder.path().join("history");
    let mut person = Person::start_with(fake.port, &file);
    person.see_prompt();
    person.ask("SET kept 1", "OK\r\n");
    person.ask(" SET secret 1", "OK\r\n");
    person.leave();
    let mut person = Person::start_with(fake.port, &file);
    person.see_prompt();
    person.keys("\x1b[A");
    person.see("SET kept 1");
    person.keys("\r");
    person.see("\r\nOK\r\n");
    person.see_prompt();
    person.ask("history 2", "    1  SET kept 1\r\n    2  history 2\r\n");
    person.leave();
    assert_eq!(fake.times("SET kept 1"), 2);
    let kept = std::fs::read_to_string(file).unwrap();
    assert!(
        kept.contains("SET kept 1") && !kept.contains("secret"),
        "{kept}"
    );
}

#[test]
fn control_c_leaves_monitor_and_the_prompt_stays() {
    let (_fake, mut person) = sit_down();
    person.keys("MONITOR ORDER\r");
    person.see("1 1.1 SET a 1\r\n2 2.1 SET b 2\r\n");
    person.control('c');
    person.see_prompt();
    person.control('c');
    person.see("Ctrl-D");
    person.see_prompt();
    person.ask("PING", "PONG\r\n");
    person.keys("exit\r");
    person.session.exp_eof().unwrap();
}

#[test]
fn control_c_abandons_a_command_that_waits() {
    let (fake, mut person) = sit_down();
    person.keys("SET silent 1\r");
    fake.wait_for("SET silent 1");
    person.control('c');
    person.see("may or may not have happened, and may still happen.\r\n");
    person.see_prompt();
    person.keys("GET silent\r");
    fake.wait_for("GET silent");
    person.control('c');
    person.see("Abandoned.\r\n");
    person.see_prompt();
    person.ask("PING", "PONG\r\n");
    person.leave();
}

#[test]
fn a_command_that_waits_long_says_so() {
    let (_fake, mut person) = sit_down();
    person.keys("SET silent 1\r");
    person.see("Still waiting. Ctrl-C abandons it.\r\n");
    person.control('c');
    person.see_prompt();
    // On a connection that is only for this command too.
    person.keys("@1 SET silent 2\r");
    person.see("Still waiting. Ctrl-C abandons it.\r\n");
    person.control('c');
    person.see("Abandoned.\r\n");
    person.see_prompt();
    person.leave();
}

#[test]
fn a_lost_connection_is_said_and_made_anew() {
    let (fake, mut person) = sit_down();
    person.keys("SET drop 1\r");
    person.see("was lost");
    person.see("SET was sent; it may or may not have happened");
    person.see("not connected> ");
    person.keys("PING\r");
    person.see("again)\r\nPONG\r\n");
    person.see_prompt();
    fake.hang_up();
    person.keys("PING\r");
    person.see("again)\r\nPONG\r\n");
    person.see_prompt();
    person.leave();
    assert_eq!(fake.times("SET drop 1"), 1);
}

#[test]
fn a_transaction_shows_in_the_prompt_and_is_not_continued_elsewhere() {
    let (fake, mut person) = sit_down();
    person.keys("MULTI\r");
    person.see("(replica 1, sequential) (TX)> ");
    person.keys("SET a 1\r");
    person.see("QUEUED\r\n");
    person.see("(TX)> ");
    person.ask("EXEC", "1) OK\r\n");
    person.keys("MULTI\r");
    person.see("(TX)> ");
    fake.hang_up();
    person.keys("SET stray 1\r");
    person.see("the open transaction with it. Nothing was sent.\r\n");
    person.see("not connected> ");
    assert_eq!(fake.times("SET stray 1"), 0);
    person.leave();
}

#[test]
fn the_read_path_is_picked_again_after_a_lost_connection() {
    let (fake, mut person) = sit_down();
    person.keys("CONSISTENCY linearizable\r");
    person.see("(replica 1, linearizable)> ");
    fake.hang_up();
    person.keys("GET a\r");
    person.see("(nil)\r\n");
    person.see("(replica 1, linearizable)> ");
    assert_eq!(fake.times("CONSISTENCY linearizable"), 2);
    person.leave();
}

#[test]
fn without_a_replica_the_repl_opens_and_connects_once_there_is_one() {
    let port = free_port();
    let mut person = Person::start(port);
    person.see("Connection refused\r\n");
    person.see("holdback-server");
    person.see("not connected> ");
    person.keys("help SET\r");
    person.see("Sets the key");
    person.see("not connected> ");
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let _fake = Fake::serve(listener, port, 1, "");
    person.ask("PING", "PONG\r\n");
    person.leave();
}

#[test]
fn connect_goes_to_another_replica() {
    let fakes = Fake::start_cluster(2);
    let mut person = Person::start(fakes[0].port);
    person.see_prompt();
    person.keys("connect @2\r");
    let second = format!("127.0.0.1:{} (replica 2, sequential)> ", fakes[1].port);
    person.see(&second);
    person.keys(&format!("CONNECT localhost {}\r", fakes[0].port));
    person.see(&format!(
        "localhost:{} (replica 1, sequential)> ",
        fakes[0].port
    ));
    person.keys("connect 1 2 3\r");
    person.see("connect wants");
    person.keys(&format!("connect 127.0.0.1:{}\r", free_port()));
    person.see("Connection refused");
    person.see("not connected> ");
    person.leave();
}
