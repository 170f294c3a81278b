//! A place for each test: programs, ports of its own, and a folder for its runs.

use holdback_client::Connection;
use rexpect::session::{PtySession, spawn_command};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

/// How long anything here may take before the test fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The top of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
}

/// The folder that has `holdback-server`, `holdback-cli` and `holdback-lab`.
pub(crate) fn programs() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = Path::new(env!("CARGO_BIN_EXE_holdback-lab"))
            .parent()
            .unwrap();
        if !folder.join("holdback-server").exists() {
            let mut build = Command::new(env!("CARGO"));
            build.args([
                "build",
                "--package",
                "holdback-server",
                "--bin",
                "holdback-server",
            ]);
            // Beside this test's own programs, whatever their profile.
            build.args(folder.ends_with("release").then_some("--release"));
            assert!(build.status().unwrap().success());
        }
        folder.to_owned()
    })
}

/// Ports of one test, all free, and a folder for its runs. What the test starts there ends with it.
pub(crate) struct Place {
    pub(crate) first_port: u16,
    pub(crate) runs: tempfile::TempDir,
}

/// A test's share of the ports.
const SHARE: u16 = 8;

impl Place {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(20_200);
        // Tests of one process never get the same ports; those that another program has are passed over.
        let free = |first: &u16| {
            let ports = *first..*first + SHARE;
            ports
                .map(|port| TcpListener::bind(("127.0.0.1", port)))
                .all(|bound| bound.is_ok())
        };
        let mut shares = std::iter::repeat_with(|| NEXT.fetch_add(SHARE, Ordering::Relaxed));
        let first_port = shares.find(free).unwrap();
        assert!(first_port < 30_000, "no free ports");
        Self {
            first_port,
            runs: tempfile::tempdir().unwrap(),
        }
    }

    /// The addresses of replicas on this place's first ports, separated by commas.
    pub(crate) fn cluster(&self, replicas: u16) -> String {
        let ports = self.first_port..self.first_port + replicas;
        let addresses: Vec<String> = ports.map(|port| format!("127.0.0.1:{port}")).collect();
        addresses.join(",")
    }

    /// A script or program that uses this place's programs, ports and folder.
    pub(crate) fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        let last_port = self.first_port + SHARE - 1;
        command
            .env("HOLDBACK_BIN", programs())
            .env("HOLDBACK_RUNS", self.runs.path())
            .env("HOLDBACK_PORTS", format!("{}-{last_port}", self.first_port))
            .env("NO_COLOR", "1")
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn script(&self, name: &str, arguments: &[&str]) -> Answer {
        let script = root().join("scripts").join(name);
        Answer::of(self.command(script).args(arguments))
    }

    pub(crate) fn lab(&self, arguments: &[&str]) -> Answer {
        Answer::of(
            self.command(programs().join("holdback-lab"))
                .args(arguments),
        )
    }

    /// Writes a case file and returns its path.
    pub(crate) fn case(&self, name: &str, text: &str) -> String {
        let file = self.runs.path().join(name);
        std::fs::write(&file, text).unwrap();
        file.to_str().unwrap().to_owned()
    }

    /// A file of the newest run.
    pub(crate) fn latest(&self, file: &str) -> String {
        let path = self.runs.path().join("latest").join(file);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The folder of the newest run.
    pub(crate) fn latest_path(&self) -> String {
        self.runs.path().join("latest").display().to_string()
    }

    /// A connection to one of the replicas.
    pub(crate) fn connect(&self, id: u16) -> Connection {
        let address = format!("127.0.0.1:{}", self.first_port + id - 1);
        Connection::open(&address, PATIENCE).unwrap()
    }

    /// The command lines of processes that name this place's folder: replicas, and scripts' children.
    pub(crate) fn processes(&self) -> Vec<String> {
        let runs = self.runs.path().to_str().unwrap();
        let read = |entry: std::io::Result<std::fs::DirEntry>| {
            // A process may end while it is looked at.
            std::fs::read(entry.ok()?.path().join("cmdline")).ok()
        };
        std::fs::read_dir("/proc")
            .unwrap()
            .filter_map(read)
            .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
            .filter(|line| line.contains(runs))
            .collect()
    }

    #[track_caller]
    pub(crate) fn assert_no_processes(&self) {
        assert_eq!(self.processes(), Vec::<String>::new());
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A test that failed may have left a cluster up.
        if !self.processes().is_empty() {
            for entry in std::fs::read_dir(self.runs.path()).unwrap().flatten() {
                if entry.path().join("cluster.json").exists() {
                    let run = entry.path();
                    self.script("cluster.sh", &["down", "--run", run.to_str().unwrap()]);
                }
            }
        }
    }
}

/// Runs a command in a terminal.
pub(crate) fn in_terminal(mut command: Command) -> PtySession {
    command.stdin(Stdio::inherit());
    spawn_command(command, Some(PATIENCE.as_millis().try_into().unwrap())).unwrap()
}

/// What a program printed, and its exit code.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Answer {
    fn of(command: &mut Command) -> Self {
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().unwrap();
        Self {
            code: status.code(),
            out: String::from_utf8(stdout).unwrap(),
            err: String::from_utf8(stderr).unwrap(),
        }
    }

    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        self
    }

    /// Asserts that standard output has a line which, with blanks made one, is `line`.
    #[track_caller]
    pub(crate) fn prints(self, line: &str) -> Self {
        let squeeze = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            self.out.lines().any(|found| squeeze(found) == line),
            "{line}: {self:#?}"
        );
        self
    }

    /// Asserts that standard error contains `text`.
    #[track_caller]
    pub(crate) fn complains(self, text: &str) -> Self {
        assert!(self.err.contains(text), "{text}: {self:#?}");
        self
    }
}
