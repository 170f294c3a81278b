//! The clients of a case: each on its own connection and thread, all from one start.

use super::case::{Case, Client};
use super::plan::Plan;
use crate::kit::ask::{PATIENCE, words};
use crate::kit::clock::Clock;
use crate::kit::cluster::Cluster;
use crate::kit::failure::Failure;
use crate::kit::print::show;
use holdback::wire::value::Value;
use holdback_client::Connection;
use indicatif::ProgressBar;
use std::time::Duration;

/// How long a client waits for a reply. Replicas answer sooner, if need be with an error, unless they
/// were stopped.
const REPLY_PATIENCE: Duration = Duration::from_secs(20);

/// A request that was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Exchange {
    /// When it was sent, from the start of the clients.
    pub sent: Duration,
    /// When the reply was there, or was given up.
    pub ended: Duration,
    /// The reply, which may be an error, or why there was none. The client stopped there.
    pub outcome: Result<Value, String>,
}

impl Exchange {
    /// What came of it on one line, as people read it.
    #[must_use]
    pub fn answer(&self) -> String {
        match &self.outcome {
            Ok(reply) => show::reply(reply),
            Err(reason) => format!("no reply: {reason}"),
        }
    }

    /// How long the reply took.
    #[must_use]
    pub fn took(&self) -> Duration {
        self.ended.saturating_sub(self.sent)
    }
}

/// What one client saw: an exchange for each request, fewer if it lost its connection.
pub type Seen = Vec<Exchange>;

/// Opens each client's connection.
///
/// # Errors
/// [`Failure::Unreachable`] if one cannot be opened.
pub fn connect(case: &Case, cluster: &Cluster) -> Result<Vec<Connection>, Failure> {
    let open = |client: &Client| {
        let address = cluster.address(client.process);
        Connection::open(address, PATIENCE).map_err(|error| {
            let reason = words(&error);
            Failure::Unreachable(format!("replica {} at {address}: {reason}", client.process))
        })
    };
    case.clients.iter().map(open).collect()
}

/// Lets the clients send their requests, and returns when the last one has ended. `answered` shows how
/// many requests are through.
pub fn run(
    case: &Case,
    plan: &Plan,
    connections: Vec<Connection>,
    clock: Clock,
    answered: &ProgressBar,
) -> Vec<Seen> {
    std::thread::scope(|scope| {
        let clients = case.clients.iter().zip(&plan.delays).zip(connections);
        let threads: Vec<_> = clients
            .map(|((client, delays), connection)| {
                scope.spawn(move || run_one(client, delays, connection, clock, answered))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_default())
            .collect()
    })
}

fn run_one(
    client: &Client,
    delays: &[Duration],
    mut connection: Connection,
    clock: Clock,
    answered: &ProgressBar,
) -> Seen {
    let mut seen = Seen::new();
    let mut ready = Duration::ZERO;
    for (request, delay) in client.requests.iter().zip(delays) {
        clock.sleep_until(ready + *delay);
        let sent = clock.now();
        let outcome = connection.call(&request.arguments(), Some(REPLY_PATIENCE));
        let outcome = outcome.map_err(|error| words(&error));
        ready = clock.now();
        let lost = outcome.is_err();
        let ended = ready;
        seen.push(Exchange {
            sent,
            ended,
            outcome,
        });
        if lost {
            break;
        }
        answered.inc(1);
    }
    seen
}
