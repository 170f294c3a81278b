//! Text for a person: [`style`] has its colours, [`units`] its numbers.

pub(crate) mod style;
pub(crate) mod units;

/// What stands in place of what was cut off.
const DOTS: &str = "...";

/// `text` without what a terminal would obey: a server must not move the cursor.
pub(crate) fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && character != '\t' {
            safe.extend(character.escape_default());
        } else {
            safe.push(character);
        }
    }
    safe
}

/// The beginning of a text that is too wide, with dots in place of the rest.
pub(crate) fn clip(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept = text.chars().take(width.saturating_sub(DOTS.len()));
    kept.chain(DOTS.chars()).take(width).collect()
}

/// So many characters of a text, with dots behind them if there are more.
pub(crate) fn beginning(text: &str, characters: usize) -> String {
    match text.char_indices().nth(characters) {
        Some((end, _)) => format!("{}{DOTS}", &text[..end]),
        None => text.to_owned(),
    }
}

/// Breaks a sentence into lines of at most `width` columns, between words where that can be.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width.max(1) {
            lines.push(String::new());
            used = 0;
        }
        let Some(line) = lines.last_mut() else {
            continue;
        };
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += length;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_broken_between_words() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("immeasurable", 5), ["immeasurable"]);
        assert_eq!(wrap("", 5), [""]);
    }

    #[test]
    fn what_is_too_wide_ends_in_dots() {
        assert_eq!(clip("six or", 6), "six or");
        assert_eq!(clip("seven o", 6), "sev...");
        assert_eq!(clip("seven", 2), "..");
    }
}
