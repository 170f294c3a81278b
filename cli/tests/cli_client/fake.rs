//! A replica made of a few lines, that misbehaves on demand. Its keys have meanings:
//!
//! - `silent`: the command is received and never answered;
//! - `drop`: the connection is closed in place of the first answer;
//! - `slow`: the answer takes longer than the client finds usual.

use holdback::wire::value::{Value, parse};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// Ports of these tests: below those that the system hands out by itself.
static NEXT_PORT: AtomicU16 = AtomicU16::new(0);

/// A listener on a port that nobody uses. Ports of tests that have ended are used again.
pub(crate) fn listen() -> (TcpListener, u16) {
    for _ in 0..1000 {
        let port = 20100 + NEXT_PORT.fetch_add(1, Ordering::SeqCst) % 90;
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", port)) {
            return (listener, port);
        }
    }
    panic!("no free port");
}

/// A port that nobody listens on, nor will in another test.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(20190);
    loop {
        let port = NEXT.fetch_add(1, Ordering::SeqCst);
        assert!(port < 20200, "no free port");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

#[derive(Default)]
struct World {
    store: BTreeMap<String, Vec<u8>>,
    /// Every command received, in order, words joined by blanks; STATUS is left out.
    received: Vec<String>,
    connections: Vec<TcpStream>,
}

/// A fake replica; gone when dropped.
pub(crate) struct Fake {
    /// Where it listens.
    pub(crate) port: u16,
    id: usize,
    cluster: String,
    world: Mutex<World>,
    changed: Condvar,
}

impl Fake {
    /// One on its own.
    pub(crate) fn start() -> Arc<Self> {
        Self::start_cluster(1).swap_remove(0)
    }

    /// Several that name each other in STATUS. Their data is not replicated.
    pub(crate) fn start_cluster(replicas: usize) -> Vec<Arc<Self>> {
        let listeners: Vec<_> = (0..replicas).map(|_| listen()).collect();
        let addresses = listeners
            .iter()
            .map(|(_, port)| format!("127.0.0.1:{port}"));
        let cluster = addresses.collect::<Vec<_>>().join(",");
        let listeners = listeners.into_iter().enumerate();
        listeners
            .map(|(index, (listener, port))| Self::serve(listener, port, index + 1, &cluster))
            .collect()
    }

    /// One on a port of one's choice.
    pub(crate) fn serve(listener: TcpListener, port: u16, id: usize, cluster: &str) -> Arc<Self> {
        let fake = Arc::new(Self {
            port,
            id,
            cluster: cluster.to_owned(),
            world: Mutex::default(),
            changed: Condvar::new(),
        });
        let serving = Arc::clone(&fake);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (fake, stream) = (Arc::clone(&serving), stream.unwrap());
                fake.world
                    .lock()
                    .unwrap()
                    .connections
                    .push(stream.try_clone().unwrap());
                thread::spawn(move || fake.converse(stream));
            }
        });
        fake
    }

    /// Waits until a command was received.
    pub(crate) fn wait_for(&self, command: &str) {
        let world = self.world.lock().unwrap();
        let missing = |world: &mut World| !world.received.iter().any(|one| one == command);
        let limit = Duration::from_secs(10);
        let (world, waited) = self
            .changed
            .wait_timeout_while(world, limit, missing)
            .unwrap();
        assert!(
            !waited.timed_out(),
            "{command} never came: {:?}",
            world.received
        );
    }

    /// How often a command was received.
    pub(crate) fn times(&self, command: &str) -> usize {
        let world = self.world.lock().unwrap();
        world.received.iter().filter(|one| *one == command).count()
    }

    /// Closes every connection.
    pub(crate) fn hang_up(&self) {
        for connection in self.world.lock().unwrap().connections.drain(..) {
            // One that the client closed first is as good as closed.
            let _closed = connection.shutdown(Shutdown::Both);
        }
    }

    fn converse(&self, mut stream: TcpStream) {
        let (mut input, mut piece) = (Vec::new(), [0; 4096]);
        let mut queue = None;
        while let Ok(length @ 1..) = stream.read(&mut piece) {
            input.extend_from_slice(&piece[..length]);
            while let Some((request, used)) = parse(&input).unwrap() {
                input.drain(..used);
                let Some(reply) = self.answer(&words(&request), &mut queue) else {
                    let _closed = stream.shutdown(Shutdown::Both);
                    return;
                };
                if stream.write_all(&reply).is_err() {
                    return;
                }
            }
        }
    }

    /// The reply to a request, empty for none; `None` closes the connection.
    fn answer(&self, words: &[Vec<u8>], queue: &mut Option<usize>) -> Option<Vec<u8>> {
        let text = |index: usize| {
            let word = words.get(index).map(Vec::as_slice).unwrap_or_default();
            String::from_utf8_lossy(word).into_owned()
        };
        let (name, key) = (text(0).to_uppercase(), text(1));
        let line = words
            .iter()
            .map(|word| String::from_utf8_lossy(word))
            .collect::<Vec<_>>()
            .join(" ");
        if name == "STATUS" {
            let (id, cluster) = (self.id, &self.cluster);
            return Some(bulk(&format!(
                "id:{id}\r\nconsistency:sequential\r\nready:yes\r\nposition:0\r\ncluster:{cluster}\r\n"
            )));
        }
        let mut world = self.world.lock().unwrap();
        world.received.push(line.clone());
        self.changed.notify_all();
        let times = world.received.iter().filter(|one| **one == line).count();
        if let (Some(queued), false) = (&mut *queue, name == "EXEC" || name == "MULTI") {
            *queued += 1;
            return Some(b"+QUEUED\r\n".to_vec());
        }
        match (name.as_str(), key.as_str()) {
            ("SHUTDOWN", _) => return None,
            (_, "drop") if times == 1 => return None,
            (_, "silent") => return Some(Vec::new()),
            (_, "slow") => thread::sleep(Duration::from_millis(510)),
            _ => {}
        }
        Some(match name.as_str() {
            "PING" => b"+PONG\r\n".to_vec(),
            "SET" => {
                world.store.insert(key, words[2].clone());
                b"+OK\r\n".to_vec()
            }
            "GET" => match world.store.get(&key) {
                Some(value) => {
                    [format!("${}\r\n", value.len()).as_bytes(), value, b"\r\n"].concat()
                }
                None => b"$-1\r\n".to_vec(),
            },
            "MGET" => b"*3\r\n$1\r\na\r\n*2\r\n:1\r\n:2\r\n$-1\r\n".to_vec(),
            "INCR" => b"-UNCERTAIN the write was not delivered in time\r\n".to_vec(),
            "MULTI" => {
                *queue = Some(0);
                b"+OK\r\n".to_vec()
            }
            "EXEC" => {
                let queued = queue.take().unwrap_or(0);
                let replies = "+OK\r\n".repeat(queued);
                format!("*{queued}\r\n{replies}").into_bytes()
            }
            "CONSISTENCY" | "WATCH" => b"+OK\r\n".to_vec(),
            "MONITOR" => b"+OK\r\n+1 1.1 SET a 1\r\n+2 2.1 SET b 2\r\n".to_vec(),
            _ => format!("-ERR unknown command '{name}', with args beginning with: \r\n")
                .into_bytes(),
        })
    }
}

fn bulk(text: &str) -> Vec<u8> {
    format!("${}\r\n{text}\r\n", text.len()).into_bytes()
}

fn words(request: &Value) -> Vec<Vec<u8>> {
    let Value::Array(words) = request else {
        panic!("the client sends arrays, not {request:?}");
    };
    let word = |word: &Value| match word {
        Value::Bulk(bytes) => bytes.clone(),
        other => panic!("the client sends bulk strings, not {other:?}"),
    };
    words.iter().map(word).collect()
}
