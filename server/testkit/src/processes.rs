//! Replicas as processes of their own, and plain clients of them, for tests from outside.

use crate::show;
use holdback_client::Connection;
use holdback_client::clock::now;
use std::io::{self, ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

/// How long anything may take that ought to happen at once.
pub const PATIENCE: Duration = Duration::from_secs(30);
/// How a server ends that cannot listen on its port.
const EXIT_UNREACHABLE: i32 = 69;

/// Waits until something is so.
///
/// # Panics
/// If it is not for too long.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The first of so many ports in a row on which nobody listens, others for each call. They are below those that
/// the system gives to outgoing connections, and processes look for them in different places.
///
/// # Panics
/// If there are none.
#[must_use]
pub fn free_ports(count: u16) -> u16 {
    const FIRST: u16 = 20_400;
    const SPAN: u16 = 11_520;
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = u16::try_from(std::process::id() % 180).unwrap_or(0) * 64;
    for _ in 0..1000 {
        let first = FIRST + (start + NEXT.fetch_add(count, Ordering::Relaxed) % SPAN) % SPAN;
        let mut ports = first..first + count;
        if ports.all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return first;
        }
    }
    panic!("no free ports");
}

/// The folder of the programs, in which the test's own is, too. The server is built if it is not there.
///
/// # Panics
/// If it cannot be built.
pub fn programs() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        // Tests are in the folder `deps` there.
        let test = std::env::current_exe().expect("the test's program");
        let folder = test.ancestors().nth(2).expect("the folder of programs");
        if !folder.join("holdback-server").exists() {
            let mut build = Command::new(env!("CARGO"));
            build.args([
                "build",
                "--package=holdback-server",
                "--bin=holdback-server",
            ]);
            build.args(folder.ends_with("release").then_some("--release"));
            assert!(build.status().expect("cargo runs").success());
        }
        folder.to_owned()
    })
}

/// Sends a signal, such as `-STOP`, to a process.
///
/// # Panics
/// If it cannot be sent.
pub fn signal(process: u32, signal: &str) {
    let sent = Command::new("kill")
        .args([signal, &process.to_string()])
        .status();
    assert!(sent.expect("kill runs").success());
}

/// A process that is killed when this is dropped.
#[derive(Debug)]
pub struct Process(pub Child);

