//! What connections take: counted when it changes, given back when it has no use, and bounded for all clients together.

use super::Driver;
use crate::endpoint::Environment;
use crate::ids::ConnectionId;
use crate::peers::pace::Pace;
use crate::turn::{Level, Now, Turn};
use std::cmp::Reverse;
use std::time::Duration;

/// Connections that are looked at in one turn for memory to give back, at the most.
const LOOKS_PER_TURN: usize = 128;
/// Bytes that a client has not taken above which it is closed without a word: the word would have to wait behind them.
const LAST_WORDS_BEHIND: usize = 64 << 10;
/// How long the log says nothing of clients that are closed for their memory, after one was.
const SAID_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// What the log was told of clients that are closed for their memory.
#[derive(Debug, Default)]
pub(super) struct Told(Pace);

impl<E: Environment> Driver<E> {
    /// Counts anew what a connection takes.
    #[inline]
    pub(super) fn count(&mut self, id: ConnectionId, now: Now) {
        let kept = self.replica.client_memory(id);
        self.endpoints.count(id.slot, kept, now.monotonic);
    }

    /// Has connections give back what they have no use for, if it is time to look for that.
    #[cold]
    pub(super) fn give_back_some(&mut self, now: Now) {
        for _ in 0..LOOKS_PER_TURN {
            let Some(slot) = self.endpoints.next_look(now.monotonic) else {
                return;
            };
            self.give_back(slot, now);
        }
    }

    /// Closes clients if all together take too much; whether it did.
    #[inline]
    pub(super) fn close_for_memory(&mut self, now: Now) -> bool {
        self.is_above_budget() && self.make_room(now)
    }

    #[inline]
    fn is_above_budget(&self) -> bool {
        self.endpoints.clients_memory() > self.replica.settings().clients_memory_max
    }

    fn give_back(&mut self, slot: usize, now: Now) {
        if let Some(endpoint) = self.endpoints.at(slot) {
            let id = endpoint.id;
            endpoint.shrink();
            self.replica.shrink_client(id);
            self.count(id, now);
        }
    }

    /// Has all clients give back what they have no use for, then closes those that take the most; of those that take the
    /// same, the one in the first slot. Whether any was closed.
    #[cold]
    fn make_room(&mut self, now: Now) -> bool {
        let clients = self.endpoints.iter().filter(|one| one.may_be_evicted());
        let clients: Vec<ConnectionId> = clients.map(|client| client.id).collect();
        clients.iter().for_each(|id| self.give_back(id.slot, now));
        let clients = self.endpoints.iter().filter(|one| one.may_be_evicted());
        let mut shares: Vec<_> = clients
            .map(|client| (Reverse(client.share()), client.id))
            .collect();
        shares.sort_unstable();
        let mut closed = false;
        for (Reverse(share), client) in shares {
            if !self.is_above_budget() {
                break;
            }
            self.evict(client, share, now);
            closed = true;
        }
        closed
    }

    /// Closes a client for what it takes, and tells it why unless it has much to read before that.
    fn evict(&mut self, id: ConnectionId, share: usize, now: Now) {
        let (sum, most) = (
            self.endpoints.clients_memory(),
            self.replica.settings().clients_memory_max,
        );
        let text = format!(
            "client {id} is closed: it takes {share} bytes of memory, the most of all clients, which take {sum} and may \
             take {most}"
        );
        if let Some(text) = self.told.0.say(text, SAID_AGAIN_AFTER, now) {
            Turn::new(now, &mut self.endpoints).notice(Level::Warn, &text);
        }
        let has_room = |driver: &mut Self| {
            let endpoint = driver.endpoints.get(id);
            endpoint.is_some_and(|endpoint| endpoint.unsent() <= LAST_WORDS_BEHIND)
        };
        let is_told = has_room(self);
        let turn = &mut Turn::new(now, &mut self.endpoints);
        self.replica.evict(id, is_told, turn);
        if !is_told || !has_room(self) {
            self.broken(id, "memory limit", now);
        }
        self.endpoints.count_no_more(id.slot);
    }
}
