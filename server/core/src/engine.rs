//! What a consistency model is to the rest of a replica: it takes clients' entries, peers' messages and ticks, and
//! gives back what is delivered and what is to be sent.
//!
//! There are two engines, [`Ordered`](crate::ordered::Ordered) for the sequential and the linearizable model and
//! [`Eventual`](crate::eventual::Eventual). [`Replica`](crate::replica::Replica) chooses one when it starts; nothing
//! else asks which it is.
//!
//! What was sent to a peer and what is owed to it belongs to the engine, which is told when a link comes up and goes
//! down. The links only carry frames ([`Links`]).

use crate::command::CommandSpec;
use crate::entry::{Entry, EntryBody};
use crate::ids::{ConnectionId, Digest, ReplicaId, Stamp};
use crate::message::{Handshake, Message, Summary};
use crate::order::Order;
use crate::settings::Settings;
use crate::store::blind::Done;
use crate::store::{Answer, Context, Keyspace};
use crate::turn::{Now, Turn};
use crate::wire::error::ErrorReply;
use crate::wire::reply::ReplyWriter;
use std::any::Any;
use std::fmt;
use std::time::Duration;

/// What a part of the replica works with, for the time of one call.
#[derive(Debug)]
pub(crate) struct At<'a, 't> {
    pub(crate) settings: &'a mut Settings,
    pub(crate) engine: &'a mut dyn Engine,
    pub(crate) turn: &'a mut Turn<'t>,
}

/// The ways of a data command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Path {
    /// None: the model does not have it.
    Refused,
    /// Through the multicast.
    Ordered,
    /// On this replica's own data.
    Local,
}

/// An entry that was delivered: it has its place in the order, and is not applied yet.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// Its place.
    pub(crate) position: u64,
    pub(crate) entry: Entry,
    /// The client that waits for it, or did, if it is an own entry.
    pub(crate) client: Option<ConnectionId>,
}

/// What the client of an entry is to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Nothing: it waits at another replica, or no more.
    Nothing,
    /// The command's own reply.
    Reply,
    /// The array of a transaction's replies.
    Replies,
}

/// What STATUS and INFO say of an engine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    /// Of the order, or of the data.
    pub(crate) digest: Digest,
    pub(crate) keys: usize,
    /// Bytes, roughly, of the data.
    pub(crate) data: usize,
    /// Of the entries held back.
    pub(crate) queue: usize,
    /// Of the recent entries.
    pub(crate) log: usize,
    pub(crate) tombstones: usize,
    /// Entries held back.
    pub(crate) holdback: usize,
    /// How long the first of them has waited.
    pub(crate) oldest_wait: Duration,
}

/// What an engine has against a peer's handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Objection {
    /// The peer is known in another incarnation.
    PeerRestarted,
    /// The peer knows this replica in another incarnation.
    ThisRestarted,
    /// The peer holds what was never issued.
    Ahead,
}

/// Frames on their way to a peer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frames<'a> {
    pub(crate) bytes: &'a [u8],
    /// How many they are.
    pub(crate) count: u64,
}

/// The links, as an engine uses them.
pub(crate) trait Links {
    /// Whether the link to a peer is up. There is none to this replica itself.
    fn is_up(&self, peer: ReplicaId) -> bool;

    /// Bytes that were sent to a peer and that the network has not taken.
    fn unsent(&self, peer: ReplicaId, turn: &Turn<'_>) -> usize;

    /// Sends frames to a peer whose link is up, in their turn.
    fn send(&mut self, peer: ReplicaId, frames: Frames<'_>, turn: &mut Turn<'_>);
}

/// A consistency model at work. See the module's documentation.
pub(crate) trait Engine: fmt::Debug {
    // What clients ask.

    /// The way of a data command of so many words, on a connection whose reads are or are not `linearizable`.
    fn path(&self, spec: &CommandSpec, words: usize, linearizable: bool) -> Path;

    /// The way of a transaction of admitted commands, or of a WATCH.
    fn transaction_path(&self, writes: bool, linearizable: bool) -> Path;

    /// Whether there is a total order, which what is named needs.
    fn check_ordered(&self, name: &str) -> Answer;

    /// Stamps an entry of a client's. It is delivered later, and owed to every peer from now on.
    ///
    /// Refused if too much is pending already, or there is no total order. `growth`: how much larger it may make the data.
    fn submit(
        &mut self,
        client: ConnectionId,
        body: EntryBody,
        growth: usize,
        settings: &Settings,
        turn: &mut Turn<'_>,
    ) -> Result<Stamp, ErrorReply>;

