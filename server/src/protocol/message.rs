//! The frames between replicas: what each says, who sends it when, and what the receiver may conclude.
//!
//! Peers use the grammar of clients: each frame is a list of words, so that a person can type one. The
//! table [`MESSAGES`] is the documentation; [`Message`] is what the code works with.

use super::arguments::{parse_unsigned, push_bulk, push_bulk_decimal, push_decimal};
use crate::consistency::Consistency;
use crate::eventual::{Origin, Vector, VersionStamp};
use crate::multicast::{Entry, EntryBody, ReplicaId, Stamp};
use crate::order::Digest;
use crate::store::Limits;
use smallvec::SmallVec;
use std::fmt::Write;

/// The version of the peer protocol. Both ends of a link must speak the same.
pub const VERSION: u64 = 1;

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
        arguments: "version= id= to= incarnation= cluster= consistency= max-key= max-value= max-entry= known= have=",
        sent: "the dialling replica (the one with the higher id) as its first frame; the other one in answer, \
               after it has closed any older connection with the same peer",
        meaning: "the sender is replica `id` in this incarnation and was set up alike; it holds every entry that \
                  the receiver's incarnation `known` stamped up to `have` (0: none), so anything above has to be \
                  sent again. It is not an ack",
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
                  sender holds them. If `previous` is above what the receiver holds, frames are missing and it \
                  closes the link",
    },
    MessageSpec {
        name: "ACK",
        arguments: "stamp...",
        sent: "a replica that received an MCAST, to every other one, at the end of the turn, behind its own MCASTs; \
               and for every origin after a reconnect, behind what it resent",
        meaning: "for each stamp `T.R`: the sender holds every entry of replica R up to time T, and all it stamps \
                  from now on is larger than T",
    },
    MessageSpec {
        name: "HEARTBEAT",
        arguments: "token",
        sent: "both ends, every 500 ms; never delayed by FAULT DELAY",
        meaning: "the sender is alive. Answer with HEARTBEATACK and the same token at once",
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
        sent: "eventual model: both ends after connecting and every 500 ms",
        meaning: "for each triple: the sender holds all that this incarnation of this replica wrote up to `time`. \
                  Whatever the receiver holds beyond is owed to the sender. `digest` is that of the sender's data, \
                  or `-` while it holds entries that its vector does not cover",
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

/// The handshake: who the sender is, how it was set up, and what it holds of the receiver's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The protocol version, [`VERSION`].
    pub version: u64,
    /// The sender.
    pub id: ReplicaId,
    /// The replica that the sender believes it is talking to.
    pub to: ReplicaId,
    /// The sender's incarnation.
    pub incarnation: u64,
    /// All addresses, comma-separated, in id order.
    pub cluster: String,
    /// The model.
    pub consistency: Consistency,
    /// What may be stored.
    pub limits: Limits,
    /// The receiver's incarnation with which the sender has exchanged entries; 0 if none.
    pub known: u64,
    /// The highest time that the sender holds of the receiver's own entries.
    pub have: u64,
}

/// Why a replica refuses a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The other end's incarnation is new, and entries were exchanged with an earlier one.
    Restarted,
    /// The two were set up differently.
    Mismatch,
    /// A frame was out of place.
    Protocol,
}

impl Refusal {
    /// The word on the wire.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Restarted => "restarted",
            Self::Mismatch => "mismatch",
            Self::Protocol => "protocol",
        }
    }
}

/// One frame from a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// See [`MESSAGES`], as for all of them.
    Peer(Box<Hello>),
    /// Why, in one word, and the reason for a person.
    Refuse(Refusal, String),
    /// The sender's time before the first entry, and the entries with their times.
    Mcast(u64, Vec<(u64, EntryBody)>),
    /// By origin, up to which time the sender holds its entries.
    Ack(SmallVec<[Stamp; 4]>),
    /// A token.
    Heartbeat(u64),
    /// The token of the heartbeat that it answers.
    HeartbeatAck(u64),
    /// Time, key and value.
    Update(u64, Vec<u8>, Option<Vec<u8>>),
    /// Digest, if there is one, and vector.
    Vector(Option<Digest>, Vector),
    /// A round begins.
    Round,
    /// Stamp, key and value.
    Entry(VersionStamp, Vec<u8>, Option<Vec<u8>>),
    /// A round ends.
    End(Vector),
    /// A token.
    Confirm(u64),
    /// The token of the question that it answers.
    Confirmed(u64),
}

