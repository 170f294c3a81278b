//! What a run prints: the clients, the stores and orders side by side, and the verdict.

use super::sides;
use crate::cases::case::{Case, FaultKind, LinkDelay};
use crate::cases::clients::{Exchange, Seen};
use crate::cases::verdict::{self, Agreement, Latency};
use crate::check::{Judgement, Verdict};
use crate::kit::collect::Final;
use crate::kit::print::show::{duration, moment};
use crate::kit::print::table::{Align, Cell, Table};
use crate::kit::print::{BAD, FAINT, PLAIN, STRONG, WARN, count, paragraph, styled, yes_or_no};
use crate::kit::settle::short;
use holdback::consistency::Consistency;
use holdback::wire::value::Value;

/// Everything about a run that is shown.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'a> {
    /// The case.
    pub case: &'a Case,
    /// The seed of the delays.
    pub seed: u64,
    /// What the clients saw.
    pub seen: &'a [Seen],
    /// What the replicas hold.
    pub finals: &'a [Final],
    /// The verdict.
    pub verdict: &'a verdict::Verdict,
    /// The width of the terminal, if there is one.
    pub width: Option<usize>,
}

/// What is known before the run begins.
#[must_use]
pub fn head(case: &Case, seed: u64, width: Option<usize>) -> String {
    let about = format!(
        "{}, {}, {}, seed {seed}",
        case.consistency,
        count(case.num_processes, "replica", "replicas"),
        count(case.clients.len(), "client", "clients"),
    );
    let mut text = format!(
        "{}  {}\n",
        styled(STRONG, &case.name),
        styled(FAINT, &about)
    );
    if !case.description.is_empty() {
        text += &paragraph(&case.description, 2, width);
    }
    text + &network(case)
}

/// What came of the run.
#[must_use]
pub fn outcome(shown: &Shown<'_>) -> String {
    clients(shown)
        + &sides::stores(shown)
        + &sides::orders(shown)
        + &held_back(shown)
        + &verdict(shown)
}

pub(super) fn heading(title: &str, about: &str) -> String {
    let gap = if about.is_empty() { "" } else { "  " };
    let about = styled(FAINT, &format!("{gap}{about}"));
    format!("\n{}{about}\n", styled(STRONG, title))
}

/// The delays and faults.
fn network(case: &Case) -> String {
    let mut lines = delay_lines(case);
    for (at, kind) in case.faults_in_time() {
        let what = match kind {
            FaultKind::Cut([a, b]) => format!("the link between {a} and {b} is cut"),
            FaultKind::Heal([a, b]) => format!("the link between {a} and {b} is healed"),
            FaultKind::Delay(LinkDelay { from, to, seconds }) => {
                format!("frames from {from} to {to} take {seconds} longer")
            }
        };
        lines.push(format!("at {at} s {what}"));
    }
    if lines.is_empty() {
        return String::new();
    }
    let lines: String = lines.iter().map(|line| format!("  {line}\n")).collect();
    heading("network", "") + &lines
}

/// The delays from before the start: a line for each sender, or one for all if they are the same.
fn delay_lines(case: &Case) -> Vec<String> {
    let links = case.num_processes * (case.num_processes - 1);
    let mut rest = case.delays.clone();
    let mut lines: Vec<String> = Vec::new();
    while let Some(LinkDelay { from, seconds, .. }) = rest.first().copied() {
        if rest.len() == links && rest.iter().all(|delay| delay.seconds == seconds) {
            return vec![format!("frames between all replicas take {seconds} longer")];
        }
        let same = |delay: &mut LinkDelay| (delay.from, delay.seconds) == (from, seconds);
        let to: Vec<String> = rest
            .extract_if(.., same)
            .map(|delay| delay.to.to_string())
            .collect();
        lines.push(format!(
            "frames from {from} to {} take {seconds} longer",
            enumeration(&to)
        ));
    }
    lines
}

