//! Totally ordered multicast with Lamport clocks and a hold-back queue: the algorithm, and why it works.
//!
//! # The task
//!
//! Any replica may accept a write, and all replicas must apply all writes in the same order, without a
//! leader. The order must respect what each client did: its second write after its first.
//!
//! # The algorithm
//!
//! Every replica keeps a [Lamport clock](LamportClock), a [hold-back queue](HoldbackQueue) of entries
//! ordered by [`Stamp`](crate::ids::Stamp) (time first, then replica, so that no two are equal), and for every other replica
//! `q` and every origin `o` the highest time up to which `q` is known to hold the entries of `o`.
//! [`Multicast`] is exactly this state.
//!
//! 1. *Stamp.* A replica that accepts a write ticks its clock, stamps the entry, pushes it to its own
//!    queue and owes it to every other replica ([`Multicast::stamp`]). One indivisible step.
//! 2. *Receive.* A replica that receives entries first merges its clock, `clock = max(clock, time)`, then
//!    pushes them ([`Multicast::receive`]), and from then on owes an `ACK` to **every** other replica. An
//!    ack says "I hold every entry of `o` up to time `t`". It is a state, not an event: it may be
//!    repeated, merged with later ones, or arrive before the entry it speaks of.
//! 3. *Deliver.* The head of the queue, stamped `(t, o)`, is delivered once every other replica `q` is
//!    known to hold it: the origin by having sent it, each other one by an ack `>= t`
//!    ([`Multicast::pop_deliverable`]). Then the next head is looked at, until one has to wait.
//! 4. *Answer.* The origin answers its client when it delivers the entry itself.
//!
//! This is the totally ordered multicast of Lamport's "Time, Clocks, and the Ordering of Events in a
//! Distributed System" (1978) as textbooks give it, with acks made cumulative per origin.
//!
//! # Why it is right
//!
//! *Claim.* When a replica `r` delivers its head `(t, o)`, no entry with a smaller stamp can reach it later.
//!
//! Let `(t', q)` be an entry that has not reached `r`, `q` being its origin. If `q` is `r` itself, then
//! `r`'s clock was at least `t` when it stamped it (the head is in the queue, so its time was merged), so
//! `t' > t`. Otherwise `r` knows that `q` holds `(t, o)`:
//!
//! - If `q = o`, then `q` stamped `(t, o)` itself, and its stamps rise and its link to `r` is first-in,
//!   first-out. What it stamped before has arrived, what it stamped later is larger.
//! - If `q` acked it, `q` merged `t` before the ack left. What it stamped after the merge is larger than
//!   `t`. What it stamped before the merge was put on the link to `r` before the ack, and has arrived.
//!
//! So the order of deliveries is the order of stamps, on every replica. The second case holds only if an
//! **ACK never overtakes an MCAST that was stamped before the ack was due**; batching, resending, delays and
//! back-pressure all have to keep this. The replica sends, at the end of a turn, its own `MCAST`s first and
//! then its `ACK`s, on one connection, and after a reconnect its unacknowledged entries first, then its ack
//! vector, then live traffic.
//!
//! *Completion means replication.* A write completes when its origin delivers it, which takes an ack from
//! everyone. So every completed write is in the queue of every replica, or already delivered there.
//!
//! *No null messages are needed.* In the textbook a silent process blocks delivery, as nothing says how far
//! its clock has come. Here each `MCAST` draws an ack from every replica to every replica, and that is the
//! message which the silent one would have had to send.
//!
//! *Linearizable reads.* A read that goes through the multicast takes its place between the writes. If a
//! write completed before the read was invoked anywhere, the reader's clock has merged its time (it acked the
//! write), so the read's stamp is larger and every replica orders it behind.
//!
//! # Rules that keep it right
//!
//! - *Acks are positions, never counters*, and an ack for one origin says nothing about another's entries.
//!   One that arrives early is kept; repeating it changes nothing.
//! - *Acks name the origin's incarnation.* A replica may restart and be let in where nothing was exchanged with
//!   its earlier incarnation, while another one still holds entries of that. Its acks for them must not count
//!   for the later incarnation's entries, which can have the same stamps; and whoever learns from them that
//!   there was an earlier one refuses the later one too, as completed entries may be lost.
//! - *Duplicates and gaps.* After a reconnect the sender repeats what the receiver may lack. Each `MCAST`
//!   names the own time before its first entry: what the receiver holds already it drops, and a
//!   [gap](ReceiveError::Gap) closes the link, so that the next handshake can mend it.
//! - *The handshake's `have` is not an ack.* It decides what is resent, on this connection, and nothing else.
//!   It may leave before entries that the same replica stamped earlier and has still to resend; taken for an
//!   ack it would overtake them.
//! - *Retention.* A replica keeps each of its own entries until every other replica has acked it
//!   ([`Multicast::own_above`] is what a new connection may still need).
//!
//! # Absurd times
//!
//! One entry with a time near the end of the numbers would leave nobody a larger one to stamp with. So a frame is
//! refused whose time is more than 2^40 ahead of the own clock, and changes nothing. Replicas that keep the rules are
//! never refused for it, whatever others do:
//!
//! - *A replica stamps nothing more than 2^40 ahead of the last entry that it delivered* ([`Multicast::may_stamp`]). To
//!   deliver that one it needed to know that every other replica holds it, so every other one has merged its time. What
//!   is stamped at most 2^40 above it is at most 2^40 above each other clock.
//! - *As long as all keep the rules, no client notices.* Clocks rise by one with each entry, so for each time between
//!   the last delivery and a clock there is an entry that was stamped and is still undelivered here. 2^40 of them do not
//!   fit into any memory.
//! - If a liar has driven a clock so far ahead with an entry that only some replicas got, these refuse to stamp until it
//!   is delivered, which they would have to wait for anyway: whatever they stamp comes behind it.
//!
//! Acks of other replicas' entries have no such limit: they can tell of a liar's entries, and come from replicas that
//! only took them in good faith.
//!
//! # Caveats
//!
//! - Whoever can speak as a replica can drive the clocks to their end in millions of steps, one delivery after the other.
//! - One replica that is down, paused or cut off blocks every write (and every linearizable read): delivery
//!   needs an ack from all. That is the price of having no leader and no views; nothing is lost meanwhile,
//!   and nothing is reordered.
//! - If the link between two replicas is cut and a third reaches both, the third one's entries are acked by both
//!   and delivered there, while the two hold them back for each other's acks. Their queues grow until the cut
//!   heals: what bounds a queue is each origin's own *undelivered* entries, and these are delivered.
//! - Membership is fixed: [`View`] is the one type that knows who belongs, so that it can change later.
//! - Nothing is on disk. A replica that restarts has lost what it acked, so it is not let back in where it
//!   had taken part.

mod clock;
mod engine;
mod error;
mod execute;
mod holdback;
mod multicast;
mod progress;
mod snapshot;
mod states;
mod view;

pub use clock::LamportClock;
pub use engine::Ordered;
pub use error::ReceiveError;
pub use holdback::HoldbackQueue;
pub use multicast::Multicast;
pub use snapshot::{Loaded, Snapshot, SnapshotError, State};
pub use view::View;