    /// How much larger the own undelivered entries may make the data; none if there are none.
    fn pending_growth(&self) -> Option<usize>;

    /// Executes a writing command here and now.
    fn write_here(
        &mut self,
        spec: &CommandSpec,
        words: &[&[u8]],
        turn: &mut Turn<'_>,
    ) -> Result<Done, ErrorReply>;

    /// The data.
    fn keyspace(&self) -> &dyn Keyspace;

    /// The position of a key's last change; 0 if it is absent or there is no order.
    fn last_change(&self, key: &[u8]) -> u64;

    /// Looks up together the keys that are named in bytes that were read and will be handed in next, from a client or
    /// (`is_link`) a peer; which takes far less time than one by one.
    fn prefetch(&self, bytes: &[u8], is_link: bool);

    /// See [`Bug::PipelinedWritesSwapped`](crate::bugs::Bug::PipelinedWritesSwapped): two entries that were stamped here
    /// change places, if they were not sent yet.
    #[cfg(feature = "deliberate-bugs")]
    fn swap(&mut self, first: u64, second: u64) {
        let _nothing = (first, second);
    }

    /// How many peers hold all that a client wrote here, its own entries up to a time.
    fn holders(&self, time: u64) -> usize;

    // What is delivered.

    /// The next entry that can be delivered, if there is one. To be called in a loop after each event that may have
    /// made it so; each is to be applied before the next is asked for.
    fn deliver(&mut self) -> Option<Delivery>;

    /// Applies a delivered entry.
    fn apply(
        &mut self,
        delivery: &Delivery,
        wanted: Wanted,
        how: &Context<'_>,
        reply: &mut ReplyWriter<'_>,
    );

    // What peers send, and what they get.

    /// The highest time of a peer's own entries that is held here.
    fn have(&self, peer: ReplicaId) -> u64;

    /// The incarnation of a peer that entries were exchanged with; 0 if none.
    fn known(&self, peer: ReplicaId) -> u64;

    /// What speaks against a link with a peer that says this of itself.
    fn judge(&self, handshake: &Handshake, settings: &Settings) -> Option<Objection>;

    /// Peers of which some replica holds another incarnation than the one that takes part.
    fn disputed(&self) -> Vec<ReplicaId>;

    /// The link to a peer is up, whose handshake said this. It is sent what it may lack.
    fn linked(
        &mut self,
        handshake: &Handshake,
        settings: &Settings,
        links: &mut dyn Links,
        turn: &mut Turn<'_>,
    );

    /// The link to a peer is gone.
    fn unlinked(&mut self, peer: ReplicaId);

    /// Takes one of the model's messages; the error says why it cannot be taken, and the link has to be closed.
    fn receive(
        &mut self,
        peer: ReplicaId,
        message: Message,
        links: &mut dyn Links,
        turn: &mut Turn<'_>,
    ) -> Result<(), String>;

    /// Sends what this turn owes to the peers.
    fn transmit(&mut self, settings: &Settings, links: &mut dyn Links, turn: &mut Turn<'_>);

    /// Does what is due.
    fn tick(&mut self, settings: &Settings, links: &mut dyn Links, turn: &mut Turn<'_>);

    /// When [`Engine::tick`] or [`Engine::transmit`] is wanted.
    fn deadline(&self) -> Option<Duration>;

    // What replicas compare.

    /// What this replica holds now, for others to compare; none if it cannot say.
    fn summary(&self) -> Option<Summary>;

    /// Whether a peer holds what this replica held at the same point, or (`Err`) how they differ; `None` if that cannot
    /// be told now.
    fn compare(&self, held: &Summary) -> Option<Result<(), String>>;

    /// Whether a difference can pass.
    fn heals(&self) -> bool;

    /// Bytes of the entries that are held back.
    fn held_bytes(&self) -> usize;

    // What there is to see.

    /// The order of what was delivered or applied here.
    fn order(&self) -> &Order;

    /// The logical clock's time.
    fn clock(&self) -> u64;

    fn figures(&self, now: Now) -> Figures;

    /// Up to which of this replica's times a peer is known to hold everything, if the model knows.
    fn acked(&self, peer: ReplicaId) -> Option<u64>;

    /// The digest of the order up to a position, or (no position) of what there is now, with its number.
    fn digest(&self, position: Option<u64>) -> Result<(u64, Digest), ErrorReply>;

    /// The first entries held back, head first, as `STAMP waits:3,5 command args...`.
    fn holdback(&self, count: usize) -> Vec<String>;

    /// This engine as what it is, for tests and simulations to look at.
    fn as_any(&self) -> &dyn Any;
}
