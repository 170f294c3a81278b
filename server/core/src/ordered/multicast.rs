//! The state of the totally ordered multicast at one replica. The module's documentation is the essay.

use super::{HoldbackQueue, LamportClock, ReceiveError, View};
use crate::bugs::{Bug, planted};
use crate::entry::{Entry, EntryBody};
use crate::ids::{Ack, ReplicaId, Stamp, TIME_MAX};
use std::collections::VecDeque;
use std::time::Duration;

/// How far a time may be ahead: one that is received of the own clock, and one that is issued of the last delivery. See
/// the module's documentation.
const AHEAD_MAX: u64 = 1 << 40;

/// Up to which time a replica is known to hold an origin's entries, and of which incarnation of it.
#[derive(Clone, Copy, Debug, Default)]
struct Known {
    time: u64,
    incarnation: u64,
}

/// One replica's part in the multicast.
///
/// *Invariants.* Stamps issued rise strictly. `held` and `acked` never fall. The own entries retained are
/// those that some other member has not acked, in stamp order, and all of them are undelivered. Entries
/// are delivered in stamp order.
#[derive(Debug)]
pub struct Multicast {
    me: ReplicaId,
    view: View,
    clock: LamportClock,
    queue: HoldbackQueue,
    /// By origin: the highest time up to which this replica holds its entries.
    held: Vec<u64>,
    /// By replica, by origin: the highest time up to which that replica is known to hold its entries.
    acked: Vec<Vec<Known>>,
    /// By origin: the time up to which every other member is known to hold its entries, in the incarnation that takes
    /// part. It follows from `acked` and `incarnations`.
    covered: Vec<u64>,
    /// By origin: the incarnation whose entries are taken; 0 for the own one, and before it is known.
    incarnations: Vec<u64>,
    /// Some member holds entries of another incarnation of an origin than the one that takes part here, so
    /// that one has restarted and completed entries may be lost: nothing is delivered.
    disputed: bool,
    /// Own entries that some other member has not acked.
    retained: VecDeque<Entry>,
    last_delivered: Option<Stamp>,
    #[cfg(feature = "deliberate-bugs")]
    counted: std::collections::BTreeMap<Stamp, usize>,
}

impl Multicast {
    /// At the start, nothing sent, nothing held.
    #[must_use]
    pub fn new(me: ReplicaId, view: View) -> Self {
        let members = view.members().len();
        let mut multicast = Self {
            me,
            view,
            clock: LamportClock::default(),
            queue: HoldbackQueue::default(),
            held: vec![0; members],
            acked: vec![vec![Known::default(); members]; members],
            covered: vec![0; members],
            incarnations: vec![0; members],
            disputed: false,
            retained: VecDeque::new(),
            last_delivered: None,
            #[cfg(feature = "deliberate-bugs")]
            counted: Default::default(),
        };
        (0..members).for_each(|origin| multicast.cover(origin));
        multicast
    }

    /// Notes which incarnation of an origin takes part. It changes only while nothing was exchanged with
    /// an earlier one.
    pub fn meet(&mut self, origin: ReplicaId, incarnation: u64) {
        if let Some(place) = self.view.place(origin) {
            self.incarnations[place] = incarnation;
            self.cover(place);
            self.look_for_disputes();
        }
    }

    /// The incarnation of an origin that takes part; 0 before it is known.
    #[must_use]
    pub fn incarnation(&self, origin: ReplicaId) -> u64 {
        let place = self.view.place(origin);
        place.map_or(0, |place| self.incarnations[place])
    }

    /// The origins of which some member holds entries of another incarnation than the one that takes part. As long as
    /// there is one, nothing is delivered.
    #[must_use]
    pub fn disputed(&self) -> Vec<ReplicaId> {
        if !self.disputed {
            return Vec::new();
        }
        let members = self.view.members().iter().zip(&self.incarnations);
        let disputed = members.filter(|&(&origin, &incarnation)| {
            incarnation != 0 && self.holder_of_another(origin, incarnation).is_some()
        });
        disputed.map(|(&origin, _)| origin).collect()
    }

    /// A member that holds entries of another incarnation of an origin than this one.
    #[must_use]
    pub fn holder_of_another(&self, origin: ReplicaId, incarnation: u64) -> Option<ReplicaId> {
        let place = self.view.place(origin)?;
        let is_another = |known: &Known| known.time > 0 && known.incarnation != incarnation;
        let mut members = self.view.members().iter().zip(&self.acked);
        members
            .find(|(member, known)| **member != origin && is_another(&known[place]))
            .map(|(member, _)| *member)
    }

    /// Accepts an entry: stamps it, pushes it to the own queue, retains it for every other member.
    /// Afterwards the caller owes it to every link, and delivers what can be delivered.
    pub fn stamp(&mut self, body: EntryBody, now: Duration) -> Stamp {
        let stamp = Stamp::new(self.clock.tick(), self.me);
        let entry = Entry { stamp, body };
        if self.view.members().len() > 1 {
            self.retained.push_back(entry.clone());
        }
        self.queue.push(entry, now);
        if let Some(place) = self.view.place(self.me) {
            self.held[place] = stamp.time;
        }
        stamp
    }

