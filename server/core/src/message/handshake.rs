//! The handshake's frame.

use super::encode::begin;
use crate::consistency::Consistency;
use crate::ids::ReplicaId;
use crate::store::Limits;
use crate::wire::arguments::{parse_unsigned, push_bulk};
use crate::wire::foreign::foreign;

/// The handshake: who the sender is, how it was set up, and what it holds of the receiver's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// The protocol version, [`super::VERSION`].
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
    /// The sender was refused by another replica and serves no data: why, fit to be shown.
    pub refused: Option<String>,
}

impl Handshake {
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
        let refused = self
            .refused
            .as_ref()
            .map(|reason| format!("refused={reason}"));
        begin(
            buffer,
            1 + words.len() + usize::from(refused.is_some()),
            "PEER",
        );
        for word in words.into_iter().chain(refused) {
            push_bulk(buffer, word.as_bytes());
        }
    }
}

/// Reads the words behind `PEER`. What an error quotes of them is fit to be shown.
pub(super) fn parse_handshake(rest: &[&[u8]]) -> Result<Handshake, String> {
    read_words(rest).map_err(|what| foreign(&what))
}

fn read_words(rest: &[&[u8]]) -> Result<Handshake, String> {
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
    Ok(Handshake {
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
        refused: text("refused").ok().map(foreign),
    })
}
