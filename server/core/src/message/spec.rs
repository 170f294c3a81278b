//! The peer protocol as documentation.

/// How `protocol.md` describes one frame.
#[derive(Clone, Copy, Debug)]
pub struct MessageSpec {
    /// The frame's name.
    pub name: &'static str,
    /// What follows the name.
    pub arguments: &'static str,
    /// Who sends it, and when.
    pub sent: &'static str,
    /// What the receiver may conclude.
    pub meaning: &'static str,
}

/// Every frame between replicas.
pub const MESSAGES: &[MessageSpec] = &[
    MessageSpec {
        name: "PEER",
        arguments: "version= id= to= incarnation= cluster= consistency= max-key= max-value= max-entry= known= have= [refused=]",
        sent: "the dialling replica (the one with the higher id) as its first frame; the other one in answer, \
               after it has closed any older connection with the same peer",
        meaning: "the sender is replica `id` in this incarnation, was set up as `cluster` to `max-entry` say, and \
                  takes the receiver for replica `to`. `known` is the receiver's incarnation that it has exchanged \
                  entries with (0: none). It holds every entry that the receiver stamped up to `have` (0: none), so \
                  the receiver sends those above again. It is not an ack. With `refused` the sender serves no data, and says why. In the eventual model `known` and `have` \
                  are 0",
    },
    MessageSpec {
        name: "REFUSE",
        arguments: "restarted|mismatch|protocol reason",
        sent: "either end, in place of what it cannot accept; the connection is closed behind it",
        meaning: "why there is no link. `restarted`: the receiver's incarnation is refused for good, so it serves no \
                  data. `mismatch`: the two were set up differently. `protocol`: a frame was out of place, and a new \
                  connection may mend it",
    },
    MessageSpec {
        name: "MCAST",
        arguments: "previous (time shape word...)...",
        sent: "the origin of the entries, at the end of the turn in which it stamped them, and again after a \
               reconnect if the peer's `have` is lower",
        meaning: "these are all entries of the sender between its own time `previous` and the last one here. The \
                  sender holds them. If `previous` is above what the receiver holds, frames are missing, and it \
                  closes the link",
    },
    MessageSpec {
        name: "ACK",
        arguments: "stamp[@incarnation]...",
        sent: "a replica that received an MCAST, to every other one, at the end of the turn, behind its own MCASTs; \
               and for every origin after a reconnect, behind what it resent",
        meaning: "for each `T.R@I`: the sender holds every entry of replica R, in its incarnation I, up to time T, and \
                  all it stamps from now on is larger than T. `@I` is left out if R is the receiver. An ack for another \
                  incarnation than the one that the receiver is linked with counts for nothing",
    },
    MessageSpec {
        name: "HEARTBEAT",
        arguments: "token [position order data] [full]",
        sent: "both ends, every 500 ms (a quarter of --link-timeout, if that is less), and when `full` comes or goes; \
               never delayed by FAULT DELAY",
        meaning: "the sender is alive. Answer with HEARTBEATACK and the same token at once. After `position` entries \
                  its order has the digest `order`, and its data, with the positions of their last changes, have the \
                  digest `data`: a receiver that has others there differs from it. In the eventual model `position` is 0, \
                  `order` the digest of its vector, `data` that of the live keys; left out while it holds entries that \
                  the vector does not cover. With `full` it holds back more than `--max-queue`, and the receiver is \
                  to stamp nothing until a heartbeat comes without it",
    },
    MessageSpec {
        name: "HEARTBEATACK",
        arguments: "token",
        sent: "the receiver of a HEARTBEAT, at once",
        meaning: "the round trip took as long as the token is old",
    },
    MessageSpec {
        name: "UPDATE",
        arguments: "time key [value]",
        sent: "eventual model: a replica that changed a key for a client, on every link that is in a round or behind \
               one; dropped where the link is full, which is then owed a round. Without a value the key was deleted",
        meaning: "the sender wrote this. Behind an END (and no later ROUND) of this connection, the receiver also \
                  holds everything the sender wrote up to `time`",
    },
    MessageSpec {
        name: "VECTOR",
        arguments: "digest (replica incarnation time)...",
        sent: "eventual model: both ends after the handshake, and as often as HEARTBEAT",
        meaning: "for each triple: the sender holds all that this incarnation of this replica wrote up to `time`. \
                  Whatever the receiver holds beyond is owed to the sender. `digest` is that of the sender's data, \
                  with a `+` behind it while it holds entries that its vector does not cover",
    },
    MessageSpec {
        name: "ROUND",
        arguments: "",
        sent: "eventual model: the sender of a round, when it begins",
        meaning: "entries follow that the receiver's last VECTOR did not cover; until END, an UPDATE says nothing \
                  about those before it",
    },
    MessageSpec {
        name: "ENTRY",
        arguments: "time replica incarnation key [value]",
        sent: "eventual model: within a round, for each entry owed, whoever wrote it",
        meaning: "that origin wrote this at that time",
    },
    MessageSpec {
        name: "END",
        arguments: "(replica incarnation time)...",
        sent: "eventual model: the sender of a round, when all of it is sent; the vector is from when it began",
        meaning: "the receiver now holds all that the vector covers",
    },
    MessageSpec {
        name: "CONFIRM",
        arguments: "token",
        sent: "eventual model: a replica that wants to drop tombstones which every other one has reported to hold",
        meaning: "answer with CONFIRMED and the same token",
    },
    MessageSpec {
        name: "CONFIRMED",
        arguments: "token",
        sent: "the receiver of a CONFIRM, at once",
        meaning: "the sender is still in the incarnation that reported; when all others have answered, the \
                  tombstones may be dropped",
    },
];
