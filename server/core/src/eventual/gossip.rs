//! Spreading versions: the replica's side ([`Gossip`]) and each link's ([`GossipLink`]).

use super::{HybridClock, Versions};
use crate::bugs::{Bug, planted};
use crate::ids::Digest;
use crate::ids::ReplicaId;
use crate::ids::{Origin, Vector, VersionStamp};
use crate::message::{encode_end, encode_entry, encode_round};
use crate::store::{HashSecret, Keyspace};
use std::time::Duration;

/// Reports in a row that have to show a peer stuck before it is sent a round.
const STUCK_REPORTS: u32 = 2;
/// Bytes after which a piece is ended.
const ROUND_PIECE_BYTES: usize = 256 << 10;
/// Tombstones that one step of a sweep looks at, so that it never blocks the loop for long; steps follow each other at
/// once.
const SWEEP_PIECE: usize = 2_000;

/// One replica's part in the eventual model.
#[derive(Debug)]
pub struct Gossip {
    me: Origin,
    clock: HybridClock,
    vector: Vector,
    /// By origin, the highest time applied. While the vector does not cover it, the replica holds
    /// versions that it does not vouch for.
    applied: Vector,
    versions: Versions,
    sweep: Option<Sweep>,
    tokens: u64,
}

/// Tombstones about to be dropped: all that `covered` covers, once nobody is waited for.
#[derive(Debug)]
struct Sweep {
    token: u64,
    covered: Vector,
    waiting: Vec<ReplicaId>,
    /// The last tombstone that was looked at.
    behind: Option<VersionStamp>,
}

impl Gossip {
    /// Nothing written, nothing held. The secret is that of the table.
    #[must_use]
    pub fn new(me: Origin, secret: HashSecret) -> Self {
        Self {
            me,
            clock: HybridClock::default(),
            vector: Vector::default(),
            applied: Vector::default(),
            versions: Versions::new(secret),
            sweep: None,
            tokens: 0,
        }
    }

    /// Writes a value or a tombstone (`None`) for a client. The caller owes an `UPDATE` to every link.
    pub fn write(&mut self, key: &[u8], value: Option<&[u8]>, wall: Duration) -> VersionStamp {
        let stamp = VersionStamp {
            time: self.clock.tick(wall),
            origin: self.me,
        };
        self.versions.apply(key, value, stamp);
        self.applied.advance(self.me, stamp.time);
        self.vector.advance(self.me, stamp.time);
        stamp
    }

    /// Takes a version that came from a peer; whether it is newer than what was held. The vector stays.
    pub fn take(&mut self, stamp: VersionStamp, key: &[u8], value: Option<&[u8]>) -> bool {
        self.clock.merge(stamp.time);
        self.applied.advance(stamp.origin, stamp.time);
        self.versions.apply(key, value, stamp)
    }

    /// Takes note of the times in a vector that a peer told. What they stand for may never come here: a
    /// tombstone that all have seen is dropped, and a replica that restarted must not write before it.
    pub fn merge_times(&mut self, vector: &Vector) {
        vector.iter().for_each(|(_, time)| self.clock.merge(time));
    }

    /// This replica, in this incarnation.
    #[must_use]
    pub fn me(&self) -> Origin {
        self.me
    }

    /// The data.
    #[must_use]
    pub fn versions(&self) -> &Versions {
        &self.versions
    }

    /// What this replica vouches for.
    #[must_use]
    pub fn vector(&self) -> &Vector {
        &self.vector
    }

    /// By origin, the highest time applied.
    pub(super) fn applied(&self) -> &Vector {
        &self.applied
    }

    /// The clock's time.
    #[must_use]
    pub fn time(&self) -> u64 {
        self.clock.time()
    }

    /// Whether the vector covers everything that is held.
    #[must_use]
    pub fn vouches_for_all(&self) -> bool {
        self.vector.covers_all(&self.applied)
    }

    /// Begins to drop tombstones, if there are any that every one of `links` (all other replicas, with the
    /// vectors they reported on the current connection) covers; the token to ask each of them with. With
    /// no other replicas nobody has to be asked.
    pub fn begin_sweep<'a>(
        &mut self,
        links: impl Iterator<Item = (ReplicaId, &'a Vector)>,
    ) -> Option<u64> {
        if self.versions.tombstones() == 0 || self.sweep.is_some() {
            return None;
        }
        let (mut covered, mut waiting) = (self.vector.clone(), Vec::new());
        for (peer, reported) in links {
            covered = covered.meet(reported);
            waiting.push(peer);
        }
        if planted(Bug::TombstoneDroppedAfterOneStep) {
            waiting.clear();
        }
        if !self.versions.covers_a_tombstone(&covered) {
            return None;
        }
        self.tokens += 1;
        let asks = !waiting.is_empty();
        self.sweep = Some(Sweep {
            token: self.tokens,
            covered,
            waiting,
            behind: None,
        });
        self.sweep();
        asks.then_some(self.tokens)
    }

