//! The figures of a load, as a table or as JSON.

use super::command::Options;
use super::disturb::Faults;
use super::pace::Goal;
use super::subject::Subject;
use super::tally::{Latencies, Tally, quantile};
use crate::kit::print::show::{self, duration};
use crate::kit::print::table::{Align, Cell, Table};
use crate::kit::print::{BAD, FAINT, STRONG, count, paragraph, styled, terminal_width};
use crate::kit::run_folder::from_here;
use serde_json::{Value as Json, json};
use std::path::Path;

/// What is going to happen.
pub(super) fn head(subject: &Subject, options: &Options) -> String {
    let what = match (&subject.model, &subject.cluster) {
        (Some(model), Some(cluster)) => {
            let replicas = count(cluster.replicas.len(), "replica", "replicas");
            format!("{model}, {replicas}, ")
        }
        _ => String::new(),
    };
    let clients = count(options.clients, "client", "clients");
    let mut details = vec![options.mix.to_string(), count(options.keys, "key", "keys")];
    if options.pipeline > 1 {
        details.push(format!("{} in the pipeline", options.pipeline));
    }
    if let Some(rate) = options.rate {
        details.push(format!("{rate} operations a second"));
    }
    details.push(match options.goal {
        Goal::Operations(operations) => format!("{} operations", thousands(operations)),
        Goal::Duration(duration) => format!("for {}", show::duration(duration)),
    });
    if options.faults != Faults::None {
        details.push(format!("faults {}", options.faults.name()));
    }
    let details = paragraph(&details.join("; "), 2, terminal_width());
    let (title, seed) = (styled(STRONG, "load"), options.seed);
    format!("{title}  {what}{clients}, seed {seed}\n{details}\n")
}

/// The figures, what should not have happened, and where everything is.
pub(super) fn outcome(
    tally: &Tally,
    folder: Option<&Path>,
    problems: &[String],
    notes: &[String],
) -> String {
    let mut text = table(tally, terminal_width());
    for problem in problems {
        text += &format!("  {}\n", styled(BAD, problem));
    }
    for note in notes {
        text += &format!("  {}\n", styled(FAINT, &format!("a fault failed: {note}")));
    }
    if let Some(folder) = folder {
        let said = format!("everything is in {}", from_here(folder));
        text += &format!("\n{}\n", styled(FAINT, &said));
    }
    text
}

/// Throughput and latencies of each kind of operation, and errors by code.
fn table(tally: &Tally, width: Option<usize>) -> String {
    let mut table = Table::new(&[
        ("operation", Align::Left),
        ("answered", Align::Right),
        ("per second", Align::Right),
        ("p50", Align::Right),
        ("p99", Align::Right),
        ("p99.9", Align::Right),
        ("max", Align::Right),
    ]);
    for (kind, latencies) in tally.kinds() {
        table.row(row(kind.name(), tally, latencies));
    }
    let all = tally.all();
    if tally.kinds().count() > 1 {
        let cells = row("all", tally, &all).into_iter();
        table.row(cells.map(|cell| cell.styled(STRONG)).collect());
    }
    let took = duration(tally.took);
    let mut text = table.render(width);
    text += &format!(
        "\n  {} answered in {took}: {} operations a second\n",
        thousands(all.len()),
        thousands(tally.per_second(all.len()).round() as u64)
    );
    text + &errors(tally, width)
}

fn row(name: &str, tally: &Tally, latencies: &Latencies) -> Vec<Cell> {
    let answered = latencies.len();
    vec![
        name.into(),
        thousands(answered).into(),
        thousands(tally.per_second(answered).round() as u64).into(),
        duration(quantile(latencies, 0.5)).into(),
        duration(quantile(latencies, 0.99)).into(),
        duration(quantile(latencies, 0.999)).into(),
        duration(quantile(latencies, 1.0)).into(),
    ]
}

