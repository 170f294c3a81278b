//! Whether the replicas hold the same: what each heartbeat says that a peer holds is compared with what was held here at
//! the same point.
//!
//! Replicas that differ are an alarm, at each that sees it. Those of the majority that agrees go on; the others, and all
//! if there is none, serve no data, as nobody can say whose is right. With replicas that nobody has heard of it is taken
//! that they do not agree.
//!
//! In the eventual model replicas may differ for a while without a mistake of theirs: one that restarts with its clock
//! behind, and writes before it hears of the others, is older than a tombstone that some hold and some have dropped. They
//! send each other everything then. So only those are an alarm that differ over and over.

use crate::engine::Engine;
use crate::ids::ReplicaId;
use crate::message::Summary;

/// What a comparison with a peer showed last.
#[derive(Debug, Default)]
enum Found {
    #[default]
    Nothing,
    Same,
    /// How it differs.
    Other(String),
}

/// Comparisons in a row that show a difference which may heal, until it is taken for one that does not.
const HEALS_WITHIN: u32 = 4;

/// What is known of one peer.
#[derive(Debug)]
struct Compared {
    peer: ReplicaId,
    /// What it told and could not be compared yet.
    told: Option<Summary>,
    /// How many comparisons in a row have shown a difference.
    differed: u32,
    found: Found,
}

/// The comparisons with all peers, in id order.
#[derive(Debug)]
pub(super) struct Agreement {
    peers: Vec<Compared>,
    /// Some peer told what could not be compared yet.
    waits: bool,
}

impl Agreement {
    pub(super) fn new(peers: impl Iterator<Item = ReplicaId>) -> Self {
        let compared = |peer| Compared {
            peer,
            told: None,
            differed: 0,
            found: Found::default(),
        };
        Self {
            peers: peers.map(compared).collect(),
            waits: false,
        }
    }

    /// A peer tells what it holds.
    pub(super) fn hear(&mut self, peer: ReplicaId, held: Summary) {
        let compared = self.peers.iter_mut().find(|known| known.peer == peer);
        if let Some(compared) = compared {
            compared.told = Some(held);
            self.waits = true;
        }
    }

    /// Whether there is anything to compare.
    #[inline]
    pub(super) fn waits(&self) -> bool {
        self.waits
    }

    /// Compares what can be; the peers that turn out to differ, and how.
    pub(super) fn compare(&mut self, engine: &dyn Engine) -> Vec<(ReplicaId, String)> {
        let mut differ = Vec::new();
        for compared in &mut self.peers {
            let result = compared.told.as_ref().and_then(|told| engine.compare(told));
            let Some(result) = result else {
                continue;
            };
            compared.told = None;
            let was_other = matches!(compared.found, Found::Other(_));
            let most = if engine.heals() { HEALS_WITHIN } else { 1 };
            match result {
                Ok(()) if was_other && !engine.heals() => {}
                Ok(()) => (compared.differed, compared.found) = (0, Found::Same),
                Err(_) if was_other => {}
                Err(how) => {
                    compared.differed += 1;
                    if compared.differed >= most {
                        differ.push((compared.peer, how.clone()));
                        compared.found = Found::Other(how);
                    }
                }
            }
        }
        self.waits = self.peers.iter().any(|compared| compared.told.is_some());
        differ
    }

    /// The peers that differ, with how: empty if none does.
    pub(super) fn differing(&self) -> Vec<String> {
        let peers = self.peers.iter();
        peers
            .filter_map(|compared| match &compared.found {
                Found::Other(how) => Some(format!("replica {} has {how}", compared.peer)),
                Found::Nothing | Found::Same => None,
            })
            .collect()
    }

    /// Whether this replica differs from some other without being of a majority that agrees.
    pub(super) fn is_outvoted(&self) -> bool {
        let same = |compared: &&Compared| matches!(compared.found, Found::Same);
        let agree = 1 + self.peers.iter().filter(same).count();
        self.diverges() && 2 * agree <= self.peers.len() + 1
    }

    /// Whether some peer differs.
    pub(super) fn diverges(&self) -> bool {
        let mut peers = self.peers.iter();
        peers.any(|compared| matches!(compared.found, Found::Other(_)))
    }
}
