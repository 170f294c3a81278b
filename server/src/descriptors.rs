//! How many connections the limit of open files leaves room for. Clients must not take what links need: one that is lost
//! could not come back.

use holdback::settings::Settings;
use std::io;

/// Descriptors beside those of connections: standard input, output and error, the log, the trace, the poll and its
/// registry, the waker, two for signals, the listener, and some for what is open for a moment, as when a name is
/// looked up.
const OWN: usize = 16;
/// A link that comes back may be there twice, until the old one is known to be lost.
const PER_LINK: usize = 2;
/// For an operator who looks why nobody gets in.
const OPERATOR: usize = 1;

/// What there is room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Clients, at the most.
    pub clients: usize,
    /// The most that there could be, were it asked for.
    pub possible: usize,
    /// Connections above these that may turn out to be peers.
    pub surplus: usize,
    /// Connections that may come in, whatever they are: the others are kept for links that this replica makes.
    pub accepted: usize,
}

impl Room {
    /// Raises the limit of open files as far as the system allows it, as more clients may be asked for later; the limit,
    /// and how it is divided. If even that is too low, nothing is left for clients.
    ///
    /// # Errors
    /// If the system does not tell the limit.
    pub fn take(settings: &Settings) -> io::Result<(usize, Self)> {
        let limit = rlimit::increase_nofile_limit(u64::MAX)?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        Ok((limit, Self::within(limit, settings)))
    }

    fn within(limit: usize, settings: &Settings) -> Self {
        let dials = PER_LINK * settings.id.index();
        let rest = limit.saturating_sub(OWN + links(settings) + OPERATOR);
        let (mut clients, mut surplus) = (settings.clients_max, settings.surplus_max);
        if rest < clients.saturating_add(surplus) {
            surplus = surplus.min(rest / 8);
            clients = clients.min(rest - surplus);
        }
        Self {
            clients,
            possible: rest - surplus,
            surplus,
            accepted: limit.saturating_sub(OWN + dials),
        }
    }
}

fn links(settings: &Settings) -> usize {
    PER_LINK * settings.cluster.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use holdback::consistency::Consistency;
    use holdback::ids::ReplicaId;

    #[test]
    fn clients_get_what_links_and_the_process_leave() {
        let cluster = vec![String::new(); 3];
        let mut settings = Settings::new(ReplicaId(2), cluster, Consistency::Sequential);
        settings.clients_max = 100;
        let enough = Room {
            clients: 100,
            possible: 100,
            surplus: 64,
            accepted: 185 - 16 - 2,
        };
        assert_eq!(Room::within(185, &settings), enough);
        let scarce = Room {
            clients: 38,
            possible: 38,
            surplus: 5,
            accepted: 64 - 16 - 2,
        };
        assert_eq!(Room::within(64, &settings), scarce);
        for limit in 0..300 {
            let room = Room::within(limit, &settings);
            let all = OWN + links(&settings) + OPERATOR + room.clients + room.surplus;
            assert!(all <= limit || (room.clients, room.surplus) == (0, 0));
        }
    }
}
