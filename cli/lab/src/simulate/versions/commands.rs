//! What a client's command must answer and apply, in the eventual model.

use super::{OWN_WRITES, Versions};
use crate::simulate::model::{Reply, read_keys};
use crate::simulate::violation::{Check, ensure};

impl Versions {
    /// A client's command is about to be executed; the reply that it must get, if it is a data command.
    pub(in crate::simulate) fn begin(
        &mut self,
        replica: usize,
        words: &[&[u8]],
    ) -> Option<Vec<u8>> {
        let holder = &mut self.holders[replica];
        holder.executing = true;
        holder.applied.clear();
        let mut reply = Reply::default();
        let keys = &holder.keys;
        let live = |key: &[u8]| keys.get(key).and_then(|held| held.value.as_deref());
        let all = || {
            keys.keys()
                .map(Vec::as_slice)
                .filter(|key| live(key).is_some())
        };
        match words[0] {
            b"SET" | b"MSET" | b"FLUSHALL" => reply.ok(),
            b"DEL" => {
                let mut keys = words[1..].to_vec();
                keys.sort_unstable();
                keys.dedup();
                reply.integer(keys.iter().filter(|key| live(key).is_some()).count());
            }
            b"DBSIZE" => reply.integer(all().count()),
            b"KEYS" => reply.keys(&all().collect::<Vec<_>>()),
            b"GET" | b"MGET" | b"STRLEN" | b"EXISTS" => read_keys(words, live, &mut reply),
            _ => return None,
        }
        Some(reply.0)
    }

    /// The command was executed.
    pub(in crate::simulate) fn finish(
        &mut self,
        replica: usize,
        words: &[&[u8]],
        before: &[(Vec<u8>, Option<Vec<u8>>)],
    ) -> Check {
        let holder = &mut self.holders[replica];
        holder.executing = false;
        let mut applied = std::mem::take(&mut holder.applied);
        let mut expected = before.to_vec();
        if words[0] == b"FLUSHALL" {
            applied.sort();
            expected.sort();
        }
        let show = holdback::wire::inline::quote_all(words.iter().copied());
        ensure!(
            applied == expected,
            OWN_WRITES,
            "replica {}: {show} applied {applied:?}",
            replica + 1
        );
        Ok(())
    }

    /// What a command must apply.
    pub(in crate::simulate) fn effects(
        &self,
        replica: usize,
        words: &[&[u8]],
    ) -> Vec<(Vec<u8>, Option<Vec<u8>>)> {
        let keys = &self.holders[replica].keys;
        let is_live = |key: &[u8]| keys.get(key).is_some_and(|held| held.value.is_some());
        match words[0] {
            b"SET" | b"MSET" => {
                let pairs = words[1..].chunks_exact(2);
                pairs
                    .map(|pair| (pair[0].to_vec(), Some(pair[1].to_vec())))
                    .collect()
            }
            b"DEL" => {
                let mut gone: Vec<(Vec<u8>, Option<Vec<u8>>)> = Vec::new();
                for key in &words[1..] {
                    if is_live(key) && !gone.iter().any(|(other, _)| other == key) {
                        gone.push((key.to_vec(), None));
                    }
                }
                gone
            }
            b"FLUSHALL" => keys
                .keys()
                .filter(|key| is_live(key))
                .map(|key| (key.clone(), None))
                .collect(),
            _ => Vec::new(),
        }
    }
}