/// Whether a word is the name of a frame that only peers send.
#[must_use]
pub fn is_message_name(word: &[u8]) -> bool {
    MESSAGES
        .iter()
        .any(|spec| spec.name != "PEER" && word.eq_ignore_ascii_case(spec.name.as_bytes()))
}

impl Message {
    /// Understands a frame.
    ///
    /// # Errors
    /// What is wrong with it, for a person.
    pub fn parse(words: &[&[u8]]) -> Result<Self, String> {
        let (name, rest) = words.split_first().ok_or("an empty frame")?;
        let upper = name.to_ascii_uppercase();
        let malformed = || {
            format!(
                "malformed {} frame",
                String::from_utf8_lossy(&upper[..upper.len().min(32)])
            )
        };
        let token = |rest: &[&[u8]]| match rest {
            [token] => parse_unsigned(token).ok_or_else(malformed),
            _ => Err(malformed()),
        };
        Ok(match upper.as_slice() {
            b"MCAST" => parse_mcast(rest).ok_or_else(malformed)?,
            b"ACK" => Self::Ack(
                rest.iter()
                    .map(|word| Stamp::parse(word))
                    .collect::<Option<_>>()
                    .ok_or_else(malformed)?,
            ),
            b"HEARTBEAT" => Self::Heartbeat(token(rest)?),
            b"HEARTBEATACK" => Self::HeartbeatAck(token(rest)?),
            b"PEER" => Self::Peer(Box::new(parse_hello(rest)?)),
            b"REFUSE" => parse_refuse(rest).ok_or_else(malformed)?,
            b"UPDATE" => parse_update(rest).ok_or_else(malformed)?,
            b"ENTRY" => parse_entry(rest).ok_or_else(malformed)?,
            b"VECTOR" => parse_vector_frame(rest).ok_or_else(malformed)?,
            b"ROUND" if rest.is_empty() => Self::Round,
            b"END" => Self::End(parse_vector(rest).ok_or_else(malformed)?),
            b"CONFIRM" => Self::Confirm(token(rest)?),
            b"CONFIRMED" => Self::Confirmed(token(rest)?),
            _ => {
                let words = words.iter().take(8).map(|word| &word[..word.len().min(64)]);
                return Err(format!(
                    "not a peer's frame: {}",
                    super::inline::quote_all(words)
                ));
            }
        })
    }
}

fn parse_refuse(rest: &[&[u8]]) -> Option<Message> {
    let (word, rest) = rest.split_first()?;
    let kinds = [Refusal::Restarted, Refusal::Mismatch, Refusal::Protocol];
    let kind = kinds
        .into_iter()
        .find(|kind| kind.word().as_bytes() == *word)?;
    let reason: Vec<_> = rest
        .iter()
        .map(|word| String::from_utf8_lossy(word))
        .collect();
    Some(Message::Refuse(kind, reason.join(" ")))
}

fn parse_mcast(rest: &[&[u8]]) -> Option<Message> {
    let (previous, mut rest) = rest.split_first()?;
    let mut entries = Vec::new();
    while let Some((time, body)) = rest.split_first() {
        rest = body;
        entries.push((parse_unsigned(time)?, EntryBody::take(&mut rest).ok()?));
    }
    Some(Message::Mcast(parse_unsigned(previous)?, entries))
}

fn parse_update(rest: &[&[u8]]) -> Option<Message> {
    let (time, key, value) = match rest {
        [time, key] => (time, key, None),
        [time, key, value] => (time, key, Some(value.to_vec())),
        _ => return None,
    };
    Some(Message::Update(parse_unsigned(time)?, key.to_vec(), value))
}

