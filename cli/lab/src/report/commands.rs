//! `holdback-lab report` and `holdback-lab export`.

use super::folder::Run;
use super::page;
use super::picture::{Moment, Picture};
use super::{jepsen, shiviz, svg};
use crate::kit::failure::{EXIT_YES, Failure};
use clap::{Args, ValueEnum};
use std::io::Write;
use std::path::{Path, PathBuf};

/// `holdback-lab report`
#[derive(Debug, Args)]
pub struct ReportArguments {
    /// The run folder, or a history file
    pub run: PathBuf,
    /// Where to write the picture (report.html or report.svg in the run folder if not given; - for standard
    /// output)
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Draw a still for a README or a slide instead of the page
    #[arg(long)]
    pub svg: bool,
    /// The seconds of the run to show in full, such as 2.5-4; of a long run the rest is thinned out
    #[arg(long, value_name = "FROM-TO", value_parser = window)]
    pub window: Option<(Moment, Moment)>,
}

fn window(text: &str) -> Result<(Moment, Moment), String> {
    let seconds = |text: &str| text.trim().parse::<f64>().ok().filter(|s| s.abs() < 1e8);
    let parts = text.rsplit_once('-');
    let parts = parts.and_then(|(from, to)| Some((seconds(from)?, seconds(to)?)));
    match parts {
        Some((from, to)) if from < to => Ok(((from * 1e9) as Moment, (to * 1e9) as Moment)),
        _ => Err("expected seconds from the start of the run, such as 2.5-4".into()),
    }
}

impl ReportArguments {
    /// Writes the picture and says where it is.
    ///
    /// # Errors
    /// [`Failure::Usage`] if there is nothing to show or a file of the run is malformed;
    /// [`Failure::Other`] if the picture cannot be written.
    pub fn run(&self) -> Result<u8, Failure> {
        let output = self.write()?;
        if output != Path::new("-") {
            anstream::println!("{}", output.display());
        }
        Ok(EXIT_YES)
    }

    /// Writes the picture, and returns where it is.
    ///
    /// # Errors
    /// As [`ReportArguments::run`].
    pub fn write(&self) -> Result<PathBuf, Failure> {
        let picture = Picture::of(&Run::load(&self.run)?);
        let (text, extension) = if self.svg {
            (svg::draw(&picture, self.window), "svg")
        } else {
            (page::write(&picture, self.window), "html")
        };
        let beside = || match self.run.is_dir() {
            true => self.run.join(format!("report.{extension}")),
            false => self.run.with_extension(extension),
        };
        let output = self.output.clone().unwrap_or_else(beside);
        write(&output, &text)?;
        Ok(output)
    }
}

/// The formats of other tools.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Format {
    /// A log with vector clocks; its first line is the regular expression that reads it
    Shiviz,
    /// A history in EDN, as Jepsen, Knossos and Elle read it
    Jepsen,
}

/// `holdback-lab export`
#[derive(Debug, Args)]
pub struct ExportArguments {
    /// The run folder, or a history file
    pub run: PathBuf,
    /// For which tool
    #[arg(long)]
    pub format: Format,
    /// Where to write (standard output if not given)
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

impl ExportArguments {
    /// Writes the run.
    ///
    /// # Errors
    /// [`Failure::Usage`] if the run lacks what the format is made of, or a file of it is malformed;
    /// [`Failure::Other`] if the result cannot be written.
    pub fn run(&self) -> Result<u8, Failure> {
        let run = Run::load(&self.run)?;
        let lacks = |what: &str| {
            let shown = self.run.display();
            Failure::Usage(format!(
                "{shown}: there is no {what}, which this format is made of"
            ))
        };
        let text = match (self.format, &run.history) {
            (Format::Jepsen, Some(history)) => jepsen::write(history),
            (Format::Jepsen, None) => return Err(lacks("history.jsonl")),
            (Format::Shiviz, _) if run.traces.is_empty() => {
                return Err(lacks("replica-N.trace.jsonl"));
            }
            (Format::Shiviz, _) => shiviz::write(&Picture::of(&run)),
        };
        write(self.output.as_deref().unwrap_or(Path::new("-")), &text)?;
        Ok(EXIT_YES)
    }
}

fn write(output: &Path, text: &str) -> Result<(), Failure> {
    if output == Path::new("-") {
        return match std::io::stdout().lock().write_all(text.as_bytes()) {
            // Whoever read it has seen enough.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            result => result.map_err(Failure::doing("cannot write to standard output")),
        };
    }
    let writing = format!("cannot write {}", output.display());
    std::fs::write(output, text).map_err(Failure::doing(writing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_two_numbers_of_seconds() {
        assert_eq!(window("2.5-4"), Ok((2_500_000_000, 4_000_000_000)));
        for wrong in ["", "2", "4-2", "a-b", "1-", "1-nan", "2-2"] {
            assert!(window(wrong).is_err(), "{wrong}");
        }
    }
}
