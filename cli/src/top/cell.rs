//! Text in columns.

use crate::text::style::{Palette, Role};
use std::time::Duration;

/// How the screen is to be drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) columns: usize,
    pub(super) rows: usize,
    pub(super) interval: Duration,
    pub(super) palette: Palette,
}

/// A piece of text, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) role: Option<Role>,
}

impl Cell {
    pub(super) fn new(text: impl Into<String>, role: impl Into<Option<Role>>) -> Self {
        Self {
            text: text.into(),
            role: role.into(),
        }
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
        format!("{}{:gap$}", self.painted(&text, palette), "")
    }

    /// A part of the text with its colour.
    pub(super) fn painted(&self, part: &str, palette: Palette) -> String {
        let paint = |role| palette.paint(role, part);
        self.role.map_or_else(|| part.to_owned(), paint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_its_width() {
        let cell = Cell::new("≠ab", Role::Bad);
        assert_eq!(cell.padded(5, Palette::plain()), "≠ab  ");
        assert_eq!(cell.padded(2, Palette::plain()), "≠a");
    }
}
