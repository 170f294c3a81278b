//! What is printed, and how: [`format`](mod@format) for a person, [`tables`] for several replicas, raw, as JSON
//! or as [`csv`](mod@csv).

mod csv;
mod format;
mod rows;
pub(crate) mod tables;

use crate::args::Format;
use crate::commands::suggest;
use crate::replicas::fanout::Asked;
use crate::text::style::{Palette, Role};
use crate::text::units;
use csv::csv;
use format::Shape;
use holdback::command::lookup;
use holdback::wire::error::ErrorCode;
use holdback::wire::value::Value;
use holdback_client::json::reply as json;
use std::io::{self, Write};
use std::time::Duration;

/// A reply that took longer says so.
pub(crate) const SLOW: Duration = Duration::from_millis(500);

/// Standard output.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) format: Format,
    pub(crate) palette: Palette,
    /// Every reply says how long it took, not only a slow one.
    timing: bool,
}

impl Output {
    /// Prints in this format; a terminal in colours.
    pub(crate) fn new(format: Format) -> Self {
        Self {
            format,
            palette: Palette::for_stdout(format == Format::Terminal),
            timing: false,
        }
    }

    /// Follows a person's preferences.
    pub(crate) fn set_preferences(&mut self, colour: bool, timing: bool) {
        self.palette = Palette::for_stdout(self.format == Format::Terminal && colour);
        self.timing = timing;
    }

    /// Prints the reply to a command.
    pub(crate) fn reply(
        &self,
        command: &[Vec<u8>],
        value: &Value,
        took: Duration,
    ) -> io::Result<()> {
        let shape = Shape::of(command);
        match self.format {
            Format::Raw => self.bytes(&format::raw(value, shape)),
            Format::Json => self.line(&json(value).to_string()),
            Format::Csv => self.bytes(&csv(value)),
            Format::Terminal => {
                let mut text = format::terminal(value, shape, self.palette);
                if let Value::Error(error) = value {
                    for remark in remarks(command, error) {
                        text.push('\n');
                        text.push_str(&self.palette.paint(Role::Faint, &remark));
                    }
                }
                let remark = match took > SLOW {
                    true => Some(format!("\n({:.2}s)", took.as_secs_f64())),
                    false => self.timing.then(|| format!("\n({})", units::time(took))),
                };
                if let Some(remark) = remark {
                    text.push_str(&self.palette.paint(Role::Faint, &remark));
                }
                self.line(&text)
            }
        }
    }

    /// Prints one value of a stream.
    pub(crate) fn streamed(&self, value: &Value) -> io::Result<()> {
        match (self.format, format::line(value)) {
            (Format::Json, _) => self.line(&json(value).to_string()),
            (Format::Csv, _) => self.bytes(&csv(value)),
            (Format::Terminal, Some(line)) => self.line(&line),
            (Format::Terminal, None) => {
                self.line(&format::terminal(value, Shape::Plain, self.palette))
            }
            (Format::Raw, _) => self.bytes(&format::raw(value, Shape::Plain)),
        }
    }

    /// Prints every replica's answer to a command.
    pub(crate) fn answers(&self, command: &[Vec<u8>], asked: &[Asked]) -> io::Result<()> {
        match self.format {
            Format::Terminal => self.line(&tables::side_by_side(command, asked, self.palette)),
            Format::Json => {
                let answer = |asked: &Asked| match &asked.answer {
                    Ok(value) => json(value),
                    Err(why) => serde_json::json!({ "error": why.to_string() }),
                };
                let answers = asked
                    .iter()
                    .map(|asked| (asked.id.to_string(), answer(asked)));
                self.line(&serde_json::Value::Object(answers.collect()).to_string())
            }
            Format::Csv => {
                for asked in asked {
                    let mut record = Vec::new();
                    csv::bare(&asked.id.to_string(), &mut record);
                    match &asked.answer {
                        Ok(value) => {
                            record.push(b',');
                            record.extend(csv(value));
                        }
                        Err(why) => {
                            csv::bare("ERROR", &mut record);
                            csv::field(why.to_string().as_bytes(), &mut record);
                        }
                    }
                    self.bytes(&record)?;
                }
                Ok(())
            }
            Format::Raw => {
                for asked in asked {
                    let Ok(value) = &asked.answer else {
                        continue;
                    };
                    let raw = format::raw(value, Shape::of(command));
                    for line in raw.split(|&byte| byte == b'\n') {
                        let mut bytes = format!("{}\t", asked.id).into_bytes();
                        bytes.extend_from_slice(line);
                        self.bytes(&bytes)?;
                    }
                }
                Ok(())
            }
        }
    }

    /// Prints text of one or more lines.
    pub(crate) fn line(&self, text: &str) -> io::Result<()> {
        self.bytes(text.as_bytes())
    }

    fn bytes(&self, bytes: &[u8]) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(bytes)?;
        stdout.write_all(b"\n")?;
        stdout.flush()
    }
}

/// Says something beside the replies, on standard error.
pub(crate) fn notice(text: &str) {
    let mut stderr = anstream::stderr().lock();
    // There is no other place to complain at.
    let _unwritable = writeln!(stderr, "{text}");
}

/// What helps a person with an error.
fn remarks(command: &[Vec<u8>], error: &str) -> Vec<String> {
    let mut remarks = Vec::new();
    remarks.extend(explain(error).map(str::to_owned));
    let name = command.first().map(Vec::as_slice).unwrap_or_default();
    if error.starts_with("ERR unknown command") {
        remarks.extend(suggest::question(&String::from_utf8_lossy(name)));
    }
    let usage = ["ERR wrong number of arguments", "ERR syntax error"];
    if let Some(spec) = lookup(name).filter(|_| usage.iter().any(|words| error.starts_with(words)))
    {
        remarks.push(format!("Usage: {} {}", spec.name, spec.arguments));
    }
    remarks
}

/// What an error means for whoever thinks of sending the command again.
pub(crate) fn explain(error: &str) -> Option<&'static str> {
    match ErrorCode::parse(error)? {
        ErrorCode::Uncertain => Some(
            "It may have happened, or may still happen. Look (GET, ORDER) before you send it again.",
        ),
        ErrorCode::Timeout | ErrorCode::Overloaded | ErrorCode::NotReady => {
            Some("It certainly did not happen: it is safe to send it again.")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_indefinite_error_asks_for_care() {
        for code in ErrorCode::ALL {
            let explained = explain(&format!("{} some words", code.text())).unwrap_or_default();
            assert_eq!(explained.contains("may have happened"), !code.is_definite());
        }
    }

    #[test]
    fn a_typo_is_asked_about() {
        let error = "ERR unknown command 'GTE', with args beginning with: 'a'";
        assert_eq!(remarks(&[b"GTE".to_vec()], error), ["Did you mean GET?"]);
        assert!(remarks(&[b"INCR".to_vec()], "ERR value is not an integer").is_empty());
    }

    #[test]
    fn wrong_arguments_are_answered_with_the_right_ones() {
        let error = "ERR wrong number of arguments for 'getset' command";
        assert_eq!(
            remarks(&[b"getset".to_vec()], error),
            ["Usage: GETSET key value"]
        );
    }
}
