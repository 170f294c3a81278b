//! Deliberate bugs, to prove that the simulator finds bugs.
//!
//! They are compiled in only by the feature `deliberate-bugs`, which nothing but a build into a target folder
//! of its own ever asks for. Without it [`planted`] is `false` at compile time, and each site that asks is
//! compiled to nothing. With it, at most one bug is planted at a time, by `plant`, for the calling thread.
//! Every bug breaks a rule that the design states; the place that asks for it says which in its own words.

#[cfg(feature = "deliberate-bugs")]
use std::cell::Cell;

/// Whether this program can have deliberate bugs at all.
pub const COMPILED_IN: bool = cfg!(feature = "deliberate-bugs");

/// What a program says at its start that can have them.
pub const WARNING: Option<&str> = if COMPILED_IN {
    Some("this program was built with deliberate-bugs: never rely on it")
} else {
    None
};

/// A rule of the protocol, broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// An entry is delivered as soon as a majority holds it.
    DeliveredWithoutAllAcks,
    /// An entry is acked at receipt, and its time merged into the clock only when it is delivered.
    ClockMergedAtDelivery,
    /// Of two entries with the same time the one that arrived first goes first.
    TiesBrokenByArrival,
    /// A local read does not wait for its connection's own write.
    ReadBeforeOwnWrite,
    /// A local read is evaluated after its connection's next write was applied.
    ReadAfterNextWrite,
    /// The ack vector is not sent after a reconnect.
    AckLostOnReconnect,
    /// After a reconnect everything retained is sent again, and what is held already is taken again.
    ResentAppliedTwice,
    /// Acks are counted by the frame: a repeated one counts twice, an early one is forgotten.
    AcksCounted,
    /// What a peer's handshake says it has counts as acked.
    HaveTakenAsAck,
    /// At the end of a turn ACKs go out before the MCASTs stamped in it.
    AckOvertakesMcast,
    /// After a reconnect live traffic goes out first, and what the peer lacks is left for later.
    LiveBeforeResend,
    /// The result of a write that was given up answers the connection's next command.
    LateReplyToNextCommand,
    /// A tombstone is dropped once all have reported it, without asking again.
    TombstoneDroppedAfterOneStep,
    /// The hybrid clock ignores the times that it receives.
    HybridClockNotMerged,
    /// The sender's vector is taken over when a round begins.
    VectorTakenOverEarly,
    /// A SET is answered when it is stamped.
    ReplyAtSend,
    /// Two writes that a connection pipelines change places.
    PipelinedWritesSwapped,
    /// Only the replica whose client waits for a transaction looks at what it WATCHes.
    WatchDecidedByOrigin,
    /// A connection that becomes a link keeps the limits of a client's frames.
    LimitsKeptOnLink,
    /// What was read behind the frame at which a connection is held up is not kept.
    InputLostAtHoldUp,
    /// The end of the input is handed in although frames are left that came before it.
    EndOvertakesFrames,
    /// One replica applies an entry in another way than the others.
    AppliedDifferently,
    /// Output is shut down although the last replies are not written yet.
    ShutBeforeLastReply,
}

/// Whether a bug is planted: never, in this build.
#[cfg(not(feature = "deliberate-bugs"))]
#[inline(always)]
pub(crate) const fn planted(_bug: Bug) -> bool {
    false
}

#[cfg(feature = "deliberate-bugs")]
thread_local! {
    static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
}

/// Whether a bug is planted in this thread.
#[cfg(feature = "deliberate-bugs")]
#[inline]
pub(crate) fn planted(bug: Bug) -> bool {
    PLANTED.get() == Some(bug)
}

/// Plants a bug in all replicas that the calling thread runs, in the place of any other.
#[cfg(feature = "deliberate-bugs")]
pub fn plant(bug: Option<Bug>) {
    PLANTED.set(bug);
}

#[cfg(feature = "deliberate-bugs")]
impl Bug {
    /// All of them, in the order of the models: first those of the ordered ones, last those of all.
    pub const ALL: [Self; 23] = [
        Self::DeliveredWithoutAllAcks,
        Self::ClockMergedAtDelivery,
        Self::TiesBrokenByArrival,
        Self::AckLostOnReconnect,
        Self::ResentAppliedTwice,
        Self::AcksCounted,
        Self::HaveTakenAsAck,
        Self::AckOvertakesMcast,
        Self::LiveBeforeResend,
        Self::LateReplyToNextCommand,
        Self::PipelinedWritesSwapped,
        Self::WatchDecidedByOrigin,
        Self::ReadBeforeOwnWrite,
        Self::ReadAfterNextWrite,
        Self::ReplyAtSend,
        Self::TombstoneDroppedAfterOneStep,
        Self::HybridClockNotMerged,
        Self::VectorTakenOverEarly,
        Self::LimitsKeptOnLink,
        Self::InputLostAtHoldUp,
        Self::EndOvertakesFrames,
        Self::ShutBeforeLastReply,
        Self::AppliedDifferently,
    ];

    /// Its name on a command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DeliveredWithoutAllAcks => "delivered-without-all-acks",
            Self::ClockMergedAtDelivery => "clock-merged-at-delivery",
            Self::TiesBrokenByArrival => "ties-broken-by-arrival",
            Self::ReadBeforeOwnWrite => "read-before-own-write",
            Self::ReadAfterNextWrite => "read-after-next-write",
            Self::AckLostOnReconnect => "ack-lost-on-reconnect",
            Self::ResentAppliedTwice => "resent-applied-twice",
            Self::AcksCounted => "acks-counted",
            Self::HaveTakenAsAck => "have-taken-as-ack",
            Self::AckOvertakesMcast => "ack-overtakes-mcast",
            Self::LiveBeforeResend => "live-before-resend",
            Self::LateReplyToNextCommand => "late-reply-to-next-command",
            Self::TombstoneDroppedAfterOneStep => "tombstone-dropped-after-one-step",
            Self::HybridClockNotMerged => "hybrid-clock-not-merged",
            Self::VectorTakenOverEarly => "vector-taken-over-early",
            Self::ReplyAtSend => "reply-at-send",
            Self::PipelinedWritesSwapped => "pipelined-writes-swapped",
            Self::WatchDecidedByOrigin => "watch-decided-by-origin",
            Self::LimitsKeptOnLink => "limits-kept-on-link",
            Self::InputLostAtHoldUp => "input-lost-at-hold-up",
            Self::EndOvertakesFrames => "end-overtakes-frames",
            Self::AppliedDifferently => "applied-differently",
            Self::ShutBeforeLastReply => "shut-before-last-reply",
        }
    }

    /// The models in which it is a bug.
    #[must_use]
    pub fn models(self) -> &'static [crate::consistency::Consistency] {
        use crate::consistency::Consistency::{Eventual, Linearizable, Sequential};
        match self {
            Self::ReadBeforeOwnWrite | Self::ReadAfterNextWrite => &[Sequential],
            Self::ReplyAtSend => &[Linearizable],
            Self::TombstoneDroppedAfterOneStep
            | Self::HybridClockNotMerged
            | Self::VectorTakenOverEarly => &[Eventual],
            Self::InputLostAtHoldUp | Self::EndOvertakesFrames | Self::AppliedDifferently => {
                &[Sequential, Linearizable, Eventual]
            }
            _ => &[Sequential, Linearizable],
        }
    }
}
