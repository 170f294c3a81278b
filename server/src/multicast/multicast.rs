//! The state of the totally ordered multicast at one replica. The module's documentation is the essay.

use super::{Entry, EntryBody, HoldbackQueue, LamportClock, ReplicaId, Stamp, TIME_MAX, View};
use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

/// Why what a peer sent cannot be taken. The link has to be closed; a new handshake mends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiveError {
    /// The sender's entry before the first of this frame has not arrived.
    Gap {
        /// The highest time held of the sender.
        held: u64,
        /// The time that the frame says came before.
        previous: u64,
    },
    /// Times that do not rise, or are beyond [`TIME_MAX`].
    BadTime(u64),
    /// An ack for an entry that this replica never stamped.
    AckAhead {
        /// The acked time.
        time: u64,
        /// The last time stamped here.
        stamped: u64,
    },
    /// A replica that is not a member.
    NotAMember(ReplicaId),
}

impl fmt::Display for ReceiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gap { held, previous } => {
                write!(
                    f,
                    "gap: the frame follows time {previous}, only {held} is held"
                )
            }
            Self::BadTime(time) => write!(f, "time {time} does not rise or is out of range"),
            Self::AckAhead { time, stamped } => {
                write!(
                    f,
                    "ack of time {time}, but the last time stamped here is {stamped}"
                )
            }
            Self::NotAMember(replica) => write!(f, "replica {replica} is not a member"),
        }
    }
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
    acked: Vec<Vec<u64>>,
    /// Own entries that some other member has not acked.
    retained: VecDeque<Entry>,
    last_delivered: Option<Stamp>,
}

impl Multicast {
    /// At the start, nothing sent, nothing held.
    #[must_use]
    pub fn new(me: ReplicaId, view: View) -> Self {
        let members = view.members().len();
        Self {
            me,
            view,
            clock: LamportClock::default(),
            queue: HoldbackQueue::default(),
            held: vec![0; members],
            acked: vec![vec![0; members]; members],
            retained: VecDeque::new(),
            last_delivered: None,
        }
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
    /// A [`ReceiveError`]; entries before the faulty one have been taken.
    pub fn receive(
        &mut self,
        origin: ReplicaId,
        previous: u64,
        entries: impl IntoIterator<Item = (u64, EntryBody)>,
        now: Duration,
    ) -> Result<usize, ReceiveError> {
        let place = self.place(origin)?;
        if previous > self.held[place] {
            return Err(ReceiveError::Gap {
                held: self.held[place],
                previous,
            });
        }
        let (mut last, mut taken) = (previous, 0);
        for (time, body) in entries {
            if time <= last || time > TIME_MAX {
                return Err(ReceiveError::BadTime(time));
            }
            last = time;
            if time <= self.held[place] {
                continue;
            }
            self.clock.merge(time);
            self.held[place] = time;
            self.acked[place][place] = time;
            self.queue.push(
                Entry {
                    stamp: Stamp::new(time, origin),
                    body,
                },
                now,
            );
            taken += 1;
        }
        Ok(taken)
    }

    /// Notes that `from` holds every entry of `origin` up to `time`. Repeated and late acks change
    /// nothing, early ones are kept.
    ///
    /// # Errors
    /// A [`ReceiveError`] if one of them is no member, or the ack is for what was never stamped here.
    pub fn acknowledge(
        &mut self,
        from: ReplicaId,
        origin: ReplicaId,
        time: u64,
    ) -> Result<(), ReceiveError> {
        let (from, origin_place) = (self.place(from)?, self.place(origin)?);
        if origin == self.me && time > self.held[origin_place] {
            return Err(ReceiveError::AckAhead {
                time,
                stamped: self.held[origin_place],
            });
        }
        let acked = &mut self.acked[from][origin_place];
        *acked = time.max(*acked);
        if origin == self.me {
            self.release();
        }
        Ok(())
    }

    /// Takes the head out of the queue if every other member is known to hold it. To be called in a loop
    /// after each event that could make the head deliverable.
    pub fn pop_deliverable(&mut self) -> Option<Entry> {
        let head = self.queue.head()?.stamp;
        let origin = self.view.place(head.replica)?;
        let me = self.view.place(self.me);
        let held_by_all = (0..self.acked.len())
            .all(|member| Some(member) == me || self.acked[member][origin] >= head.time);
        if !held_by_all {
            return None;
        }
        debug_assert!(self.last_delivered < Some(head), "delivery in stamp order");
        self.last_delivered = Some(head);
        self.queue.pop()
    }

    /// The other members that are not known to hold the entry with this stamp, in id order.
    #[must_use]
    pub fn waits_for(&self, stamp: Stamp) -> Vec<ReplicaId> {
        let Some(origin) = self.view.place(stamp.replica) else {
            return Vec::new();
        };
        let members = self.view.members().iter().zip(&self.acked);
        members
            .filter(|&(&member, acked)| member != self.me && acked[origin] < stamp.time)
            .map(|(&member, _)| member)
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
            (Some(member), Some(origin)) => self.acked[member][origin],
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
        let others = self
            .acked
            .iter()
            .enumerate()
            .filter(|(member, _)| *member != me);
        let by_all = others.map(|(_, acked)| acked[me]).min().unwrap_or(u64::MAX);
        while self
            .retained
            .front()
            .is_some_and(|entry| entry.stamp.time <= by_all)
        {
            self.retained.pop_front();
        }
    }
}
