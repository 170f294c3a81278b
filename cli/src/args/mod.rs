//! The command line.

mod manual;

use clap::{ArgAction, Parser};
use std::ffi::OsString;
use std::io::IsTerminal;
use std::time::Duration;

/// the REPL of Holdback, and a client for scripts
#[derive(Debug, Parser)]
#[command(
    name = "holdback-cli",
    version,
    disable_help_flag = true,
    disable_version_flag = true,
    help_template = manual::TEMPLATE,
    after_help = manual::AFTER,
    max_term_width = 80
)]
pub(crate) struct Args {
    /// The replica's host [default: 127.0.0.1]
    #[arg(short = 'h', long, value_name = "HOST", help_heading = REPLICA)]
    pub(crate) host: Option<String>,

    /// The replica's port [default: 8081]
    #[arg(short, long, value_name = "PORT", help_heading = REPLICA)]
    pub(crate) port: Option<u16>,

    /// Every replica's address, the first is replica 1 [default: what STATUS says]
    #[arg(long, value_name = "HOST:PORT,...", value_delimiter = ',', value_parser = address,
          help_heading = REPLICA)]
    pub(crate) cluster: Vec<String>,

    /// How long to wait for a connection, and for each replica's answer to @all
    #[arg(short, long, value_name = "SECONDS", default_value = "3", value_parser = seconds,
          help_heading = REPLICA)]
    pub(crate) timeout: Duration,

    /// Print replies as they are [default where standard output is no terminal]
    #[arg(long, group = "printing", help_heading = PRINTING)]
    pub(crate) raw: bool,

    /// Print replies for a person: quoted, with their types [default on a terminal]
    #[arg(long, group = "printing", help_heading = PRINTING)]
    pub(crate) no_raw: bool,

    /// Print each reply as one line of JSON; what is not UTF-8 as {"base64":"..."}
    #[arg(long, group = "printing", help_heading = PRINTING)]
    pub(crate) json: bool,

    /// Print each reply as one record of comma-separated values, strings in double quotes
    #[arg(long, group = "printing", help_heading = PRINTING)]
    pub(crate) csv: bool,

    /// Leave with exit code 1 if a reply was an error
    #[arg(short = 'e', help_heading = PRINTING)]
    pub(crate) exit_code: bool,

    /// Carry out the command this often, or for ever if -1; also how many lines --stat and --watch print
    #[arg(short, long, value_name = "COUNT", allow_negative_numbers = true,
          value_parser = clap::value_parser!(i64).range(-1..), help_heading = REPEATING)]
    pub(crate) repeat: Option<i64>,

    /// Wait between repetitions, between the pages of --scan [default: 0] and between the redraws of
    /// --top, --watch and --stat [default: 1]
    #[arg(short, long, value_name = "SECONDS", value_parser = seconds, help_heading = REPEATING)]
    pub(crate) interval: Option<Duration>,

    /// Read the command's last argument from standard input, byte by byte to its end
    #[arg(short = 'x', requires = "command", help_heading = REPEATING)]
    pub(crate) last_from_stdin: bool,

    /// Show the whole cluster on one screen, redrawn every second, and why a write hangs; cut, delay and
    /// heal links if the replicas allow faults
    #[arg(long, group = "live", help_heading = MODES)]
    pub(crate) top: bool,

    /// Redraw the answers of every replica to COMMAND (or of one: @2 COMMAND) every second; q leaves
    #[arg(long, group = "live", requires = "command", help_heading = MODES)]
    pub(crate) watch: bool,

    /// Print a line about the replica every second: keys, memory, requests, position, latency
    #[arg(long, group = "live", help_heading = MODES)]
    pub(crate) stat: bool,

    /// Measure how long PING takes, or COMMAND if there is one, until Ctrl-C. If standard output is no
    /// terminal: for a second, or as -i says; then print min, avg, max (in ms) and the count
    #[arg(long, group = "live", help_heading = MODES)]
    pub(crate) latency: bool,

    /// List the keys by SCAN, a line each
    #[arg(long, group = "live", help_heading = MODES)]
    pub(crate) scan: bool,

    /// List only keys that match this pattern, such as 'user:*'
    #[arg(long, value_name = "PATTERN", requires = "scan", help_heading = MODES)]
    pub(crate) pattern: Option<OsString>,

    /// Ask SCAN for this many keys at a time
    #[arg(long, value_name = "KEYS", requires = "scan",
          value_parser = clap::value_parser!(u32).range(1..), help_heading = MODES)]
    pub(crate) count: Option<u32>,

    /// Send standard input (lines as in the REPL, or RESP arrays) as fast as the replica takes it, and
    /// count replies and errors
    #[arg(long, group = "live", help_heading = MODES)]
    pub(crate) pipe: bool,

    /// Give up --pipe if no reply came for so long after everything was sent
    #[arg(long, value_name = "SECONDS", requires = "pipe", default_value = "30",
          value_parser = seconds, help_heading = MODES)]
    pub(crate) pipe_timeout: Duration,

    /// Print this help
    #[arg(long, action = ArgAction::HelpLong, help_heading = OTHER)]
    help: Option<bool>,

    /// Print the version
    #[arg(long, short = 'V', action = ArgAction::Version, help_heading = OTHER)]
    version: Option<bool>,

    /// The command to send, and its arguments
    #[arg(trailing_var_arg = true, value_name = "COMMAND", hide = true)]
    pub(crate) command: Vec<OsString>,
}

/// The ways to print a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// For a person.
    Terminal,
    /// As it is.
    Raw,
    /// A line of JSON.
    Json,
    /// A record of comma-separated values.
    Csv,
}

/// What the program may do beside sending commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Top,
    Watch,
    Stat,
    Latency,
    Scan,
    Pipe,
}

