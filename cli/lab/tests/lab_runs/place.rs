//! A place for each test: programs, ports of its own, and a folder for its runs.

use holdback::wire::value::Value;
use holdback_client::Connection;
use holdback_testkit::processes::{PATIENCE, free_ports, programs};
use rexpect::session::{PtySession, spawn_command};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// The top of the workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .unwrap()
}

/// The file of a case of the project, such as `sequential/hold_back`.
pub(crate) fn case_file(name: &str) -> String {
    let file = root().join("test_cases").join(name);
    file.with_extension("json").display().to_string()
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
        Self {
            first_port: free_ports(SHARE),
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

    /// A script, with its arguments behind it, and what came of it.
    pub(crate) fn script(&self, line: &str) -> Answer {
        let (script, arguments) = line.split_once(' ').unwrap_or((line, ""));
        let mut command = self.command(root().join("scripts").join(script));
        Answer::of(command.args(arguments.split_whitespace()))
    }

    /// `holdback-lab` with these arguments, and what came of it.
    pub(crate) fn lab(&self, arguments: &str) -> Answer {
        let mut command = self.command(programs().join("holdback-lab"));
        Answer::of(command.args(arguments.split_whitespace()))
    }

    /// A cluster that stays up, with these options.
    pub(crate) fn up(&self, options: &str) -> Answer {
        let port = self.first_port;
        self.script(&format!("cluster.sh up -p {port} --detach {options}"))
    }

    /// Asserts that none of so many replicas has a fault in force.
    #[track_caller]
    pub(crate) fn assert_healed(&self, replicas: u16) {
        for id in 1..=replicas {
            let mut connection = self.connect(id);
            let faults = connection.call(&["FAULT", "LIST"], Some(PATIENCE)).unwrap();
            assert_eq!(faults, Value::Array(Vec::new()), "replica {id}");
        }
    }

    /// A folder of programs whose server is a shell script.
    pub(crate) fn programs_with_server(&self, text: &str) -> PathBuf {
        let folder = self.runs.path().join("programs");
        std::fs::create_dir(&folder).unwrap();
        for program in ["holdback-cli", "holdback-lab"] {
            symlink(programs().join(program), folder.join(program)).unwrap();
        }
        write_program(&folder.join("holdback-server"), text);
        folder
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
                    self.script(&format!("cluster.sh down --run {}", run.display()));
                }
            }
        }
    }
}

/// Writes a shell script that can be run as a program.
pub(crate) fn write_program(file: &Path, text: &str) {
    std::fs::write(file, format!("#!/bin/sh\n{text}")).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
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
