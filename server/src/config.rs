//! The command line of `holdback-server`, checked.

use clap::{Parser, ValueEnum};
use holdback::consistency::Consistency;
use holdback::ids::ReplicaId;
use holdback::settings::Settings;
use holdback::store::{HashSecret, Limits};
use holdback::units::{parse_bytes, parse_duration};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

/// The address of a replica that was told nothing.
const DEFAULT_ADDRESS: &str = "127.0.0.1:8081";
/// The largest value that can be asked for, in bytes.
const VALUE_BYTES_MAX: usize = 512 << 20;
/// What the system takes for `--tcp-keepalive` at the most.
const KEEPALIVE_MAX: Duration = Duration::from_secs(32_767);
/// Replicas of one cluster, at the most.
const REPLICAS_MAX: usize = 99;

/// Bits of an incarnation that are random. The others last until the year 2109.
const INCARNATION_RANDOM_BITS: u32 = 21;

/// What signals do, for `--help`.
const SIGNALS: &str = "\
Signals: SIGTERM and SIGINT end the replica in good order. SIGHUP opens the log file again, so that it can be moved away \
before; without a log file it ends the process, unless that ignores it, as under nohup. SIGUSR1 and SIGUSR2 do nothing.";

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// On.
    Yes,
    /// Off.
    No,
}

/// What is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// What is wrong until a person acts.
    Error,
    /// What is wrong and may pass.
    Warn,
    /// The life of the process and its links.
    Info,
    /// Each request, frame, delivery and reply as well.
    Debug,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// An object a line.
    Json,
}

/// A replica of Holdback, a replicated key-value store whose order you can see.
///
/// Without arguments: one replica on 127.0.0.1:8081, sequential. Replica N of a cluster:
/// holdback-server --id N --cluster HOST:PORT,HOST:PORT,... with the same list on each of them.
#[derive(Clone, Debug, Parser)]
#[command(name = "holdback-server", version, after_help = SIGNALS)]
pub struct Arguments {
    /// Which replica of the cluster this is: its place in the list, from 1.
    #[arg(long, value_name = "N")]
    pub id: Option<u16>,
    /// The addresses of all replicas, the same list on each of them.
    #[arg(long, value_name = "HOST:PORT,...")]
    pub cluster: Option<String>,
    /// The address to listen on, or address and port, if not this replica's in the cluster's list.
    #[arg(long, value_name = "ADDR")]
    pub bind: Option<String>,
    /// The consistency model: sequential, linearizable or eventual.
    #[arg(long, value_name = "MODEL", default_value = "sequential")]
    pub consistency: Consistency,
    /// Whether addresses that are not loopback are refused. Anyone who can connect can read and write
    /// everything.
    #[arg(long, value_enum, default_value = "yes")]
    pub protected_mode: Switch,
    /// Where the log goes, instead of standard error. SIGHUP opens it again.
    #[arg(long, value_name = "PATH")]
    pub log_file: Option<PathBuf>,
    /// What is logged.
    #[arg(long, value_enum, default_value = "info")]
    pub log_level: LogLevel,
    /// How log lines look.
    #[arg(long, value_enum, default_value = "text")]
    pub log_format: LogFormat,
    /// Writes every request, frame, delivery and reply to a file, a JSON object a line.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Obeys the FAULT command, which delays and cuts links.
    #[arg(long)]
    pub allow_faults: bool,
    /// How long a request may take before its client gets an error (5, 2.5s, 500ms, 1m).
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_duration)]
    pub request_timeout: Duration,
    /// How long a link may be silent before it is closed and made anew.
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = parse_duration)]
    pub link_timeout: Duration,
    /// How long a connection may be idle before TCP asks whether its other end is still there. 0 is off.
    #[arg(long, value_name = "DURATION", default_value = "300s", value_parser = parse_duration)]
    pub tcp_keepalive: Duration,
    /// Bytes of own undelivered entries above which new ones are refused (1048576, 64mb, 1gb).
    #[arg(long, value_name = "BYTES", default_value = "64mb", value_parser = parse_bytes)]
    pub max_pending: usize,
    /// Bytes of data above which what can make them grow is refused (1048576, 64mb, 1gb). 0: without a bound.
    #[arg(long, value_name = "BYTES", default_value = "0", value_parser = parse_bytes)]
    pub max_memory: usize,
    /// Bytes of entries held back here above which no replica stamps more (1048576, 64mb, 1gb).
    #[arg(long, value_name = "BYTES", default_value = "256mb", value_parser = parse_bytes)]
    pub max_queue: usize,
    /// Connections of clients. Fewer if the limit of open files is too low.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub max_clients: usize,
    /// Bytes that all clients' connections together may take for input, output, waiting requests and transactions; above
    /// it those that take the most are closed.
    #[arg(long, value_name = "BYTES", default_value = "1gb", value_parser = parse_bytes)]
    pub max_clients_memory: usize,
    /// Keys that one connection may watch.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub max_watches: usize,
    /// Seconds that a client may send nothing and wait for nothing before it is closed. 0 is never.
    #[arg(long, value_name = "SECONDS", default_value_t = 0)]
    pub timeout: u32,
    /// Bytes of a value. The same on all replicas.
    #[arg(long, value_name = "BYTES", default_value = "16mb", value_parser = parse_bytes)]
    pub max_value: usize,
    /// Bytes of replies that a client has not read above which reads that cannot wait are refused, and of one MGET or
    /// EXEC.
    #[arg(long, value_name = "BYTES", default_value = "256mb", value_parser = parse_bytes)]
    pub max_output: usize,
    /// How long a client with more than 1 MiB of unread replies may read nothing before it is closed.
    #[arg(long, value_name = "DURATION", default_value = "60s", value_parser = parse_duration)]
    pub output_timeout: Duration,
    /// Delivered entries kept for ORDER and DIGEST.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    pub order_entries: usize,
    /// Bytes of them.
    #[arg(long, value_name = "BYTES", default_value = "64mb", value_parser = parse_bytes)]
    pub order_bytes: usize,
    /// Seeds everything random that shows. Drawn and logged if not given.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

