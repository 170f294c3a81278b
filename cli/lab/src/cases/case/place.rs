//! Where in a file a part of a case stands.

use serde_json::value::RawValue;
use std::collections::HashMap;
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
    let mut part: &RawValue = serde_json::from_str(text).ok()?;
    for step in &path.0 {
        let inner = match step {
            Step::Field(name) => fields(part).and_then(|mut fields| fields.remove(name)),
            Step::Index(index) => elements(part).and_then(|list| list.get(*index).copied()),
        };
        match inner {
            Some(inner) => part = inner,
            None => break,
        }
    }
    // A part is a piece of the text itself.
    let at = part.get().as_ptr().addr() - text.as_ptr().addr();
    let before = text.get(..at)?;
    let line = before.matches('\n').count() + 1;
    let column = at - before.rfind('\n').map_or(0, |end| end + 1) + 1;
    Some((line, column))
}

fn fields(object: &RawValue) -> Option<HashMap<String, &RawValue>> {
    serde_json::from_str(object.get()).ok()
}

fn elements(list: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(list.get()).ok()
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
