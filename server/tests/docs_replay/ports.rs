//! The ports of the pages, and the free ones that stand for them here.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

/// Free ports are looked for here: below those that the system gives to outgoing connections.
const FIRST: u16 = 20_700;
const LAST: u16 = 20_899;

/// How many ports were looked at in this process, so that no two replays get the same.
static LOOKED_AT: AtomicU16 = AtomicU16::new(0);

/// A port on which nobody listens. Processes begin at different places, as several may look at one time.
fn free_port() -> u16 {
    let count = LAST - FIRST + 1;
    let start = std::process::id() % u32::from(count);
    let start = u16::try_from(start).expect("smaller than the count");
    loop {
        let looked_at = LOOKED_AT.fetch_add(1, Ordering::Relaxed);
        assert!(looked_at < count, "no free port between {FIRST} and {LAST}");
        let port = FIRST + (start + looked_at) % count;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

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
        *self.mapped.entry(documented).or_insert_with(free_port)
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
