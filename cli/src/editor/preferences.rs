//! Preferences: `:set` in the REPL, and the file that is obeyed when it starts.

use crate::text::style::{Palette, Role};
use std::fmt::Write;
use std::io;
use std::path::PathBuf;

/// What a person may choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Preferences {
    /// What is missing is shown as one types.
    pub(crate) hints: bool,
    /// Colours, where the terminal and `NO_COLOR` allow them.
    pub(crate) colour: bool,
    /// The line is edited as in vi.
    pub(crate) vi: bool,
    /// Every reply says how long it took.
    pub(crate) timing: bool,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            hints: true,
            colour: true,
            vi: false,
            timing: false,
        }
    }
}

/// Each with its values, the first of which is what the bare name means.
pub(crate) const NAMES: [(&str, [&str; 2], &str); 4] = [
    (
        "hints",
        ["on", "off"],
        "what is missing is shown as you type",
    ),
    ("colour", ["on", "off"], "unless NO_COLOR is set"),
    ("editing", ["vi", "emacs"], "whose keys edit the line"),
    ("timing", ["on", "off"], "every reply says how long it took"),
];

impl Preferences {
    /// Obeys the words behind `:set`: `hints off`, `nohints`, `hints=off`, or `hints` for `hints on`.
    ///
    /// # Errors
    /// A sentence for a person.
    pub(crate) fn set(&mut self, words: &[String]) -> Result<(), String> {
        let text = words.join(" ").to_lowercase();
        let mut parts = text.split(['=', ' ']).filter(|part| !part.is_empty());
        let (Some(name), value, None) = (parts.next(), parts.next(), parts.next()) else {
            return Err(":set wants a name and a value, as in `:set hints off`".to_owned());
        };
        // `nohints` is `hints off`.
        let (name, value) = match (known(name), name.strip_prefix("no").and_then(known), value) {
            (Some(known), _, value) => (known, value.unwrap_or(known.1[0]).to_owned()),
            (None, Some(known), None) => (known, known.1[1].to_owned()),
            _ => {
                let names = NAMES.map(|(name, ..)| name).join(", ");
                return Err(format!(
                    "there is no preference `{name}`: there are {names}"
                ));
            }
        };
        let (name, values, _) = name;
        let Some(first) = values
            .iter()
            .position(|known| *known == value)
            .map(|at| at == 0)
        else {
            return Err(format!(
                "{name} is {} or {}, not `{value}`",
                values[0], values[1]
            ));
        };
        match name {
            "hints" => self.hints = first,
            "colour" => self.colour = first,
            "editing" => self.vi = first,
            _ => self.timing = first,
        }
        Ok(())
    }

    /// Everything, as it is now.
    pub(crate) fn list(&self, palette: Palette) -> String {
        let mut text = String::new();
        let now = [self.hints, self.colour, self.vi, self.timing];
        for ((name, values, meaning), first) in NAMES.into_iter().zip(now) {
            let value = values[usize::from(!first)];
            let other = values[usize::from(first)];
            let name = palette.paint(Role::Name, &format!("  :set {name:<8}"));
            let rest = format!("(or {other}) {meaning}");
            let rest = palette.paint(Role::Faint, &rest);
            let _infallible = writeln!(text, "{name} {value:<6} {rest}");
        }
        let kept = match file() {
            Some(file) => format!(
                "Lines like these are obeyed at the start if they are in {}.",
                file.display()
            ),
            None => "There is no file of preferences: HOLDBACKRC is empty.".to_owned(),
        };
        text + &palette.paint(Role::Faint, &kept)
    }

    /// Obeys the file of preferences. Returns what is wrong with it, a line each.
    pub(crate) fn load() -> (Self, Vec<String>) {
        let mut preferences = Self::default();
        let Some(file) = file() else {
            return (preferences, Vec::new());
        };
        let complaints = match std::fs::read_to_string(&file) {
            Ok(text) => preferences.obey(&text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => vec![format!(" {error}")],
        };
        let placed = |complaint| format!("{}:{complaint}", file.display());
        (preferences, complaints.into_iter().map(placed).collect())
    }

    /// Obeys lines of `:set`; returns what is wrong, each with its line's number.
    fn obey(&mut self, text: &str) -> Vec<String> {
        let mut complaints = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let words: Vec<_> = line.split_whitespace().map(str::to_owned).collect();
            let done = match words.first().map(String::as_str) {
                None => Ok(()),
                Some(first) if first.starts_with('#') => Ok(()),
                Some(":set" | "set") => self.set(&words[1..]),
                Some(_) => Err("a line is `:set NAME VALUE`, or begins with #".to_owned()),
            };
            complaints.extend(done.err().map(|wrong| format!("{number}: {wrong}")));
        }
        complaints
    }
}

fn known(name: &str) -> Option<(&'static str, [&'static str; 2], &'static str)> {
    let name = if name == "color" { "colour" } else { name };
    NAMES.into_iter().find(|(known, ..)| *known == name)
}

fn file() -> Option<PathBuf> {
    kept_in("HOLDBACKRC", ".holdbackrc")
}

/// Where something of the person is kept: in the file that `variable` names, nowhere if that is empty, else
/// in `name` in the home folder.
pub(crate) fn kept_in(variable: &str, name: &str) -> Option<PathBuf> {
    match std::env::var_os(variable) {
        Some(file) => (!file.is_empty()).then(|| file.into()),
        None => Some(PathBuf::from(std::env::var_os("HOME")?).join(name)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_say_it() {
        let mut preferences = Preferences::default();
        let complaints = preferences.obey(
            "# mine\n:set nohints\n\nset editing=vi\n:set timing\n:set color off\nGET x\n\
             :set hints maybe\n:set colours on\n:set editing vi emacs\n",
        );
        let expected = Preferences {
            hints: false,
            colour: false,
            vi: true,
            timing: true,
        };
        assert_eq!(preferences, expected);
        let places: Vec<_> = complaints
            .iter()
            .filter_map(|line| line.split(':').next())
            .collect();
        assert_eq!(places, ["7", "8", "9", "10"], "{complaints:?}");
        assert_eq!(
            preferences.obey(":set editing emacs\n:set hints"),
            Vec::<String>::new()
        );
        assert!(preferences.hints && !preferences.vi);
    }

    #[test]
    fn the_list_can_be_obeyed() {
        let chosen = Preferences {
            vi: true,
            hints: false,
            ..Preferences::default()
        };
        let list = chosen.list(Palette::plain());
        let mut read = Preferences::default();
        for line in list.lines().filter(|line| line.contains(":set")) {
            let words: Vec<_> = line
                .split_whitespace()
                .skip(1)
                .take(2)
                .map(str::to_owned)
                .collect();
            read.set(&words).unwrap();
        }
        assert_eq!(read, chosen);
    }
}
