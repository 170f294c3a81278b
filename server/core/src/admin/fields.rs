//! Lines of `name:value`, as STATUS and INFO have them: written, and read back.

use std::fmt::{Display, Write};

/// Fields with a name each, CRLF behind each line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(String);

impl Fields {
    /// Adds a field.
    pub fn add(&mut self, name: impl Display, value: impl Display) {
        let _infallible = write!(self.0, "{name}:{value}\r\n");
    }

    /// Begins a section: `# Name`.
    pub fn section(&mut self, name: &str) {
        let separator = if self.0.is_empty() { "" } else { "\r\n" };
        let _infallible = write!(self.0, "{separator}# {name}\r\n");
    }

    /// Takes what a replica answered.
    #[must_use]
    pub fn read(text: String) -> Self {
        Self(text)
    }

    /// The lines.
    #[must_use]
    pub fn into_text(self) -> String {
        self.0
    }

    /// Names with values, in the order in which they were written. What is no `name:value` line (a heading, a blank)
    /// is left out.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let lines = self.0.lines().filter(|line| !line.starts_with('#'));
        lines.filter_map(|line| line.split_once(':'))
    }

    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter()
            .find_map(|(field, value)| (field == name).then_some(value))
    }

    /// The value of a name as a number; 0 if there is none.
    #[must_use]
    pub fn number(&self, name: &str) -> u64 {
        let value = self.get(name).and_then(|value| value.parse().ok());
        value.unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let mut fields = Fields::default();
        fields.section("Some");
        fields.add("address", "127.0.0.1:8081");
        fields.section("More");
        fields.add(format_args!("acked.{}", 2), 17);
        let read = Fields::read(fields.clone().into_text());
        assert_eq!(read, fields);
        let all: Vec<_> = read.iter().collect();
        assert_eq!(all, [("address", "127.0.0.1:8081"), ("acked.2", "17")]);
        assert_eq!(read.get("address"), Some("127.0.0.1:8081"));
        assert_eq!((read.number("acked.2"), read.number("address")), (17, 0));
        assert_eq!(read.get("acked"), None);
    }
}