fn errors(tally: &Tally, width: Option<usize>) -> String {
    let mut text = String::new();
    if tally.unsent > 0 {
        let unsent = thousands(tally.unsent);
        let said = format!("{unsent} more were due and not sent, because no client was free");
        text += &format!("  {}\n", styled(FAINT, &said));
    }
    if tally.lost > 0 {
        let were = count(tally.lost as usize, "connection was", "connections were");
        let said = format!("{were} lost, or could not be made");
        text += &format!("  {}\n", styled(BAD, &said));
    }
    if tally.errors.is_empty() {
        return text + &format!("  {}\n", styled(FAINT, "no errors"));
    }
    let mut table = Table::new(&[
        ("error", Align::Left),
        ("count", Align::Right),
        ("meaning", Align::Left),
    ]);
    for (trouble, count) in &tally.errors {
        let meaning = match trouble.definite {
            true => "did not happen",
            false => "may have happened",
        };
        table.row(vec![
            Cell::from(trouble.what.as_str()).styled(BAD),
            thousands(*count).into(),
            meaning.into(),
        ]);
    }
    text + "\n" + &table.render(width)
}

/// A number with its digits in groups.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The same as JSON, on one line.
pub(super) fn json(
    tally: &Tally,
    options: &Options,
    folder: Option<&Path>,
    problems: &[String],
) -> Json {
    let mut object = figures(tally);
    object["seed"] = options.seed.into();
    object["problems"] = problems.into();
    object["run"] = folder.map(|folder| folder.display().to_string()).into();
    object
}

/// Times are in microseconds.
fn figures(tally: &Tally) -> Json {
    let row = |latencies: &Latencies| {
        let microseconds = |part| quantile(latencies, part).as_nanos() as f64 / 1e3;
        json!({
            "answered": latencies.len(),
            "per_second": tally.per_second(latencies.len()),
            "p50_us": microseconds(0.5),
            "p99_us": microseconds(0.99),
            "p99_9_us": microseconds(0.999),
            "max_us": microseconds(1.0),
        })
    };
    let kinds = tally
        .kinds()
        .map(|(kind, latencies)| (kind.name(), row(latencies)));
    let errors = tally.errors.iter().map(|(trouble, count)| {
        json!({"error": trouble.what, "count": count, "definite": trouble.definite})
    });
    json!({
        "seconds": tally.took.as_secs_f64(),
        "invoked": tally.invoked,
        "unsent": tally.unsent,
        "connections_lost": tally.lost,
        "all": row(&tally.all()),
        "kinds": kinds.collect::<Json>(),
        "errors": errors.collect::<Json>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::mix::Kind;
    use std::time::Duration;

    fn tally() -> Tally {
        let mut tally = Tally::default();
        (0..2000).for_each(|_| tally.answered(Kind::Set, 1_000_000));
        tally.answered(Kind::Get, 2_000_000_000);
        tally.failed("TIMEOUT", true);
        tally.failed("UNCERTAIN", false);
        tally.took = Duration::from_secs(2);
        tally
    }

    #[test]
    fn the_table_has_kinds_and_errors() {
        let text = anstream::adapter::strip_str(&table(&tally(), None)).to_string();
        let expected = "  operation  answered  per second     p50     p99   p99.9     max
  get               1           1  2.00 s  2.00 s  2.00 s  2.00 s
  set           2,000       1,000  1.0 ms  1.0 ms  1.0 ms  1.0 ms
  all           2,001       1,001  1.0 ms  1.0 ms  1.0 ms  2.00 s

  2,001 answered in 2.00 s: 1,001 operations a second

  error      count  meaning
  TIMEOUT        1  did not happen
  UNCERTAIN      1  may have happened
";
        assert_eq!(text, expected);
    }

    #[test]
    fn the_object_has_the_same_figures() {
        let object = figures(&tally());
        assert_eq!(object["kinds"]["set"]["answered"], 2000);
        let half = object["kinds"]["set"]["p50_us"].as_f64().unwrap();
        assert!((999.0..1001.0).contains(&half), "{half}");
        assert_eq!(object["all"]["answered"], 2001);
        assert_eq!(object["errors"][1]["definite"], false);
    }
}
