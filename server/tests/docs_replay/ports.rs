//! The ports of the pages, and the free ones that stand for them here.

use holdback_testkit::processes::free_ports;
use std::collections::BTreeMap;

/// Maps the ports of one example, 8081 and so on, to free ones.
#[derive(Debug, Default)]
pub(crate) struct Ports {
    mapped: BTreeMap<u16, u16>,
}

/// Ports that the pages use.
const DOCUMENTED: std::ops::RangeInclusive<u16> = 8081..=8089;

impl Ports {
    /// The port that stands for a documented one.
    pub(crate) fn port(&mut self, documented: u16) -> u16 {
        *self
            .mapped
            .entry(documented)
            .or_insert_with(|| free_ports(1))
    }

    /// A text with the ports in it mapped: each number from 8081 to 8089 that stands alone.
    pub(crate) fn map(&mut self, text: &str) -> String {
        let mut mapped = String::new();
        let mut rest = text;
        while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
            let digits = rest[start..]
                .find(|c: char| !c.is_ascii_digit())
                .map_or(rest.len(), |length| start + length);
            mapped.push_str(&rest[..start]);
            match rest[start..digits].parse::<u16>() {
                Ok(port) if DOCUMENTED.contains(&port) => {
                    mapped.push_str(&self.port(port).to_string());
                }
                _ => mapped.push_str(&rest[start..digits]),
            }
            rest = &rest[digits..];
        }
        mapped + rest
    }
}

#[test]
fn ports_are_mapped_wherever_they_stand_alone() {
    let mut ports = Ports::default();
    let (one, two) = (ports.port(8081), ports.port(8082));
    assert_ne!(one, two);
    assert_eq!(
        ports.map("nc 127.0.0.1 8081; a=:8082,:18081 80812 8080."),
        format!("nc 127.0.0.1 {one}; a=:{two},:18081 80812 8080.")
    );
}
