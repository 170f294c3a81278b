//! Transactions that watch keys: whether the replay stops them.

use super::Witness;
use crate::check::describe;
use crate::check::verdict::{Kind, Verdict};
use crate::order::Entry;

impl Witness<'_> {
    /// Why a WATCH stops the entry that is to be delivered next, in words.
    pub(super) fn stopped_by(&mut self, entry: &Entry) -> Option<String> {
        entry.watched.iter().find_map(|(key, watched)| {
            let name = describe::word(key);
            let key = self.compiler.key(key);
            let now = match self.replay.changed(key) {
                Some(0) => 0,
                Some(position) => position + self.base,
                // What came before the first entry is not known.
                None if self.base > 0 && *watched <= self.base => return None,
                None => 0,
            };
            if now == *watched {
                return None;
            }
            let then = match watched {
                0 => "while it was absent".to_owned(),
                at => format!("as position {at} left it"),
            };
            let since = match now {
                0 => "it is absent".to_owned(),
                at => format!("position {at} changed it"),
            };
            Some(format!("it watched `{name}` {then}, and {since}"))
        })
    }

    /// Checks that an operation that happened is not a transaction that a WATCH stopped.
    pub(super) fn is_not_stopped(&self, at: usize, position: u64) -> Result<(), Verdict> {
        let Some(why) = self.stopped.get(&position) else {
            return Ok(());
        };
        let words = format!(
            "{} is at position {position}, and there the order stops it: {why}",
            describe::operation(self.history, at)
        );
        Err(self.no(Kind::NotTheOrder, vec![at], vec![position], words))
    }
}
