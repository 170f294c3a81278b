//! Few descriptors: clients do not get those that links need.

use holdback_testkit::processes::{
    Client, Process, free_ports, is_linked, programs, status, until,
};
use std::net::TcpStream;
use std::process::{Command, Stdio};

/// Starts a replica of two that may have so many files open.
fn run(id: usize, ports: [u16; 2], files: usize, options: &[&str]) -> Process {
    let addresses = ports.map(|port| format!("127.0.0.1:{port}")).join(",");
    let mut server = Command::new("sh");
    server.args(["-c", &format!("ulimit -n {files}; exec \"$0\" \"$@\"")]);
    server.arg(programs().join("holdback-server"));
    server.args(["--id", &id.to_string(), "--cluster", &addresses]);
    server.args(options).stdin(Stdio::null());
    Process(server.spawn().expect("the server starts"))
}

/// One of them dials, the other is dialled.
#[test]
fn clients_that_take_every_descriptor_leave_those_of_the_links() {
    for id in [1, 2] {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("log");
        let path = log.to_str().expect("a name");
        let ports = [free_ports(1), free_ports(1)];
        let _scarce = run(id, ports, 64, &["--log-file", path]);
        let port = ports[id - 1];
        until("the replica to answer", || status(port).is_some());
        let mut first = Client::open(port).expect("a connection");
        let effective = first.ask("CONFIG GET max-clients");
        assert_eq!(effective, "[max-clients 40]");
        let crowd: Vec<TcpStream> = (0..100)
            .map(|_| TcpStream::connect(("127.0.0.1", port)).expect("a connection"))
            .collect();
        let other = 3 - id;
        let _other = run(other, ports, 1024, &["--log-level", "error"]);
        until("the link", || {
            let status = first.ask("STATUS");
            status.contains(&format!("link.{other}:up"))
        });
        until("the link at its other end", || {
            is_linked(ports[other - 1], 1)
        });
        assert_eq!(first.ask("SET a 1"), "+OK");
        drop(crowd);
        let log = std::fs::read_to_string(log).expect("a file");
        let said = "the limit of 64 open files has room for 40 clients, not 10000";
        assert_eq!(log.matches(said).count(), 1, "{log}");
    }
}

#[test]
fn too_few_descriptors_for_any_client_are_refused_at_the_start() {
    let ports = [free_ports(1), free_ports(1)];
    let mut server = run(1, ports, 18, &["--log-level", "error"]);
    assert_eq!(server.end(), Some(69));
}
