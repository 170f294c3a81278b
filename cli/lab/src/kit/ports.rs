//! Ports that nobody listens on.

use super::failure::Failure;
use std::net::TcpListener;
use std::ops::RangeInclusive;
use std::str::FromStr;

/// The first port of a cluster that names none.
pub const DEFAULT_FIRST_PORT: u16 = 8081;

/// A range of ports, written `20000-20999`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortRange(RangeInclusive<u16>);

impl FromStr for PortRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = |part: &str| part.trim().parse::<u16>().ok().filter(|port| *port > 0);
        text.split_once('-')
            .and_then(|(first, last)| Some((parse(first)?, parse(last)?)))
            .filter(|(first, last)| first <= last)
            .map(|(first, last)| Self(first..=last))
            .ok_or_else(|| format!("`{text}` is no range of ports such as 20000-20999"))
    }
}

impl Default for PortRange {
    /// Below the ports that systems hand out to outgoing connections, one of which could otherwise take
    /// a port between the moment it is found free and the moment a replica binds it.
    fn default() -> Self {
        Self(10_000..=32_767)
    }
}

impl PortRange {
    /// The range that `HOLDBACK_PORTS` names, or else the default.
    ///
    /// # Errors
    /// [`Failure::Usage`] if that is no range.
    pub fn usual() -> Result<Self, Failure> {
        let Ok(text) = std::env::var("HOLDBACK_PORTS") else {
            return Ok(Self::default());
        };
        text.parse()
            .map_err(|why| Failure::Usage(format!("HOLDBACK_PORTS: {why}")))
    }
}

/// Finds `count` free ports of 127.0.0.1 in `range`, starting the search at a place that `random`
/// decides, so that two searches at the same time seldom find the same.
///
/// # Errors
/// [`Failure::Unreachable`] if the range has not so many free ports.
pub fn free(count: usize, range: &PortRange, random: u64) -> Result<Vec<u16>, Failure> {
    let ports: Vec<u16> = range.0.clone().collect();
    let start = usize::try_from(random % ports.len() as u64).unwrap_or(0);
    // Listeners are kept until all ports are found, so that no port is found twice.
    let mut listeners = Vec::new();
    let mut found = Vec::new();
    for port in ports[start..].iter().chain(&ports[..start]) {
        if found.len() == count {
            break;
        }
        if let Ok(listener) = TcpListener::bind(("127.0.0.1", *port)) {
            listeners.push(listener);
            found.push(*port);
        }
    }
    if found.len() < count {
        let (first, last) = (range.0.start(), range.0.end());
        return Err(Failure::Unreachable(format!(
            "only {} of the {count} ports wanted are free from {first} to {last}",
            found.len()
        )));
    }
    found.sort_unstable();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        assert_eq!("7-9".parse(), Ok(PortRange(7..=9)));
        for wrong in ["7", "9-7", "0-7", "a-b", "7-70000"] {
            assert!(wrong.parse::<PortRange>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn taken_ports_are_not_found() {
        let taken = TcpListener::bind(("127.0.0.1", 20_390)).expect("a port for tests");
        let range: PortRange = "20390-20393".parse().unwrap();
        assert_eq!(free(3, &range, 0), Ok(vec![20_391, 20_392, 20_393]));
        assert_eq!(free(4, &range, 2).unwrap_err().exit_code(), 69);
        drop(taken);
        assert_eq!(free(2, &range, 3), Ok(vec![20_390, 20_393]));
    }
}
