//! Where in a file a part of a case stands.

use serde::de::{DeserializeOwned, IgnoredAny};
use std::fmt;

/// One step into a JSON document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A field of an object.
    Field(String),
    /// An element of a list, from 0.
    Index(usize),
}

impl From<&str> for Step {
    fn from(name: &str) -> Self {
        Self::Field(name.into())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// The way to a part of a JSON document, printed as `clients[1].requests[0].delay`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Path(Vec<Step>);

impl Path {
    /// The path one step further in.
    #[must_use]
    pub fn then(&self, step: impl Into<Step>) -> Self {
        let mut steps = self.0.clone();
        steps.push(step.into());
        Self(steps)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, step) in self.0.iter().enumerate() {
            match step {
                Step::Index(index) => write!(f, "[{index}]")?,
                Step::Field(name) if at == 0 => f.write_str(name)?,
                Step::Field(name) => write!(f, ".{name}")?,
            }
        }
        Ok(())
    }
}

/// The line and column, from 1, at which the part at `path` begins in `text`, which is valid JSON. If the
/// part is missing, the place of the object or list that lacks it.
pub(super) fn locate(text: &str, path: &Path) -> Option<(usize, usize)> {
    let mut at = skip_blanks(text, 0);
    for step in &path.0 {
        let inner = match step {
            Step::Field(name) => find_field(text, at, name),
            Step::Index(index) => find_element(text, at, *index),
        };
        match inner {
            Some(inner) => at = inner,
            None => break,
        }
    }
    let before = text.get(..at)?;
    let line = before.matches('\n').count() + 1;
    let column = at - before.rfind('\n').map_or(0, |end| end + 1) + 1;
    Some((line, column))
}

fn find_field(text: &str, at: usize, wanted: &str) -> Option<usize> {
    let mut at = skip_blanks(text, open(text, at, b'{')?);
    loop {
        let (name, end) = read::<String>(text, at)?;
        let colon = skip_blanks(text, end);
        let value = skip_blanks(text, colon + 1);
        if name == wanted {
            return Some(value);
        }
        at = next_item(text, value)?;
    }
}

fn find_element(text: &str, at: usize, wanted: usize) -> Option<usize> {
    let mut at = skip_blanks(text, open(text, at, b'[')?);
    for _ in 0..wanted {
        at = next_item(text, at)?;
    }
    (text.as_bytes().get(at) != Some(&b']')).then_some(at)
}

fn open(text: &str, at: usize, bracket: u8) -> Option<usize> {
    (text.as_bytes().get(at) == Some(&bracket)).then_some(at + 1)
}

/// Behind the value at `at` and the comma after it, if there is one.
fn next_item(text: &str, at: usize) -> Option<usize> {
    let (IgnoredAny, end) = read(text, at)?;
    let comma = skip_blanks(text, end);
    (text.as_bytes().get(comma) == Some(&b',')).then(|| skip_blanks(text, comma + 1))
}

/// The value at `at` and where it ends.
fn read<T: DeserializeOwned>(text: &str, at: usize) -> Option<(T, usize)> {
    let mut stream = serde_json::Deserializer::from_str(text.get(at..)?).into_iter();
    let value = stream.next()?.ok()?;
    Some((value, at + stream.byte_offset()))
}

fn skip_blanks(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    at + rest.iter().take_while(|b| b.is_ascii_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_located_and_missing_ones_fall_back_to_what_lacks_them() {
        let text = "{ \"a\\u0062\": [1, {\"c\": 5},\n   \"x\"],\n  \"d\": {} }";
        let at = |path: &Path| locate(text, path);
        let root = Path::default();
        assert_eq!(at(&root), Some((1, 1)));
        assert_eq!(at(&root.then("ab")), Some((1, 14)));
        assert_eq!(at(&root.then("ab").then(1).then("c")), Some((1, 24)));
        assert_eq!(at(&root.then("ab").then(2)), Some((2, 4)));
        assert_eq!(at(&root.then("ab").then(3)), Some((1, 14)));
        assert_eq!(at(&root.then("d").then("e")), Some((3, 8)));
        assert_eq!(at(&root.then("nowhere")), Some((1, 1)));
        assert_eq!(root.then("ab").then(1).then("c").to_string(), "ab[1].c");
    }
}
