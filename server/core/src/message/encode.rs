//! Frames to bytes.

use super::{Heartbeat, Refusal};
use crate::entry::Entry;
use crate::ids::Ack;
use crate::ids::Digest;
use crate::ids::{Vector, VersionStamp};
use crate::wire::arguments::{push_bulk, push_bulk_decimal, push_decimal};

/// Room for a word that is a number or a name.
const WORD_BYTES: usize = 32;

/// Begins a frame of so many words, the name included.
pub(super) fn begin(buffer: &mut Vec<u8>, words: usize, name: &str) {
    buffer.push(b'*');
    push_decimal(buffer, words as u64);
    buffer.extend_from_slice(b"\r\n");
    push_bulk(buffer, name.as_bytes());
}

/// Appends an `MCAST` frame with `entries`, all of one origin, that follow its own time `previous`.
pub fn encode_mcast(buffer: &mut Vec<u8>, previous: u64, entries: &[&Entry]) {
    let (mut words, mut bytes) = (2, 2 * WORD_BYTES);
    for entry in entries {
        words += 1 + entry.body.words();
        bytes += WORD_BYTES + entry.body.bytes().len();
    }
    buffer.reserve(bytes);
    begin(buffer, words, "MCAST");
    push_bulk_decimal(buffer, previous);
    for entry in entries {
        push_bulk_decimal(buffer, entry.stamp.time);
        buffer.extend_from_slice(entry.body.bytes());
    }
}

/// Appends an `ACK` frame.
pub fn encode_ack(buffer: &mut Vec<u8>, acks: &[Ack]) {
    buffer.reserve((1 + acks.len()) * 2 * WORD_BYTES);
    begin(buffer, 1 + acks.len(), "ACK");
    let mut text = Vec::with_capacity(2 * WORD_BYTES);
    for ack in acks {
        text.clear();
        ack.stamp.push_text(&mut text);
        if let Some(incarnation) = ack.incarnation {
            text.push(b'@');
            push_decimal(&mut text, incarnation);
        }
        push_bulk(buffer, &text);
    }
}

/// Appends a frame that consists of a name and a token: the answers to heartbeats, and confirmations.
pub fn encode_token(buffer: &mut Vec<u8>, name: &str, token: u64) {
    begin(buffer, 2, name);
    push_bulk_decimal(buffer, token);
}

/// Appends a `HEARTBEAT` frame.
pub fn encode_heartbeat(buffer: &mut Vec<u8>, heartbeat: &Heartbeat) {
    let summary = heartbeat.summary.map(|held| {
        let (order, data) = (held.order.to_string(), held.data.to_string());
        [held.position.to_string(), order, data]
    });
    let summary = summary.iter().flatten().map(String::as_str);
    let words = summary.chain(heartbeat.is_full.then_some("full"));
    begin(buffer, 2 + words.clone().count(), "HEARTBEAT");
    push_bulk_decimal(buffer, heartbeat.token);
    words.for_each(|word| push_bulk(buffer, word.as_bytes()));
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

/// Appends a `VECTOR` frame; `vouched`: the vector covers all that the digest is of.
pub fn encode_vector(buffer: &mut Vec<u8>, digest: Digest, vouched: bool, vector: &Vector) {
    begin(buffer, 2 + 3 * vector.len(), "VECTOR");
    push_bulk(
        buffer,
        format!("{digest}{}", if vouched { "" } else { "+" }).as_bytes(),
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
