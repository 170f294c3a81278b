//! Colours, where they are wanted.

use anstream::ColorChoice;
use anstyle::{AnsiColor, Style};

/// Paints text, or leaves it alone: where the output is no terminal, or `NO_COLOR` is set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Palette {
    pub(crate) on: bool,
}

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// An error, or what is down.
    Bad,
    /// What is as it should be.
    Good,
    /// What deserves a look.
    Notable,
    /// A heading, or a name.
    Name,
    /// What helps to read, and may be overlooked.
    Faint,
    /// The name of a command, in a line that is typed.
    Command,
    /// A quoted argument.
    Text,
    /// A number.
    Number,
    /// A word that stands for itself, such as an option.
    Keyword,
    /// What the keys act on.
    Chosen,
}

impl Palette {
    /// For standard output, if `wanted`.
    pub(crate) fn for_stdout(wanted: bool) -> Self {
        let choice = anstream::AutoStream::choice(&std::io::stdout());
        Self {
            on: wanted && choice != ColorChoice::Never,
        }
    }

    /// With colours, whatever standard output is.
    #[cfg(test)]
    pub(crate) fn coloured() -> Self {
        Self { on: true }
    }

    /// Without colours.
    pub(crate) fn plain() -> Self {
        Self { on: false }
    }

    /// `text` as it goes to the terminal.
    pub(crate) fn paint(self, role: Role, text: &str) -> String {
        if !self.on || text.is_empty() {
            return text.to_owned();
        }
        let style = match role {
            Role::Bad => AnsiColor::Red.on_default(),
            Role::Good => AnsiColor::Green.on_default(),
            Role::Notable => AnsiColor::Yellow.on_default(),
            Role::Name => Style::new().bold(),
            Role::Faint => Style::new().dimmed(),
            Role::Command => AnsiColor::Cyan.on_default().bold(),
            Role::Text => AnsiColor::Green.on_default(),
            Role::Number => AnsiColor::Magenta.on_default(),
            Role::Keyword => AnsiColor::Blue.on_default(),
            Role::Chosen => Style::new().invert(),
        };
        format!("{style}{text}{style:#}")
    }
}