/// `1`, `1 and 2`, `1, 2 and 3`.
fn enumeration(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn clients(shown: &Shown<'_>) -> String {
    let mut table = Table::new(&[
        ("client", Align::Right),
        ("replica", Align::Right),
        ("sent at", Align::Right),
        ("took", Align::Right),
        ("request", Align::Left),
        ("reply", Align::Left),
    ]);
    for ((client, seen), number) in shown.case.clients.iter().zip(shown.seen).zip(1..) {
        for (at, request) in client.requests.iter().enumerate() {
            let first = at == 0;
            let name = |id: usize| if first { id.to_string() } else { String::new() };
            let mut row: Vec<Cell> = vec![name(number).into(), name(client.process).into()];
            match seen.get(at) {
                None => {
                    let reply = Cell::from("never sent").styled(BAD);
                    row.extend(["".into(), "".into(), request.line().into(), reply]);
                }
                Some(exchange) => row.extend([
                    moment(exchange.sent).into(),
                    duration(exchange.took()).into(),
                    request.line().into(),
                    answer(exchange),
                ]),
            }
            table.row(row);
        }
    }
    let latency = &shown.verdict.latency;
    heading("clients", "seconds from the start")
        + &table.render(shown.width)
        + &latency_line("reads", &latency.reads)
        + &latency_line("writes", &latency.writes)
}

fn answer(exchange: &Exchange) -> Cell {
    let bad = matches!(exchange.outcome, Err(_) | Ok(Value::Error(_)));
    Cell::from(exchange.answer()).styled(if bad { BAD } else { PLAIN })
}

fn latency_line(name: &str, latency: &Latency) -> String {
    let (median, max) = (duration(latency.median), duration(latency.max));
    match latency.count {
        0 => String::new(),
        1 => format!("  1 {}: {max}\n", name.trim_end_matches('s')),
        number => format!("  {number} {name}: median {median}, max {max}\n"),
    }
}

/// What is still held back, which after a settled run is nothing.
fn held_back(shown: &Shown<'_>) -> String {
    let mut lines = String::new();
    for last in shown.finals {
        for entry in &last.held_back {
            lines += &format!("  replica {}  {entry}\n", last.replica);
        }
    }
    if lines.is_empty() {
        return lines;
    }
    heading("held back", "stamp, the replicas waited for, command") + &lines
}

fn verdict(shown: &Shown<'_>) -> String {
    let verdict = shown.verdict;
    let mut text = heading("verdict", "");
    let line = |name, yes, about: &str| line(name, &yes_or_no(yes), &styled(FAINT, about));
    let after = duration(verdict.settled.after);
    text += &match &verdict.settled.missing {
        None => line("settled", true, &format!("{after} after the last reply")),
        Some(missing) => line("settled", false, &format!("after {after}: {missing}")),
    };
    for problem in &verdict.incomplete {
        text += &line("complete", false, problem);
    }
    let digest = shown.finals.iter().find(|last| last.problem.is_none());
    let digest = digest.map(|last| format!(", digest {}", short(&last.digest)));
    let digest = digest.unwrap_or_default();
    if let Some(orders) = &verdict.orders {
        text += &agreement("orders identical", orders, |entries| {
            count(entries, "entry", "entries") + &digest
        });
    }
    text += &agreement("stores identical", &verdict.stores, |keys| {
        let digest = verdict.orders.is_none().then_some(digest.as_str());
        count(keys, "key", "keys") + digest.unwrap_or_default()
    });
    for check in &verdict.checks {
        text += &model(check, shown.case.consistency);
    }
    let unmet = verdict.unmet.len();
    let about = match (verdict.expectations, unmet) {
        (0, 0) => "the case has none".into(),
        (all, 0) => format!("{all} of {all}"),
        (0, unmet) => count(unmet, "unexpected error", "unexpected errors"),
        // Keys that nobody expected come on top.
        (all, unmet) => format!("{unmet} of {} not met", all.max(unmet)),
    };
    text += &line("expectations met", unmet == 0, &about);
    for unmet in &verdict.unmet {
        text += &format!("      {} ({})\n", unmet.about, unmet.place);
        text += &format!("        expected  {}\n", unmet.expected);
        text += &format!("        found     {}\n", styled(BAD, &unmet.found));
    }
    text
}

/// Whether what the clients saw satisfies a model: the case's own one, or a stronger one, as it happens.
fn model(check: &Judgement, own: Consistency) -> String {
    let word = match &check.verdict {
        Verdict::Yes => yes_or_no(true),
        Verdict::No(_) if check.model == own => yes_or_no(false),
        Verdict::No(_) => styled(PLAIN, "no "),
        Verdict::Unknown(_) => styled(WARN, "unknown"),
    };
    let about = match &check.verdict {
        Verdict::Unknown(why) => why.lines().next().unwrap_or_default().to_owned(),
        _ if check.model == own => check.how.to_owned(),
        Verdict::Yes => format!("more than {own} promises, as it happened"),
        Verdict::No(_) => format!("{own} does not promise it"),
    };
    line(check.model.name(), &word, &styled(FAINT, &about))
}

/// A line of the verdict.
fn line(name: &str, word: &str, about: &str) -> String {
    format!("  {name:<18}{word}  {about}\n")
}

fn agreement(name: &str, agreement: &Agreement, about: impl Fn(usize) -> String) -> String {
    match agreement {
        Agreement::Same(number) => line(name, &yes_or_no(true), &styled(FAINT, &about(*number))),
        Agreement::Different { place, found } => {
            let about = format!("they differ first at {place}");
            let mut text = line(name, &yes_or_no(false), &about);
            for (replica, found) in found {
                let found = found.as_deref().unwrap_or("nothing");
                text += &format!("      replica {replica}  {}\n", styled(BAD, found));
            }
            text
        }
    }
}