fn parse_entry(rest: &[&[u8]]) -> Option<Message> {
    let ([time, replica, incarnation, key], value) = rest.split_first_chunk()?;
    let stamp = VersionStamp {
        time: parse_unsigned(time)?,
        origin: parse_origin(replica, incarnation)?,
    };
    match value {
        [] => Some(Message::Entry(stamp, key.to_vec(), None)),
        [value] => Some(Message::Entry(stamp, key.to_vec(), Some(value.to_vec()))),
        _ => None,
    }
}

fn parse_vector_frame(rest: &[&[u8]]) -> Option<Message> {
    let (digest, rest) = rest.split_first()?;
    let digest = match *digest {
        b"-" => None,
        hexadecimal => Some(Digest(
            u128::from_str_radix(std::str::from_utf8(hexadecimal).ok()?, 16).ok()?,
        )),
    };
    Some(Message::Vector(digest, parse_vector(rest)?))
}

fn parse_vector(rest: &[&[u8]]) -> Option<Vector> {
    let mut vector = Vector::default();
    let triples = rest.chunks_exact(3);
    if !triples.remainder().is_empty() {
        return None;
    }
    for triple in triples {
        vector.advance(
            parse_origin(triple[0], triple[1])?,
            parse_unsigned(triple[2])?,
        );
    }
    Some(vector)
}

fn parse_origin(replica: &[u8], incarnation: &[u8]) -> Option<Origin> {
    let replica: ReplicaId = std::str::from_utf8(replica).ok()?.parse().ok()?;
    Some(Origin {
        replica,
        incarnation: parse_unsigned(incarnation)?,
    })
}

fn parse_hello(rest: &[&[u8]]) -> Result<Hello, String> {
    let mut pairs = Vec::new();
    for word in rest {
        let text = std::str::from_utf8(word).map_err(|_| "PEER: a word is not UTF-8")?;
        pairs.push(
            text.split_once('=')
                .ok_or_else(|| format!("PEER: '{text}' is not name=value"))?,
        );
    }
    let text = |name: &str| {
        let found = pairs.iter().find(|(key, _)| *key == name);
        found
            .map(|(_, value)| *value)
            .ok_or_else(|| format!("PEER: {name}= is missing"))
    };
    let number = |name: &str| {
        let value = text(name)?;
        parse_unsigned(value.as_bytes()).ok_or_else(|| format!("PEER: {name}={value} is no number"))
    };
    let size =
        |name: &str| number(name).map(|number| usize::try_from(number).unwrap_or(usize::MAX));
    let replica = |name: &str| {
        let value = text(name)?;
        value
            .parse::<ReplicaId>()
            .map_err(|()| format!("PEER: {name}={value} is no replica id"))
    };
    Ok(Hello {
        version: number("version")?,
        id: replica("id")?,
        to: replica("to")?,
        incarnation: number("incarnation")?,
        cluster: text("cluster")?.to_owned(),
        consistency: text("consistency")?.parse()?,
        limits: Limits {
            key_bytes: size("max-key")?,
            value_bytes: size("max-value")?,
            entry_bytes: size("max-entry")?,
        },
        known: number("known")?,
        have: number("have")?,
    })
}

fn begin(buffer: &mut Vec<u8>, words: usize, name: &str) {
    buffer.push(b'*');
    push_decimal(buffer, words as u64);
    buffer.extend_from_slice(b"\r\n");
    push_bulk(buffer, name.as_bytes());
}

impl Hello {
    /// Appends the `PEER` frame.
    pub fn encode(&self, buffer: &mut Vec<u8>) {
        let Limits {
            key_bytes,
            value_bytes,
            entry_bytes,
        } = self.limits;
        let words = [
            format!("version={}", self.version),
            format!("id={}", self.id),
            format!("to={}", self.to),
            format!("incarnation={}", self.incarnation),
            format!("cluster={}", self.cluster),
            format!("consistency={}", self.consistency),
            format!("max-key={key_bytes}"),
            format!("max-value={value_bytes}"),
            format!("max-entry={entry_bytes}"),
            format!("known={}", self.known),
            format!("have={}", self.have),
        ];
        begin(buffer, 1 + words.len(), "PEER");
        for word in words {
            push_bulk(buffer, word.as_bytes());
        }
    }
}

