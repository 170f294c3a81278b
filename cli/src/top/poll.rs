//! Asks each replica on a thread of its own, so that one which does not answer holds up nobody.

use super::report::{Report, questions};
use crate::replicas::wait::{self, is_time_out, words};
use holdback::wire::value::Value;
use holdback_client::Connection;
use holdback_client::clock::now;
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

/// How long a question stays out before it is asked again on a new connection.
const GIVE_UP: Duration = Duration::from_secs(10);

/// What came of a question.
#[derive(Debug)]
pub(super) enum News {
    /// The answers of the replica with this index.
    Answered(usize, Box<Report>),
    /// There is no connection, and why.
    Down(usize, String),
    /// It took the connection, and did not answer.
    Silent(usize),
    /// What came of a FAULT command.
    Fault(Result<String, String>),
}

/// Starts the thread that asks one replica, once for each position that is sent to it: that of the digest to be
/// compared. The answers come back as [`News`].
pub(super) fn start(
    index: usize,
    address: String,
    timeout: Duration,
    news: Sender<News>,
) -> Sender<Option<u64>> {
    let (orders, received) = channel();
    thread::spawn(move || ask(index, &address, timeout, &received, &news));
    orders
}

/// Asks whenever it is told to, until nobody listens.
fn ask(
    index: usize,
    address: &str,
    timeout: Duration,
    orders: &Receiver<Option<u64>>,
    news: &Sender<News>,
) {
    let mut connection = None;
    while let Ok(digest_at) = orders.recv() {
        let asked = ask_once(&mut connection, address, timeout, digest_at);
        let came = match asked {
            Ok(report) => News::Answered(index, report),
            Err(error) => {
                connection = None;
                if is_time_out(&error) {
                    News::Silent(index)
                } else {
                    News::Down(index, words(&error))
                }
            }
        };
        if news.send(came).is_err() {
            return;
        }
    }
}

fn ask_once(
    connection: &mut Option<Connection>,
    address: &str,
    timeout: Duration,
    digest_at: Option<u64>,
) -> io::Result<Box<Report>> {
    let connection = match connection {
        Some(connection) => connection,
        None => connection.insert(Connection::open(address, timeout)?),
    };
    let questions = questions(digest_at);
    for question in &questions {
        connection.send(question)?;
    }
    let start = now();
    let mut answers = Vec::new();
    for _ in &questions {
        answers.push(wait::until(connection, start, GIVE_UP)?);
    }
    let report = Report::of(&answers, digest_at, now());
    report
        .map(Box::new)
        .map_err(|wrong| io::Error::new(io::ErrorKind::InvalidData, wrong))
}

/// A FAULT command, for one replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Order {
    pub(super) id: usize,
    pub(super) address: String,
    pub(super) command: String,
}

/// Has the orders carried out, each by a thread of its own; what came of it is told together.
pub(super) fn obey(orders: Vec<Order>, done: String, timeout: Duration, news: Sender<News>) {
    thread::spawn(move || {
        let threads: Vec<_> = orders
            .into_iter()
            .map(|order| thread::spawn(move || obey_one(&order, timeout)))
            .collect();
        let wrong: Vec<_> = threads
            .into_iter()
            .filter_map(|thread| thread.join().ok()?.err())
            .collect();
        let came = if wrong.is_empty() {
            Ok(done)
        } else {
            Err(wrong.join("; "))
        };
        // Nobody listens any more behind a `q`.
        let _left = news.send(News::Fault(came));
    });
}

fn obey_one(order: &Order, timeout: Duration) -> Result<(), String> {
    let Order {
        id,
        address,
        command,
    } = order;
    let words_of: Vec<_> = command.split(' ').collect();
    let answer = Connection::open(address, timeout)
        .and_then(|mut connection| connection.call(&words_of, Some(timeout)));
    match answer {
        Ok(Value::Error(wrong)) => Err(format!("replica {id}: {wrong}")),
        Ok(_) => Ok(()),
        Err(error) if is_time_out(&error) => Err(format!(
            "replica {id} does not answer; it may still obey {command}"
        )),
        Err(error) => Err(format!("replica {id}: {}", words(&error))),
    }
}
