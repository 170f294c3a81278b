//! `--stat`: a line about the replica, over and over.

use super::Job;
use crate::args::Format;
use crate::client::Client;
use crate::exit::Verdict;
use crate::print::notice;
use crate::replicas::session::Outcome;
use crate::replicas::status::Status;
use crate::text::style::Role;
use crate::text::units;
use holdback::wire::value::Value;
use serde_json::json;
use std::io;
use std::time::Duration;

/// Rows between two headings, where there are headings.
const PAGE: u64 = 20;

/// A replica that takes longer to answer is said to be silent.
const PATIENCE: Duration = Duration::from_secs(2);

/// The numbers of a sample: what programs call each, and what INFO does.
const FIELDS: [(&str, &str); 11] = [
    // `keys=3,expires=0,avg_ttl=0`; an empty database has no line.
    ("keys", "db0"),
    ("memory", "used_memory"),
    ("clients", "connected_clients"),
    ("blocked", "blocked_clients"),
    ("requests", "total_commands_processed"),
    ("connections", "total_connections_received"),
    ("position", "position"),
    ("holdback", "holdback"),
    ("oldest_wait_ms", "oldest_wait_ms"),
    ("p50_us", "ordered_p50_us"),
    ("p99_us", "ordered_p99_us"),
];

/// The columns for a person, which fit on 80: their headings and widths.
const COLUMNS: [(&str, usize); 10] = [
    ("keys", 6),
    ("memory", 7),
    ("clients", 7),
    ("blocked", 7),
    ("requests", 13),
    ("position", 8),
    ("held", 4),
    ("oldest", 6),
    ("p50", 6),
    ("p99", 0),
];

/// What the replica said once, in the order of [`FIELDS`].
#[derive(Clone, Copy, Debug)]
struct Sample([u64; 11]);

impl Sample {
    fn parse(info: &Status) -> Self {
        Self(FIELDS.map(|(_, name)| {
            let value = info.get(name).unwrap_or_default();
            let value = value.strip_prefix("keys=").unwrap_or(value);
            let digits = value.split(',').next().unwrap_or_default();
            digits.parse().unwrap_or_default()
        }))
    }

    fn requests(self) -> u64 {
        self.0[4]
    }

    /// A row for a person. `before` is the last sample; what this program asked is not counted as new.
    fn row(self, before: Option<Self>) -> String {
        let Self(
            [
                keys,
                memory,
                clients,
                blocked,
                requests,
                _,
                position,
                held,
                oldest_ms,
                p50,
                p99,
            ],
        ) = self;
        let new = before.map_or(0, |before| requests.saturating_sub(before.requests() + 1));
        let or_dash = |number: u64, text: String| if number == 0 { "-".to_owned() } else { text };
        let latency = |micros| or_dash(micros, units::time(Duration::from_micros(micros)));
        row(&[
            keys.to_string(),
            units::bytes(memory),
            clients.to_string(),
            blocked.to_string(),
            format!("{requests} (+{new})"),
            position.to_string(),
            held.to_string(),
            or_dash(held, units::time(Duration::from_millis(oldest_ms))),
            latency(p50),
            latency(p99),
        ])
    }
}

fn row(cells: &[String; 10]) -> String {
    let padded = cells.iter().zip(COLUMNS);
    let padded: Vec<_> = padded
        .map(|(cell, (_, width))| format!("{cell:<width$}"))
        .collect();
    padded.join(" ").trim_end().to_owned()
}

fn heading() -> String {
    row(&COLUMNS.map(|(name, _)| name.to_owned()))
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
                let sample = Sample::parse(&Status::parse(&info));
                print(&job.client, sample, before, rows)?;
                rows += 1;
                before = Some(sample);
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
        if job.client.interrupt.pause(job.interval()) {
            return Ok(Verdict::Interrupted.code());
        }
    }
}

fn print(client: &Client, sample: Sample, before: Option<Sample>, rows: u64) -> io::Result<()> {
    let output = &client.output;
    let names = FIELDS.map(|(name, _)| name);
    match output.format {
        Format::Json => {
            let fields = names.into_iter().zip(sample.0);
            let fields = fields.map(|(name, number)| (name.to_owned(), json!(number)));
            output.line(&serde_json::Value::Object(fields.collect()).to_string())
        }
        Format::Csv => {
            if rows == 0 {
                output.line(&names.join(","))?;
            }
            output.line(&sample.0.map(|number| number.to_string()).join(","))
        }
        Format::Raw | Format::Terminal => {
            if rows.is_multiple_of(PAGE) {
                output.line(&output.palette.paint(Role::Name, &heading()))?;
            }
            output.line(&sample.row(before))
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
        let sample = Sample::parse(&Status::parse(info));
        let mut before = sample;
        before.0[4] = 1_234_556;
        let row = sample.row(Some(before));
        assert_eq!(
            format!("{}\n{row}", heading()),
            "keys   memory  clients blocked requests      position held oldest p50    p99\n\
             42     2.0K    3       1       1234567 (+10) 17       2    3.2s   0.31ms -"
        );
        assert!(row.len() <= 80);
    }
}
