//! How far the sites are from each other.

use super::agenda::Time;
use crate::kit::failure::Failure;

/// One-way delays between sites; replicas are put on the sites in turn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latency {
    /// Its name.
    pub name: String,
    /// The sites' names.
    pub sites: Vec<String>,
    /// By the site that sends, then the one that receives: the one-way delay in microseconds.
    pub one_way: Vec<Vec<Time>>,
    /// The one-way delay between a client and its replica, in microseconds.
    pub client: Time,
    /// What is added to each delay on average, in microseconds.
    pub jitter: Time,
}

/// Delays above this are a mistake: ten seconds, in milliseconds.
const DELAY_MAX: f64 = 10_000.0;

impl Latency {
    /// One machine room.
    #[must_use]
    pub fn lan() -> Self {
        Self::shipped("lan", include_str!("latency/lan.txt"))
    }

    /// Five regions of a public cloud.
    #[must_use]
    pub fn wan() -> Self {
        Self::shipped("wan", include_str!("latency/wan.txt"))
    }

    /// `lan`, `wan`, or what the file of that name says; `latency/lan.txt` beside this code explains the format.
    ///
    /// # Errors
    /// [`Failure::Usage`] if there is no such file or it is malformed.
    pub fn named(name: &str) -> Result<Self, Failure> {
        match name {
            "lan" => Ok(Self::lan()),
            "wan" => Ok(Self::wan()),
            file => {
                let wrong = |what: String| Failure::Usage(format!("{file}: {what}"));
                let text =
                    std::fs::read_to_string(file).map_err(|error| wrong(error.to_string()))?;
                Self::parse(file, &text).map_err(wrong)
            }
        }
    }

    fn shipped(name: &str, text: &str) -> Self {
        // A test parses both, so that this never shows.
        let nowhere = Self {
            name: name.into(),
            sites: vec!["nowhere".into()],
            one_way: vec![vec![0]],
            client: 0,
            jitter: 0,
        };
        Self::parse(name, text).unwrap_or(nowhere)
    }

    fn parse(name: &str, text: &str) -> Result<Self, String> {
        let lines = text
            .lines()
            .map(|line| line.split('#').next().unwrap_or(""));
        let lines = lines.map(|line| line.split_whitespace().collect::<Vec<_>>());
        let lines: Vec<Vec<&str>> = lines.filter(|words| !words.is_empty()).collect();
        let of = |name: &str| {
            let mut found = lines.iter().filter(|words| words[0] == name);
            match (found.next(), found.next()) {
                (Some(words), None) => Ok(&words[1..]),
                (None, _) => Err(format!("there is no line `{name} ...`")),
                (Some(_), Some(_)) => Err(format!("there are two lines `{name} ...`")),
            }
        };
        let one = |name: &str| match of(name)? {
            [delay] => parse_delay(delay),
            _ => Err(format!("the line `{name} ...` has to have one delay")),
        };
        let sites = of("sites")?;
        if sites.is_empty() {
            return Err("there are no sites".into());
        }
        let row = |site: &&str| {
            let delays = of(site)?;
            if delays.len() != sites.len() {
                let (expected, got) = (sites.len(), delays.len());
                return Err(format!(
                    "the line `{site} ...` has {got} delays, not {expected}"
                ));
            }
            delays.iter().map(|delay| parse_delay(delay)).collect()
        };
        let known =
            |name: &str| ["sites", "client", "jitter"].contains(&name) || sites.contains(&name);
        if let Some(words) = lines.iter().find(|words| !known(words[0])) {
            return Err(format!("`{}` is no site", words[0]));
        }
        Ok(Self {
            name: name.into(),
            sites: sites.iter().map(|&site| site.to_owned()).collect(),
            one_way: sites.iter().map(row).collect::<Result<_, String>>()?,
            client: one("client")?,
            jitter: one("jitter")?,
        })
    }

    /// The site of a replica.
    #[must_use]
    pub fn site(&self, replica: usize) -> usize {
        replica % self.sites.len()
    }

    /// The delays between so many replicas.
    pub(super) fn distances(&self, replicas: usize) -> Vec<Vec<Time>> {
        let row = |from: usize| {
            let to = (0..replicas).map(|to| self.one_way[self.site(from)][self.site(to)]);
            to.collect()
        };
        (0..replicas).map(row).collect()
    }
}

/// Milliseconds, as microseconds.
fn parse_delay(text: &str) -> Result<Time, String> {
    let number: Option<f64> = text.parse().ok();
    match number.filter(|number| (0.0..=DELAY_MAX).contains(number)) {
        Some(milliseconds) => Ok((milliseconds * 1000.0).round() as Time),
        None => Err(format!("`{text}` is not a delay from 0 to {DELAY_MAX} ms")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_files_are_read() {
        let (lan, wan) = (Latency::lan(), Latency::wan());
        assert_eq!(
            (lan.sites.len(), lan.one_way[0][0], lan.client),
            (1, 100, 50)
        );
        assert_eq!(wan.sites.len(), 5);
        assert_eq!(wan.one_way[0][3], 110_000);
        let symmetric = |a: usize| (0..5).all(|b| wan.one_way[a][b] == wan.one_way[b][a]);
        assert!((0..5).all(symmetric));
    }

    #[test]
    fn what_is_wrong_is_said() {
        let wrong = |text: &str| Latency::parse("file", text).expect_err(text);
        let rest = "client 1\njitter 0\n";
        assert_eq!(wrong(rest), "there is no line `sites ...`");
        assert_eq!(wrong(&format!("sites\n{rest}")), "there are no sites");
        let one = |line: &str| wrong(&format!("sites a\n{line}\n{rest}"));
        assert_eq!(one("a 1 2"), "the line `a ...` has 2 delays, not 1");
        assert_eq!(one("a -1"), "`-1` is not a delay from 0 to 10000 ms");
        assert_eq!(one("a 1\nb 1"), "`b` is no site");
        assert_eq!(one("a 1\na 1"), "there are two lines `a ...`");
    }
}