impl Process {
    /// Waits for its end; its exit code.
    ///
    /// # Panics
    /// If the system does not know it.
    pub fn end(&mut self) -> Option<i32> {
        self.0.wait().expect("its end").code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// STATUS of the replica at a port, if it answers.
#[must_use]
pub fn status(port: u16) -> Option<String> {
    let mut client = Client::open(port).ok()?;
    let status = client.connection.call(&["STATUS"], Some(PATIENCE));
    Some(show(&status.ok()?))
}

/// One line of STATUS of the replica at a port; empty if it does not answer.
#[must_use]
pub fn field(port: u16, name: &str) -> String {
    let status = status(port).unwrap_or_default();
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    line.unwrap_or_default().to_owned()
}

/// Whether the replica at a port serves data and has links with so many others.
#[must_use]
pub fn is_linked(port: u16, peers: usize) -> bool {
    status(port).is_some_and(|status| {
        status.contains("\r\nready:yes\r\n") && status.matches(":up\r\n").count() == peers
    })
}

/// Replicas of one cluster, and a folder for what they write; all of it goes when this is dropped.
#[derive(Debug)]
pub struct Cluster {
    /// Where they listen, replica by replica.
    pub ports: Vec<u16>,
    folder: PathBuf,
    options: Vec<String>,
    replicas: Vec<Option<Process>>,
}

impl Cluster {
    /// Starts replicas with these options and waits until all links are up.
    ///
    /// # Panics
    /// If that takes too long, as all that waits here.
    #[must_use]
    pub fn start(count: usize, options: &[&str]) -> Self {
        let name = format!("holdback-{}-{}", std::process::id(), free_ports(1));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut cluster = Self {
            ports: Vec::new(),
            folder,
            options: options.iter().map(|&option| option.to_owned()).collect(),
            replicas: Vec::new(),
        };
        loop {
            cluster.replicas = (0..count).map(|_| None).collect();
            cluster.ports = (0..count).map(|_| free_ports(1)).collect();
            (1..=count).for_each(|id| cluster.run(id));
            if cluster.await_links_or_end() {
                return cluster;
            }
            // Somebody else took one of the ports between the look at it and the start.
        }
    }

    /// Waits until all links are up; false if a replica could not listen on its port.
    fn await_links_or_end(&mut self) -> bool {
        let mut port_was_taken = false;
        until("links of all replicas", || {
            port_was_taken = self.replicas.iter_mut().flatten().any(|replica| {
                let ended = replica.0.try_wait().expect("a child can be asked");
                ended.is_some_and(|status| status.code() == Some(EXIT_UNREACHABLE))
            });
            port_was_taken || self.are_linked()
        });
        !port_was_taken
    }

    fn are_linked(&self) -> bool {
        let mut ports = self.ports.iter();
        ports.all(|port| is_linked(*port, self.ports.len() - 1))
    }

    /// Waits until every replica answers and has all its links.
    pub fn await_links(&self) {
        until("links of all replicas", || self.are_linked());
    }

    /// Starts one replica. It writes down everything, unless the options name a level of the log.
    ///
    /// # Panics
    /// If its program cannot be run.
    pub fn run(&mut self, id: usize) {
        let addresses = self.ports.iter().map(|port| format!("127.0.0.1:{port}"));
        let addresses: Vec<String> = addresses.collect();
        let mut server = Command::new(programs().join("holdback-server"));
        server.args(["--id", &id.to_string(), "--cluster", &addresses.join(",")]);
        server.arg("--log-file").arg(self.file(id, "log"));
        if !self.options.iter().any(|option| option == "--log-level") {
            server.args(["--log-level", "debug", "--trace"]);
            server.arg(self.file(id, "trace"));
        }
        let child = server.args(&self.options).stdin(Stdio::null()).spawn();
        self.replicas[id - 1] = Some(Process(child.expect("the server starts")));
    }

    fn file(&self, id: usize, kind: &str) -> PathBuf {
        self.folder.join(format!("replica-{id}.{kind}"))
    }

    /// What a replica has written into its `log` or `trace`.
    #[must_use]
    pub fn read(&self, id: usize, kind: &str) -> String {
        std::fs::read_to_string(self.file(id, kind)).unwrap_or_default()
    }

    /// One line of a replica's STATUS.
    #[must_use]
    pub fn field(&self, id: usize, name: &str) -> String {
        field(self.ports[id - 1], name)
    }

    /// A client of a replica.
    ///
    /// # Panics
    /// If the replica is not there.
    #[must_use]
    pub fn client(&self, id: usize) -> Client {
        Client::open(self.ports[id - 1]).expect("a connection")
    }

    /// A replica's process.
    ///
    /// # Panics
    /// If it was ended.
    #[must_use]
    pub fn process(&self, id: usize) -> u32 {
        self.replicas[id - 1].as_ref().expect("it runs").0.id()
    }

    /// Sends a signal to a replica.
    pub fn signal(&self, id: usize, name: &str) {
        signal(self.process(id), name);
    }

    /// Waits for a replica's end; its exit code.
    ///
    /// # Panics
    /// If it has been ended before.
    pub fn end_of(&mut self, id: usize) -> Option<i32> {
        self.replicas[id - 1].take().expect("it runs").end()
    }

    /// Kills a replica at once.
    pub fn kill(&mut self, id: usize) {
        self.signal(id, "-KILL");
        self.end_of(id);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.replicas.clear();
        // Whoever has removed it before has done the work.
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

/// A plain client.
#[derive(Debug)]
pub struct Client {
    connection: Connection,
}

impl Client {
    /// A client of the replica at a port.
    ///
    /// # Errors
    /// If nobody listens there.
    pub fn open(port: u16) -> io::Result<Self> {
        let connection = Connection::open(&format!("127.0.0.1:{port}"), PATIENCE)?;
        Ok(Self { connection })
    }

    /// Its socket.
    #[must_use]
    pub fn stream(&self) -> &TcpStream {
        self.connection.stream()
    }

    /// Sends bytes as they are.
    ///
    /// # Panics
    /// If the connection is gone.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream().write_all(bytes.as_ref()).expect("sent");
    }

    /// Sends from a thread of its own, so that replies can be read meanwhile.
    ///
    /// # Panics
    /// If the socket cannot be shared.
    #[must_use]
    pub fn send_aside(&self, bytes: Vec<u8>) -> std::thread::JoinHandle<()> {
        let mut stream = self.stream().try_clone().expect("a handle");
        std::thread::spawn(move || stream.write_all(&bytes).expect("sent"))
    }

    /// Sends a line and reads its reply.
    pub fn ask(&mut self, line: &str) -> String {
        self.send(format!("{line}\r\n"));
        self.reply()
    }

    /// The next reply, as [`show`] writes it.
    ///
    /// # Panics
    /// If none comes.
    pub fn reply(&mut self) -> String {
        show(&self.connection.read(Some(PATIENCE)).expect("a reply"))
    }

    /// All replies until the other side closes.
    ///
    /// # Panics
    /// If it does not, breaks the connection, or cuts off a reply.
    pub fn rest(&mut self) -> Vec<String> {
        let mut rest = Vec::new();
        loop {
            match self.connection.read(Some(PATIENCE)) {
                Ok(reply) => rest.push(show(&reply)),
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    assert_eq!(self.connection.unread(), b"", "behind {rest:?}");
                    return rest;
                }
                Err(error) => panic!("no end: {error}"),
            }
        }
    }
}
