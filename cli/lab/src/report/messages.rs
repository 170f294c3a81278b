//! Frames between replicas: each one that was sent, paired with the moment it was received, if it was.

use super::entries::{Entries, EntryId};
use super::trace::{Frame, FrameKind, Trace, What};
use std::collections::HashMap;

/// One frame's way from one replica to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) kind: FrameKind,
    pub(super) from: u16,
    pub(super) to: u16,
    /// When it was sent: wall time, in nanoseconds. None if the sender's trace does not have it.
    pub(super) sent: Option<u64>,
    /// When it was received. None if it never was.
    pub(super) received: Option<u64>,
    /// The entry that it carries or acknowledges.
    pub(super) entry: Option<EntryId>,
}

/// How much later than it was received a frame may seem to have been sent: a replica looks at its clock
/// once a turn.
const SLACK: u64 = 20_000_000;

/// Both ends of one direction of a link.
#[derive(Default)]
struct Direction {
    sent: Vec<(u64, Frame)>,
    received: Vec<(u64, Frame)>,
}

/// All frames, in the order of the moments at which they were sent.
pub(super) fn messages(traces: &[Trace], entries: &Entries) -> Vec<Message> {
    let mut directions: HashMap<(u16, u16), Direction> = HashMap::new();
    for trace in traces {
        for event in &trace.events {
            match event.what {
                What::Send(frame) => {
                    let link = directions.entry((trace.replica, frame.peer)).or_default();
                    link.sent.push((event.wall, frame));
                }
                What::Receive(frame) => {
                    let link = directions.entry((frame.peer, trace.replica)).or_default();
                    link.received.push((event.wall, frame));
                }
                _ => {}
            }
        }
    }
    let mut messages = Vec::new();
    for ((from, to), link) in directions {
        let message = |(frame, sent, received): Paired| Message {
            kind: frame.kind,
            from,
            to,
            sent,
            received,
            entry: frame.stamp.and_then(|stamp| entries.id(stamp)),
        };
        messages.extend(link.pair().into_iter().map(message));
    }
    messages.sort_by_key(|message| {
        let began = message.sent.or(message.received);
        (began, message.from, message.to, message.received)
    });
    messages
}

/// A frame, when it was sent and when it was received.
type Paired = (Frame, Option<u64>, Option<u64>);

impl Direction {
    /// Pairs from the end: a link keeps its order, and of a frame that was sent twice because a connection
    /// broke, the later one arrived.
    fn pair(&self) -> Vec<Paired> {
        let mut places: HashMap<(FrameKind, Option<_>), Vec<usize>> = HashMap::new();
        for (place, (_, frame)) in self.sent.iter().enumerate() {
            places
                .entry((frame.kind, frame.stamp))
                .or_default()
                .push(place);
        }
        let mut bound = self.sent.len();
        let mut arrivals: Vec<Option<u64>> = vec![None; self.sent.len()];
        let mut paired: Vec<Paired> = Vec::new();
        for (received, frame) in self.received.iter().rev() {
            // Entries of a round are sent along with the frame that starts it.
            let (kind, stamp) = match frame.kind {
                FrameKind::Entry => (FrameKind::Round, None),
                kind => (kind, frame.stamp),
            };
            let fits = |place: &usize| {
                *place < bound && self.sent[*place].0 <= received.saturating_add(SLACK)
            };
            let sent = places.get_mut(&(kind, stamp)).and_then(|places| {
                while places.last().is_some_and(|last| !fits(last)) {
                    places.pop();
                }
                places.last().copied()
            });
            match sent {
                Some(place) if frame.kind != FrameKind::Entry => {
                    arrivals[place] = Some(*received);
                    bound = place;
                }
                _ => paired.push((*frame, sent.map(|at| self.sent[at].0), Some(*received))),
            }
        }
        for ((sent, frame), received) in self.sent.iter().zip(arrivals) {
            paired.push((*frame, Some(*sent), received));
        }
        paired
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::{trace, walls};

    fn between(first: &[(&str, &str, u64)], second: &[(&str, &str, u64)]) -> Vec<Message> {
        let traces = [trace(1, first), trace(2, second)];
        messages(&traces, &Entries::gather(&traces, &[]))
    }

    #[test]
    fn each_frame_sent_finds_its_arrival() {
        let found = between(
            &[
                ("send MCAST 2", "1.1", 10),
                ("send MCAST 2", "2.1", 11),
                ("receive ACK 2", "1.1", 30),
            ],
            &[
                ("receive MCAST 1", "1.1", 20),
                ("send ACK 1", "1.1", 20),
                ("receive MCAST 1", "2.1", 22),
            ],
        );
        assert_eq!(
            walls(&found),
            [
                ("MCAST", Some(10), Some(20)),
                ("MCAST", Some(11), Some(22)),
                ("ACK", Some(20), Some(30)),
            ]
        );
        assert_eq!(found[0].entry, found[2].entry);
    }

    #[test]
    fn of_a_frame_sent_again_after_a_break_the_first_is_lost() {
        let second = SLACK * 4;
        let found = between(
            &[
                ("send MCAST 2", "1.1", 10),
                ("send MCAST 2", "1.1", second),
                ("send MCAST 2", "2.1", second + 1),
            ],
            &[
                ("receive MCAST 1", "1.1", second + 5),
                ("receive MCAST 1", "2.1", second + 6),
            ],
        );
        assert_eq!(
            walls(&found),
            [
                ("MCAST", Some(10), None),
                ("MCAST", Some(second), Some(second + 5)),
                ("MCAST", Some(second + 1), Some(second + 6)),
            ]
        );
    }

    #[test]
    fn a_repeat_that_was_lost_is_not_taken_for_what_arrived_before() {
        let later = SLACK * 4;
        let found = between(
            &[("send ACK 2", "1.2", 10), ("send ACK 2", "1.2", later)],
            &[("receive ACK 1", "1.2", 15)],
        );
        assert_eq!(
            walls(&found),
            [("ACK", Some(10), Some(15)), ("ACK", Some(later), None)]
        );
    }

    #[test]
    fn an_arrival_whose_sender_has_no_trace_of_it_stands_alone() {
        let found = between(
            &[("send MCAST 2", "2.1", 30)],
            &[
                ("receive MCAST 1", "1.1", 20),
                ("receive MCAST 1", "2.1", 31),
            ],
        );
        assert_eq!(
            walls(&found),
            [("MCAST", None, Some(20)), ("MCAST", Some(30), Some(31))]
        );
    }

    #[test]
    fn entries_of_a_round_come_from_where_it_started() {
        let found = between(
            &[("send ROUND 2", "", 30)],
            &[
                ("receive ROUND 1", "", 31),
                ("receive ENTRY 1", "1.1", 32),
                ("receive ENTRY 1", "2.1", 33),
            ],
        );
        assert_eq!(
            walls(&found),
            [
                ("ROUND", Some(30), Some(31)),
                ("ENTRY", Some(30), Some(32)),
                ("ENTRY", Some(30), Some(33)),
            ]
        );
    }
}
