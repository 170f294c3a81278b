//! Nonblocking connections, many on one thread: the only file of the load that knows `mio`.

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};
use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

/// Events taken at once.
const EVENTS: usize = 1024;

/// All connections of a thread.
#[derive(Debug)]
pub(super) struct Sockets {
    poll: Poll,
    events: Events,
}

/// Something happened at a connection; what, its reads and writes tell.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ready {
    /// Whose connection.
    pub(super) slot: usize,
    /// Bytes may be there to read, or the end.
    pub(super) readable: bool,
    /// Bytes may be written, or the connection has come about, or has failed to.
    pub(super) writable: bool,
}

impl Sockets {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            poll: Poll::new()?,
            events: Events::with_capacity(EVENTS),
        })
    }

    /// Begins to connect.
    pub(super) fn connect(&self, slot: usize, address: SocketAddr) -> io::Result<Socket> {
        let mut stream = TcpStream::connect(address)?;
        let both = Interest::READABLE | Interest::WRITABLE;
        self.poll
            .registry()
            .register(&mut stream, Token(slot), both)?;
        Ok(Socket { stream })
    }

    /// Waits until something happens, at most `patience`.
    pub(super) fn wait(&mut self, patience: Duration, ready: &mut Vec<Ready>) -> io::Result<()> {
        ready.clear();
        match self.poll.poll(&mut self.events, Some(patience)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        ready.extend(self.events.iter().map(|event| Ready {
            slot: event.token().0,
            readable: event.is_readable() || event.is_error() || event.is_read_closed(),
            writable: event.is_writable() || event.is_error(),
        }));
        Ok(())
    }
}

/// One connection. Dropped, it is closed.
#[derive(Debug)]
pub(super) struct Socket {
    stream: TcpStream,
}

impl Socket {
    /// Whether the connection has come about.
    pub(super) fn is_connected(&self) -> io::Result<bool> {
        if let Some(error) = self.stream.take_error()? {
            return Err(error);
        }
        match self.stream.peer_addr() {
            Ok(_) => {
                self.stream.set_nodelay(true)?;
                Ok(true)
            }
            Err(error) if error.kind() == ErrorKind::NotConnected => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Reads so many bytes, or none now; an event will tell when. The end is an error, as a replica never ends a
    /// connection in order.
    pub(super) fn read(&mut self, into: &mut [u8]) -> io::Result<Option<usize>> {
        match moved(|| self.stream.read(into))? {
            Some(0) => Err(ErrorKind::UnexpectedEof.into()),
            other => Ok(other),
        }
    }

    /// Writes what the system takes: so many bytes, or none now; an event will tell when.
    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        moved(|| self.stream.write(bytes))
    }
}

fn moved(mut attempt: impl FnMut() -> io::Result<usize>) -> io::Result<Option<usize>> {
    loop {
        match attempt() {
            Ok(count) => return Ok(Some(count)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
