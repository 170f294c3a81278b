//! What connections take: counted for each and for all together, and when to look whether they have a use for it.

use super::{Endpoints, Environment};
use std::time::Duration;

/// A connection that takes no more than this is not looked after.
const SHARE_KEPT: usize = 16 << 10;
/// When it is looked whether a connection that takes more has a use for it.
const LOOK_AFTER: Duration = Duration::from_secs(1);

impl<E: Environment> Endpoints<E> {
    /// What is counted for all links, or all others.
    pub(super) fn sum(&mut self, of_links: bool) -> &mut usize {
        if of_links {
            &mut self.memory.links
        } else {
            &mut self.memory.clients
        }
    }

    /// Bytes that are counted for all connections but links.
    #[inline]
    pub(crate) fn clients_memory(&self) -> usize {
        self.memory.clients
    }

    /// Counts anew what a connection takes, with what is `kept` for it elsewhere.
    #[inline]
    pub(crate) fn count(&mut self, slot: usize, kept: usize, now: Duration) {
        let found = self.slots.get_mut(slot);
        let Some(endpoint) = found.filter(|endpoint| !endpoint.evicted) else {
            return;
        };
        let (before, share) = endpoint.count(kept);
        if before == share && share <= SHARE_KEPT {
            return;
        }
        if share > SHARE_KEPT && !std::mem::replace(&mut endpoint.looked_after, true) {
            self.looks.push_back((now + LOOK_AFTER, slot));
        }
        let of_links = endpoint.is_peer;
        let sum = self.sum(of_links);
        *sum = *sum - before + share;
    }

    /// A client is being closed for what it took. The little that it still takes is not counted: others would be closed
    /// for it.
    pub(crate) fn count_no_more(&mut self, slot: usize) {
        if let Some(endpoint) = self.slots.get_mut(slot) {
            endpoint.discard_input();
            endpoint.evicted = true;
            self.memory.clients -= std::mem::take(&mut endpoint.share);
        }
    }

    /// Whether [`Endpoints::next_look`] has something.
    #[inline]
    pub(crate) fn has_looks(&self, now: Duration) -> bool {
        self.looks.front().is_some_and(|(due, _)| *due <= now)
    }

    /// The next connection that may have memory to give back, if it is time to look; [`Endpoints::count`] has it looked
    /// at again if it still takes much.
    pub(crate) fn next_look(&mut self, now: Duration) -> Option<usize> {
        let (_, slot) = self.looks.pop_front_if(|(due, _)| *due <= now)?;
        if let Some(endpoint) = self.slots.get_mut(slot) {
            endpoint.looked_after = false;
        }
        Some(slot)
    }
}
