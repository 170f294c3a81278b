//! Why a write hangs, in a sentence.

use super::cell::Cell;
use super::report::{Link, Report};
use super::view::{Agreement, Health, Replica, View};
use crate::replicas::head::Head;
use crate::text::style::Role;
use crate::text::{beginning, units};
use std::time::Duration;

/// A write that waits for so long is said to hang.
const HANGS: Duration = Duration::from_secs(1);

/// More bytes than the network has taken, on one link, are worth a word.
const UNSENT: u64 = 1 << 20;

/// Characters of a command that a sentence quotes.
const QUOTED: usize = 32;

/// What a person has to know first: what hangs and why; or else what is wrong and will make the next write
/// hang; or that all is well.
pub(super) fn verdict(view: &View) -> Cell {
    if let Agreement::Differ(Some(position), differing) = view.agreement() {
        let text = format!(
            "The replicas committed DIFFERENT orders: at position {position} the digest of {} is not that \
             of the others.",
            replicas(&differing)
        );
        return Cell::new(text, Role::Bad);
    }
    if let Some(hang) = hang(view) {
        return hang;
    }
    let troubles = troubles(view);
    if !troubles.is_empty() {
        let text = format!("{} {}", troubles.join(" "), outlook(view));
        return Cell::new(text, Role::Notable);
    }
    let (role, text) = match view.model() {
        "" => (Role::Faint, "Waiting for the first answers."),
        "eventual" => (Role::Good, "All is well: in this model nothing ever waits."),
        _ => (
            Role::Good,
            "All is well: no write waits for longer than a moment.",
        ),
    };
    Cell::new(text, role)
}

/// The entry that has waited longest, if that is long.
fn hang(view: &View) -> Option<Cell> {
    let waiting = |replica| held_long(view, replica);
    let longest = view.replicas.iter().filter_map(waiting);
    let longest = longest.max_by_key(|(_, report, _)| report.oldest)?;
    // Of those who hold it back, the one whose client waits for it.
    let origin = view.replica(longest.2.origin).and_then(waiting);
    let origin = origin.filter(|(.., head)| head.stamp == longest.2.stamp);
    let (replica, report, head) = origin.unwrap_or(longest);
    let what = if view.model() == "linearizable" {
        "Reads and writes hang"
    } else {
        "Writes hang"
    };
    let command = quote(&head.command);
    let text = format!(
        "{what}: at replica {}, {} {command} has waited {} for {}: {}.",
        replica.id,
        head.stamp,
        units::time(report.oldest),
        replicas(&head.waits_for),
        reason(view, replica.id, head)
    );
    Some(Cell::new(text, Role::Bad))
}

/// The replica and its head, if that has waited long.
fn held_long<'a>(view: &View, replica: &'a Replica) -> Option<(&'a Replica, &'a Report, &'a Head)> {
    let report = replica.fresh(view.now)?;
    let head = report.head.as_ref()?;
    (report.oldest >= HANGS && !head.waits_for.is_empty()).then_some((replica, report, head))
}

/// The beginning of a command.
pub(super) fn quote(command: &str) -> String {
    beginning(command, QUOTED)
}

/// Why replica `at` does not know that those hold the head for whom it waits.
pub(super) fn reason(view: &View, at: usize, head: &Head) -> String {
    let mut reasons = Vec::new();
    for &waited_for in &head.waits_for {
        let reason = trouble_with(view, waited_for)
            .or_else(|| trouble_between(view, head.origin, waited_for))
            .or_else(|| trouble_between(view, waited_for, at));
        if let Some(reason) = reason
            && !reasons.contains(&reason)
        {
            reasons.push(reason);
        }
    }
    if reasons.is_empty() {
        "it is on its way".to_owned()
    } else {
        reasons.join("; ")
    }
}

/// What is wrong with a replica, if something is.
fn trouble_with(view: &View, id: usize) -> Option<String> {
    let replica = view.replica(id)?;
    match replica.health(view.now) {
        Health::Unknown => None,
        Health::Down(why) => Some(format!("replica {id} is down ({why})")),
        Health::Silent(silence) => Some(format!(
            "replica {id} has not answered for {}: it is paused, or cannot be reached",
            units::time(silence)
        )),
        Health::Answers => {
            let why = replica.report.as_ref()?.unready.as_ref()?;
            Some(format!("replica {id} serves no data: {why}"))
        }
    }
}

/// What keeps frames from getting from one replica to another, as either end says.
fn trouble_between(view: &View, from: usize, to: usize) -> Option<String> {
    if from == to {
        return None;
    }
    let ends = [(from, to), (to, from)];
    let end = |(one, other)| Some((one, view.link(one, other)?));
    let ends: Vec<(usize, &Link)> = ends.into_iter().filter_map(end).collect();
    let (low, high) = (from.min(to), from.max(to));
    let cut: Vec<_> = ends
        .iter()
        .filter(|(_, link)| link.state == "cut")
        .map(|(id, _)| *id)
        .collect();
    if !cut.is_empty() {
        return Some(format!("link {low}-{high} is cut by {}", replicas(&cut)));
    }
    let broken = ends.iter().find(|(_, link)| link.state != "up");
    if let Some((_, link)) = broken {
        return Some(format!("link {low}-{high} is {}", link.state));
    }
    let (_, link) = ends.into_iter().find(|(id, _)| *id == from)?;
    match link.delay {
        Some(delay) => Some(format!("{from} delays frames to {to} by {}", span(delay))),
        None if link.unsent >= UNSENT => Some(format!(
            "{from} has {} for {to} that the network has not taken",
            units::bytes(link.unsent)
        )),
        None => None,
    }
}

