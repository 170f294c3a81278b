//! The command line.

use super::output::Mode;
use clap::{ArgAction, Parser};
use std::ffi::OsString;
use std::io::IsTerminal;
use std::time::Duration;

const AFTER_HELP: &str = "\
Without a command, a terminal gets the REPL; anything else on standard input
is read as one command a line. @2 COMMAND asks replica 2, @all COMMAND every
replica; `help` in the REPL says more.

Examples:
  holdback-cli                                   the REPL, on 127.0.0.1:8081
  holdback-cli -p 8082 SET greeting 'hello world'
  holdback-cli @all GET greeting                 answers side by side
  printf 'SET a 1\\nGET a\\n' | holdback-cli -e    commands from a pipe

Exit codes:
  0    fine
  1    an error reply (with -e)
  64   wrong usage, or a malformed line
  69   a replica could not be reached, or did not answer
  130  interrupted

Environment:
  HOLDBACK_HISTORY  the REPL's history file [default: ~/.holdback_history];
                    empty for none
  NO_COLOR          turns colours off";

/// The REPL of Holdback, and a client for scripts
#[derive(Debug, Parser)]
#[command(name = "holdback-cli", version, disable_help_flag = true, after_help = AFTER_HELP)]
pub(crate) struct Args {
    /// The replica's host [default: 127.0.0.1]
    #[arg(short = 'h', long, value_name = "HOST")]
    pub(crate) host: Option<String>,

    /// The replica's port [default: 8081]
    #[arg(short, long, value_name = "PORT")]
    pub(crate) port: Option<u16>,

    /// Every replica's address, the first is replica 1 [default: what STATUS says]
    #[arg(long, value_name = "HOST:PORT,...", value_delimiter = ',', value_parser = address)]
    pub(crate) cluster: Vec<String>,

    /// Print replies as they are [default where standard output is no terminal]
    #[arg(long, conflicts_with_all = ["no_raw", "json"])]
    pub(crate) raw: bool,

    /// Print replies for a person: quoted, with their types [default on a terminal]
    #[arg(long, conflicts_with = "json")]
    pub(crate) no_raw: bool,

    /// Print each reply as one line of JSON; what is not UTF-8 as {"base64":"..."}
    #[arg(long)]
    pub(crate) json: bool,

    /// Leave with exit code 1 if a reply was an error
    #[arg(short = 'e')]
    pub(crate) exit_code: bool,

    /// How long to wait for a connection, and for each replica's answer to @all
    #[arg(short, long, value_name = "SECONDS", default_value = "3", value_parser = seconds)]
    pub(crate) timeout: Duration,

    /// Print this help
    #[arg(long, action = ArgAction::HelpLong)]
    help: Option<bool>,

    /// The command to send, and its arguments
    #[arg(trailing_var_arg = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// The port a replica listens on if nothing else was said.
pub(crate) const PORT: u16 = 8081;

impl Args {
    /// Where to connect, in this order, until one answers.
    pub(crate) fn addresses(&self) -> Vec<String> {
        if self.host.is_none() && self.port.is_none() && !self.cluster.is_empty() {
            return self.cluster.clone();
        }
        let host = self.host.as_deref().unwrap_or("127.0.0.1");
        vec![join(host, self.port.unwrap_or(PORT))]
    }

    /// How to print.
    pub(crate) fn mode(&self) -> Mode {
        if self.json {
            Mode::Json
        } else if self.raw || (!self.no_raw && !std::io::stdout().is_terminal()) {
            Mode::Raw
        } else {
            Mode::Terminal
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
    fn wrong_usage_is_refused() {
        for line in [
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
