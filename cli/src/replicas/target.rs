//! Which replica a command is for: `@2 GET x`, `@all GET x`.

use crate::args::address;
use crate::replicas::status::Status;

/// Where to send a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// The replica we are connected to.
    Current,
    /// A replica by its id.
    Replica(usize),
    /// A replica by its address.
    Address(String),
    /// Every replica.
    All,
}

impl Target {
    /// Takes a target off the front of `arguments`.
    ///
    /// # Errors
    /// A sentence for a person if the first argument begins with `@` and is no target, or no command
    /// follows.
    pub(crate) fn split(arguments: &[Vec<u8>]) -> Result<(Self, &[Vec<u8>]), String> {
        let Some((first, command)) = arguments.split_first() else {
            return Ok((Self::Current, arguments));
        };
        let Some(name) = first.strip_prefix(b"@") else {
            return Ok((Self::Current, arguments));
        };
        let name = String::from_utf8_lossy(name);
        let target = Self::parse(&name)
            .ok_or_else(|| format!("@{name} is no replica: say @2, @all or @host:port"))?;
        if command.is_empty() {
            return Err(format!(
                "@{name} wants a command behind it, as in @{name} GET x"
            ));
        }
        Ok((target, command))
    }

    /// A target without its `@`.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        if name.eq_ignore_ascii_case("all") || name == "*" {
            return Some(Self::All);
        }
        match name.parse() {
            Ok(0) => None,
            Ok(id) => Some(Self::Replica(id)),
            Err(_) => address(name).ok().map(Self::Address),
        }
    }
}

/// The replicas' addresses, as far as they are known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cluster {
    /// Every replica's address; the first is replica 1.
    pub(crate) addresses: Vec<String>,
    /// Given on the command line, so that no replica's word replaces it.
    fixed: bool,
}

impl Cluster {
    /// The addresses of `--cluster`; if empty, they are to be learnt.
    pub(crate) fn given(addresses: Vec<String>) -> Self {
        let fixed = !addresses.is_empty();
        Self { addresses, fixed }
    }

    /// Learns what a replica says of its cluster.
    pub(crate) fn learn(&mut self, status: &Status, connected_to: &str) {
        if self.fixed {
            return;
        }
        let listed = status.get("cluster").unwrap_or_default().split(',');
        let addresses: Vec<_> = listed.filter_map(|listed| address(listed).ok()).collect();
        self.addresses = match addresses.len() {
            // A replica on its own is reached as it was reached.
            0 | 1 => vec![connected_to.to_owned()],
            _ => addresses,
        };
    }

    /// The addresses that a target stands for, each with the replica's id, 0 if that is not known.
    ///
    /// # Errors
    /// A sentence for a person.
    pub(crate) fn resolve(&self, target: &Target) -> Result<Vec<(usize, String)>, String> {
        let number = |(index, address): (usize, &String)| (index + 1, address.clone());
        if let Target::Address(address) = target {
            let known = self.addresses.iter().position(|known| known == address);
            return Ok(vec![(known.map_or(0, |index| index + 1), address.clone())]);
        }
        if self.addresses.is_empty() {
            return Err("the replicas are not known: connect to one, or start with \
                        --cluster host:port,..."
                .to_owned());
        }
        let mut all = self.addresses.iter().enumerate().map(number);
        match target {
            Target::Replica(id) => match all.find(|(known, _)| known == id) {
                Some(found) => Ok(vec![found]),
                None => Err(format!(
                    "there is no replica {id}: the cluster has {}",
                    count(self.addresses.len())
                )),
            },
            _ => Ok(all.collect()),
        }
    }
}

/// `1 replica`, `3 replicas`.
pub(crate) fn count(replicas: usize) -> String {
    format!("{replicas} replica{}", if replicas == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(line: &str) -> Result<(Target, usize), String> {
        let arguments: Vec<_> = line
            .split(' ')
            .map(|word| word.as_bytes().to_vec())
            .collect();
        Target::split(&arguments).map(|(target, command)| (target, command.len()))
    }

    #[test]
    fn targets_are_told_from_commands() {
        assert_eq!(split("GET x"), Ok((Target::Current, 2)));
        assert_eq!(split("@2 GET x"), Ok((Target::Replica(2), 2)));
        assert_eq!(split("@ALL GET x"), Ok((Target::All, 2)));
        assert_eq!(split("@* PING"), Ok((Target::All, 1)));
        let address = Target::Address("localhost:9".into());
        assert_eq!(split("@localhost:9 PING"), Ok((address, 1)));
        for wrong in ["@", "@0 PING", "@x PING", "@-1 PING", "@2", "@all"] {
            assert!(split(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_cluster_is_learnt_unless_given() {
        let status =
            |cluster: &str| Status::parse(format!("id:1\r\ncluster:{cluster}\r\n").as_bytes());
        let mut cluster = Cluster::default();
        assert!(cluster.resolve(&Target::All).is_err());
        cluster.learn(&status("a:1,b:2"), "x:9");
        let replica = cluster.resolve(&Target::Replica(2));
        assert_eq!(replica, Ok(vec![(2, "b:2".to_owned())]));
        assert!(
            cluster
                .resolve(&Target::Replica(3))
                .unwrap_err()
                .contains("2 replicas")
        );
        assert_eq!(cluster.resolve(&Target::All).unwrap().len(), 2);
        cluster.learn(&status("0.0.0.0:1"), "x:9");
        assert_eq!(cluster.addresses, ["x:9"]);
        let mut given = Cluster::given(vec!["c:3".into()]);
        given.learn(&status("a:1,b:2"), "x:9");
        assert_eq!(given.addresses, ["c:3"]);
    }
}
