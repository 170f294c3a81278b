//! Against `holdback-server` itself.

use crate::fake::listen;
use crate::holdback_cli;
use crate::repl::{Person, history};
use holdback_cli::client::Connection;
use holdback_cli::clock::now;
use holdback_cli::resp::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

/// The server, beside `holdback-cli`; built if it is not there.
fn server_program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let cli = Path::new(env!("CARGO_BIN_EXE_holdback-cli"));
        let program = cli.with_file_name("holdback-server");
        if !program.exists() {
            let mut build = Command::new(env!("CARGO"));
            build.args(["build", "--package", "holdback", "--bin", "holdback-server"]);
            // Beside this test's own programs, whatever their profile.
            let release = program
                .components()
                .any(|part| part.as_os_str() == "release");
            build.args(release.then_some("--release"));
            assert!(build.status().unwrap().success());
        }
        program
    })
}

/// Replicas, which end with the test.
struct Cluster {
    replicas: Vec<Child>,
    ports: Vec<u16>,
}

impl Cluster {
    /// Starts replicas and waits until each of them serves data.
    fn start(replicas: usize) -> Self {
        // Every port is taken before the first is given back, so that all differ.
        let listeners: Vec<_> = (0..replicas).map(|_| listen()).collect();
        let ports: Vec<_> = listeners.iter().map(|(_, port)| *port).collect();
        drop(listeners);
        let addresses = ports.iter().map(|port| format!("127.0.0.1:{port}"));
        let addresses = addresses.collect::<Vec<_>>().join(",");
        let start = |id: usize| {
            let mut server = Command::new(server_program());
            server.args(["--id", &id.to_string(), "--cluster", &addresses]);
            server.args(["--log-level", "error"]).stdin(Stdio::null());
            server.spawn().unwrap()
        };
        let cluster = Self {
            replicas: (1..=replicas).map(start).collect(),
            ports,
        };
        for port in &cluster.ports {
            wait_until_ready(*port, replicas - 1);
        }
        cluster
    }

    fn signal(&self, replica: usize, signal: &str) {
        let id = self.replicas[replica - 1].id().to_string();
        let kill = Command::new("kill").args([signal, &id]).status();
        assert!(kill.unwrap().success());
    }

    fn run(&self, replica: usize, command: &str) -> String {
        let port = self.ports[replica - 1].to_string();
        let mut cli = holdback_cli(&["-p", &port]);
        let output = cli.args(command.split_whitespace()).output().unwrap();
        assert!(
            output.status.success(),
            "{command}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for replica in &mut self.replicas {
            // One that has ended by itself is not there to be killed.
            let _ended = replica.kill();
            let _reaped = replica.wait();
        }
    }
}

/// Asks until a replica serves data and all its links are up.
fn wait_until_ready(port: u16, peers: usize) {
    let start = now();
    loop {
        let asked = Connection::open(&format!("127.0.0.1:{port}"), Duration::from_secs(1))
            .and_then(|mut connection| connection.call(&["STATUS"], Some(Duration::from_secs(1))));
        let status = match &asked {
            Ok(Value::Bulk(text)) => String::from_utf8_lossy(text).into_owned(),
            other => format!("{other:?}"),
        };
        if status.contains("ready:yes") && status.matches(":up").count() == peers {
            return;
        }
        assert!(
            start.elapsed() < Duration::from_secs(20),
            "replica at {port}: {status}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn scripts_talk_to_a_cluster() {
    let cluster = Cluster::start(3);
    assert_eq!(cluster.run(1, "SET x 1"), "OK\n");
    assert_eq!(cluster.run(2, "INCR x"), "2\n");
    assert_eq!(cluster.run(3, "--json CAS x 2 ten"), "1\n");
    assert_eq!(cluster.run(1, "@3 GET x"), "ten\n");
    let position = cluster.run(3, "--json DIGEST");
    assert!(position.starts_with("[3,\""), "{position}");
    // Replicas 1 and 2 may be a moment behind.
    assert_eq!(cluster.run(1, "AWAIT 3"), "3\n");
    assert_eq!(cluster.run(2, "AWAIT 3"), "3\n");
    let order = cluster.run(2, "--no-raw @all ORDER");
    assert!(order.ends_with("3 replicas agree\n"), "{order}");
    assert_eq!(
        cluster.run(1, "@all STORE"),
        "1\tx\n1\tten\n2\tx\n2\tten\n3\tx\n3\tten\n"
    );
    let status = cluster.run(1, "--no-raw @all STATUS");
    assert!(status.contains("│ link.3"), "{status}");
    assert!(cluster.run(1, "--json INFO").starts_with('"'));
}

#[test]
fn the_repl_learns_who_it_talks_to() {
    let (cluster, folder) = (Cluster::start(2), history());
    let mut person = Person::start(cluster.ports[1], &folder.path().join("history"));
    person.prompt = format!("127.0.0.1:{} (replica 2, sequential)> ", cluster.ports[1]);
    person.see_prompt();
    person.ask("SET greeting \"hello\\n\"", "OK\r\n");
    person.ask("GET greeting", "\"hello\\n\"\r\n");
    person.ask("GETT greeting", "(error) ERR unknown command");
    person.ask("STATUS", "id:2\r\n");
    person.ask("ORDER", "1 ");
    person.ask("@2 HELP GET", "");
    person.keys("CONSISTENCY linearizable\r");
    person.see("(replica 2, linearizable)> ");
    person.keys("MULTI\r");
    person.see("(TX)> ");
    person.keys("INCR a\r");
    person.see("QUEUED\r\n");
    person.keys("EXEC\r");
    person.see("1) (integer) 1\r\n");
    person.see("(replica 2, linearizable)> ");
    person.leave();
}

#[test]
fn deliveries_are_watched_until_control_c() {
    let (cluster, folder) = (Cluster::start(2), history());
    let mut person = Person::start(cluster.ports[0], &folder.path().join("history"));
    person.see_prompt();
    person.keys("MONITOR ORDER\r");
    person.see("OK\r\n");
    cluster.run(2, "SET watched 1");
    person.see("SET watched 1\r\n");
    person.control('c');
    person.see_prompt();
    person.ask("GET watched", "\"1\"\r\n");
    person.leave();
}

#[test]
fn a_write_that_waits_for_a_paused_replica_can_be_abandoned_and_happens_later() {
    let (cluster, folder) = (Cluster::start(3), history());
    let mut person = Person::start(cluster.ports[0], &folder.path().join("history"));
    person.see_prompt();
    cluster.signal(3, "-STOP");
    person.keys("SET patient 1\r");
    person.see("Still waiting");
    person.control('c');
    person.see("may or may not have happened, and may still happen.\r\n");
    person.see_prompt();
    person.ask("GET patient", "(nil)\r\n");
    person.ask("HOLDBACK", "1.1 waits:3 SET patient 1\r\n");
    cluster.signal(3, "-CONT");
    person.ask("AWAIT 1", "(integer) 1\r\n");
    person.ask("GET patient", "\"1\"\r\n");
    person.leave();
}
