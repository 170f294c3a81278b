//! A blocking connection to a replica.

use holdback::wire::arguments::{push_bulk, push_decimal};
use holdback::wire::value::{Malformed, Scanner, Value, parse};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// A connection: requests out, replies in. Requests may be pipelined: send several, then read as many
/// replies.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
    /// How much of the input was returned as replies.
    taken: usize,
    scanner: Scanner,
}

impl Connection {
    /// Connects to `address` (`host:port`), trying each address that the name resolves to.
    ///
    /// # Errors
    /// What the system says of the last address tried.
    pub fn open(address: &str, timeout: Duration) -> io::Result<Self> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for candidate in address.to_socket_addrs()? {
            match TcpStream::connect_timeout(&candidate, timeout) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(Self {
                        stream,
                        input: Vec::new(),
                        taken: 0,
                        scanner: Scanner::default(),
                    });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Sends one request.
    ///
    /// # Errors
    /// What the system says of the connection.
    pub fn send<A: AsRef<[u8]>>(&mut self, arguments: &[A]) -> io::Result<()> {
        let mut frame = vec![b'*'];
        push_decimal(&mut frame, arguments.len() as u64);
        frame.extend_from_slice(b"\r\n");
        for argument in arguments {
            push_bulk(&mut frame, argument.as_ref());
        }
        self.stream.write_all(&frame)
    }

    /// Reads one reply, waiting at most `timeout` for each piece of it (`None`: for ever).
    ///
    /// # Errors
    /// `WouldBlock` or `TimedOut` when the time is up, `UnexpectedEof` when the server closed, and
    /// `InvalidData` when the bytes are no reply. What arrived of a reply is kept for the next call.
    pub fn read(&mut self, timeout: Option<Duration>) -> io::Result<Value> {
        loop {
            if let Some(value) = self.take_parsed()? {
                return Ok(value);
            }
            self.input.drain(..std::mem::take(&mut self.taken));
            self.stream.set_read_timeout(timeout)?;
            let mut piece = [0; 16 * 1024];
            match self.stream.read(&mut piece) {
                Ok(0) => {
                    return Err(io::Error::new(
                        io::ErrorKind::UnexpectedEof,
                        "the server closed the connection",
                    ));
                }
                Ok(length) => self.input.extend_from_slice(&piece[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Sends one request and reads its reply.
    ///
    /// # Errors
    /// As [`Connection::send`] and [`Connection::read`].
    pub fn call<A: AsRef<[u8]>>(
        &mut self,
        arguments: &[A],
        timeout: Option<Duration>,
    ) -> io::Result<Value> {
        self.send(arguments)?;
        self.read(timeout)
    }

    /// Whether the server has closed the connection, as far as this end knows by now. Never waits.
    ///
    /// # Errors
    /// What the system says of the socket.
    pub fn is_closed(&self) -> io::Result<bool> {
        self.stream.set_nonblocking(true)?;
        let peeked = self.stream.peek(&mut [0]);
        self.stream.set_nonblocking(false)?;
        Ok(match peeked {
            Ok(length) => length == 0,
            Err(error) => !matches!(
                error.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
            ),
        })
    }

    /// The socket, for whoever needs to shut it down from another thread.
    #[must_use]
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// What arrived of a reply that is not whole yet.
    #[must_use]
    pub fn unread(&self) -> &[u8] {
        &self.input[self.taken..]
    }

    fn take_parsed(&mut self) -> io::Result<Option<Value>> {
        let input = &self.input[self.taken..];
        if !self.scanner.is_whole(input) {
            return Ok(None);
        }
        self.scanner = Scanner::default();
        let parsed = parse(input)
            .map_err(|Malformed(what)| io::Error::new(io::ErrorKind::InvalidData, what))?;
        Ok(parsed.map(|(value, length)| {
            self.taken += length;
            value
        }))
    }
}
