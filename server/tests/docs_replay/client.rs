//! A connection as a person at netcat sees it: lines go out, lines come in.

use holdback::wire::value::Scanner;
use holdback_testkit::processes::PATIENCE;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// The start of a heartbeat, which the transcripts leave out; a token and what the sender holds follow.
const HEARTBEAT: &[u8] = b"*5\r\n$9\r\nHEARTBEAT\r\n";

/// An open connection.
pub(crate) struct Client {
    stream: TcpStream,
    line_end: &'static str,
    input: Vec<u8>,
    ended: bool,
}

/// What reading a line brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Text(String),
    /// The other side has closed.
    Closed,
    /// Nothing came in time.
    Nothing,
}

impl Client {
    /// Connects to a port of this machine. Typed lines will end with `line_end`.
    pub(crate) fn open(port: u16, line_end: &'static str) -> Result<Self, String> {
        let stream = TcpStream::connect(("127.0.0.1", port)).map_err(|e| format!("{port}: {e}"))?;
        Ok(Self {
            stream,
            line_end,
            input: Vec::new(),
            ended: false,
        })
    }

    /// Types a line.
    pub(crate) fn send(&mut self, line: &str) -> Result<(), String> {
        self.stream
            .write_all(format!("{line}{}", self.line_end).as_bytes())
            .map_err(|error| error.to_string())
    }

    /// Ends the input, as netcat does at the end of its own.
    pub(crate) fn end_input(&mut self) -> Result<(), String> {
        self.stream
            .shutdown(Shutdown::Write)
            .map_err(|error| error.to_string())
    }

    /// The next line, without its CRLF.
    pub(crate) fn line(&mut self) -> Result<Line, String> {
        self.line_within(PATIENCE)
    }

    /// A line that has arrived already.
    pub(crate) fn line_at_hand(&mut self) -> Result<Line, String> {
        self.line_within(Duration::from_millis(1))
    }

    fn line_within(&mut self, time: Duration) -> Result<Line, String> {
        loop {
            self.drop_heartbeats();
            let could_be_heartbeat = self.input.starts_with(b"*5\r\n")
                && (HEARTBEAT.starts_with(&self.input) || self.input.starts_with(HEARTBEAT));
            let end = self.input.windows(2).position(|pair| pair == b"\r\n");
            if let Some(end) = end.filter(|_| !could_be_heartbeat) {
                let line = String::from_utf8_lossy(&self.input[..end]).into_owned();
                self.input.drain(..end + 2);
                return Ok(Line::Text(line));
            }
            if self.ended {
                return Ok(Line::Closed);
            }
            if !self.fill(time)? {
                return Ok(Line::Nothing);
            }
        }
    }

    /// The lines of the next reply, whatever it is.
    pub(crate) fn reply(&mut self) -> Result<Vec<String>, String> {
        let (mut lines, mut bytes) = (Vec::new(), Vec::new());
        let mut scanner = Scanner::default();
        while !scanner.is_whole(&bytes) {
            let Line::Text(line) = self.line()? else {
                return Err("no whole reply".to_owned());
            };
            bytes.extend_from_slice(line.as_bytes());
            bytes.extend_from_slice(b"\r\n");
            lines.push(line);
        }
        Ok(lines)
    }

    /// Reads once; whether anything came.
    fn fill(&mut self, time: Duration) -> Result<bool, String> {
        let mut piece = [0; 4096];
        let read = self
            .stream
            .set_read_timeout(Some(time))
            .and_then(|()| self.stream.read(&mut piece));
        match read {
            Ok(length) => {
                self.ended = length == 0;
                self.input.extend_from_slice(&piece[..length]);
                Ok(true)
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(false)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(true),
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {
                self.ended = true;
                Ok(true)
            }
            Err(error) => Err(error.to_string()),
        }
    }

    /// Drops whole heartbeats at the front: the name and two lines for each word.
    fn drop_heartbeats(&mut self) {
        while let Some(rest) = self.input.strip_prefix(HEARTBEAT) {
            let mut ends = rest
                .windows(2)
                .enumerate()
                .filter(|(_, pair)| *pair == b"\r\n");
            let Some((end, _)) = ends.nth(7) else { return };
            self.input.drain(..HEARTBEAT.len() + end + 2);
        }
    }
}
