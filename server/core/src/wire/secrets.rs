//! Passwords in commands, which nobody but the sender may see.

/// What stands in the place of a word that may not be seen.
const REDACTED: &[u8] = b"(redacted)";

/// A command as it may be shown, if that is not as it came: users and passwords are left out.
///
/// All that follows AUTH may be a password, also where the command is wrong.
#[must_use]
pub fn redacted<'a>(words: &[&'a [u8]]) -> Option<Vec<&'a [u8]>> {
    let is_auth = |word: &&[u8]| word.eq_ignore_ascii_case(b"AUTH");
    let (name, rest) = words.split_first()?;
    let shown = if is_auth(name) {
        1
    } else if name.eq_ignore_ascii_case(b"HELLO") {
        2 + rest.iter().position(is_auth)?
    } else {
        return None;
    };
    let hidden = words.len() - shown;
    let hidden = std::iter::repeat_n(REDACTED, hidden);
    Some(words[..shown].iter().copied().chain(hidden).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_auth_is_not_shown() {
        let shown = |line: &'static str| {
            let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
            let shown = redacted(&words)?.join(&b' ');
            Some(String::from_utf8(shown).expect("text"))
        };
        for (line, expected) in [
            ("AUTH p", "AUTH (redacted)"),
            ("auth u p", "auth (redacted) (redacted)"),
            ("AUTH", "AUTH"),
            ("HELLO 3 AUTH u p", "HELLO 3 AUTH (redacted) (redacted)"),
            ("HELLO AUTH u p", "HELLO AUTH (redacted) (redacted)"),
            (
                "hello 3 SETNAME auth AUTH u p",
                "hello 3 SETNAME auth (redacted) (redacted) (redacted)",
            ),
        ] {
            assert_eq!(shown(line).as_deref(), Some(expected));
        }
        for line in ["HELLO 3 SETNAME n", "SET AUTH u", "GET x"] {
            assert_eq!(shown(line), None);
        }
    }
}
