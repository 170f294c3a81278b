//! What of a picture fits into a page: everything, or a window in full and the rest thinned out.
//!
//! What is left out is left out with its whole life: an operation, its entry, the frames that carried and
//! acknowledged it, its deliveries. So whatever is shown is complete.

use super::picture::{Moment, Picture};
use std::ops::RangeInclusive;

/// What is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Selection {
    /// Of each bar, whether it is.
    pub(super) bars: Vec<bool>,
    /// Of each entry, whether it is.
    pub(super) entries: Vec<bool>,
    /// The stretch of time in which everything is. None if everything is everywhere.
    pub(super) window: Option<(Moment, Moment)>,
    /// Outside the window one of so many is.
    pub(super) one_of: usize,
}

/// An operation, an entry, or both, with all that belongs to them.
struct Life {
    bar: Option<usize>,
    entry: Option<usize>,
    begins: Moment,
    ends: Moment,
    /// About so many bytes in the page.
    cost: usize,
}

/// The share of the budget that the window may take, and the share that the rest may take.
const WINDOW_SHARE: f64 = 0.7;
const REST_SHARE: f64 = 0.3;

/// Chooses what is shown with about so many bytes. The window is the one that is asked for, as far as it
/// fits; if none is, it begins at the first marked operation or, if there is none, with the run.
pub(super) fn select(
    picture: &Picture,
    budget: usize,
    asked: Option<(Moment, Moment)>,
) -> Selection {
    let mut lives = lives(picture);
    lives.sort_by_key(|life| life.begins);
    let total: usize = lives.iter().map(|life| life.cost).sum();
    let everything = |shown| Selection {
        bars: vec![shown; picture.bars.len()],
        entries: vec![shown; picture.entries.list.len()],
        window: None,
        one_of: 1,
    };
    if total <= budget {
        return everything(true);
    }
    let window = window(picture, &lives, share(budget, WINDOW_SHARE), asked);
    let rest: usize = outside(&lives, &window).map(|life| life.cost).sum();
    let allowed = share(budget, REST_SHARE).max(1);
    let one_of = rest.div_ceil(allowed).max(1);
    let mut selection = Selection {
        window: Some((*window.start(), *window.end())),
        one_of,
        ..everything(false)
    };
    let mut number = 0;
    for life in &lives {
        let is_marked = life.bar.is_some_and(|bar| picture.bars[bar].is_marked);
        let is_inside = overlaps(life, &window);
        number += usize::from(!is_inside);
        if is_inside || is_marked || number % one_of == 0 {
            selection.show(life);
        }
    }
    selection
}

fn share(budget: usize, share: f64) -> usize {
    (budget as f64 * share) as usize
}

impl Selection {
    fn show(&mut self, life: &Life) {
        if let Some(bar) = life.bar {
            self.bars[bar] = true;
        }
        if let Some(entry) = life.entry {
            self.entries[entry] = true;
        }
    }
}

fn overlaps(life: &Life, window: &RangeInclusive<Moment>) -> bool {
    life.begins <= *window.end() && life.ends >= *window.start()
}

fn outside<'a>(
    lives: &'a [Life],
    window: &RangeInclusive<Moment>,
) -> impl Iterator<Item = &'a Life> {
    lives.iter().filter(|life| !overlaps(life, window))
}

/// The longest window that costs no more than `allowed`: from where it should begin to as far as possible.
fn window(
    picture: &Picture,
    lives: &[Life],
    allowed: usize,
    asked: Option<(Moment, Moment)>,
) -> RangeInclusive<Moment> {
    let (first, last) = picture.span();
    let marked = picture.bars.iter().filter(|bar| bar.is_marked);
    let marked = marked.map(|bar| bar.invoked).min();
    let start = match (asked, marked) {
        (Some((start, _)), _) => start,
        // A little of what went before helps to understand.
        (None, Some(marked)) => marked - (last - first) / 200,
        (None, None) => first,
    };
    let start = start.clamp(first, last);
    let end = asked.map_or(last, |(_, end)| end.clamp(start, last));
    let cost = |end: Moment| -> usize {
        let inside = lives.iter().filter(|life| overlaps(life, &(start..=end)));
        inside.map(|life| life.cost).sum()
    };
    if cost(end) <= allowed {
        return start..=end;
    }
    let (mut fits, mut exceeds) = (start, end);
    // Forty halvings of an hour are less than a nanosecond.
    for _ in 0..40 {
        let middle = fits + (exceeds - fits) / 2;
        match cost(middle) <= allowed {
            true => fits = middle,
            false => exceeds = middle,
        }
    }
    start..=fits
}

/// What a part of a picture costs in a page, in bytes, with its numbers and commas.
const BAR_COST: usize = 95;
const ENTRY_COST: usize = 40;
const MESSAGE_COST: usize = 32;
const DELIVERY_COST: usize = 24;
const STAY_COST: usize = 44;