    /// A peer answered; when all have, the first tombstones are dropped.
    pub fn confirmed(&mut self, peer: ReplicaId, token: u64) {
        if let Some(sweep) = self.sweep.as_mut().filter(|sweep| sweep.token == token) {
            sweep.waiting.retain(|&waiting| waiting != peer);
            self.sweep();
        }
    }

    /// Drops some tombstones, if nobody is waited for. To be called as long as [`Gossip::sweeps`].
    pub fn sweep(&mut self) {
        if let Some(sweep) = self.sweep.as_mut().filter(|sweep| sweep.waiting.is_empty()) {
            let (covered, behind) = (&sweep.covered, sweep.behind);
            sweep.behind = self.versions.drop_tombstones(covered, behind, SWEEP_PIECE);
            if sweep.behind.is_none() {
                self.sweep = None;
            }
        }
    }

    /// Whether there are tombstones to drop, for which nobody has to be waited for any more.
    #[must_use]
    pub fn sweeps(&self) -> bool {
        let sweep = self.sweep.as_ref();
        sweep.is_some_and(|sweep| sweep.waiting.is_empty())
    }

    /// A connection was lost: what its peer reported does not count any more.
    pub fn abandon_sweep(&mut self) {
        self.sweep = None;
    }
}

/// What is being sent on a link.
#[derive(Debug, Default)]
enum Sending {
    /// The peer's first vector has not come: nothing but the own vector is sent.
    #[default]
    Waiting,
    /// A round.
    Round {
        /// Where the walk over the records stands.
        cursor: Option<usize>,
        /// The own vector when the round began.
        snapshot: Vector,
        /// What the receiver held: not sent. Empty if everything is sent.
        skip: Vector,
    },
    /// Updates as they are written.
    Live,
}

/// The eventual model's state of one connection; a new connection begins with a new one.
#[derive(Debug, Default)]
pub struct GossipLink {
    /// The last vector that the peer reported on this connection.
    reported: Option<Vector>,
    sending: Sending,
    /// An update was dropped: no more are sent until a new round has begun.
    dropped: bool,
    /// What was held here when the peer last reported.
    seen: Vector,
    /// How many reports in a row have shown the peer stuck.
    stuck: u32,
    /// At the last report the data differed although the vectors were equal.
    differed: bool,
    /// Receiving: a round has ended and no other has begun.
    vouched: bool,
    /// Receiving: the highest time of an UPDATE since the round began.
    unvouched_time: u64,
}

/// What a peer's report led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// Nothing has to be done.
    Fine,
    /// A round has to be sent: [`GossipLink::begin_round`].
    OweRound,
    /// The vectors are equal and the data is not, as one side holds part of a round that broke off:
    /// everything has to be sent.
    OweEverything,
    /// The vectors are equal, cover everything on both sides, and the data is not equal: a bug, to be
    /// logged; everything has to be sent.
    Diverged,
}

impl GossipLink {
    /// The peer reported its vector, and the digest of all it holds. `vouched`: its vector covers all of that.
    pub fn report(
        &mut self,
        gossip: &Gossip,
        digest: Option<Digest>,
        vouched: bool,
        vector: Vector,
    ) -> Report {
        self.stuck = if self.is_stuck(&vector) {
            self.stuck + 1
        } else {
            0
        };
        let equal = vector == *gossip.vector();
        let differs = equal && digest.is_some_and(|digest| digest != gossip.versions().digest());
        let first = self.reported.replace(vector).is_none();
        self.seen = gossip.vector().clone();
        if first {
            return Report::OweRound;
        }
        if !self.is_live() {
            self.differed = false;
            return Report::Fine;
        }
        if self.stuck >= STUCK_REPORTS || self.dropped {
            return Report::OweRound;
        }
        // Once may be a version that is still on its way; twice is not.
        let differed = std::mem::replace(&mut self.differed, differs);
        if !(differs && differed) {
            return Report::Fine;
        }
        self.differed = false;
        if vouched && gossip.vouches_for_all() {
            Report::Diverged
        } else {
            Report::OweEverything
        }
    }

