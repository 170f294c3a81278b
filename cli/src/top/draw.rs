//! The screen, line by line.

use super::cell::{Cell, Frame};
use super::diagnosis::{agreement, quote, reason, replicas, verdict};
use super::keys::Keys;
use super::view::View;
use super::{links, table};
use crate::replicas::target::count;
use crate::text::style::Role;
use crate::text::{clip, units, wrap};

/// Lines that the first sentence may take.
const VERDICT: usize = 4;

/// Everything, with the keys on the last line.
pub(super) fn screen(view: &View, keys: &Keys, frame: Frame) -> Vec<String> {
    let mut lines = vec![title(view, frame)];
    lines.extend(spoken(&verdict(view), frame));
    let links = if view.replicas.len() > 1 {
        let chosen = keys.chosen(view);
        links::lines(view, chosen, frame.columns, frame.palette)
    } else {
        Vec::new()
    };
    let sections = [
        table::lines(view, frame.columns, frame.palette),
        held_back(view, frame),
        links,
    ];
    let foot = keys.foot(view, frame);
    let room = frame.rows.saturating_sub(lines.len() + foot.len());
    lines.extend(fit(sections, room));
    lines.truncate(frame.rows.saturating_sub(foot.len()));
    lines.resize(frame.rows.saturating_sub(foot.len()), String::new());
    lines.extend(foot);
    lines
}

/// Everything that is not about keys, however high it is.
pub(super) fn picture(view: &View, frame: Frame) -> Vec<String> {
    let mut lines = spoken(&verdict(view), frame);
    let digests = agreement(view);
    lines.push(digests.painted(&digests.text, frame.palette));
    let links = links::lines(view, None, frame.columns, frame.palette);
    let mut sections = vec![
        table::lines(view, frame.columns, frame.palette),
        held_back(view, frame),
    ];
    sections.extend((view.replicas.len() > 1).then_some(links));
    for section in sections.into_iter().filter(|section| !section.is_empty()) {
        lines.push(String::new());
        lines.extend(section);
    }
    lines
}

/// What is looked at on the left, what the digests say on the right.
fn title(view: &View, frame: Frame) -> String {
    let replicas = count(view.replicas.len());
    let model = match view.model() {
        "" => "Holdback",
        model => model,
    };
    let every = frame.interval.as_secs_f64();
    let left = format!("{model}, {replicas}, every {every}s");
    let right = agreement(view);
    let used = left.chars().count() + right.text.chars().count();
    let left_painted = frame.palette.paint(Role::Name, &left);
    let right_painted = right.painted(&right.text, frame.palette);
    match frame.columns.checked_sub(used) {
        Some(gap) if gap > 0 => format!("{left_painted}{:gap$}{right_painted}", ""),
        // What the digests say matters more.
        _ => right_painted,
    }
}

fn spoken(sentence: &Cell, frame: Frame) -> Vec<String> {
    let mut lines = wrap(&sentence.text, frame.columns);
    if lines.len() > VERDICT {
        lines.truncate(VERDICT);
        if let Some(last) = lines.last_mut() {
            last.push_str(" ...");
        }
    }
    let paint = |line: &String| sentence.painted(&clip(line, frame.columns), frame.palette);
    lines.iter().map(paint).collect()
}

/// The head of each queue: what it is, whom it waits for, and why.
fn held_back(view: &View, frame: Frame) -> Vec<String> {
    let mut lines = Vec::new();
    for replica in &view.replicas {
        let Some(report) = replica.fresh(view.now) else {
            continue;
        };
        let Some(head) = &report.head else { continue };
        let waits = if head.waits_for.is_empty() {
            "to be delivered".to_owned()
        } else {
            let why = reason(view, replica.id, head);
            format!("for {}: {why}", replicas(&head.waits_for))
        };
        let more = match report.held {
            0 | 1 => String::new(),
            held => format!(" (+{} behind it)", units::count((held - 1) as f64)),
        };
        let command = quote(&head.command);
        let line = format!(
            "at {}  {} {command}{more}  waits {} {waits}",
            replica.id,
            head.stamp,
            units::time(report.oldest)
        );
        lines.push(clip(&line, frame.columns));
    }
    if !lines.is_empty() {
        lines.insert(0, frame.palette.paint(Role::Name, "held back"));
    }
    lines
}

/// The sections that there is room for, with a blank line before each if that fits too. What explains
/// most is left out last.
fn fit([table, held, links]: [Vec<String>; 3], room: usize) -> Vec<String> {
    let mut sections = [table, held, links];
    let spacious = |sections: &[Vec<String>; 3]| {
        let filled = sections.iter().filter(|section| !section.is_empty());
        filled.map(|section| section.len() + 1).sum::<usize>() <= room
    };
    let total = |sections: &[Vec<String>; 3]| sections.iter().map(Vec::len).sum::<usize>();
    let blank = spacious(&sections);
    for place in [1, 2, 0] {
        let over = total(&sections).saturating_sub(room);
        let section = &mut sections[place];
        let kept = section.len().saturating_sub(over);
        // A heading alone says nothing.
        section.truncate(if kept == 1 { 0 } else { kept });
    }
    let mut lines = Vec::new();
    for section in sections.into_iter().filter(|section| !section.is_empty()) {
        lines.extend(blank.then(String::new));
        lines.extend(section);
    }
    lines
}
