//! "Did you mean": commands whose names are close to what was typed.

use crate::commands::local::names;

/// At most so many suggestions.
const SUGGESTIONS_MAX: usize = 3;

/// The closest names to `typed`, which is no command; empty if none is close.
pub(crate) fn similar(typed: &str) -> Vec<&'static str> {
    let upper = typed.to_ascii_uppercase();
    // Short names are all close to each other.
    let farthest = match upper.len() {
        0..=1 => return Vec::new(),
        2..=3 => 1,
        _ => 2,
    };
    let mut close: Vec<_> = names()
        .map(|name| {
            let distance = strsim::damerau_levenshtein(&upper, &name.to_ascii_uppercase());
            (distance, name)
        })
        .filter(|&(distance, _)| distance <= farthest)
        .collect();
    close.sort_unstable();
    let nearest = close.first().map_or(0, |&(distance, _)| distance);
    let mut names: Vec<&'static str> = Vec::new();
    for (_, name) in close
        .into_iter()
        .filter(|&(distance, _)| distance == nearest)
    {
        // `help` is there twice: the REPL's own, and the replica's.
        if !names.iter().any(|other| other.eq_ignore_ascii_case(name)) {
            names.push(name);
        }
    }
    names.truncate(SUGGESTIONS_MAX);
    names
}

/// The names as a question, if there are any.
pub(crate) fn question(typed: &str) -> Option<String> {
    let names = similar(typed);
    let (last, others) = names.split_last()?;
    Some(if others.is_empty() {
        format!("Did you mean {last}?")
    } else {
        format!("Did you mean {} or {last}?", others.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typos_are_recognised() {
        assert_eq!(similar("GTE"), ["GET"]);
        assert_eq!(similar("hodlback"), ["HOLDBACK"]);
        assert_eq!(similar("monitr"), ["MONITOR"]);
        assert_eq!(similar("hlep"), ["HELP"]);
        assert_eq!(similar("conect"), ["connect"]);
        assert!(similar("xyzzy").is_empty() && similar("").is_empty() && similar("Q").is_empty());
        assert_eq!(question("GTE").as_deref(), Some("Did you mean GET?"));
        assert_eq!(
            question("INCRB").as_deref(),
            Some("Did you mean INCR or INCRBY?")
        );
    }
}
