//! Real replicas in processes of their own, and plain TCP clients.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// The server's program.
pub(crate) const SERVER: &str = env!("CARGO_BIN_EXE_holdback-server");
/// How a server ends that cannot listen on its port.
const EXIT_UNREACHABLE: i32 = 69;
/// How long anything may take that ought to happen at once.
const PATIENCE: Duration = Duration::from_secs(30);

/// The clock, in the one place where tests read it: to give up at last.
#[allow(
    clippy::disallowed_methods,
    reason = "a test that waits for a process has to end"
)]
fn clock() -> Instant {
    Instant::now()
}

/// Waits until something is so.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = clock();
    while !is_so() {
        assert!(clock() - start < PATIENCE, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A port below the ephemeral range that is free now, a different one for each call.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 4000).unwrap_or(0) + 23_000;
    loop {
        let port = first + NEXT.fetch_add(1, Ordering::Relaxed);
        assert!(port < 32_000, "no free port");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Replicas of one cluster; they are killed when it is dropped.
pub(crate) struct Cluster {
    pub(crate) ports: Vec<u16>,
    pub(crate) folder: tempfile::TempDir,
    model: String,
    options: Vec<String>,
    replicas: Vec<Option<Child>>,
}

impl Cluster {
    /// Starts replicas and waits until all links are up.
    pub(crate) fn start(model: &str, count: usize, options: &[&str]) -> Self {
        let mut cluster = Self {
            ports: (0..count).map(|_| free_port()).collect(),
            folder: tempfile::tempdir().expect("a folder"),
            model: model.to_owned(),
            options: options.iter().map(|&option| option.to_owned()).collect(),
            replicas: (0..count).map(|_| None).collect(),
        };
        (1..=count).for_each(|id| cluster.run(id));
        while !cluster.await_links_or_end() {
            // Somebody else took one of the ports between the look at it and the start.
            cluster.end();
            cluster.ports = (0..count).map(|_| free_port()).collect();
            (1..=count).for_each(|id| cluster.run(id));
        }
        cluster
    }

    /// Waits until all links are up; false if a replica could not listen on its port.
    fn await_links_or_end(&mut self) -> bool {
        let mut port_was_taken = false;
        until("links of all replicas", || {
            let mut replicas = self.replicas.iter_mut().flatten();
            port_was_taken = replicas.any(|child| {
                let ended = child.try_wait().expect("a child can be asked");
                ended.is_some_and(|status| status.code() == Some(EXIT_UNREACHABLE))
            });
            port_was_taken || (1..=self.ports.len()).all(|id| self.has_all_links(id))
        });
        !port_was_taken
    }

    /// Kills all replicas that still run.
    fn end(&mut self) {
        for child in self.replicas.iter_mut().flatten() {
            // It may have ended by itself.
            drop(child.kill());
            drop(child.wait());
        }
    }

    /// Starts one replica. It writes down everything, unless the options name a level of the log.
    pub(crate) fn run(&mut self, id: usize) {
        let addresses: Vec<String> = self
            .ports
            .iter()
            .map(|port| format!("127.0.0.1:{port}"))
            .collect();
        let child = Command::new(SERVER)
            .args(["--id", &id.to_string(), "--cluster", &addresses.join(",")])
            .args(["--consistency", &self.model, "--allow-faults"])
            .arg("--log-file")
            .arg(self.file(id, "log"))
            .args(self.records(id))
            .args(&self.options)
            .stdin(Stdio::null())
            .spawn()
            .expect("the server starts");
        self.replicas[id - 1] = Some(child);
    }

    /// The options for a log and a trace of everything.
    fn records(&self, id: usize) -> Vec<std::ffi::OsString> {
        if self.options.iter().any(|option| option == "--log-level") {
            return Vec::new();
        }
        let trace = self.file(id, "trace").into_os_string();
        vec![
            "--log-level".into(),
            "debug".into(),
            "--trace".into(),
            trace,
        ]
    }

    /// Waits until every replica answers and has all its links.
    pub(crate) fn await_links(&self) {
        for id in 1..=self.ports.len() {
            until(&format!("links of replica {id}"), || self.has_all_links(id));
        }
    }

    fn has_all_links(&self, id: usize) -> bool {
        let links = self.ports.len() - 1;
        self.status(id)
            .is_some_and(|status| status.matches(":up\r\n").count() == links)
    }

    /// A file of a replica.
    pub(crate) fn file(&self, id: usize, kind: &str) -> PathBuf {
        self.folder.path().join(format!("replica-{id}.{kind}"))
    }

    /// STATUS, if the replica answers.
    pub(crate) fn status(&self, id: usize) -> Option<String> {
        let mut client = Client::try_open(self.ports[id - 1])?;
        client.stream.get_mut().write_all(b"STATUS\n").ok()?;
        client.try_reply()
    }

    /// One line of STATUS.
    pub(crate) fn field(&self, id: usize, name: &str) -> String {
        let status = self.status(id).unwrap_or_default();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(&format!("{name}:")));
        line.unwrap_or_default().to_owned()
    }

    /// A client of a replica.
    pub(crate) fn client(&self, id: usize) -> Client {
        Client::open(self.ports[id - 1])
    }

    /// A replica's process.
    pub(crate) fn process(&self, id: usize) -> u32 {
        self.replicas[id - 1].as_ref().expect("it runs").id()
    }

    /// Sends a signal to a replica.
    pub(crate) fn signal(&self, id: usize, signal: &str) {
        let sent = Command::new("kill")
            .args([signal, &self.process(id).to_string()])
            .status();
        assert!(sent.expect("kill").success());
    }

    /// Waits for a replica's end.
    pub(crate) fn end_of(&mut self, id: usize) -> ExitStatus {
        let mut child = self.replicas[id - 1].take().expect("it runs");
        child.wait().expect("its end")
    }

    /// Kills a replica at once.
    pub(crate) fn kill(&mut self, id: usize) {
        self.signal(id, "-KILL");
        self.end_of(id);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.end();
    }
}

/// A plain TCP client.
pub(crate) struct Client {
    pub(crate) stream: BufReader<TcpStream>,
}

impl Client {
    pub(crate) fn open(port: u16) -> Self {
        Self::try_open(port).expect("a connection")
    }

    pub(crate) fn try_open(port: u16) -> Option<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        Some(Self {
            stream: BufReader::new(stream),
        })
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream
            .get_mut()
            .write_all(bytes.as_ref())
            .expect("sent");
    }

    /// Sends a line and reads its reply.
    pub(crate) fn ask(&mut self, line: &str) -> String {
        self.send(format!("{line}\r\n"));
        self.reply()
    }

    /// The next reply: `+OK`, `:1`, `-ERR ...`, a bulk string's text, `nil`, `[a b]`.
    pub(crate) fn reply(&mut self) -> String {
        self.try_reply().expect("a reply")
    }

    /// The next reply, if one comes.
    pub(crate) fn try_reply(&mut self) -> Option<String> {
        let mut line = String::new();
        self.stream
            .read_line(&mut line)
            .ok()
            .filter(|&length| length > 0)?;
        let line = line.trim_end();
        let count = || line[1..].parse::<i64>().ok();
        match line.as_bytes().first()? {
            b'$' => match usize::try_from(count()?) {
                Err(_) => Some("nil".to_owned()),
                Ok(length) => {
                    let mut bytes = vec![0; length + 2];
                    self.stream.read_exact(&mut bytes).ok()?;
                    Some(String::from_utf8_lossy(&bytes[..length]).into_owned())
                }
            },
            b'*' => match usize::try_from(count()?) {
                Err(_) => Some("nil".to_owned()),
                Ok(length) => {
                    let items: Option<Vec<String>> =
                        (0..length).map(|_| self.try_reply()).collect();
                    Some(format!("[{}]", items?.join(" ")))
                }
            },
            _ => Some(line.to_owned()),
        }
    }

    /// Everything until the other side closes.
    pub(crate) fn rest(&mut self) -> String {
        let mut rest = String::new();
        self.stream.read_to_string(&mut rest).expect("the end");
        rest
    }
}

/// Runs the server with arguments that it ends at; its exit code and what it said.
pub(crate) fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(SERVER)
        .args(arguments)
        .output()
        .expect("it runs");
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

/// The text of a file.
pub(crate) fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