    /// Whether the peer lacks, of some origin, what was held here at its last report already, and has not
    /// come any further since. One that does come further is only behind.
    fn is_stuck(&self, vector: &Vector) -> bool {
        let Some(before) = &self.reported else {
            return false;
        };
        self.seen.iter().any(|(origin, time)| {
            let reached = vector.get(origin);
            reached < time && reached == before.get(origin)
        })
    }

    /// The last vector that the peer reported on this connection.
    #[must_use]
    pub fn reported(&self) -> Option<&Vector> {
        self.reported.as_ref()
    }

    /// Begins a round of what the peer's last vector does not cover, or of everything.
    pub fn begin_round(&mut self, gossip: &Gossip, everything: bool, buffer: &mut Vec<u8>) {
        let reported = self.reported.clone().unwrap_or_default();
        let skip = if everything {
            Vector::default()
        } else {
            reported
        };
        self.sending = Sending::Round {
            cursor: None,
            snapshot: gossip.vector().clone(),
            skip,
        };
        self.dropped = false;
        self.stuck = 0;
        encode_round(buffer);
    }

    /// Appends the next piece of the round, which looks at so many `records`; how many frames that are, and
    /// whether there is more to come.
    pub fn next_piece(
        &mut self,
        gossip: &Gossip,
        records: usize,
        buffer: &mut Vec<u8>,
    ) -> (u64, bool) {
        let Sending::Round {
            cursor,
            snapshot,
            skip,
        } = &mut self.sending
        else {
            return (0, false);
        };
        let mut frames = 0;
        let (numbers, _) = gossip.versions().walk(*cursor, records);
        let mut next = numbers.end;
        // From the end to the start, as cursors go; see `Table`.
        for version in gossip.versions().numbered(numbers).rev() {
            next -= 1;
            let stamp = version.mark.stamp;
            if !skip.covers(stamp) {
                encode_entry(buffer, stamp, version.key, version.live());
                frames += 1;
            }
            if buffer.len() >= ROUND_PIECE_BYTES {
                break;
            }
        }
        *cursor = Some(next);
        if next == 0 {
            encode_end(buffer, snapshot);
            frames += 1;
            self.sending = Sending::Live;
        }
        (frames, next > 0)
    }

    /// Whether a round is being sent.
    #[must_use]
    pub fn in_round(&self) -> bool {
        matches!(self.sending, Sending::Round { .. })
    }

    /// Whether updates are sent as they are written.
    #[must_use]
    pub fn takes_updates(&self) -> bool {
        !self.dropped && !matches!(self.sending, Sending::Waiting)
    }

    /// An update found the link full.
    pub fn drop_updates(&mut self) {
        self.dropped = true;
    }

    /// Whether updates were dropped and no round that makes up for them has begun.
    #[must_use]
    pub fn owes_round(&self) -> bool {
        self.dropped && self.is_live()
    }

    /// The peer begins a round: until it ends, its updates vouch for nothing.
    pub fn round_received(&mut self, gossip: &mut Gossip) {
        self.vouched = false;
        self.unvouched_time = 0;
        if planted(Bug::VectorTakenOverEarly)
            && let Some(reported) = &self.reported
        {
            gossip.vector.merge(reported);
        }
    }

    /// The peer's round has ended: its vector is taken over.
    pub fn end_received(&mut self, gossip: &mut Gossip, sender: Origin, vector: &Vector) {
        gossip.merge_times(vector);
        gossip.vector.merge(vector);
        gossip.vector.advance(sender, self.unvouched_time);
        self.vouched = true;
    }

    /// The peer sent an update of its own, already applied.
    pub fn update_received(&mut self, gossip: &mut Gossip, stamp: VersionStamp) {
        if self.vouched {
            gossip.vector.advance(stamp.origin, stamp.time);
        } else {
            self.unvouched_time = stamp.time.max(self.unvouched_time);
        }
    }

    fn is_live(&self) -> bool {
        matches!(self.sending, Sending::Live)
    }
}

impl Keyspace for Gossip {
    fn bytes(&self) -> usize {
        self.versions.bytes()
    }

    fn key_overhead(&self) -> usize {
        self.versions.key_overhead()
    }

    fn scan(&self, cursor: Option<usize>, count: usize) -> (Vec<&[u8]>, Option<usize>) {
        self.versions.scan(cursor, count)
    }

    fn pick(&self, number: u64) -> Option<&[u8]> {
        self.versions.pick(number)
    }

    fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.versions.get(key)
    }

    fn len(&self) -> usize {
        self.versions.len()
    }

    fn live(&self) -> Box<dyn Iterator<Item = (&[u8], &[u8])> + '_> {
        self.versions.live()
    }
}
