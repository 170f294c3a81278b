//! What the keys do: choosing a link, and cutting, delaying and healing it.

use super::draw::Frame;
use super::links::Chosen;
use super::poll::Order;
use super::view::View;
use crate::text::style::Role;
use crate::text::{clip, wrap};
use crossterm::event::KeyCode;

/// What a key asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// Nothing beside another picture.
    Nothing,
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
    pub(super) fn pressed(&mut self, key: KeyCode, view: &View) -> Action {
        self.message = None;
        if let Some(typed) = self.typed.take() {
            return self.type_on(typed, key, view);
        }
        let explained = std::mem::take(&mut self.explains);
        match key {
            KeyCode::Char('q') => Action::Leave,
            // It takes back what was asked for last.
            KeyCode::Esc if explained => Action::Nothing,
            KeyCode::Esc => Action::Leave,
            KeyCode::Char('?') => {
                self.explains = !explained;
                Action::Nothing
            }
            KeyCode::Left => self.choose(-1, 0, view),
            KeyCode::Right => self.choose(1, 0, view),
            KeyCode::Up => self.choose(0, -1, view),
            KeyCode::Down => self.choose(0, 1, view),
            KeyCode::Tab => self.choose_broken(view),
            KeyCode::Char(letter @ ('c' | 'd' | 'h' | 'H')) => self.fault(letter, view),
            _ => Action::Nothing,
        }
    }

    fn choose(&mut self, right: isize, down: isize, view: &View) -> Action {
        if let Some(chosen) = self.chosen(view) {
            self.chosen = Some(chosen.moved(right, down, view.replicas.len()));
        }
        Action::Nothing
    }

    /// Of the links that are not as they should be, the next one behind the choice; what a replica itself
    /// does comes before what its peers suffer.
    fn choose_broken(&mut self, view: &View) -> Action {
        let Some(chosen) = self.chosen(view) else {
            return Action::Nothing;
        };
        let ids = 1..=view.replicas.len();
        let all = ids
            .clone()
            .flat_map(|from| ids.clone().map(move |to| (from, to)));
        let reports = all.filter_map(|(from, to)| {
            let link = view.link(from, to)?;
            Some((Chosen { from, to }, link))
        });
        let (at_fault, others): (Vec<_>, Vec<_>) = reports
            .filter(|(_, link)| link.state != "up" || link.delay.is_some())
            .partition(|(_, link)| link.state == "cut" || link.delay.is_some());
        let broken: Vec<_> = at_fault
            .iter()
            .chain(&others)
            .map(|(link, _)| *link)
            .collect();
        let place = broken.iter().position(|link| *link == chosen);
        let next = place.map_or(0, |place| place + 1) % broken.len().max(1);
        match broken.get(next) {
            Some(link) => self.chosen = Some(*link),
            None => self.say(Role::Good, "every link is as it should be"),
        }
        Action::Nothing
    }

    fn fault(&mut self, letter: char, view: &View) -> Action {
        let Some(chosen) = self.chosen(view) else {
            let why = if view.replicas.len() > 1 {
                "faults are not allowed: start the replicas with --allow-faults"
            } else {
                "one replica has no links"
            };
            self.say(Role::Bad, why);
            return Action::Nothing;
        };
        if letter == 'H' {
            let everybody = view.replicas.iter().map(|replica| replica.id);
            let orders = everybody.filter_map(|id| order(view, id, "FAULT HEAL *".to_owned()));
            return Action::Orders(orders.collect(), "every link is healed".to_owned());
        }
        let from = view.replica(chosen.from);
        if let Some(report) = from.and_then(|replica| replica.fresh(view.now))
            && !report.faults_allowed
        {
            self.say(Role::Bad, format!("replica {}: {REMEDY}", chosen.from));
            return Action::Nothing;
        }
        match letter {
            'c' => obeyed(
                view,
                &[(chosen, "CUT")],
                "",
                format!("cut: {}", chosen.name()),
            ),
            'd' => {
                self.typed = Some(String::new());
                Action::Nothing
            }
            _ => heal(view, chosen),
        }
    }

    /// A key while a delay is typed.
    fn type_on(&mut self, mut typed: String, key: KeyCode, view: &View) -> Action {
        match key {
            KeyCode::Enter => return self.delay(&typed, view),
            KeyCode::Esc => return Action::Nothing,
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
        Action::Nothing
    }

    fn delay(&mut self, typed: &str, view: &View) -> Action {
        let Some(chosen) = self.chosen(view) else {
            return Action::Nothing;
        };
        let numbers: Vec<&str> = typed.split_whitespace().collect();
        let (least, longest) = match numbers[..] {
            [] => return Action::Nothing,
            [both] => (both, both),
            [least, longest] => (least, longest),
            _ => {
                self.say(Role::Bad, "one number, or the least and the longest delay");
                return Action::Nothing;
            }
        };
        let times = format!(" {least} {longest}");
        let what = if least == longest {
            format!("{least} ms")
        } else {
            format!("{least} to {longest} ms")
        };
        let done = format!("delayed by {what}: {}", chosen.name());
        obeyed(view, &[(chosen, "DELAY")], &times, done)
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
    let mut reports = view
        .replicas
        .iter()
        .filter_map(|replica| replica.report.as_ref());
    reports.any(|report| report.faults_allowed)
}

fn order(view: &View, id: usize, command: String) -> Option<Order> {
    let address = view.replica(id)?.address.clone();
    Some(Order {
        id,
        address,
        command,
    })
}

fn obeyed(view: &View, faults: &[(Chosen, &str)], behind: &str, done: String) -> Action {
    let orders = faults.iter().filter_map(|(chosen, verb)| {
        let peer = match chosen.to {
            0 => "*".to_owned(),
            to => to.to_string(),
        };
        order(view, chosen.from, format!("FAULT {verb} {peer}{behind}"))
    });
    Action::Orders(orders.collect(), done)
}

/// Both ends forget what they were told: a link that one of them keeps cut is not healed.
fn heal(view: &View, chosen: Chosen) -> Action {
    let Chosen { from, to } = chosen;
    let ids = view.replicas.iter().map(|replica| replica.id);
    let others = ids.filter(|id| *id != from && (to == 0 || *id == to));
    let back = others.map(|other| Chosen {
        from: other,
        to: from,
    });
    let ends = std::iter::once(chosen).chain(back);
    let faults: Vec<_> = ends.map(|end| (end, "HEAL")).collect();
    obeyed(
        view,
        &faults,
        "",
        format!("healed: {} and back", chosen.name()),
    )
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
            Action::Orders(orders, _) => orders
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
            Action::Orders(orders, _) => orders.len(),
            other => panic!("{other:?}"),
        };
        assert_eq!(
            commands(KeyCode::Char('h')),
            3,
            "every end of every link of replica 1"
        );
    }
}
