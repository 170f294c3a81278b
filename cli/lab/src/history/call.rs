//! Calls: the operations that a history can hold, and the commands that make them.

use std::fmt;

/// A key or a value: bytes.
pub type Word = Vec<u8>;

/// What a process asked for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    /// Reads a key.
    Get(Word),
    /// Writes a key.
    Set(Word, Word),
    /// Writes a key if it is absent; answers whether it did.
    SetNx(Word, Word),
    /// Writes a key and answers the value before.
    GetSet(Word, Word),
    /// `key, old, new`: writes the new value if the key holds the old one; answers whether it did.
    Cas(Word, Word, Word),
    /// Adds one to a number (absent: 0) and answers the new one. An error if the value is no number.
    Incr(Word),
    /// Appends to a value (absent: empty) and answers the new length.
    Append(Word, Word),
    /// Removes a key; answers whether it was there.
    Del(Word),
    /// Reads several keys at once.
    Mget(Vec<Word>),
    /// Writes several keys at once, in this order.
    Mset(Vec<(Word, Word)>),
    /// Several calls, none of them a transaction, as one.
    Txn(Vec<Call>),
}

impl Call {
    /// The name in the history format.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Get(_) => "get",
            Self::Set(..) => "set",
            Self::SetNx(..) => "setnx",
            Self::GetSet(..) => "getset",
            Self::Cas(..) => "cas",
            Self::Incr(_) => "incr",
            Self::Append(..) => "append",
            Self::Del(_) => "del",
            Self::Mget(_) => "mget",
            Self::Mset(_) => "mset",
            Self::Txn(_) => "txn",
        }
    }

    /// Whether it can change nothing.
    #[must_use]
    pub fn is_read(&self) -> bool {
        match self {
            Self::Get(_) | Self::Mget(_) => true,
            Self::Txn(calls) => calls.iter().all(Self::is_read),
            _ => false,
        }
    }

    /// The keys that it touches, in its order; a key may stand there twice.
    pub fn keys(&self) -> Box<dyn Iterator<Item = &Word> + '_> {
        match self {
            Self::Get(key)
            | Self::Set(key, _)
            | Self::SetNx(key, _)
            | Self::GetSet(key, _)
            | Self::Cas(key, ..)
            | Self::Incr(key)
            | Self::Append(key, _)
            | Self::Del(key) => Box::new(std::iter::once(key)),
            Self::Mget(keys) => Box::new(keys.iter()),
            Self::Mset(pairs) => Box::new(pairs.iter().map(|(key, _)| key)),
            Self::Txn(calls) => Box::new(calls.iter().flat_map(Self::keys)),
        }
    }

    /// Its key, unless it can have several.
    #[must_use]
    pub fn single_key(&self) -> Option<&Word> {
        match self {
            Self::Mget(_) | Self::Mset(_) | Self::Txn(_) => None,
            call => call.keys().next(),
        }
    }

    /// The call that a command makes, if the format has a name for it.
    #[must_use]
    pub fn of_command<A: AsRef<[u8]>>(command: &[A]) -> Option<Self> {
        let words: Vec<&[u8]> = command.iter().map(AsRef::as_ref).collect();
        let (name, arguments) = words.split_first()?;
        let w = |word: &&[u8]| word.to_vec();
        Some(match (name.to_ascii_lowercase().as_slice(), arguments) {
            (b"get", [key]) => Self::Get(w(key)),
            (b"set", [key, value]) => Self::Set(w(key), w(value)),
            (b"setnx", [key, value]) => Self::SetNx(w(key), w(value)),
            (b"set", [key, value, option]) if option.eq_ignore_ascii_case(b"nx") => {
                Self::SetNx(w(key), w(value))
            }
            (b"getset", [key, value]) => Self::GetSet(w(key), w(value)),
            (b"set", [key, value, option]) if option.eq_ignore_ascii_case(b"get") => {
                Self::GetSet(w(key), w(value))
            }
            (b"cas", [key, old, new]) => Self::Cas(w(key), w(old), w(new)),
            (b"incr", [key]) => Self::Incr(w(key)),
            (b"append", [key, value]) => Self::Append(w(key), w(value)),
            (b"del", [key]) => Self::Del(w(key)),
            (b"mget", keys) if !keys.is_empty() => Self::Mget(keys.iter().map(w).collect()),
            (b"mset", pairs) if !pairs.is_empty() && pairs.len().is_multiple_of(2) => {
                let pair = |pair: &[&[u8]]| (pair[0].to_vec(), pair[1].to_vec());
                Self::Mset(pairs.chunks_exact(2).map(pair).collect())
            }
            _ => return None,
        })
    }

    /// The call that the commands of an entry of the order make: a single one, or a transaction.
    #[must_use]
    pub fn of_commands(commands: &[Vec<Word>]) -> Option<Self> {
        match commands {
            [command] => Self::of_command(command),
            _ => Self::transaction(commands),
        }
    }

    /// The transaction of these commands, however many they are.
    #[must_use]
    pub fn transaction<A: AsRef<[u8]>>(commands: &[Vec<A>]) -> Option<Self> {
        let calls = commands.iter().map(|command| Self::of_command(command));
        calls.collect::<Option<_>>().map(Self::Txn)
    }

    /// Hands on the words of each command that makes this call; for a transaction those between MULTI and EXEC.
    pub fn each_command(&self, take: &mut impl FnMut(&[&[u8]])) {
        match self {
            Self::Get(key) => take(&[b"GET", key]),
            Self::Set(key, value) => take(&[b"SET", key, value]),
            Self::SetNx(key, value) => take(&[b"SETNX", key, value]),
            Self::GetSet(key, value) => take(&[b"GETSET", key, value]),
            Self::Cas(key, old, new) => take(&[b"CAS", key, old, new]),
            Self::Incr(key) => take(&[b"INCR", key]),
            Self::Append(key, value) => take(&[b"APPEND", key, value]),
            Self::Del(key) => take(&[b"DEL", key]),
            Self::Mget(keys) => {
                let mut words: Vec<&[u8]> = vec![b"MGET"];
                words.extend(keys.iter().map(Vec::as_slice));
                take(&words);
            }
            Self::Mset(pairs) => {
                let mut words: Vec<&[u8]> = vec![b"MSET"];
                words.extend(
                    pairs
                        .iter()
                        .flat_map(|(key, value)| [key.as_slice(), value]),
                );
                take(&words);
            }
            Self::Txn(calls) => calls.iter().for_each(|call| call.each_command(take)),
        }
    }

    /// The commands of [`Call::each_command`].
    #[must_use]
    pub fn commands(&self) -> Vec<Vec<Word>> {
        let mut commands = Vec::new();
        let mut keep = |words: &[&[u8]]| {
            commands.push(words.iter().map(|word| word.to_vec()).collect());
        };
        self.each_command(&mut keep);
        commands
    }
}

/// As `ORDER` prints it: `SET x 1`, a transaction's calls joined by ` ; `.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&holdback::entry::line::join_commands(&self.commands()))
    }
}
