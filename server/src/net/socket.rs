//! The sockets of a replica's process, by slot, as the [`Driver`](holdback::driver::Driver) uses them.

use holdback::driver::{Read, Sockets};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use socket2::{SockRef, TcpKeepalive};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::time::Duration;

/// Bytes read from one connection in one turn: enough for a large value, which is then decoded where it lies.
const READ_BYTES: usize = 256 << 10;

/// One socket.
#[derive(Debug)]
struct Socket {
    stream: TcpStream,
    /// There may be more to read.
    readable: bool,
    /// The other side has sent its end, which is read behind all else.
    hung_up: bool,
    /// Write interest is installed.
    wants_room: bool,
    /// It came in.
    accepted: bool,
}

/// All sockets. A slot is also the socket's mio token.
#[derive(Debug)]
pub(super) struct TcpSockets {
    sockets: Vec<Option<Socket>>,
    /// How many of them came in.
    accepted: usize,
    registry: Registry,
    keepalive: Option<TcpKeepalive>,
    scratch: Vec<u8>,
}

impl TcpSockets {
    /// `keepalive` is how long a connection is idle before TCP asks for its other end.
    pub(super) fn new(registry: Registry, keepalive: Option<Duration>) -> Self {
        Self {
            sockets: Vec::new(),
            accepted: 0,
            registry,
            keepalive: keepalive.map(asked_thrice),
            scratch: vec![0; READ_BYTES],
        }
    }

    /// Adds the socket of a connection that came in, or (`dialling`) is being made.
    pub(super) fn add(
        &mut self,
        slot: usize,
        mut stream: TcpStream,
        dialling: bool,
    ) -> io::Result<()> {
        let mut interest = Interest::READABLE;
        if dialling {
            interest |= Interest::WRITABLE;
        } else {
            stream.set_nodelay(true)?;
        }
        if let Some(keepalive) = &self.keepalive {
            SockRef::from(&stream).set_tcp_keepalive(keepalive)?;
        }
        self.registry.register(&mut stream, Token(slot), interest)?;
        if slot >= self.sockets.len() {
            self.sockets.resize_with(slot + 1, || None);
        }
        self.sockets[slot] = Some(Socket {
            stream,
            readable: true,
            hung_up: false,
            wants_room: dialling,
            accepted: !dialling,
        });
        self.accepted += usize::from(!dialling);
        Ok(())
    }

    /// How many came in and are still there.
    pub(super) fn accepted(&self) -> usize {
        self.accepted
    }

    /// An event says that there is something to read, or (`hung_up`) the other side's end.
    pub(super) fn ready(&mut self, slot: usize, hung_up: bool) {
        if let Some(socket) = self.get(slot) {
            socket.readable = true;
            socket.hung_up |= hung_up;
        }
    }

    /// What became of a connection that was being made; `None` if it is not known yet.
    pub(super) fn dialled(&mut self, slot: usize) -> Option<io::Result<()>> {
        let socket = self.get(slot)?;
        Some(match socket.stream.take_error() {
            Ok(Some(error)) | Err(error) => Err(error),
            Ok(None) => match socket.stream.peer_addr() {
                Ok(_) => socket.stream.set_nodelay(true),
                Err(error) if error.kind() == ErrorKind::NotConnected => return None,
                Err(error) => Err(error),
            },
        })
    }

    fn get(&mut self, slot: usize) -> Option<&mut Socket> {
        self.sockets.get_mut(slot)?.as_mut()
    }
}

/// Keepalive as Redis has it: after this time, and then three times within as long again.
fn asked_thrice(idle: Duration) -> TcpKeepalive {
    let interval = (idle / 3).max(Duration::from_secs(1));
    let keepalive = TcpKeepalive::new().with_time(idle);
    keepalive.with_interval(interval).with_retries(3)
}

/// A slot without a socket: its connection is being ended.
fn gone() -> io::Error {
    ErrorKind::NotConnected.into()
}

impl Sockets for TcpSockets {
    fn is_readable(&self, slot: usize) -> bool {
        let socket = self.sockets.get(slot).and_then(Option::as_ref);
        socket.is_some_and(|socket| socket.readable)
    }

    /// A read that does not fill the buffer has emptied the socket, and whatever comes later is a new event. Only the
    /// end of the input may have been told of already, so behind a hang-up it is read until that is met.
    fn read(&mut self, slot: usize) -> io::Result<Read<'_>> {
        let socket = self.sockets.get_mut(slot).and_then(Option::as_mut);
        let socket = socket.ok_or_else(gone)?;
        loop {
            match socket.stream.read(&mut self.scratch) {
                Ok(0) => {
                    socket.readable = false;
                    return Ok(Read::End);
                }
                Ok(length) => {
                    socket.readable = length == self.scratch.len() || socket.hung_up;
                    return Ok(Read::Bytes(&self.scratch[..length]));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    socket.readable = false;
                    return Ok(Read::Bytes(&[]));
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn write(&mut self, slot: usize, bytes: &[u8]) -> io::Result<usize> {
        let socket = self.get(slot).ok_or_else(gone)?;
        loop {
            match socket.stream.write(bytes) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(length) => return Ok(length),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(0),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn want_room(&mut self, slot: usize, wanted: bool) -> io::Result<()> {
        let socket = self.sockets.get_mut(slot).and_then(Option::as_mut);
        let socket = socket.ok_or_else(gone)?;
        if socket.wants_room != wanted {
            let mut interest = Interest::READABLE;
            if wanted {
                interest |= Interest::WRITABLE;
            }
            self.registry
                .reregister(&mut socket.stream, Token(slot), interest)?;
            socket.wants_room = wanted;
        }
        Ok(())
    }

    fn shut(&mut self, slot: usize) -> io::Result<()> {
        let socket = self.get(slot).ok_or_else(gone)?;
        socket.readable = true;
        socket.stream.shutdown(Shutdown::Write)
    }

    fn remove(&mut self, slot: usize) {
        if let Some(mut socket) = self.sockets.get_mut(slot).and_then(Option::take) {
            self.accepted -= usize::from(socket.accepted);
            // Closing the descriptor deregisters it as well, so a failure here changes nothing.
            drop(self.registry.deregister(&mut socket.stream));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::Poll;
    use mio::net::TcpListener;
    use std::net::SocketAddr;

    #[test]
    fn a_peer_that_went_without_a_word_is_asked_for() {
        let poll = Poll::new().unwrap();
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let listener = TcpListener::bind(any).unwrap();
        for idle in [None, Some(Duration::from_secs(300))] {
            let registry = poll.registry().try_clone().unwrap();
            let mut sockets = TcpSockets::new(registry, idle);
            let dialled = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
            sockets.add(0, dialled, true).unwrap();
            // Over the loopback interface a connection is there at once.
            let (accepted, _) = listener.accept().unwrap();
            sockets.add(1, accepted, false).unwrap();
            for slot in [0, 1] {
                let socket = SockRef::from(&sockets.get(slot).unwrap().stream);
                assert_eq!(socket.keepalive().unwrap(), idle.is_some());
                if let Some(idle) = idle {
                    assert_eq!(socket.tcp_keepalive_time().unwrap(), idle);
                    assert_eq!(socket.tcp_keepalive_interval().unwrap(), idle / 3);
                    assert_eq!(socket.tcp_keepalive_retries().unwrap(), 3);
                }
            }
        }
    }
}