/// What differs from start to start.
#[derive(Clone, Copy, Debug)]
pub struct Entropy {
    /// The time since 1970, by a clock that may stand still or be set back.
    pub wall: Duration,
    /// Random bits that tell starts apart between which that clock did not move.
    pub start: u64,
    /// The seed, if none is given.
    pub seed: u64,
    /// Random bits that are used and shown nowhere else, whether a seed is given or not.
    pub hash_secret: HashSecret,
}

/// A checked command line.
#[derive(Clone, Debug)]
pub struct Config {
    /// The replica's settings.
    pub settings: Settings,
    /// The address to listen on.
    pub address: SocketAddr,
    /// How long a connection is idle before TCP asks for its other end.
    pub keepalive: Option<Duration>,
}

impl Arguments {
    /// Checks everything that can be checked before starting.
    ///
    /// # Errors
    /// One line that says what is wrong.
    pub fn check(&self, entropy: Entropy) -> Result<Config, String> {
        let cluster = self.check_cluster()?;
        let id = self.check_id(&cluster)?;
        let address = self.check_address(&cluster[id.index()])?;
        if self.max_value == 0 || self.max_value > VALUE_BYTES_MAX {
            return Err(format!(
                "--max-value is {VALUE_BYTES_MAX} bytes at the most, and not 0"
            ));
        }
        if self.tcp_keepalive > KEEPALIVE_MAX {
            return Err(format!(
                "--tcp-keepalive is {} seconds at the most",
                KEEPALIVE_MAX.as_secs()
            ));
        }
        if self.max_clients == 0 {
            return Err("--max-clients cannot be 0".to_owned());
        }
        if self.max_clients_memory < Settings::CLIENTS_MEMORY_LEAST {
            return Err(format!(
                "--max-clients-memory is {} bytes at the least",
                Settings::CLIENTS_MEMORY_LEAST
            ));
        }
        for (name, duration) in [
            ("--request-timeout", self.request_timeout),
            ("--link-timeout", self.link_timeout),
            ("--output-timeout", self.output_timeout),
        ] {
            if duration.is_zero() {
                return Err(format!("{name} cannot be 0"));
            }
        }
        let limits = Limits {
            value_bytes: self.max_value,
            entry_bytes: Limits::default()
                .entry_bytes
                .max(self.max_value + (1 << 20)),
            ..Limits::default()
        };
        let heartbeat = Settings::heartbeat_for(self.link_timeout);
        let settings = Settings {
            incarnation: incarnation(entropy),
            seed: self.seed.unwrap_or(entropy.seed),
            hash_secret: entropy.hash_secret,
            limits,
            request_timeout: self.request_timeout,
            link_timeout: self.link_timeout,
            heartbeat,
            pending_bytes_max: self.max_pending,
            memory_bytes_max: self.max_memory,
            queue_bytes_max: self.max_queue,
            clients_max: self.max_clients,
            clients_memory_max: self.max_clients_memory,
            watches_max: self.max_watches,
            idle_timeout: Duration::from_secs(self.timeout.into()),
            order_entries_max: self.order_entries,
            order_bytes_max: self.order_bytes,
            output_timeout: self.output_timeout,
            // One value has to fit, whatever it was set to.
            output_bytes_max: self.max_output.max(self.max_value + (1 << 20)),
            allow_faults: self.allow_faults,
            process_id: std::process::id(),
            ..Settings::new(id, cluster, self.consistency)
        };
        Ok(Config {
            settings,
            address,
            // The system counts in seconds.
            keepalive: (!self.tcp_keepalive.is_zero())
                .then(|| self.tcp_keepalive.max(Duration::from_secs(1))),
        })
    }