    /// Takes entries of `origin` that follow its own time `previous`, in rising order; those held already
    /// are dropped. Returns how many were new. Afterwards the caller owes an ack for `origin` to every
    /// other member, and delivers what can be delivered.
    ///
    /// # Errors
    /// A [`ReceiveError`]; nothing has changed.
    pub fn receive(
        &mut self,
        origin: ReplicaId,
        previous: u64,
        entries: impl IntoIterator<Item = (u64, EntryBody)> + AsRef<[(u64, EntryBody)]>,
        now: Duration,
    ) -> Result<usize, ReceiveError> {
        let place = self.place(origin)?;
        if previous > self.held[place] {
            return Err(ReceiveError::Gap {
                held: self.held[place],
                previous,
            });
        }
        self.check_times(previous, entries.as_ref())?;
        let mut taken = 0;
        for (time, body) in entries {
            if time <= self.held[place] && !planted(Bug::ResentAppliedTwice) {
                continue;
            }
            if !planted(Bug::ClockMergedAtDelivery) {
                self.clock.merge(time);
            }
            self.held[place] = time.max(self.held[place]);
            let stamp = Stamp::new(time, origin);
            self.queue.push(Entry { stamp, body }, now);
            taken += 1;
        }
        if taken > 0 {
            self.acked[place][place] = Known {
                time: self.held[place],
                incarnation: self.incarnations[place],
            };
            self.cover(place);
        }
        Ok(taken)
    }

    /// Whether an entry may be stamped now: the clock is not further ahead of what was delivered than others take. The
    /// module's documentation says why.
    #[inline]
    #[must_use]
    pub fn may_stamp(&self) -> bool {
        let delivered = self.last_delivered.map_or(0, |stamp| stamp.time);
        self.clock.time() < delivered.saturating_add(AHEAD_MAX).min(TIME_MAX)
    }

    /// Whether times behind `previous` rise, and end where a replica can be.
    fn check_times(&self, previous: u64, entries: &[(u64, EntryBody)]) -> Result<(), ReceiveError> {
        let mut last = previous;
        for (time, _) in entries {
            if *time <= last {
                return Err(ReceiveError::BadTime(*time));
            }
            last = *time;
        }
        let clock = self.clock.time();
        if last > clock.saturating_add(AHEAD_MAX).min(TIME_MAX) {
            return Err(ReceiveError::Ahead { time: last, clock });
        }
        Ok(())
    }

    /// Notes what `from` says it holds. Repeated and late acks change nothing, early ones are kept.
    ///
    /// # Errors
    /// A [`ReceiveError`] if one of them is no member, or the ack is for what was never stamped here.
    pub fn acknowledge(&mut self, from: ReplicaId, ack: Ack) -> Result<(), ReceiveError> {
        let Stamp { time, replica } = ack.stamp;
        let (from, origin) = (self.place(from)?, self.place(replica)?);
        let is_own = replica == self.me;
        if is_own && time > self.held[origin] {
            return Err(ReceiveError::AckAhead {
                time,
                stamped: self.held[origin],
            });
        }
        #[cfg(feature = "deliberate-bugs")]
        self.count_ack(ack.stamp);
        let incarnation = if is_own { Some(0) } else { ack.incarnation };
        let incarnation = incarnation.ok_or(ReceiveError::NoIncarnation(ack.stamp))?;
        let known = &mut self.acked[from][origin];
        if known.incarnation != incarnation || known.time < time {
            *known = Known { time, incarnation };
            self.cover(origin);
        }
        if incarnation != self.incarnations[origin] {
            self.look_for_disputes();
        }
        if is_own {
            self.release();
        }
        Ok(())
    }

    /// Takes the head out of the queue if every other member is known to hold it. To be called in a loop
    /// after each event that could make the head deliverable.
    #[inline]
    pub fn pop_deliverable(&mut self) -> Option<Entry> {
        let head = self.queue.head_stamp().filter(|_| !self.disputed)?;
        let origin = self.view.place(head.replica)?;
        let mut held_by_all = head.time <= self.covered[origin];
        if planted(Bug::DeliveredWithoutAllAcks) {
            let me = self.view.place(self.me);
            let holds =
                |&member: &usize| Some(member) == me || self.is_held_by(member, origin, head.time);
            held_by_all = (0..self.acked.len()).filter(holds).count() * 2 > self.acked.len();
        }
        #[cfg(feature = "deliberate-bugs")]
        if planted(Bug::AcksCounted) {
            held_by_all = self.is_counted_out(head);
        }
        if !held_by_all {
            return None;
        }
        debug_assert!(
            crate::bugs::COMPILED_IN || self.last_delivered < Some(head),
            "delivery in stamp order"
        );
        if planted(Bug::ClockMergedAtDelivery) {
            self.clock.merge(head.time);
        }
        self.last_delivered = Some(head);
        self.queue.pop()
    }

