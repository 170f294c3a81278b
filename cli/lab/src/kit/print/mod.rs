//! What people see: tables and sentences, in colour where there is a terminal.
//!
//! Everything here returns text with ANSI styles; `anstream` strips them where they do not belong
//! (no terminal, `NO_COLOR`).

pub mod show;
pub mod status;
pub mod table;

use anstyle::{AnsiColor, Style};

/// Headlines.
pub const STRONG: Style = Style::new().bold();
/// What may be skipped.
pub const FAINT: Style = Style::new().dimmed();
/// A yes.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// A no.
pub const BAD: Style = AnsiColor::Red.on_default();
/// Neither a yes nor a no.
pub const WARN: Style = AnsiColor::Yellow.on_default();
/// Neither dimmed nor coloured.
pub const PLAIN: Style = Style::new();

/// `text` in a style.
#[must_use]
pub fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// A yes or a no, as wide as each other.
#[must_use]
pub fn yes_or_no(yes: bool) -> String {
    match yes {
        true => styled(GOOD, "yes"),
        false => styled(BAD, "no "),
    }
}

/// The width of the terminal, if standard output is one.
#[must_use]
pub fn terminal_width() -> Option<usize> {
    use std::io::IsTerminal;
    if !std::io::stdout().is_terminal() {
        return None;
    }
    terminal_size::terminal_size().map(|(terminal_size::Width(width), _)| width.into())
}

/// The most columns that a paragraph takes, however wide the terminal is.
const PARAGRAPH: usize = 96;

/// A paragraph broken into lines, each behind `indent` blanks.
#[must_use]
pub fn paragraph(text: &str, indent: usize, width: Option<usize>) -> String {
    let most = width.unwrap_or(PARAGRAPH).min(PARAGRAPH);
    let most = most.saturating_sub(indent).max(20);
    let (mut whole, mut line) = (Vec::new(), String::new());
    for word in text.split_whitespace() {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > most {
            whole.push(std::mem::take(&mut line));
        }
        let gap = if line.is_empty() { "" } else { " " };
        line += &format!("{gap}{word}");
    }
    whole.push(line);
    let blanks = " ".repeat(indent);
    whole
        .iter()
        .map(|line| format!("{blanks}{line}\n"))
        .collect()
}

/// `1 key`, `2 keys`.
#[must_use]
pub fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_are_broken_between_words() {
        let text = "one two three four five six seven";
        assert_eq!(
            paragraph(text, 2, Some(22)),
            "  one two three four\n  five six seven\n"
        );
        assert_eq!(paragraph("", 2, None), "  \n");
    }
}