    fn check_cluster(&self) -> Result<Vec<String>, String> {
        let Some(list) = &self.cluster else {
            let address = match &self.bind {
                Some(bind) if bind.parse::<IpAddr>().is_ok() => {
                    SocketAddr::new(bind.parse().unwrap_or(Ipv4Addr::LOCALHOST.into()), 8081)
                        .to_string()
                }
                Some(bind) => bind.clone(),
                None => DEFAULT_ADDRESS.to_owned(),
            };
            check_host_port(&address).map_err(|what| format!("--bind: {what}"))?;
            return Ok(vec![address]);
        };
        let cluster: Vec<String> = list
            .split(',')
            .map(|address| address.trim().to_owned())
            .collect();
        for (at, address) in cluster.iter().enumerate() {
            let place = at + 1;
            check_host_port(address)
                .map_err(|what| format!("--cluster: address {place}: {what}"))?;
            if cluster[..at].contains(address) {
                return Err(format!(
                    "--cluster: address {place}: {address} is named twice"
                ));
            }
        }
        if cluster.len() > REPLICAS_MAX {
            return Err(format!(
                "--cluster: {} replicas, at most {REPLICAS_MAX}",
                cluster.len()
            ));
        }
        Ok(cluster)
    }

    fn check_id(&self, cluster: &[String]) -> Result<ReplicaId, String> {
        let count = cluster.len();
        match self.id {
            None if count == 1 => Ok(ReplicaId(1)),
            None => Err(format!(
                "--id is missing: which of the {count} replicas is this?"
            )),
            Some(id) if id >= 1 && usize::from(id) <= count => Ok(ReplicaId(id)),
            Some(id) => Err(format!("--id {id}: the cluster has replicas 1 to {count}")),
        }
    }

    fn check_address(&self, own: &str) -> Result<SocketAddr, String> {
        let text = match &self.bind {
            None => own.to_owned(),
            Some(bind) => match bind.parse::<IpAddr>() {
                Ok(ip) => {
                    let port = own.rsplit(':').next().and_then(|port| port.parse().ok());
                    SocketAddr::new(ip, port.unwrap_or(8081)).to_string()
                }
                Err(_) => bind.clone(),
            },
        };
        check_host_port(&text).map_err(|what| format!("--bind: {what}"))?;
        let found = text
            .to_socket_addrs()
            .map_err(|error| format!("{text}: {error}"))?;
        let addresses: Vec<SocketAddr> = found.collect();
        let outside = addresses.iter().find(|address| !address.ip().is_loopback());
        if let (Some(outside), Switch::Yes) = (outside, self.protected_mode) {
            return Err(format!(
                "{outside} is not a loopback address: anyone who reaches it could read and write \
                 everything. If that is meant, say --protected-mode no"
            ));
        }
        addresses
            .first()
            .copied()
            .ok_or_else(|| format!("{text}: the name has no address"))
    }
}

/// A number that no earlier start had, and as a rule a larger one: the wall clock's milliseconds, and below them random
/// bits. By the clock alone a replica that lost all could come back as the one that had it, if the clock stands still or
/// was set back, and would be let in again.
fn incarnation(entropy: Entropy) -> u64 {
    let milliseconds = u64::try_from(entropy.wall.as_millis()).unwrap_or(u64::MAX);
    let random = entropy.start % (1 << INCARNATION_RANDOM_BITS);
    let number = milliseconds << INCARNATION_RANDOM_BITS | random;
    (number & (u64::MAX >> 1)).max(1)
}

fn check_host_port(address: &str) -> Result<(), String> {
    let parts = address.rsplit_once(':');
    let Some((host, port)) = parts.filter(|(host, _)| !host.is_empty()) else {
        return Err(format!("'{address}' is not HOST:PORT"));
    };
    let bare_ipv6 = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
    if bare_ipv6 {
        return Err(format!(
            "'{address}': an IPv6 address is written [ADDRESS]:PORT"
        ));
    }
    if host.contains(|c: char| c.is_whitespace() || c == '=') {
        return Err(format!("'{address}': '{host}' is not a host"));
    }
    match port.parse::<u16>() {
        Ok(1..) => Ok(()),
        _ => Err(format!("'{address}': '{port}' is not a port (1 to 65535)")),
    }
}

#[cfg(test)]
mod tests;
