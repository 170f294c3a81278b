//! What the clients ask for: random operations, with values that are written once and never again.

use super::mix::{Kind, Mix};
use crate::history::{Answer, Call, Word};
use holdback::random::Random;
use holdback::wire::arguments::push_decimal;

/// Bytes appended to a key by one thread before a new one takes its place, so that values which only grow
/// do not grow for ever.
const APPENDED_MAX: usize = 8 * 1024;

/// One client's chance, and how many values it has made up.
#[derive(Debug)]
pub(super) struct Author {
    random: Random,
    number: u64,
    values: u64,
}

impl Author {
    /// Client `number` of a load with this seed. No two clients of a load have the same number.
    pub(super) fn new(seed: u64, number: u64) -> Self {
        Self {
            random: Random::new(seed, 20_000 + number),
            number,
            values: 0,
        }
    }
}

/// What operations are drawn from; each thread has its own.
#[derive(Debug)]
pub(super) struct Workload {
    mix: Mix,
    /// What all keys begin with.
    prefix: String,
    keys: u64,
    value_size: usize,
    /// For each value key, a value that it had lately: what CAS expects.
    lately: Vec<Word>,
    /// For each appended key, how much this thread has appended to it, and which successor it is.
    appended: Vec<(usize, u32)>,
}

/// Families of keys: those in one are used alike. INCR of a text would only be an error.
#[derive(Clone, Copy)]
enum Family {
    Values,
    Counters,
    Appended,
}

impl Workload {
    pub(super) fn new(mix: Mix, prefix: &str, keys: usize, value_size: usize) -> Self {
        Self {
            mix,
            prefix: prefix.into(),
            keys: keys as u64,
            value_size,
            lately: vec![Word::new(); keys],
            appended: vec![(0, 0); keys],
        }
    }

    /// The next operation of a client.
    pub(super) fn draw(&mut self, author: &mut Author) -> (Kind, Call) {
        let kind = self.mix.draw(&mut author.random);
        let call = match kind {
            Kind::Mget => Call::Mget(self.some_keys(author)),
            Kind::Mset => self.mset(author),
            Kind::Txn => {
                let count = author.random.between(2, 4);
                Call::Txn((0..count).map(|_| self.part(author)).collect())
            }
            kind => self.single(kind, author),
        };
        (kind, call)
    }

    /// Learns from what a client was answered.
    pub(super) fn learn(&mut self, call: &Call, answer: &Answer) {
        if let (Call::Get(key), Answer::Value(Some(value))) = (call, answer)
            && let Some(index) = self.value_key_index(key)
        {
            self.remember(index, value);
        }
    }

    fn single(&mut self, kind: Kind, author: &mut Author) -> Call {
        match kind {
            Kind::Get | Kind::Mget => Call::Get(self.any_key(author)),
            Kind::Del => Call::Del(self.any_key(author)),
            Kind::Incr => {
                let index = author.random.below(self.keys);
                Call::Incr(self.key(Family::Counters, index))
            }
            Kind::Append => self.append(author),
            Kind::Set | Kind::Mset | Kind::Txn => {
                let (key, value) = self.written(author);
                Call::Set(key, value)
            }
            Kind::SetNx => {
                let (key, value) = self.written(author);
                Call::SetNx(key, value)
            }
            Kind::GetSet => {
                let (key, value) = self.written(author);
                Call::GetSet(key, value)
            }
            Kind::Cas => self.cas(author),
        }
    }

    /// A part of a transaction.
    fn part(&mut self, author: &mut Author) -> Call {
        let kinds = [Kind::Get, Kind::Get, Kind::Set, Kind::Incr, Kind::Append];
        let kind = author.random.pick(&kinds);
        self.single(kind, author)
    }

    fn written(&mut self, author: &mut Author) -> (Word, Word) {
        let index = author.random.below(self.keys);
        let value = self.value(author);
        self.remember(index, &value);
        (self.key(Family::Values, index), value)
    }

    fn cas(&mut self, author: &mut Author) -> Call {
        let index = author.random.below(self.keys);
        let expected = self.lately[place(index)].clone();
        let value = self.value(author);
        self.remember(index, &value);
        Call::Cas(self.key(Family::Values, index), expected, value)
    }

    /// Pairs by the names of their keys, which is how the objects of a history have them.
    fn mset(&mut self, author: &mut Author) -> Call {
        let mut pairs = Vec::new();
        for index in self.some_value_keys(author) {
            let value = self.value(author);
            self.remember(index, &value);
            pairs.push((self.key(Family::Values, index), value));
        }
        pairs.sort_unstable();
        Call::Mset(pairs)
    }

    fn append(&mut self, author: &mut Author) -> Call {
        let index = author.random.below(self.keys);
        let key = self.key(Family::Appended, index);
        let mut value = self.value(author);
        value.push(b',');
        let (length, successor) = &mut self.appended[place(index)];
        *length += value.len();
        if *length > APPENDED_MAX {
            (*length, *successor) = (0, *successor + 1);
        }
        Call::Append(key, value)
    }

