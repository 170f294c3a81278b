//! How far the sites are from each other.

use super::agenda::{MILLISECOND, Time};

/// One-way delays between sites; replicas are put on the sites in turn.
#[derive(Clone, Debug)]
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

impl Latency {
    /// One machine room.
    #[must_use]
    pub fn lan() -> Self {
        Self {
            name: "lan".into(),
            sites: vec!["room".into()],
            one_way: vec![vec![100]],
            client: 50,
            jitter: 20,
        }
    }

    /// Five regions of a public cloud; delays are half the round trips that its users measure.
    #[must_use]
    pub fn wan() -> Self {
        let sites = ["virginia", "oregon", "ireland", "singapore", "sao-paulo"];
        let milliseconds = [
            [0, 32, 34, 110, 57],
            [32, 0, 62, 83, 88],
            [34, 62, 0, 87, 89],
            [110, 83, 87, 0, 162],
            [57, 88, 89, 162, 0],
        ];
        let one_way = milliseconds.iter().map(|row| {
            let delay = |&ms: &Time| if ms == 0 { 250 } else { ms * MILLISECOND };
            row.iter().map(delay).collect()
        });
        Self {
            name: "wan".into(),
            sites: sites.map(str::to_owned).to_vec(),
            one_way: one_way.collect(),
            client: 250,
            jitter: 500,
        }
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
