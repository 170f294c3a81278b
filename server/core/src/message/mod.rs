//! The frames between replicas: what each says, who sends it when, and what the receiver may conclude.
//!
//! Peers use the grammar of clients: each frame is a list of words, so that a person can type one. The
//! table [`MESSAGES`] is the documentation; [`Message`] is what the code works with.

mod encode;
mod handshake;
mod spec;

pub use encode::{
    encode_ack, encode_end, encode_entry, encode_heartbeat, encode_mcast, encode_refuse,
    encode_round, encode_token, encode_update, encode_vector,
};
pub use handshake::Handshake;
pub use spec::{MESSAGES, MessageSpec};

use crate::entry::EntryBody;
use crate::ids::Digest;
use crate::ids::{Ack, ReplicaId, Stamp};
use crate::ids::{Origin, Vector, VersionStamp};
use crate::wire::arguments::parse_unsigned;
use crate::wire::foreign::foreign;
use crate::wire::frame::Frame;
use crate::wire::inline;
use handshake::parse_handshake;
use smallvec::SmallVec;

/// The version of the peer protocol. Both ends of a link must speak the same.
pub const VERSION: u64 = 1;

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

/// What a replica holds at one moment, in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How many entries it has delivered; 0 in the eventual model.
    pub position: u64,
    /// The digest of their order; in the eventual model that of its vector.
    pub order: Digest,
    /// The digest of the data there.
    pub data: Digest,
}

/// A sign of life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// What the answer has to carry.
    pub token: u64,
    /// What the sender holds, if that can be compared.
    pub summary: Option<Summary>,
    /// It holds back so many entries that others are to stamp no more.
    pub is_full: bool,
}

/// One frame from a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// See [`MESSAGES`], as for all of them.
    Peer(Box<Handshake>),
    /// Why, in one word, and the reason for a person, fit to be shown.
    Refuse(Refusal, String),
    /// The sender's time before the first entry, and the entries with their times.
    Mcast(u64, Vec<(u64, EntryBody)>),
    /// By origin, up to which time the sender holds its entries.
    Ack(SmallVec<[Ack; 4]>),
    /// A sign of life.
    Heartbeat(Heartbeat),
    /// The token of the heartbeat that it answers.
    HeartbeatAck(u64),
    /// Time, key and value.
    Update(u64, Vec<u8>, Option<Vec<u8>>),
    /// Digest, if it is told, whether the vector covers all that it is of, and vector.
    Vector(Option<Digest>, bool, Vector),
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
    pub fn parse(frame: Frame<'_>) -> Result<Self, String> {
        if frame.word(0).eq_ignore_ascii_case(b"MCAST") {
            return parse_mcast(frame).ok_or_else(|| "malformed MCAST frame".to_owned());
        }
        Self::parse_words(&frame.words())
    }

    /// Understands the words of a frame other than `MCAST`.
    pub(crate) fn parse_words(words: &[&[u8]]) -> Result<Self, String> {
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
            b"ACK" => Self::Ack(
                rest.iter()
                    .map(|word| parse_ack(word))
                    .collect::<Option<_>>()
                    .ok_or_else(malformed)?,
            ),
            b"HEARTBEAT" => Self::Heartbeat(parse_heartbeat(rest).ok_or_else(malformed)?),
            b"HEARTBEATACK" => Self::HeartbeatAck(token(rest)?),
            b"PEER" => Self::Peer(Box::new(parse_handshake(rest)?)),
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
                let quoted = inline::quote_all(words);
                return Err(foreign(&format!("not a peer's frame: {quoted}")));
            }
        })
    }
}

/// `17.2`, or `17.2@INCARNATION`.
fn parse_ack(word: &[u8]) -> Option<Ack> {
    let (stamp, incarnation) = match memchr::memchr(b'@', word) {
        None => (word, None),
        Some(at) => (&word[..at], Some(parse_unsigned(&word[at + 1..])?)),
    };
    Some(Ack {
        stamp: Stamp::parse(stamp)?,
        incarnation,
    })
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
    Some(Message::Refuse(kind, foreign(&reason.join(" "))))
}

fn parse_mcast(frame: Frame<'_>) -> Option<Message> {
    let previous = parse_unsigned(frame.word(1))?;
    let entries = EntryBody::take_all(frame, 2).ok()?;
    Some(Message::Mcast(previous, entries))
}

fn parse_heartbeat(rest: &[&[u8]]) -> Option<Heartbeat> {
    let (rest, is_full) = match rest {
        [rest @ .., b"full"] => (rest, true),
        _ => (rest, false),
    };
    let (token, summary) = match rest {
        [token] => (token, None),
        [token, position, order, data] => {
            let summary = Summary {
                position: parse_unsigned(position)?,
                order: parse_digest(order)?,
                data: parse_digest(data)?,
            };
            (token, Some(summary))
        }
        _ => return None,
    };
    Some(Heartbeat {
        token: parse_unsigned(token)?,
        summary,
        is_full,
    })
}

fn parse_digest(word: &[u8]) -> Option<Digest> {
    std::str::from_utf8(word).ok()?.parse().ok()
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
    let (hexadecimal, vouched) = match digest.strip_suffix(b"+") {
        Some(hexadecimal) => (hexadecimal, false),
        None => (*digest, true),
    };
    let digest = match hexadecimal {
        b"-" => None,
        _ => Some(parse_digest(hexadecimal)?),
    };
    Some(Message::Vector(digest, vouched, parse_vector(rest)?))
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
