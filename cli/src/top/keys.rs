//! What the keys do: choosing a link, and cutting, delaying and healing it.

use super::cell::Frame;
use super::links::Chosen;
use super::poll::Order;
use super::view::View;
use crate::text::style::Role;
use crate::text::{clip, wrap};
use crossterm::event::KeyCode;

/// What a key asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// To leave.
    Leave,
    /// These commands; and what to say once they are obeyed.
    Orders(Vec<Order>, String),
}

/// What the keys have done so far.
#[derive(Debug, Default)]
pub(super) struct Keys {
    /// The link that was chosen, if one was.
    chosen: Option<Chosen>,
    /// The delay that is being typed.
    typed: Option<String>,
    explains: bool,
    message: Option<(Role, String)>,
}

const USAGE: &str = "q quit  arrows, Tab choose a link  c cut  d delay  h heal  H heal all  ? help";
const FORBIDDEN: &str = "q quit  ? help  (faults are not allowed)";
const ALONE: &str = "q quit  ? help";
const REMEDY: &str = "faults are not allowed: start it with --allow-faults";

const EXPLANATION: [&str; 12] = [
    "arrows  choose one end of a link, or `all` for every link of a replica",
    "Tab     choose the next one that is cut, delayed or down",
    "c       cut it: the replica of the row closes the link and keeps it closed",
    "d       delay what the row's replica sends there; 0 ends a delay",
    "h       heal it: both ends forget cuts and delays",
    "H       heal every link of every replica",
    "q       quit, as Esc and Ctrl-C do          Ctrl-L  draw the screen anew",
    "",
    "held, oldest: entries that wait to be delivered, and how long the first has",
    "digest: = equal, \u{2260} different, at the position that all have reached",
    "links: the round trip, as the row's replica measured it",
    "p50, p99: what half, and 99 of 100, of its clients' commands took",
];

impl Keys {
    /// The link that keys act on: none where there is none, or where nobody allows faults.
    pub(super) fn chosen(&self, view: &View) -> Option<Chosen> {
        let usable = view.replicas.len() > 1 && allow_faults(view);
        let first = Chosen { from: 1, to: 2 };
        usable.then(|| self.chosen.unwrap_or(first))
    }

    /// Says something, in place of what was said before.
    pub(super) fn say(&mut self, role: Role, text: impl Into<String>) {
        self.message = Some((role, text.into()));
    }

    /// A key was pressed.
    pub(super) fn pressed(&mut self, key: KeyCode, view: &View) -> Option<Action> {
        self.message = None;
        if let Some(typed) = self.typed.take() {
            return self.type_on(typed, key, view);
        }
        let explained = std::mem::take(&mut self.explains);
        match key {
            KeyCode::Char('q') => Some(Action::Leave),
            // It takes back what was asked for last.
            KeyCode::Esc if explained => None,
            KeyCode::Esc => Some(Action::Leave),
            KeyCode::Char('?') => {
                self.explains = !explained;
                None
            }
            KeyCode::Left => self.choose(-1, 0, view),
            KeyCode::Right => self.choose(1, 0, view),
            KeyCode::Up => self.choose(0, -1, view),
            KeyCode::Down => self.choose(0, 1, view),
            KeyCode::Tab => self.choose_broken(view),
            KeyCode::Char(letter @ ('c' | 'd' | 'h' | 'H')) => self.fault(letter, view),
            _ => None,
        }
    }

    fn choose(&mut self, right: isize, down: isize, view: &View) -> Option<Action> {
        let moved = self.chosen(view)?.moved(right, down, view.replicas.len());
        self.chosen = Some(moved);
        None
    }

    /// Of the links that are not as they should be, the next one behind the choice; what a replica itself
    /// does comes before what its peers suffer.
    fn choose_broken(&mut self, view: &View) -> Option<Action> {
        let chosen = self.chosen(view)?;
        let ids = 1..=view.replicas.len();
        let all = ids
            .clone()
            .flat_map(|from| ids.clone().map(move |to| Chosen { from, to }));
        let links = all.filter_map(|end| Some((end, view.link(end.from, end.to)?)));
        let mut broken: Vec<_> = links
            .filter(|(_, link)| link.state != "up" || link.delay.is_some())
            .collect();
        broken.sort_by_key(|(_, link)| link.state != "cut" && link.delay.is_none());
        let place = broken.iter().position(|(end, _)| *end == chosen);
        let next = place.map_or(0, |place| place + 1) % broken.len().max(1);
        match broken.get(next) {
            Some((end, _)) => self.chosen = Some(*end),
            None => self.say(Role::Good, "every link is as it should be"),
        }
        None
    }

    fn fault(&mut self, letter: char, view: &View) -> Option<Action> {
        let Some(chosen) = self.chosen(view) else {
            let why = if view.replicas.len() > 1 {
                "faults are not allowed: start the replicas with --allow-faults"
            } else {
                "one replica has no links"
            };
            self.say(Role::Bad, why);
            return None;
        };
        if letter == 'H' {
            let everybody = view.replicas.iter().map(|replica| replica.id);
            let orders = everybody.filter_map(|id| order(view, id, "FAULT HEAL *".to_owned()));
            return Some(Action::Orders(
                orders.collect(),
                "every link is healed".to_owned(),
            ));
        }
        let from = view.replica(chosen.from);
        if let Some(report) = from.and_then(|replica| replica.fresh(view.now))
            && !report.faults_allowed
        {
            self.say(Role::Bad, format!("replica {}: {REMEDY}", chosen.from));
            return None;
        }
        match letter {
            'c' => obeyed(
                view,
                &[chosen],
                "CUT",
                "",
                format!("cut: {}", chosen.name()),
            ),
            'd' => {
                self.typed = Some(String::new());
                None
            }
            _ => heal(view, chosen),
        }
    }

