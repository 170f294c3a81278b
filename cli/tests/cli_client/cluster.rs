//! Replicas of `holdback-server` itself.

use crate::fake::listen;
use crate::holdback_cli;
use holdback::protocol::value::Value;
use holdback_client::Connection;
use holdback_client::clock::now;
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
            build.args([
                "build",
                "--package=holdback-server",
                "--bin=holdback-server",
            ]);
            // Beside this test's own programs, whatever their profile.
            let mut folders = program.components();
            let release = folders.any(|part| part.as_os_str() == "release");
            build.args(release.then_some("--release"));
            assert!(build.status().unwrap().success());
        }
        program
    })
}

/// Replicas, which end with the test.
pub(crate) struct Cluster {
    replicas: Vec<Child>,
    pub(crate) ports: Vec<u16>,
}

impl Cluster {
    /// Starts replicas of the sequential model and waits until each of them serves data.
    pub(crate) fn start(replicas: usize) -> Self {
        Self::start_with(replicas, "sequential")
    }

    /// Starts replicas that allow faults, and waits until each of them serves data.
    pub(crate) fn start_with(replicas: usize, model: &str) -> Self {
        Self::start_as(replicas, &["--consistency", model, "--allow-faults"])
    }

    /// Starts replicas with these options, and waits until each of them serves data.
    pub(crate) fn start_as(replicas: usize, options: &[&str]) -> Self {
        // Every port is taken before the first is given back, so that all differ.
        let listeners: Vec<_> = (0..replicas).map(|_| listen()).collect();
        let ports: Vec<_> = listeners.iter().map(|(_, port)| *port).collect();
        drop(listeners);
        let addresses = ports.iter().map(|port| format!("127.0.0.1:{port}"));
        let addresses = addresses.collect::<Vec<_>>().join(",");
        let start = |id: usize| {
            let mut server = Command::new(server_program());
            server.args(["--id", &id.to_string(), "--cluster", &addresses]);
            server.args(options);
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

    /// Sends a signal, such as `-STOP`, to a replica.
    pub(crate) fn signal(&self, replica: usize, signal: &str) {
        let id = self.replicas[replica - 1].id().to_string();
        let kill = Command::new("kill").args([signal, &id]).status();
        assert!(kill.unwrap().success());
    }

    /// Ends a replica at once.
    pub(crate) fn kill(&mut self, replica: usize) {
        let replica = &mut self.replicas[replica - 1];
        replica.kill().unwrap();
        replica.wait().unwrap();
    }

    /// `holdback-cli`, connected to a replica.
    pub(crate) fn cli(&self, replica: usize) -> Command {
        holdback_cli(&["-p", &self.ports[replica - 1].to_string()])
    }

    /// What a command, or what else the command line may be, prints; it must be fine.
    pub(crate) fn run(&self, replica: usize, command: &str) -> String {
        let mut cli = self.cli(replica);
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