/// Appends an `MCAST` frame with `entries`, all of one origin, that follow its own time `previous`.
pub fn encode_mcast(buffer: &mut Vec<u8>, previous: u64, entries: &[&Entry]) {
    let words: usize = entries.iter().map(|entry| 1 + entry.body.words()).sum();
    begin(buffer, 2 + words, "MCAST");
    push_bulk_decimal(buffer, previous);
    for entry in entries {
        push_bulk_decimal(buffer, entry.stamp.time);
        buffer.extend_from_slice(entry.body.bytes());
    }
}

/// Appends an `ACK` frame.
pub fn encode_ack(buffer: &mut Vec<u8>, stamps: &[Stamp]) {
    begin(buffer, 1 + stamps.len(), "ACK");
    let mut text = String::new();
    for stamp in stamps {
        text.clear();
        let _infallible = write!(text, "{stamp}");
        push_bulk(buffer, text.as_bytes());
    }
}

/// Appends a frame that consists of a name and a token: the heartbeats and confirmations.
pub fn encode_token(buffer: &mut Vec<u8>, name: &str, token: u64) {
    begin(buffer, 2, name);
    push_bulk_decimal(buffer, token);
}

/// Appends a `REFUSE` frame.
pub fn encode_refuse(buffer: &mut Vec<u8>, refusal: Refusal, reason: &str) {
    begin(buffer, 3, "REFUSE");
    push_bulk(buffer, refusal.word().as_bytes());
    push_bulk(buffer, reason.as_bytes());
}

/// Appends an `UPDATE` frame.
pub fn encode_update(buffer: &mut Vec<u8>, time: u64, key: &[u8], value: Option<&[u8]>) {
    begin(buffer, 3 + usize::from(value.is_some()), "UPDATE");
    push_bulk_decimal(buffer, time);
    push_bulk(buffer, key);
    value.into_iter().for_each(|value| push_bulk(buffer, value));
}

/// Appends an `ENTRY` frame.
pub fn encode_entry(buffer: &mut Vec<u8>, stamp: VersionStamp, key: &[u8], value: Option<&[u8]>) {
    begin(buffer, 5 + usize::from(value.is_some()), "ENTRY");
    push_bulk_decimal(buffer, stamp.time);
    push_bulk_decimal(buffer, stamp.origin.replica.0.into());
    push_bulk_decimal(buffer, stamp.origin.incarnation);
    push_bulk(buffer, key);
    value.into_iter().for_each(|value| push_bulk(buffer, value));
}

/// Appends a `ROUND` frame.
pub fn encode_round(buffer: &mut Vec<u8>) {
    begin(buffer, 1, "ROUND");
}

/// Appends a `VECTOR` frame.
pub fn encode_vector(buffer: &mut Vec<u8>, digest: Option<Digest>, vector: &Vector) {
    begin(buffer, 2 + 3 * vector.len(), "VECTOR");
    push_bulk(
        buffer,
        digest
            .map_or("-".to_owned(), |digest| digest.to_string())
            .as_bytes(),
    );
    push_vector(buffer, vector);
}

/// Appends an `END` frame.
pub fn encode_end(buffer: &mut Vec<u8>, vector: &Vector) {
    begin(buffer, 1 + 3 * vector.len(), "END");
    push_vector(buffer, vector);
}

fn push_vector(buffer: &mut Vec<u8>, vector: &Vector) {
    for (origin, time) in vector.iter() {
        push_bulk_decimal(buffer, origin.replica.0.into());
        push_bulk_decimal(buffer, origin.incarnation);
        push_bulk_decimal(buffer, time);
    }
}
