//! The links by peer, as an engine uses them.

use super::link::Link;
use crate::engine::{Frames, Links};
use crate::ids::ReplicaId;
use crate::random::{Random, purpose};
use crate::settings::Settings;
use crate::turn::Turn;

/// All links of a replica.
#[derive(Debug)]
pub(super) struct LinkTable {
    /// By index of the peer's id; `None` for this replica.
    links: Vec<Option<Link>>,
    /// For the delays of faults.
    random: Random,
    /// Frames to peers, without handshakes and heartbeats.
    pub(super) frames_sent: u64,
    /// What is worked on in place of a link that is not there, which never happens.
    nobody: Link,
}

impl LinkTable {
    pub(super) fn new(settings: &Settings) -> Self {
        let replicas = (0..settings.cluster.len()).map(ReplicaId::from_index);
        Self {
            links: replicas
                .map(|id| (id != settings.id).then(|| Link::new(id)))
                .collect(),
            random: Random::new(settings.seed, purpose::DELAYS),
            frames_sent: 0,
            nobody: Link::new(ReplicaId(0)),
        }
    }

    /// The link to a replica that may be none of the peers.
    pub(super) fn get(&self, peer: ReplicaId) -> Option<&Link> {
        self.links.get(peer.index())?.as_ref()
    }

    /// The link to a peer.
    pub(super) fn at(&mut self, peer: ReplicaId) -> &mut Link {
        match self.links.get_mut(peer.index()).and_then(Option::as_mut) {
            Some(link) => link,
            None => {
                debug_assert!(false, "replica {peer} is a peer");
                &mut self.nobody
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Link> {
        self.links.iter().flatten()
    }

    /// All peers, in id order, so that a run can be repeated exactly.
    pub(super) fn peers(&self) -> impl Iterator<Item = ReplicaId> + use<> {
        let peers: Vec<ReplicaId> = self.iter().map(|link| link.peer).collect();
        peers.into_iter()
    }
}

impl Links for LinkTable {
    fn is_up(&self, peer: ReplicaId) -> bool {
        self.get(peer).is_some_and(Link::is_up)
    }

    fn unsent(&self, peer: ReplicaId, turn: &Turn<'_>) -> usize {
        self.get(peer).map_or(0, |link| link.unsent(turn))
    }

    fn send(&mut self, peer: ReplicaId, frames: Frames<'_>, turn: &mut Turn<'_>) {
        self.frames_sent += frames.count;
        if let Some(link) = self.links.get_mut(peer.index()).and_then(Option::as_mut) {
            link.send(frames.bytes, &mut self.random, turn);
        }
    }
}