    /// A value that nobody else writes: the client's number and a count, filled up to the wanted size.
    fn value(&self, author: &mut Author) -> Word {
        author.values += 1;
        let mut value = Word::with_capacity(self.value_size.max(24));
        push_decimal(&mut value, author.number);
        value.push(b'.');
        push_decimal(&mut value, author.values);
        if value.len() < self.value_size {
            value.resize(self.value_size, b'-');
        }
        value
    }

    fn remember(&mut self, index: u64, value: &Word) {
        // Kept only if somebody is going to expect it.
        if self.mix.has(Kind::Cas) {
            self.lately[place(index)].clone_from(value);
        }
    }

    /// A key of any family that the mix writes to, most often one of the values.
    fn any_key(&self, author: &mut Author) -> Word {
        let index = author.random.below(self.keys);
        let family = match author.random.below(6) {
            0 if self.mix.has(Kind::Incr) => Family::Counters,
            1 if self.mix.has(Kind::Append) => Family::Appended,
            _ => Family::Values,
        };
        self.key(family, index)
    }

    fn some_keys(&self, author: &mut Author) -> Vec<Word> {
        let count = author.random.between(2, 4);
        (0..count).map(|_| self.any_key(author)).collect()
    }

    /// Indices of up to three different value keys.
    fn some_value_keys(&self, author: &mut Author) -> Vec<u64> {
        let count = author.random.between(2, 3);
        let mut keys: Vec<u64> = (0..count).map(|_| author.random.below(self.keys)).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    fn key(&self, family: Family, index: u64) -> Word {
        let mut key = Word::with_capacity(self.prefix.len() + 12);
        key.extend_from_slice(self.prefix.as_bytes());
        key.push(match family {
            Family::Values => b'k',
            Family::Counters => b'n',
            Family::Appended => b'a',
        });
        push_decimal(&mut key, index);
        if let Family::Appended = family {
            let (_, successor) = self.appended[place(index)];
            if successor > 0 {
                key.push(b'.');
                push_decimal(&mut key, successor.into());
            }
        }
        key
    }

    fn value_key_index(&self, key: &Word) -> Option<u64> {
        let digits = key
            .strip_prefix(self.prefix.as_bytes())?
            .strip_prefix(b"k")?;
        let index = std::str::from_utf8(digits).ok()?.parse().ok()?;
        (index < self.keys).then_some(index)
    }
}

/// An index of a key, which is below their number, as one of a list.
fn place(index: u64) -> usize {
    usize::try_from(index).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdback::consistency::Consistency;
    use std::collections::HashSet;

    fn written(call: &Call) -> Vec<&Word> {
        match call {
            Call::Set(_, value)
            | Call::SetNx(_, value)
            | Call::GetSet(_, value)
            | Call::Append(_, value)
            | Call::Cas(_, _, value) => vec![value],
            Call::Mset(pairs) => pairs.iter().map(|(_, value)| value).collect(),
            Call::Txn(calls) => calls.iter().flat_map(written).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn every_kind_occurs_and_no_value_is_written_twice() {
        let mix = Mix::of(Some(Consistency::Sequential));
        let mut workload = Workload::new(mix, "", 5, 8);
        let mut authors = [Author::new(7, 1), Author::new(7, 2)];
        let (mut kinds, mut values) = (HashSet::new(), HashSet::new());
        for turn in 0..5000 {
            let (kind, call) = workload.draw(&mut authors[turn % 2]);
            assert_eq!(kind.name(), call.name());
            kinds.insert(kind.name());
            for value in written(&call) {
                assert!(value.len() >= 8);
                assert!(values.insert(value.clone()), "{call}");
            }
        }
        assert_eq!(kinds.len(), Kind::ALL.len());
    }

    #[test]
    fn the_same_seed_makes_the_same_operations_and_each_client_its_own() {
        let draw = |number| {
            let mut workload = Workload::new(Mix::of(None), "", 100, 3);
            let mut author = Author::new(7, number);
            let calls = (0..50).map(|_| workload.draw(&mut author).1.to_string());
            calls.collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn what_is_appended_to_grows_only_so_far() {
        let mut workload = Workload::new("append".parse().unwrap(), "p:", 1, 100);
        let mut author = Author::new(1, 1);
        let mut keys: Vec<Word> = Vec::new();
        for _ in 0..200 {
            keys.extend(workload.draw(&mut author).1.keys().cloned());
        }
        keys.dedup();
        assert_eq!(
            keys,
            [b"p:a0".to_vec(), b"p:a0.1".to_vec(), b"p:a0.2".to_vec()]
        );
    }

    #[test]
    fn cas_expects_what_was_read_lately() {
        let mut workload = Workload::new("cas".parse().unwrap(), "", 1, 1);
        let read = Call::Get(b"k0".to_vec());
        workload.learn(&read, &Answer::Value(Some(b"seen".to_vec())));
        let (_, call) = workload.draw(&mut Author::new(1, 1));
        assert_eq!(call.to_string(), "CAS k0 seen 1.1");
    }
}
