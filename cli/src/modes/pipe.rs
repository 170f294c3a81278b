//! `--pipe`: mass insertion. Standard input goes to the replica as it is, replies are only counted.
//!
//! One thread sends; this one reads the replies, so that neither waits for the other. Behind the input goes
//! an ECHO with words that nobody else says: its reply is the last.

use super::Job;
use super::latency::overwrite;
use crate::args::Format;
use crate::exit::Verdict;
use crate::interrupt::STEP;
use crate::print::notice;
use crate::replicas::wait::{is_time_out, words};
use crate::text::style::Role;
use crate::text::units;
use holdback::wire::arguments::push_bulk;
use holdback::wire::value::Value;
use holdback_client::Connection;
use holdback_client::clock::now;
use serde_json::json;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Error replies that are printed; the rest is only counted.
const ERRORS_SHOWN: u64 = 20;

/// Between two looks at the progress.
const REDRAWN: Duration = Duration::from_millis(200);

/// What the sending thread tells.
#[derive(Debug, Default)]
struct Sent {
    bytes: AtomicU64,
    all: AtomicBool,
}

/// How it ended.
enum End {
    /// The last reply came.
    Whole,
    Interrupted,
    /// Nothing came for so long.
    Silent(Duration),
    Lost(String),
}

/// Sends standard input; returns the exit code.
pub(crate) fn run(job: &Job<'_>) -> anyhow::Result<u8> {
    let address = job.client.session.address();
    let connection = match Connection::open(address, job.args.timeout) {
        Ok(connection) => connection,
        Err(error) => return Ok(job.client.unreachable(&error).code()),
    };
    let stream = connection.stream().try_clone()?;
    let (sent, token) = (Arc::new(Sent::default()), token());
    let sender = {
        let (stream, sent, token) = (stream.try_clone()?, Arc::clone(&sent), token.clone());
        thread::spawn(move || send(io::stdin().lock(), stream, &token, &sent))
    };
    let mut reader = Reader {
        job,
        live: job.is_live(),
        connection,
        sent: &sent,
        token: token.into_bytes(),
        replies: 0,
        errors: 0,
        start: now(),
        drawn: None,
    };
    let mut end = reader.read_all()?;
    // This wakes a sender that waits for a replica that no longer reads.
    let _closed = stream.shutdown(Shutdown::Both);
    // Whoever waits for standard input cannot be woken; it ends with the program.
    if sender.is_finished()
        && let Ok(Err(error)) = sender.join()
        && matches!(end, End::Whole)
    {
        end = End::Lost(words(&error));
    }
    reader.report(&end)
}

/// Words that no other reply has.
fn token() -> String {
    let random = || RandomState::new().hash_one(std::process::id());
    format!("holdback-cli:{:016x}{:016x}", random(), random())
}

/// Copies `input` to the replica, and the ECHO behind it.
fn send(mut input: impl Read, mut stream: TcpStream, token: &str, sent: &Sent) -> io::Result<()> {
    let mut piece = [0; 64 * 1024];
    let mut last = b'\n';
    loop {
        let length = match input.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        stream.write_all(&piece[..length])?;
        last = piece[length - 1];
        sent.bytes.fetch_add(length as u64, Ordering::Relaxed);
    }
    let mut echo = Vec::new();
    // The last line of a file may lack its end.
    if last != b'\n' {
        echo.extend_from_slice(b"\r\n");
    }
    echo.extend_from_slice(b"*2\r\n");
    push_bulk(&mut echo, b"ECHO");
    push_bulk(&mut echo, token.as_bytes());
    sent.all.store(true, Ordering::Release);
    stream.write_all(&echo)
}

struct Reader<'a> {
    job: &'a Job<'a>,
    /// Whether somebody watches.
    live: bool,
    connection: Connection,
    sent: &'a Sent,
    /// What the last reply says.
    token: Vec<u8>,
    replies: u64,
    errors: u64,
    start: Instant,
    /// When the progress was last shown.
    drawn: Option<Instant>,
}