fn lives(picture: &Picture) -> Vec<Life> {
    let entry = |at: usize| {
        let entry = &picture.entries.list[at];
        let text = entry.command.as_ref();
        let text = text.map_or(0, |command| command.text.len());
        let begins = picture.moment(entry.stamped);
        Life {
            bar: None,
            entry: Some(at),
            begins,
            ends: begins,
            cost: ENTRY_COST + text,
        }
    };
    let mut lives: Vec<Life> = (0..picture.entries.list.len()).map(entry).collect();
    let mut extend = |entry: u32, at: Option<Moment>, cost: usize| {
        let life = &mut lives[entry as usize];
        life.ends = life.ends.max(at.unwrap_or(life.ends));
        life.cost += cost;
    };
    for message in &picture.messages {
        if let Some(entry) = message.entry {
            // An ack may come long after all is over; it does not make the life longer.
            extend(entry, None, MESSAGE_COST);
        }
    }
    for delivery in &picture.deliveries {
        let at = picture.moment(delivery.wall);
        extend(delivery.entry, Some(at), DELIVERY_COST);
    }
    for stay in &picture.stays {
        extend(stay.entry, None, STAY_COST);
    }
    for (place, bar) in picture.bars.iter().enumerate() {
        let ends = bar.completed.unwrap_or(bar.invoked);
        let cost = BAR_COST + bar.answer.len();
        match bar.entry {
            Some(entry) if lives[entry as usize].bar.is_none() => {
                let life = &mut lives[entry as usize];
                life.bar = Some(place);
                life.begins = life.begins.min(bar.invoked);
                life.ends = life.ends.max(ends);
                life.cost += cost;
            }
            _ => lives.push(Life {
                bar: Some(place),
                entry: None,
                begins: bar.invoked,
                ends,
                cost: cost + bar.call.len(),
            }),
        }
    }
    lives
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::folder::Run;

    /// Operations of one millisecond each, one after the other.
    fn picture(count: u64) -> Picture {
        let line = |number: u64| {
            let at = number * 1_000_000;
            format!(
                "{{\"process\":1,\"type\":\"invoke\",\"f\":\"get\",\"key\":\"x\",\"time\":{at}}}\n\
                 {{\"process\":1,\"type\":\"ok\",\"f\":\"get\",\"key\":\"x\",\"value\":\"1\",\"time\":{}}}\n",
                at + 900_000
            )
        };
        let text: String = (0..count).map(line).collect();
        Picture::of(&Run {
            history: Some(crate::history::read(text.as_bytes()).unwrap()),
            ..Run::default()
        })
    }

    fn shown(selection: &Selection) -> usize {
        selection.bars.iter().filter(|shown| **shown).count()
    }

    #[test]
    fn what_fits_is_shown_whole() {
        let selection = select(&picture(10), 10_000, None);
        assert_eq!(shown(&selection), 10);
        assert_eq!(selection.window, None);
    }

    #[test]
    fn a_window_is_full_and_the_rest_is_thinned_evenly() {
        let picture = picture(1000);
        let cost = lives(&picture)[0].cost;
        let selection = select(&picture, 100 * cost, None);
        let (start, end) = selection.window.unwrap();
        let inside = |bar: &super::super::picture::Bar| {
            bar.invoked <= end && bar.completed.unwrap() >= start
        };
        let bars = || picture.bars.iter().zip(&selection.bars);
        assert!(
            bars()
                .filter(|(bar, _)| inside(bar))
                .all(|(_, shown)| *shown)
        );
        let in_window = bars().filter(|(bar, _)| inside(bar)).count();
        assert!((60..=71).contains(&in_window), "{in_window}");
        let places: Vec<usize> = (in_window..1000).filter(|at| selection.bars[*at]).collect();
        assert!(
            places
                .windows(2)
                .all(|pair| pair[1] - pair[0] == selection.one_of)
        );
        assert!(
            (80..=101).contains(&shown(&selection)),
            "{}",
            shown(&selection)
        );
        assert!(
            *places.last().unwrap() > 950,
            "the end of the run is there too"
        );
    }

    #[test]
    fn marked_operations_are_always_shown_and_open_the_window() {
        let mut picture = picture(1000);
        picture.bars[500].is_marked = true;
        picture.bars[990].is_marked = true;
        let cost = lives(&picture)[0].cost;
        let selection = select(&picture, 100 * cost, None);
        assert!(selection.bars[500..540].iter().all(|shown| *shown));
        assert!(selection.bars[990]);
        assert!(!selection.bars[100..140].iter().all(|shown| *shown));

        let asked = Some((200_000_000, 205_500_000));
        let selection = select(&picture, 100 * cost, asked);
        assert_eq!(selection.window, asked);
        assert!(selection.bars[200..=205].iter().all(|shown| *shown));
    }
}
