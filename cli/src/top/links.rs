//! The links, as a square: what the replica of each row says of its links.

use super::cell::Cell;
use super::diagnosis::span;
use super::report::Link;
use super::view::View;
use crate::text::style::{Palette, Role};
use crate::text::units;
use std::ops::Range;

/// One end of a link, or all links of a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chosen {
    /// The replica that is to misbehave.
    pub(super) from: usize,
    /// Towards whom; 0 for all.
    pub(super) to: usize,
}

impl Chosen {
    /// The next one in a direction, in a cluster of so many replicas.
    pub(super) fn moved(self, right: isize, down: isize, replicas: usize) -> Self {
        let mut moved = self;
        moved.from = step(self.from, down, 1, replicas);
        moved.to = step(self.to, right, 0, replicas);
        // Nobody has a link with itself: that place is stepped over.
        if moved.from == moved.to && right != 0 {
            moved.to = step(moved.to, right, 0, replicas);
        } else if moved.from == moved.to {
            moved.from = step(moved.from, down, 1, replicas);
        }
        if moved.from == moved.to { self } else { moved }
    }

    /// As a person reads it.
    pub(super) fn name(self) -> String {
        match self.to {
            0 => format!("{} to all", self.from),
            to => format!("{} to {to}", self.from),
        }
    }
}

fn step(at: usize, by: isize, least: usize, most: usize) -> usize {
    at.saturating_add_signed(by).clamp(least, most)
}

/// The square, in at most `width` columns: if it is too wide, the part around what is chosen.
pub(super) fn lines(
    view: &View,
    chosen: Option<Chosen>,
    width: usize,
    palette: Palette,
) -> Vec<String> {
    let count = view.replicas.len();
    let row = |from| (0..=count).map(move |to| cell(view, from, to)).collect();
    let rows: Vec<Vec<Cell>> = (0..=count).map(row).collect();
    // There is room for brackets.
    let width_of = |to: usize| rows.iter().map(|row| row[to].width()).max().unwrap_or(0) + 2;
    let widths: Vec<_> = (0..=count).map(width_of).collect();
    let first = format!("from {count}").len() + 1;
    let shown = visible(&widths, chosen, width.saturating_sub(first));
    let line = |(from, row): (usize, &Vec<Cell>)| {
        let name = match from {
            0 => Cell::new("links", Role::Name),
            from => Cell::plain(format!("from {from}")),
        };
        let mut line = name.padded(first, palette);
        for to in shown.clone() {
            let (cell, wide) = (&row[to], widths[to]);
            line += &if chosen == Some(Chosen { from, to }) {
                Cell::new(format!("[{}]", cell.text), Role::Chosen).padded(wide, palette)
            } else {
                format!(" {}", cell.padded(wide - 1, palette))
            };
        }
        line.trim_end().to_owned()
    };
    rows.iter().enumerate().map(line).collect()
}

/// The columns for which there is room, the chosen one among them. The first, for all links of a row, is of
/// no use if there is no choice.
fn visible(widths: &[usize], chosen: Option<Chosen>, room: usize) -> Range<usize> {
    let mut start = usize::from(chosen.is_none());
    let at = chosen.map_or(start, |chosen| chosen.to);
    let fits = |start: usize, end: usize| widths[start..=end].iter().sum::<usize>() <= room;
    while start < at && !fits(start, at) {
        start += 1;
    }
    let mut end = at;
    while end + 1 < widths.len() && fits(start, end + 1) {
        end += 1;
    }
    start..end + 1
}

/// A place of the square; row 0 has the headings.
fn cell(view: &View, from: usize, to: usize) -> Cell {
    match (from, to) {
        (0, 0) => Cell::new("to all", Role::Name),
        (0, to) => Cell::new(format!("to {to}"), Role::Name),
        _ if from == to => Cell::new("\u{b7}", Role::Faint),
        (_, 0) => Cell::new("all", Role::Faint),
        _ => match view.link(from, to) {
            None => Cell::new("?", Role::Faint),
            Some(link) => link_cell(link),
        },
    }
}

fn link_cell(link: &Link) -> Cell {
    if link.state != "up" {
        // The reason of a refusal is long, and said elsewhere.
        let state = link.state.split(" (").next().unwrap_or_default();
        return Cell::new(state, Role::Bad);
    }
    let time = link.round_trip.map_or_else(|| "up".to_owned(), units::time);
    match link.delay {
        Some(delay) => Cell::new(format!("{time} +{}", span(delay)), Role::Notable),
        None => Cell::new(time, Role::Good),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{cluster, cut, silence};
    use super::*;
    use std::time::Duration;

    #[test]
    fn each_end_says_how_its_links_are() {
        let mut view = cluster(3, "sequential");
        cut(&mut view, 3, 1);
        let delayed = view.replicas[0].report.as_mut().unwrap();
        delayed.links.get_mut(&2).unwrap().delay = Some([100, 250].map(Duration::from_millis));
        silence(&mut view, 2);
        view.now += Duration::from_secs(2);
        let chosen = Some(Chosen { from: 3, to: 1 });
        assert_eq!(
            lines(&view, chosen, 80, Palette::plain()).join("\n"),
            "links   to all  to 1  to 2               to 3\n\
             from 1  all     \u{b7}     0.31ms +100-250ms  down\n\
             from 2  all     ?     \u{b7}                  ?\n\
             from 3  all    [cut]  0.31ms             \u{b7}"
        );
    }

    #[test]
    fn the_choice_steps_over_the_diagonal_and_stays_inside() {
        let at = |from, to| Chosen { from, to };
        assert_eq!(at(1, 0).moved(1, 0, 3), at(1, 2));
        assert_eq!(at(1, 2).moved(-1, 0, 3), at(1, 0));
        assert_eq!(at(1, 0).moved(-1, 0, 3), at(1, 0));
        assert_eq!(at(1, 2).moved(0, 1, 3), at(3, 2));
        assert_eq!(at(3, 2).moved(1, 0, 3), at(3, 2));
        assert_eq!(at(3, 2).moved(0, 1, 3), at(3, 2));
        assert_eq!(at(2, 1).moved(0, -1, 3), at(2, 1));
    }

    #[test]
    fn a_narrow_window_shows_the_part_around_the_choice() {
        let view = cluster(9, "sequential");
        let chosen = Some(Chosen { from: 1, to: 9 });
        let drawn = lines(&view, chosen, 40, Palette::plain()).join("\n");
        assert!(
            drawn.contains("to 9") && !drawn.contains("to all"),
            "{drawn}"
        );
        assert!(
            drawn.lines().all(|line| line.chars().count() <= 40),
            "{drawn}"
        );
        let first = lines(&view, Some(Chosen { from: 1, to: 0 }), 40, Palette::plain());
        assert!(first[0].contains("to all"), "{}", first[0]);
    }
}