/// A delay, as a person reads it.
pub(super) fn span([least, longest]: [Duration; 2]) -> String {
    if least == longest {
        short(longest)
    } else {
        format!("{}-{}ms", least.as_millis(), longest.as_millis())
    }
}

fn short(time: Duration) -> String {
    let milliseconds = time.as_millis();
    if milliseconds >= 1000 && milliseconds.is_multiple_of(100) {
        format!("{}s", time.as_secs_f64())
    } else {
        format!("{milliseconds}ms")
    }
}

/// Everything that is wrong with replicas and links, a sentence each.
fn troubles(view: &View) -> Vec<String> {
    let mut found = Vec::new();
    let mut sound = Vec::new();
    for Replica { id, .. } in &view.replicas {
        match trouble_with(view, *id) {
            Some(trouble) => found.push(trouble),
            None => sound.push(*id),
        }
    }
    for &from in &sound {
        for &to in &sound {
            let trouble = trouble_between(view, from, to);
            found.extend(trouble.filter(|trouble| !found.contains(trouble)));
        }
    }
    found.iter().map(|trouble| as_sentence(trouble)).collect()
}

fn as_sentence(trouble: &str) -> String {
    let mut letters = trouble.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).chain(['.']).collect()
}

/// What follows from trouble while nothing hangs yet.
fn outlook(view: &View) -> &'static str {
    if view.serving().next().is_none() {
        "Nobody serves data."
    } else if view.is_eventual() {
        "Nothing waits for that: what is missed comes later."
    } else {
        "Writes may have to wait for that."
    }
}

/// `replica 3`, `replicas 2 and 3`.
pub(super) fn replicas(ids: &[usize]) -> String {
    let numbers: Vec<_> = ids.iter().map(usize::to_string).collect();
    match &numbers[..] {
        [] => "nobody".to_owned(),
        [one] => format!("replica {one}"),
        [first @ .., last] => format!("replicas {} and {last}", first.join(", ")),
    }
}

/// What the comparison of digests says.
pub(super) fn agreement(view: &View) -> Cell {
    let all = view.replicas.len();
    let (role, text) = match view.agreement() {
        Agreement::Unknown if all == 1 => (Role::Faint, "one replica".to_owned()),
        Agreement::Unknown => (Role::Faint, "no digests to compare".to_owned()),
        Agreement::Agree(None, compared) => (
            Role::Good,
            format!("{compared} of {all} hold the same data"),
        ),
        Agreement::Agree(Some(position), compared) => (
            Role::Good,
            format!("digests of {compared} of {all} agree at {position}"),
        ),
        Agreement::Differ(None, _) => (
            Role::Notable,
            "data differs: it converges once links are up".to_owned(),
        ),
        Agreement::Differ(Some(position), _) => {
            (Role::Bad, format!("digests DIFFER at {position}"))
        }
    };
    Cell::new(text, role)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{cluster, cut, head, silence};
    use super::*;

    fn text(view: &View) -> String {
        verdict(view).text
    }

    #[test]
    fn a_write_behind_a_cut_names_the_cut() {
        let mut view = cluster(3, "sequential");
        assert!(text(&view).starts_with("All is well"));
        cut(&mut view, 3, 1);
        assert_eq!(
            text(&view),
            "Link 1-3 is cut by replica 3. Writes may have to wait for that."
        );
        head(&mut view, 1, "4.1", &[3], 12_000);
        // Replica 2 has the entry, and waits for an ack that replica 3 cannot give: it has no entry to ack.
        head(&mut view, 2, "4.1", &[3], 12_100);
        assert_eq!(
            text(&view),
            "Writes hang: at replica 1, 4.1 SET b 2 has waited 12.0s for replica 3: link 1-3 is cut by \
             replica 3."
        );
        let Some(report) = &view.replicas[1].report else {
            panic!("it answered");
        };
        let head = report.head.clone().unwrap();
        assert_eq!(reason(&view, 2, &head), "link 1-3 is cut by replica 3");
    }

    #[test]
    fn a_replica_that_is_paused_is_the_reason_and_not_its_links() {
        let mut view = cluster(3, "linearizable");
        head(&mut view, 2, "9.2", &[1, 3], 2_500);
        silence(&mut view, 3);
        view.replicas[0].is_down("Connection refused".to_owned());
        view.now += Duration::from_secs(3);
        assert_eq!(
            text(&view),
            "Reads and writes hang: at replica 2, 9.2 SET b 2 has waited 2.5s for replicas 1 and 3: replica 1 \
             is down (Connection refused); replica 3 has not answered for 3.0s: it is paused, or cannot be \
             reached."
        );
    }

    #[test]
    fn a_delay_counts_in_its_direction() {
        let mut view = cluster(2, "sequential");
        let delayed = view.replicas[0].report.as_mut().unwrap();
        delayed.links.get_mut(&2).unwrap().delay = Some([Duration::from_secs(5); 2]);
        head(&mut view, 1, "1.1", &[2], 1_500);
        assert!(text(&view).ends_with("replica 2: 1 delays frames to 2 by 5s."));
        let there = |at, origin| {
            let head = Head {
                origin,
                waits_for: vec![2],
                ..Head::default()
            };
            reason(&view, at, &head)
        };
        assert_eq!(there(1, 2), "it is on its way");
    }

    #[test]
    fn different_digests_come_before_everything() {
        let mut view = cluster(3, "sequential");
        head(&mut view, 1, "4.1", &[3], 12_000);
        view.replicas[1].report.as_mut().unwrap().digest_at = Some((17, "other".to_owned()));
        assert!(text(&view).contains("at position 17 the digest of replica 2 is not"));
        assert_eq!(agreement(&view).text, "digests DIFFER at 17");
        let eventual = cluster(3, "eventual");
        assert_eq!(agreement(&eventual).text, "3 of 3 hold the same data");
    }
}