    /// The other members that are not known to hold the entry with this stamp, in id order.
    #[must_use]
    pub fn waits_for(&self, stamp: Stamp) -> Vec<ReplicaId> {
        let Some(origin) = self.view.place(stamp.replica) else {
            return Vec::new();
        };
        let members = self.view.members().iter().enumerate();
        members
            .filter(|&(place, &member)| {
                member != self.me && !self.is_held_by(place, origin, stamp.time)
            })
            .map(|(_, &member)| member)
            .collect()
    }

    /// Own entries above a time, in stamp order, as far as they are retained: those that a peer may still
    /// need that holds everything up to `time`.
    pub fn own_above(&self, time: u64) -> impl Iterator<Item = &Entry> {
        let start = self
            .retained
            .partition_point(|entry| entry.stamp.time <= time);
        self.retained.range(start..)
    }

    /// The highest time up to which this replica holds the entries of `origin`; 0 if none.
    #[must_use]
    pub fn held(&self, origin: ReplicaId) -> u64 {
        self.view.place(origin).map_or(0, |place| self.held[place])
    }

    /// The highest time up to which `member` is known to hold the entries of `origin`; 0 if none.
    #[must_use]
    pub fn acked(&self, member: ReplicaId, origin: ReplicaId) -> u64 {
        match (self.view.place(member), self.view.place(origin)) {
            (Some(member), Some(origin)) => self.acked[member][origin].time,
            _ => 0,
        }
    }

    /// The queue, to look at.
    #[must_use]
    pub fn queue(&self) -> &HoldbackQueue {
        &self.queue
    }

    /// The clock's time.
    #[must_use]
    pub fn time(&self) -> u64 {
        self.clock.time()
    }

    /// Who takes part.
    #[must_use]
    pub fn view(&self) -> &View {
        &self.view
    }

    fn look_for_disputes(&mut self) {
        self.disputed = true;
        self.disputed = !self.disputed().is_empty();
    }

    /// What this replica would ack of an origin's entries to another replica.
    #[must_use]
    pub fn ack_for(&self, origin: ReplicaId, receiver: ReplicaId) -> Ack {
        let place = self.view.place(origin);
        Ack {
            stamp: Stamp::new(self.held(origin), origin),
            incarnation: place
                .filter(|_| origin != receiver)
                .map(|place| self.incarnations[place]),
        }
    }

    /// Whether a member is known to hold an origin's entry, in the incarnation that takes part here: what it
    /// holds of another one, under the same stamps, may be something else.
    fn is_held_by(&self, member: usize, origin: usize, time: u64) -> bool {
        let known = self.acked[member][origin];
        known.incarnation == self.incarnations[origin] && known.time >= time
    }

    /// See [`Bug::AcksCounted`].
    #[cfg(feature = "deliberate-bugs")]
    fn count_ack(&mut self, acked: Stamp) {
        let entries = self.queue.first(usize::MAX);
        let counted = entries.iter().map(|entry| entry.stamp);
        let counted = counted.filter(|s| s.replica == acked.replica && s.time <= acked.time);
        for stamp in counted.collect::<Vec<_>>() {
            *self.counted.entry(stamp).or_default() += 1;
        }
    }

    #[cfg(feature = "deliberate-bugs")]
    fn is_counted_out(&self, head: Stamp) -> bool {
        let needed = self.acked.len() - 1 - usize::from(head.replica != self.me);
        self.counted.get(&head).copied().unwrap_or(0) >= needed
    }

    /// See [`Bug::PipelinedWritesSwapped`].
    #[cfg(feature = "deliberate-bugs")]
    pub(crate) fn swap_with_next(&mut self, first: u64, second: u64) {
        let (first, second) = (Stamp::new(first, self.me), Stamp::new(second, self.me));
        self.queue.swap_bodies(first, second);
        let at = |stamp| self.retained.iter().position(|entry| entry.stamp == stamp);
        if let (Some(first), Some(second)) = (at(first), at(second)) {
            let body = self.retained[first].body.clone();
            self.retained[first].body = std::mem::replace(&mut self.retained[second].body, body);
        }
    }

    fn place(&self, member: ReplicaId) -> Result<usize, ReceiveError> {
        self.view
            .place(member)
            .ok_or(ReceiveError::NotAMember(member))
    }

    /// Lets go of own entries that every other member has acked.
    fn release(&mut self) {
        let Some(me) = self.view.place(self.me) else {
            return;
        };
        let by_all = self.covered[me];
        while self
            .retained
            .front()
            .is_some_and(|entry| entry.stamp.time <= by_all)
        {
            self.retained.pop_front();
        }
    }

    /// Works out anew how far an origin's entries are held by all.
    fn cover(&mut self, origin: usize) {
        let (me, incarnation) = (self.view.place(self.me), self.incarnations[origin]);
        let others = self.acked.iter().enumerate();
        let held = others
            .filter(|(member, _)| Some(*member) != me)
            .map(|(_, acked)| match acked[origin] {
                known if known.incarnation == incarnation => known.time,
                _ => 0,
            });
        self.covered[origin] = held.min().unwrap_or(u64::MAX);
    }
}
