//! What tests and simulations look at: the replica's parts, never to be changed from outside.

use super::replica::{Engine, Readiness, Replica};
use crate::eventual::Gossip;
use crate::ordered::Multicast;
use crate::store::Store;

impl Replica {
    /// The state of the multicast; none in the eventual model.
    #[must_use]
    pub fn ordered_state(&self) -> Option<&Multicast> {
        match &self.engine {
            Engine::Ordered(ordered) => Some(&ordered.multicast),
            Engine::Eventual(_) => None,
        }
    }

    /// The data of the ordered models.
    #[must_use]
    pub fn ordered_store(&self) -> Option<&Store> {
        match &self.engine {
            Engine::Ordered(ordered) => Some(&ordered.store),
            Engine::Eventual(_) => None,
        }
    }

    /// The versions and the vector of the eventual model.
    #[must_use]
    pub fn gossip(&self) -> Option<&Gossip> {
        match &self.engine {
            Engine::Ordered(_) => None,
            Engine::Eventual(eventual) => Some(&eventual.gossip),
        }
    }

    /// Bytes that delays of FAULT DELAY hold back, by link.
    pub fn delayed_bytes(&self) -> impl Iterator<Item = usize> {
        let links = self.links.iter().flatten();
        links.map(super::link::Link::delayed_bytes)
    }

    /// Whether a peer refused this incarnation, so that it serves no data until it ends.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self.readiness, Readiness::Refused(_))
    }
}