    /// A key while a delay is typed.
    fn type_on(&mut self, mut typed: String, key: KeyCode, view: &View) -> Option<Action> {
        match key {
            KeyCode::Enter => return self.delay(&typed, view),
            KeyCode::Esc => return None,
            KeyCode::Backspace => {
                typed.pop();
            }
            KeyCode::Char(character) if character.is_ascii_digit() || character == ' ' => {
                typed.push(character);
            }
            KeyCode::Char(other) => {
                self.say(Role::Bad, format!("`{other}` is no digit"));
            }
            _ => {}
        }
        self.typed = Some(typed);
        None
    }

    fn delay(&mut self, typed: &str, view: &View) -> Option<Action> {
        let chosen = self.chosen(view)?;
        let numbers: Vec<&str> = typed.split_whitespace().collect();
        let (least, longest) = match numbers[..] {
            [] => return None,
            [both] => (both, both),
            [least, longest] => (least, longest),
            _ => {
                self.say(Role::Bad, "one number, or the least and the longest delay");
                return None;
            }
        };
        let times = format!(" {least} {longest}");
        let what = if least == longest {
            format!("{least} ms")
        } else {
            format!("{least} to {longest} ms")
        };
        let done = format!("delayed by {what}: {}", chosen.name());
        obeyed(view, &[chosen], "DELAY", &times, done)
    }

    /// The last lines: what was said, and the keys.
    pub(super) fn foot(&self, view: &View, frame: Frame) -> Vec<String> {
        let palette = frame.palette;
        let mut lines = Vec::new();
        if self.explains {
            lines.extend(EXPLANATION.iter().map(|line| clip(line, frame.columns)));
        }
        if let Some((role, text)) = &self.message {
            let text = wrap(text, frame.columns);
            lines.extend(text.iter().map(|line| palette.paint(*role, line)));
        }
        if let (Some(typed), Some(chosen)) = (&self.typed, self.chosen(view)) {
            let name = chosen.name();
            let question = format!("delay {name}: milliseconds, or least and longest?");
            lines.extend(wrap(&question, frame.columns));
            lines.push(format!("> {typed}{}", palette.paint(Role::Chosen, " ")));
            let keys = "Return does it  Esc leaves it";
            lines.push(palette.paint(Role::Faint, keys));
        } else {
            let usage = match self.chosen(view) {
                Some(_) => USAGE,
                None if view.replicas.len() > 1 => FORBIDDEN,
                None => ALONE,
            };
            lines.push(palette.paint(Role::Faint, &clip(usage, frame.columns)));
        }
        lines
    }
}

/// Whether any replica is known to allow faults.
fn allow_faults(view: &View) -> bool {
    view.reports().any(|report| report.faults_allowed)
}

fn order(view: &View, id: usize, command: String) -> Option<Order> {
    let address = view.replica(id)?.address.clone();
    Some(Order {
        id,
        address,
        command,
    })
}

fn obeyed(
    view: &View,
    links: &[Chosen],
    fault: &str,
    behind: &str,
    done: String,
) -> Option<Action> {
    let orders = links.iter().filter_map(|link| {
        let peer = match link.to {
            0 => "*".to_owned(),
            to => to.to_string(),
        };
        order(view, link.from, format!("FAULT {fault} {peer}{behind}"))
    });
    Some(Action::Orders(orders.collect(), done))
}

/// Both ends forget what they were told: a link that one of them keeps cut is not healed.
fn heal(view: &View, chosen: Chosen) -> Option<Action> {
    let Chosen { from, to } = chosen;
    let ids = view.replicas.iter().map(|replica| replica.id);
    let others = ids.filter(|id| *id != from && (to == 0 || *id == to));
    let back = others.map(|other| Chosen {
        from: other,
        to: from,
    });
    let ends: Vec<_> = std::iter::once(chosen).chain(back).collect();
    let done = format!("healed: {} and back", chosen.name());
    obeyed(view, &ends, "HEAL", "", done)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{cluster, cut};
    use super::*;

    #[test]
    fn tab_goes_from_one_broken_link_to_the_next_and_begins_with_who_is_at_fault() {
        let mut view = cluster(3, "sequential");
        let mut keys = Keys::default();
        keys.pressed(KeyCode::Tab, &view);
        assert_eq!(keys.message.as_ref().unwrap().0, Role::Good);
        cut(&mut view, 3, 1);
        for (from, to) in [(3, 1), (1, 3), (3, 1)] {
            keys.pressed(KeyCode::Tab, &view);
            assert_eq!(keys.chosen, Some(Chosen { from, to }));
        }
    }

    #[test]
    fn a_link_is_healed_at_both_ends() {
        let view = cluster(3, "sequential");
        let mut keys = Keys::default();
        let mut commands = |key| match keys.pressed(key, &view) {
            Some(Action::Orders(orders, _)) => orders
                .into_iter()
                .map(|order| format!("{} {}", order.id, order.command))
                .collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        let heals = commands(KeyCode::Char('h'));
        assert_eq!(heals, ["1 FAULT HEAL 2", "2 FAULT HEAL 1"]);
        assert_eq!(commands(KeyCode::Char('c')), ["1 FAULT CUT 2"]);
        keys.pressed(KeyCode::Left, &view);
        let mut commands = |key| match keys.pressed(key, &view) {
            Some(Action::Orders(orders, _)) => orders.len(),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            commands(KeyCode::Char('h')),
            3,
            "every end of every link of replica 1"
        );
    }
}
