//! How a replica is set up.

use crate::consistency::Consistency;
use crate::ids::ReplicaId;
use crate::store::{HashSecret, Limits};
use std::time::Duration;

/// Everything a replica has to know about itself from the start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Its own id.
    pub id: ReplicaId,
    /// The addresses of all replicas, in id order.
    pub cluster: Vec<String>,
    /// The model, and for the ordered ones the read path of new connections.
    pub consistency: Consistency,
    /// A number that no earlier start of this replica had; larger than 0.
    pub incarnation: u64,
    /// Seeds what commands draw and the delays of FAULT DELAY.
    pub seed: u64,
    /// What nobody may know who chooses keys. It is apart from the seed, which is shown.
    pub hash_secret: HashSecret,
    /// What may be stored.
    pub limits: Limits,
    /// How long a client waits for an answer before it gets an error.
    pub request_timeout: Duration,
    /// How long a link may be silent.
    pub link_timeout: Duration,
    /// How often a link says that it is alive.
    pub heartbeat: Duration,
    /// Own undelivered entries in bytes; above it new ones are refused.
    pub pending_bytes_max: usize,
    /// Bytes of data above which what makes them grow is refused; 0: without a bound.
    pub memory_bytes_max: usize,
    /// Bytes of the entries that this replica holds back above which nobody is to stamp more.
    pub queue_bytes_max: usize,
    /// Connections of clients.
    pub clients_max: usize,
    /// The most that `clients_max` may be set to: more connections the process cannot have.
    pub clients_possible: usize,
    /// Connections above `clients_max` which are kept for a while, as they may still turn out to be peers.
    pub surplus_max: usize,
    /// Bytes that all clients' connections together may take for input, output, what waits in their lines, and
    /// transactions; above it those that take the most are closed.
    pub clients_memory_max: usize,
    /// Keys that one connection may watch.
    pub watches_max: usize,
    /// How long a client may send nothing and wait for nothing before it is closed; zero: for ever.
    pub idle_timeout: Duration,
    /// Delivered entries that are kept for ORDER and DIGEST.
    pub order_entries_max: usize,
    /// Bytes of them.
    pub order_bytes_max: usize,
    /// Requests of one client that may be unanswered before reading from it stops.
    pub unanswered_max: usize,
    /// Bytes of replies that a client has not read above which nothing more of it is executed; and that the reads in its
    /// line may be answered with before what is behind them has to wait.
    pub unread_bytes_max: usize,
    /// Bytes of replies that a client has not read above which it is refused what cannot wait either; and of one reply.
    pub output_bytes_max: usize,
    /// How long a client that is held up by what it has not read may take no byte of it.
    pub output_timeout: Duration,
    /// Eventual model: bytes unsent on a link above which updates are dropped and made up for later.
    pub link_bytes_max: usize,
    /// Ordered models: bytes of entries after which an `MCAST` frame is ended and another begun.
    pub mcast_bytes_max: usize,
    /// Eventual model: records that one piece of a round looks at.
    pub round_piece_records: usize,
    /// Whether FAULT is obeyed.
    pub allow_faults: bool,
    /// The process's id, for INFO.
    pub process_id: u32,
}

impl Settings {
    /// The least that `clients_memory_max` may be set to, in bytes: that of one client with its unread replies.
    pub const CLIENTS_MEMORY_LEAST: usize = 1 << 20;

    /// How often to say that a link is alive if it may be silent for so long: often enough that some get lost.
    #[must_use]
    pub fn heartbeat_for(link_timeout: Duration) -> Duration {
        (link_timeout / 4).min(Duration::from_millis(500))
    }

    /// Replica `id` of a cluster, everything else as by default.
    #[must_use]
    pub fn new(id: ReplicaId, cluster: Vec<String>, consistency: Consistency) -> Self {
        Self {
            id,
            cluster,
            consistency,
            incarnation: 1,
            seed: 0,
            hash_secret: HashSecret::known(0),
            limits: Limits::default(),
            request_timeout: Duration::from_secs(10),
            link_timeout: Duration::from_secs(3),
            heartbeat: Duration::from_millis(500),
            pending_bytes_max: 64 << 20,
            memory_bytes_max: 0,
            queue_bytes_max: 256 << 20,
            clients_max: 10_000,
            clients_possible: usize::MAX,
            clients_memory_max: 1 << 30,
            watches_max: 100_000,
            idle_timeout: Duration::ZERO,
            surplus_max: 64,
            order_entries_max: 100_000,
            order_bytes_max: 64 << 20,
            unanswered_max: 10_000,
            unread_bytes_max: 1 << 20,
            output_bytes_max: 256 << 20,
            output_timeout: Duration::from_secs(60),
            link_bytes_max: 1 << 20,
            mcast_bytes_max: 64 << 10,
            round_piece_records: 256,
            allow_faults: false,
            process_id: 0,
        }
    }
}
