//! `--latency`: how long a command takes, over and over.

use super::Job;
use crate::args::Format;
use crate::exit::Verdict;
use crate::replicas::session::Outcome;
use crate::text::units::{milliseconds, time};
use holdback::wire::value::Value;
use holdback_client::clock::now;
use serde_json::json;
use std::io::{self, Write};
use std::time::Duration;

/// Between two samples.
const GAP: Duration = Duration::from_millis(10);

/// A reply that takes longer is shown while it is awaited.
const PATIENCE: Duration = Duration::from_secs(1);

/// What was measured.
#[derive(Debug, Default)]
struct Samples {
    count: u32,
    least: Duration,
    most: Duration,
    sum: Duration,
}

impl Samples {
    fn add(&mut self, sample: Duration) {
        self.least = if self.count == 0 {
            sample
        } else {
            self.least.min(sample)
        };
        self.most = self.most.max(sample);
        self.sum += sample;
        self.count += 1;
    }

    fn mean(&self) -> Duration {
        self.sum.checked_div(self.count).unwrap_or_default()
    }

    fn text(&self) -> String {
        format!(
            "min {}, avg {}, max {} ({} samples)",
            time(self.least),
            time(self.mean()),
            time(self.most),
            self.count
        )
    }
}

/// Measures until Ctrl-C; where nobody watches, for one interval.
pub(crate) fn run(mut job: Job<'_>) -> anyhow::Result<u8> {
    let live = job.is_live();
    let ping = [b"PING".to_vec()];
    let command = match job.command {
        [] => &ping[..],
        command => command,
    };
    let limit = (!live).then(|| job.interval());
    let (start, mut samples) = (now(), Samples::default());
    loop {
        let mut told = Ok(());
        let outcome = job.client.session.execute(command, &mut |waited| {
            if live && waited >= PATIENCE {
                let waited = waited.as_secs_f64();
                told = overwrite(&format!("{}; no answer for {waited:.1}s", samples.text()));
            }
        });
        told?;
        match outcome {
            Outcome::Reply(value, took) if !matches!(value, Value::Error(_)) => samples.add(took),
            // Leaving is no failure of what was measured.
            Outcome::Abandoned(_) if live => return leave(&samples),
            ended => {
                end_line(live)?;
                return Ok(job.client.report(ended, command)?.code());
            }
        }
        if live {
            overwrite(&samples.text())?;
        } else if limit.is_some_and(|limit| start.elapsed() >= limit) {
            print(&samples, &job)?;
            return Ok(0);
        }
        if job.client.interrupt.pause(GAP) {
            return leave(&samples);
        }
    }
}

fn leave(samples: &Samples) -> anyhow::Result<u8> {
    // The terminal has put a ^C behind the line.
    overwrite(&samples.text())?;
    end_line(true)?;
    Ok(Verdict::Interrupted.code())
}

fn print(samples: &Samples, job: &Job<'_>) -> io::Result<()> {
    let [least, mean, most] = [samples.least, samples.mean(), samples.most].map(milliseconds);
    let count = samples.count;
    let text = match job.client.output.format {
        Format::Terminal => samples.text(),
        Format::Raw => format!("{least} {mean} {most} {count}"),
        Format::Csv => format!("{least},{mean},{most},{count}"),
        Format::Json => {
            let number = |text: &String| text.parse::<f64>().unwrap_or_default();
            json!({
                "min_ms": number(&least),
                "avg_ms": number(&mean),
                "max_ms": number(&most),
                "samples": count,
            })
            .to_string()
        }
    };
    job.client.output.line(&text)
}

/// Puts a text where the last one was.
pub(super) fn overwrite(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    write!(stdout, "\r\x1b[2K{text}")?;
    stdout.flush()
}

fn end_line(live: bool) -> io::Result<()> {
    if live { writeln!(io::stdout()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extremes_and_the_mean_are_kept() {
        let mut samples = Samples::default();
        for micros in [300, 100, 200] {
            samples.add(Duration::from_micros(micros));
        }
        assert_eq!(
            samples.text(),
            "min 0.10ms, avg 0.20ms, max 0.30ms (3 samples)"
        );
    }
}
