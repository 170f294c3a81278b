//! FAULT: delays, cuts and heals this replica's links, to see what happens.

use super::Peers;
use super::link::Delay;
use crate::engine::At;
use crate::ids::ReplicaId;
use crate::turn::Event;
use crate::wire::arguments::parse_unsigned;
use crate::wire::error::{ErrorCode, ErrorReply};
use std::time::Duration;

/// The longest delay of one frame.
const DELAY_MAX: Duration = Duration::from_secs(3600);

/// What one FAULT command asks for.
enum Fault {
    Delay(Delay),
    Cut,
    Heal,
}

impl Peers {
    /// Obeys a FAULT command; what it lists, if it does.
    pub(crate) fn fault(
        &mut self,
        words: &[&[u8]],
        at: &mut At<'_, '_>,
    ) -> Result<Option<Vec<String>>, ErrorReply> {
        if !at.settings.allow_faults {
            let text = "faults are not allowed: start the replica with --allow-faults";
            return Err(ErrorReply::new(ErrorCode::NoPerm, text));
        }
        let verb = words[1].to_ascii_uppercase();
        let (fault, peers) = match (verb.as_slice(), &words[2..]) {
            (b"LIST", []) => return Ok(Some(self.list_faults())),
            (b"DELAY", [peer, min, max]) => (Fault::Delay(parse_delay(min, max)?), peer),
            (b"CUT", [peer]) => (Fault::Cut, peer),
            (b"HEAL", [peer]) => (Fault::Heal, peer),
            _ => {
                let usage = "FAULT DELAY peer|* min_ms max_ms, CUT peer|*, HEAL peer|* or LIST";
                return Err(ErrorReply::err(format!("usage: {usage}")));
            }
        };
        for peer in self.named_peers(peers)? {
            self.set_fault(peer, &fault, at);
        }
        at.turn.tell(&Event::Fault { words });
        Ok(None)
    }

    fn set_fault(&mut self, peer: ReplicaId, fault: &Fault, at: &mut At<'_, '_>) {
        match *fault {
            Fault::Delay(delay) => self.links.at(peer).delay = Some(delay),
            Fault::Cut => {
                self.link_lost(peer, "cut by FAULT", at);
                self.links.at(peer).cut = true;
            }
            Fault::Heal => {
                let link = self.links.at(peer);
                link.cut = false;
                link.dial_due = link.dial_due.min(at.turn.now.monotonic);
                link.end_delay();
                link.release_delayed(at.turn);
            }
        }
    }

    fn list_faults(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for link in self.links.iter() {
            if link.cut {
                lines.push(format!("CUT {}", link.peer));
            }
            if let Some(Delay { min, max }) = link.delay {
                lines.push(format!(
                    "DELAY {} {} {}",
                    link.peer,
                    min.as_millis(),
                    max.as_millis()
                ));
            }
        }
        lines
    }

    /// The peers that a word names: one, or all for `*`.
    fn named_peers(&self, word: &[u8]) -> Result<Vec<ReplicaId>, ErrorReply> {
        let all = self.links.iter().map(|link| link.peer);
        if word == b"*" {
            return Ok(all.collect());
        }
        let peer = std::str::from_utf8(word)
            .ok()
            .and_then(|word| word.parse().ok());
        let peer = peer.filter(|peer| all.into_iter().any(|known| known == *peer));
        let named = String::from_utf8_lossy(&word[..word.len().min(32)]).into_owned();
        peer.map(|peer| vec![peer])
            .ok_or_else(|| ErrorReply::err(format!("no such peer '{named}' (an id, or *)")))
    }
}

fn parse_delay(min: &[u8], max: &[u8]) -> Result<Delay, ErrorReply> {
    let milliseconds = |word| {
        let duration = Duration::from_millis(parse_unsigned(word)?);
        (duration <= DELAY_MAX).then_some(duration)
    };
    match (milliseconds(min), milliseconds(max)) {
        (Some(min), Some(max)) if min <= max => Ok(Delay { min, max }),
        _ => Err(ErrorReply::err(
            "delays are milliseconds, the first not larger than the second, at most 3600000",
        )),
    }
}
