//! Text in columns.

use crate::repl::style::{Palette, Role};

/// A piece of text, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) role: Option<Role>,
}

impl Cell {
    pub(super) fn new(text: impl Into<String>, role: Option<Role>) -> Self {
        let text = text.into();
        Self { text, role }
    }

    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self::new(text, None)
    }

    pub(super) fn width(&self) -> usize {
        self.text.chars().count()
    }

    /// The text with its colour, in so many columns, or cut off there.
    pub(super) fn padded(&self, width: usize, palette: Palette) -> String {
        let text: String = self.text.chars().take(width).collect();
        let gap = width.saturating_sub(text.chars().count());
        let painted = match self.role {
            Some(role) => palette.paint(role, &text),
            None => text,
        };
        format!("{painted}{:gap$}", "")
    }
}

/// The beginning of a text that is too wide, with dots in place of the rest.
pub(super) fn clip(text: &str, width: usize) -> String {
    const DOTS: &str = "...";
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(DOTS.len());
    let kept: String = text.chars().take(kept).collect();
    kept.chars().chain(DOTS.chars()).take(width).collect()
}

/// Breaks a sentence into lines of at most `width` columns, between words where that can be.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
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

    #[test]
    fn a_cell_has_its_width() {
        let cell = Cell::new("≠ab", Some(Role::Bad));
        assert_eq!(cell.padded(5, Palette::plain()), "≠ab  ");
        assert_eq!(cell.padded(2, Palette::plain()), "≠a");
    }
}