impl Reader<'_> {
    fn read_all(&mut self) -> io::Result<End> {
        let mut heard = now();
        loop {
            match self.connection.read(Some(STEP)) {
                Ok(Value::Bulk(text)) if text == self.token => return Ok(End::Whole),
                Ok(value) => {
                    heard = now();
                    self.count(&value)?;
                }
                Err(error) if is_time_out(&error) => {}
                Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                    return Ok(End::Lost(format!("not a reply: {error}")));
                }
                Err(error) => return Ok(End::Lost(words(&error))),
            }
            if self.job.client.interrupt.take() {
                return Ok(End::Interrupted);
            }
            let limit = self.job.args.pipe_timeout;
            if self.sent.all.load(Ordering::Acquire) && heard.elapsed() >= limit {
                return Ok(End::Silent(limit));
            }
            self.draw()?;
        }
    }

    fn count(&mut self, value: &Value) -> io::Result<()> {
        self.replies += 1;
        if let Value::Error(error) = value {
            self.errors += 1;
            if self.errors <= ERRORS_SHOWN {
                if self.drawn.take().is_some() {
                    overwrite("")?;
                }
                let text = format!("reply {}: {error}", self.replies);
                notice(&self.job.client.output.palette.paint(Role::Bad, &text));
            } else if self.errors == ERRORS_SHOWN + 1 {
                notice("more errors are only counted");
            }
        }
        Ok(())
    }

    /// Shows how far it is, where somebody watches.
    fn draw(&mut self) -> io::Result<()> {
        if !self.live || self.drawn.is_some_and(|drawn| drawn.elapsed() < REDRAWN) {
            return Ok(());
        }
        self.drawn = Some(now());
        let state = if self.sent.all.load(Ordering::Acquire) {
            "; all is sent, waiting for the last reply"
        } else {
            ""
        };
        let sent = units::bytes(self.sent.bytes.load(Ordering::Relaxed));
        overwrite(&format!(
            "{sent} sent, {} replies ({}/s), {} errors{state}",
            self.replies,
            units::count(rate(self.replies, self.start.elapsed())),
            self.errors
        ))
    }

    fn report(&self, end: &End) -> anyhow::Result<u8> {
        if self.live {
            overwrite("")?;
        }
        let (client, took) = (&self.job.client, self.start.elapsed());
        let (replies, errors) = (self.replies, self.errors);
        let verdict = match end {
            End::Whole if errors > 0 => Verdict::Refused,
            End::Whole => Verdict::Fine,
            End::Interrupted => {
                client.say("Interrupted: what was sent and has no reply yet may still happen.");
                Verdict::Interrupted
            }
            End::Silent(limit) => {
                let limit = limit.as_secs_f64();
                client.say(&format!(
                    "No reply for {limit}s: what was sent and has no reply yet may still happen."
                ));
                Verdict::Unreachable
            }
            End::Lost(why) => {
                client.say(&format!(
                    "The connection was lost: {why}. What was sent and has no reply may have happened."
                ));
                Verdict::Unreachable
            }
        };
        match client.output.format {
            Format::Json => client.output.line(
                &json!({
                    "replies": replies,
                    "errors": errors,
                    "bytes": self.sent.bytes.load(Ordering::Relaxed),
                    "seconds": took.as_secs_f64(),
                })
                .to_string(),
            )?,
            Format::Csv => client.output.line(&format!("{errors},{replies}"))?,
            Format::Raw | Format::Terminal => {
                if matches!(end, End::Whole) {
                    client
                        .output
                        .line("All data transferred. The last reply is in.")?;
                }
                client.output.line(&format!(
                    "errors: {errors}, replies: {replies} in {} ({}/s)",
                    units::time(took),
                    units::count(rate(replies, took))
                ))?;
            }
        }
        Ok(verdict.code())
    }
}

fn rate(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64().max(0.001)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_differ() {
        assert_ne!(token(), token());
    }
}
