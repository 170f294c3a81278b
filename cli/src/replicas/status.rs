//! What STATUS answers: `name:value` lines.

/// The lines, in the order given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    lines: Vec<(String, String)>,
}

impl Status {
    /// Reads the lines; what is no `name:value` line (a heading, a blank) is left out.
    pub(crate) fn parse(text: &[u8]) -> Self {
        let text = String::from_utf8_lossy(text);
        let field = |line: &str| {
            let (name, value) = line.split_once(':')?;
            Some((name.to_owned(), value.trim_end().to_owned()))
        };
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        Self {
            lines: lines.filter_map(field).collect(),
        }
    }

    /// The value of a field.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.fields()
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    }

    /// The number in a field; 0 if there is none.
    pub(crate) fn number(&self, name: &str) -> u64 {
        let value = self.get(name).and_then(|value| value.parse().ok());
        value.unwrap_or_default()
    }

    /// Every field.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        let lines = self.lines.iter();
        lines.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The links that are not up, as `link 2: silent 2.1s`.
    pub(crate) fn broken_links(&self) -> Vec<String> {
        self.fields()
            .filter_map(|(name, value)| {
                let peer = name.strip_prefix("link.")?;
                (value != "up").then(|| format!("link {peer}: {value}"))
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_and_broken_links() {
        let text =
            b"# heading\r\nid:1\r\nready:no (a:b)\r\nlink.2:up\r\nlink.3:silent 2.1s\r\n\r\n";
        let status = Status::parse(text);
        assert_eq!(status.get("id"), Some("1"));
        assert_eq!(status.get("ready"), Some("no (a:b)"));
        assert_eq!(status.get("clock"), None);
        assert_eq!(status.broken_links(), ["link 3: silent 2.1s"]);
    }
}
