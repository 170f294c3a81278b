//! Tables without lines: columns two blanks apart, narrowed where the terminal is too narrow.

use super::{FAINT, PLAIN};
use anstyle::Style;

/// A cell.
#[derive(Clone, Debug)]
pub struct Cell {
    text: String,
    style: Style,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self {
            text: text.into(),
            style: PLAIN,
        }
    }
}

impl Cell {
    /// The cell in a style.
    #[must_use]
    pub fn styled(self, style: Style) -> Self {
        Self { style, ..self }
    }
}

/// On which side a column's cells begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// Text.
    Left,
    /// Numbers.
    Right,
}

/// A table.
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<Cell>>,
}

/// Blanks before the first column.
const INDENT: usize = 2;
/// Blanks between two columns.
const GAP: usize = 2;
/// No cell is wider, however wide the terminal is.
const CELL_MAX: usize = 64;
/// No column is narrowed further.
const CELL_MIN: usize = 6;

impl Table {
    /// A table with these headings.
    #[must_use]
    pub fn new(columns: &[(&str, Align)]) -> Self {
        let own = |(name, align): &(&str, Align)| ((*name).to_owned(), *align);
        Self {
            columns: columns.iter().map(own).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a column.
    pub fn column(&mut self, name: impl Into<String>, align: Align) {
        self.columns.push((name.into(), align));
    }

    /// Adds a row.
    pub fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// Whether no cell has to be shortened in a terminal of this width.
    #[must_use]
    pub fn fits(&self, terminal: usize) -> bool {
        self.widths(None) == self.widths(Some(terminal))
    }

    /// The table as lines. A cell too wide for its column ends in `…`.
    #[must_use]
    pub fn render(&self, width: Option<usize>) -> String {
        let widths = self.widths(width);
        let header: Vec<Cell> = self
            .columns
            .iter()
            .map(|(name, _)| Cell::from(name.as_str()).styled(FAINT))
            .collect();
        let rows = std::iter::once(&header).chain(&self.rows);
        rows.map(|row| self.render_row(row, &widths)).collect()
    }

    fn render_row(&self, row: &[Cell], widths: &[usize]) -> String {
        let mut line = " ".repeat(INDENT);
        let mut pending = 0;
        for ((cell, width), (_, align)) in row.iter().zip(widths).zip(&self.columns) {
            let text = clip(&cell.text, *width);
            let rest = width - text.chars().count();
            let (before, after) = match align {
                Align::Left => (0, rest),
                Align::Right => (rest, 0),
            };
            // Blanks are written once something follows, so that no line ends in any.
            if !text.is_empty() {
                line.push_str(&" ".repeat(pending + before));
                line.push_str(&super::styled(cell.style, &text));
                pending = after + GAP;
            } else {
                pending += width + GAP;
            }
        }
        line.push('\n');
        line
    }

    fn widths(&self, terminal: Option<usize>) -> Vec<usize> {
        let length = |text: &str| text.chars().count().min(CELL_MAX);
        let mut widths: Vec<usize> = self.columns.iter().map(|(name, _)| length(name)).collect();
        for row in &self.rows {
            for (cell, width) in row.iter().zip(&mut widths) {
                *width = (*width).max(length(&cell.text));
            }
        }
        let Some(terminal) = terminal else {
            return widths;
        };
        let blanks = INDENT + GAP * widths.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + blanks > terminal {
            match widths.iter_mut().max().filter(|width| **width > CELL_MIN) {
                Some(widest) => *widest -= 1,
                None => break,
            }
        }
        widths
    }
}

/// `text`, shortened to `most` characters.
fn clip(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut clipped: String = text.chars().take(most.saturating_sub(1)).collect();
    clipped.push('…');
    clipped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&[("id", Align::Right), ("command", Align::Left)]);
        table.column("state", Align::Left);
        table.row(vec!["1".into(), "SET x 1".into(), "up".into()]);
        table.row(vec!["10".into(), "".into(), "down".into()]);
        table.row(vec!["2".into(), "GET x".into(), "".into()]);
        table
    }

    fn plain(text: &str) -> String {
        anstream::adapter::strip_str(text).to_string()
    }

    #[test]
    fn columns_are_aligned_and_lines_end_without_blanks() {
        let expected = [
            "  id  command  state",
            "   1  SET x 1  up",
            "  10           down",
            "   2  GET x",
            "",
        ];
        assert_eq!(plain(&table().render(None)), expected.join("\n"));
    }

    #[test]
    fn the_widest_column_gives_way_in_a_narrow_terminal() {
        let expected = [
            "  id  comma…  state",
            "   1  SET x…  up",
            "  10          down",
        ];
        let rendered = plain(&table().render(Some(19)));
        assert_eq!(rendered.lines().take(3).collect::<Vec<_>>(), expected);
    }
}
