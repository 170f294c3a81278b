//! What STATUS answers: `name:value` lines.

use holdback::admin::Fields;

/// The lines, in the order given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status(Fields);

impl Status {
    /// Reads the lines.
    pub(crate) fn parse(text: &[u8]) -> Self {
        Self(Fields::read(String::from_utf8_lossy(text).into_owned()))
    }

    /// The value of a field.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)
    }

    /// The number in a field; 0 if there is none.
    pub(crate) fn number(&self, name: &str) -> u64 {
        self.0.number(name)
    }

    /// Every field.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter()
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
