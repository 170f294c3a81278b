//! `--stat`: a line about the replica, over and over.

use super::Job;
use crate::args::Format;
use crate::args::INTERVAL;
use crate::client::Client;
use crate::exit::Verdict;
use crate::print::notice;
use crate::replicas::session::Outcome;
use crate::replicas::status::Status;
use crate::text::style::Role;
use crate::text::units;
use holdback::protocol::value::Value;
use serde_json::json;
use std::time::Duration;

/// Rows between two headings, where there are headings.
const PAGE: u64 = 20;

/// A replica that takes longer to answer is said to be silent.
const PATIENCE: Duration = Duration::from_secs(2);

/// One look at the replica.
#[derive(Clone, Copy, Debug, Default)]
struct Look {
    keys: u64,
    memory: u64,
    clients: u64,
    blocked: u64,
    requests: u64,
    connections: u64,
    position: u64,
    held: u64,
    oldest_ms: u64,
    p50_us: u64,
    p99_us: u64,
}

/// Names for programs, in the order of [`Look::numbers`].
const NAMES: [&str; 11] = [
    "keys",
    "memory",
    "clients",
    "blocked",
    "requests",
    "connections",
    "position",
    "holdback",
    "oldest_wait_ms",
    "p50_us",
    "p99_us",
];

impl Look {
    /// What INFO says.
    fn parse(info: &Status) -> Self {
        let number = |name: &str| {
            let value = info.get(name).and_then(|value| value.parse().ok());
            value.unwrap_or_default()
        };
        // `keys=3,expires=0,avg_ttl=0`; an empty database has no line.
        let database = info.get("db0").unwrap_or_default();
        let keys = database
            .split(',')
            .find_map(|part| part.strip_prefix("keys="));
        Self {
            keys: keys.and_then(|keys| keys.parse().ok()).unwrap_or_default(),
            memory: number("used_memory"),
            clients: number("connected_clients"),
            blocked: number("blocked_clients"),
            requests: number("total_commands_processed"),
            connections: number("total_connections_received"),
            position: number("position"),
            held: number("holdback"),
            oldest_ms: number("oldest_wait_ms"),
            p50_us: number("ordered_p50_us"),
            p99_us: number("ordered_p99_us"),
        }
    }

    fn numbers(&self) -> [u64; 11] {
        [
            self.keys,
            self.memory,
            self.clients,
            self.blocked,
            self.requests,
            self.connections,
            self.position,
            self.held,
            self.oldest_ms,
            self.p50_us,
            self.p99_us,
        ]
    }

    /// A row for a person. `before` is the last look; what this program asked is not counted as new.
    fn row(&self, before: Option<Self>) -> String {
        let new = before.map_or(0, |before| {
            self.requests.saturating_sub(before.requests + 1)
        });
        let or_dash = |number: u64, text: String| if number == 0 { "-".to_owned() } else { text };
        let wait = or_dash(
            self.held,
            units::time(Duration::from_millis(self.oldest_ms)),
        );
        let latency = |micros| or_dash(micros, units::time(Duration::from_micros(micros)));
        row([
            &self.keys.to_string(),
            &units::bytes(self.memory),
            &self.clients.to_string(),
            &self.blocked.to_string(),
            &format!("{} (+{new})", self.requests),
            &self.position.to_string(),
            &self.held.to_string(),
            &wait,
            &latency(self.p50_us),
            &latency(self.p99_us),
        ])
    }
}

/// Columns that fit on 80.
fn row(
    [
        keys,
        memory,
        clients,
        blocked,
        requests,
        position,
        held,
        wait,
        p50,
        p99,
    ]: [&str; 10],
) -> String {
    format!(
        "{keys:<6} {memory:<7} {clients:<7} {blocked:<7} {requests:<13} {position:<8} {held:<4} \
         {wait:<6} {p50:<6} {p99}"
    )
    .trim_end()
    .to_owned()
}

fn heading() -> String {
    row([
        "keys", "memory", "clients", "blocked", "requests", "position", "held", "oldest", "p50",
        "p99",
    ])
}

/// Prints rows until Ctrl-C, or as many as are wanted. A replica that is gone is asked again.
pub(crate) fn run(mut job: Job<'_>) -> anyhow::Result<u8> {
    let command = [b"INFO".to_vec()];
    let (mut rows, mut before) = (0, None);
    let mut asked = 0;
    let times = job.args.times(None);
    loop {
        let mut told = false;
        let outcome = job.client.session.execute(&command, &mut |waited| {
            if waited >= PATIENCE && !std::mem::replace(&mut told, true) {
                notice("(no answer for 2s; still waiting)");
            }
        });
        asked += 1;
        match outcome {
            Outcome::Reply(Value::Bulk(info), _) => {
                let look = Look::parse(&Status::parse(&info));
                print(&job.client, look, before, rows)?;
                rows += 1;
                before = Some(look);
            }
            other => match job.client.report(other, &command)? {
                Verdict::Unreachable => before = None,
                ended => return Ok(ended.code()),
            },
        }
        if times.is_some_and(|times| asked >= times) {
            return Ok(if rows == 0 {
                Verdict::Unreachable.code()
            } else {
                0
            });
        }
        if job
            .client
            .interrupt
            .pause(job.args.interval.unwrap_or(INTERVAL))
        {
            return Ok(Verdict::Interrupted.code());
        }
    }
}

fn print(client: &Client, look: Look, before: Option<Look>, rows: u64) -> std::io::Result<()> {
    let output = &client.output;
    match output.format() {
        Format::Json => {
            let fields = NAMES.iter().zip(look.numbers());
            let fields = fields.map(|(name, number)| ((*name).to_owned(), json!(number)));
            output.line(&serde_json::Value::Object(fields.collect()).to_string())
        }
        Format::Csv => {
            if rows == 0 {
                output.line(&NAMES.join(","))?;
            }
            output.line(&look.numbers().map(|number| number.to_string()).join(","))
        }
        Format::Raw | Format::Terminal => {
            if rows.is_multiple_of(PAGE) {
                output.line(&output.palette().paint(Role::Name, &heading()))?;
            }
            output.line(&look.row(before))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_fits_under_its_heading() {
        let info = b"# Memory\r\nused_memory:2048\r\nconnected_clients:3\r\nblocked_clients:1\r\n\
            total_commands_processed:1234567\r\ndb0:keys=42,expires=0,avg_ttl=0\r\nposition:17\r\n\
            holdback:2\r\noldest_wait_ms:3240\r\nordered_p50_us:310\r\nordered_p99_us:0\r\n";
        let look = Look::parse(&Status::parse(info));
        let before = Look {
            requests: 1_234_556,
            ..look
        };
        let row = look.row(Some(before));
        assert_eq!(
            format!("{}\n{row}", heading()),
            "keys   memory  clients blocked requests      position held oldest p50    p99\n\
             42     2.0K    3       1       1234567 (+10) 17       2    3.2s   0.31ms -"
        );
        assert!(row.len() <= 80);
    }
}
