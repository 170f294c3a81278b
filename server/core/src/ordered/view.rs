//! Who takes part in the multicast.

use crate::ids::ReplicaId;

/// The members of the multicast, numbered, so that they may change one day. Nothing else may assume that
/// the members are all replicas of the cluster's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    number: u64,
    members: Vec<ReplicaId>,
}

impl View {
    /// The first view: replicas 1 to `count`.
    #[must_use]
    pub fn first(count: usize) -> Self {
        Self {
            number: 1,
            members: (0..count).map(ReplicaId::from_index).collect(),
        }
    }

    /// The view's number, from 1.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The members in id order.
    #[must_use]
    pub fn members(&self) -> &[ReplicaId] {
        &self.members
    }

    /// The place of a member in [`View::members`].
    #[must_use]
    #[inline]
    pub fn place(&self, member: ReplicaId) -> Option<usize> {
        // As long as no member has left, it is the id's own place.
        let place = member.index();
        if self.members.get(place) == Some(&member) {
            return Some(place);
        }
        self.members.binary_search(&member).ok()
    }
}