// The headings of the options.
const REPLICA: &str = "Which replica";
const PRINTING: &str = "Printing";
const REPEATING: &str = "Repetition and input";
const MODES: &str = "Modes";
const OTHER: &str = "Other";

/// The port a replica listens on if nothing else was said.
pub(crate) const PORT: u16 = 8081;

impl Args {
    /// What contradicts itself in ways that the parser does not see.
    ///
    /// # Errors
    /// A sentence for a person.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        let mode = self.mode().is_some();
        let takes_command = !mode || self.watch || self.latency;
        let repeats = self.stat || self.watch || (!mode && !self.command.is_empty());
        if !takes_command && !self.command.is_empty() {
            Err("this mode wants no command")
        } else if self.repeat.is_some() && !repeats {
            Err("-r wants a command, --stat or --watch")
        } else if self.interval.is_some() && self.pipe {
            Err("--pipe sends as fast as it can: -i makes no sense there")
        } else if self.interval.is_some() && !mode && self.repeat.is_none() {
            Err("-i wants -r or a mode such as --watch")
        } else if self.last_from_stdin && mode && !self.latency {
            Err("-x wants a command to be sent")
        } else {
            Ok(())
        }
    }

    /// The mode that was asked for, unless it is to send commands.
    pub(crate) fn mode(&self) -> Option<Mode> {
        let modes = [
            (self.top, Mode::Top),
            (self.watch, Mode::Watch),
            (self.stat, Mode::Stat),
            (self.latency, Mode::Latency),
            (self.scan, Mode::Scan),
            (self.pipe, Mode::Pipe),
        ];
        let chosen = modes.into_iter().find(|(chosen, _)| *chosen);
        chosen.map(|(_, mode)| mode)
    }

    /// How often to carry out a command; `None` for ever.
    pub(crate) fn times(&self, default: Option<u64>) -> Option<u64> {
        match self.repeat {
            None => default,
            Some(times) => u64::try_from(times).ok(),
        }
    }

    /// Where to connect, in this order, until one answers.
    pub(crate) fn addresses(&self) -> Vec<String> {
        if self.host.is_none() && self.port.is_none() && !self.cluster.is_empty() {
            return self.cluster.clone();
        }
        let host = self.host.as_deref().unwrap_or("127.0.0.1");
        vec![join(host, self.port.unwrap_or(PORT))]
    }

    /// How to print.
    pub(crate) fn format(&self) -> Format {
        if self.json {
            Format::Json
        } else if self.csv {
            Format::Csv
        } else if self.raw || (!self.no_raw && !std::io::stdout().is_terminal()) {
            Format::Raw
        } else {
            Format::Terminal
        }
    }
}

/// `host:port`, with brackets around an IPv6 host.
pub(crate) fn join(host: &str, port: u16) -> String {
    if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]:{port}")
    } else {
        format!("{host}:{port}")
    }
}

/// An address that has a host and a port.
pub(crate) fn address(text: &str) -> Result<String, String> {
    let wrong = || format!("`{text}` is no HOST:PORT");
    let (host, port) = text.trim().rsplit_once(':').ok_or_else(wrong)?;
    let port: u16 = port.parse().map_err(|_| wrong())?;
    if host.is_empty() || port == 0 || (host.contains(':') && !host.starts_with('[')) {
        return Err(wrong());
    }
    Ok(join(host, port))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no positive number of seconds");
    let seconds: f64 = text.parse().map_err(|_| wrong())?;
    if seconds <= 0.0 {
        return Err(wrong());
    }
    if seconds > 86_400.0 {
        return Err(format!("`{text}` is more than a day"));
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Args, clap::Error> {
        Args::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn options_come_before_the_command_and_nothing_behind_it_is_one() {
        let args = parse("holdback-cli -h ::1 -p 9 -e SET a -1 --json -e").unwrap();
        assert_eq!(args.addresses(), ["[::1]:9"]);
        assert_eq!(args.command, ["SET", "a", "-1", "--json", "-e"]);
        assert!(args.exit_code && !args.json);
    }

    #[test]
    fn what_makes_no_sense_together_is_refused() {
        for (line, makes_sense) in [
            ("x -r 3 -i 0.1 INCR a", true),
            ("x -r -1 PING", true),
            ("x -r 3", false),
            ("x -i 3 PING", false),
            ("x --stat -r 2 -i 1", true),
            ("x --stat PING", false),
            ("x --top -r 2", false),
            ("x --latency SET a 1", true),
            ("x --scan -x", false),
            ("x --watch -r 2 GET a", true),
            ("x --pipe -i 1", false),
        ] {
            let sensible = parse(line).is_ok_and(|args| args.check().is_ok());
            assert_eq!(sensible, makes_sense, "{line}");
        }
    }

    #[test]
    fn wrong_usage_is_refused() {
        for line in [
            "x --csv --json",
            "x --top --stat",
            "x --pattern a",
            "x --watch",
            "x -x",
            "x -r -2 PING",
            "x --raw --json",
            "x -p 65536",
            "x --cluster a,b",
            "x --cluster 127.0.0.1:0",
            "x --timeout -1",
            "x --timeout 1e6",
            "x --no-such-option GET a",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn the_cluster_says_where_to_connect_unless_a_host_or_port_does() {
        let cluster = "x --cluster 127.0.0.1:1,localhost:2";
        let args = parse(cluster).unwrap();
        assert_eq!(args.addresses(), ["127.0.0.1:1", "localhost:2"]);
        let args = parse(&format!("{cluster} -p 2")).unwrap();
        assert_eq!(args.addresses(), ["127.0.0.1:2"]);
        assert_eq!(parse("x").unwrap().addresses(), ["127.0.0.1:8081"]);
    }
}
