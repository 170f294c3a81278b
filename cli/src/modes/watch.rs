//! `--watch COMMAND`: every replica's answer, redrawn over and over.

use super::Job;
use crate::commands::effects;
use crate::exit::Verdict;
use crate::interrupt::Interrupt;
use crate::print::tables;
use crate::replicas::fanout::{self, Asked};
use crate::replicas::target::Target;
use crate::screen::{Input, Screen};
use crate::text::printable;
use crate::text::style::Role;
use crossterm::event::KeyCode;
use holdback::command::Name;
use holdback::wire::inline::quote_all;
use holdback_client::clock::now;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// Redraws until `q` or Ctrl-C; where nobody watches, prints one table behind the other.
pub(crate) fn run(mut job: Job<'_>) -> anyhow::Result<u8> {
    let (target, command) = match Target::split(job.command) {
        Ok((Target::Current, command)) => (Target::All, command.to_vec()),
        Ok((target, command)) => (target, command.to_vec()),
        Err(wrong) => return Ok(refuse(&job, &wrong)),
    };
    if effects::may_change(&command) || effects::is_bound_to_connection(&command) {
        let name = effects::name(&command);
        let wrong = format!("--watch only looks, and asks again and again: not for {name}");
        return Ok(refuse(&job, &wrong));
    }
    if effects::is(&command, Name::Monitor) {
        return Ok(refuse(&job, "MONITOR is a stream by itself: @2 MONITOR"));
    }
    let replicas = match job.client.replicas_of(&target) {
        Ok(replicas) => replicas,
        Err(verdict) => return Ok(verdict.code()),
    };
    let watch = Watch {
        job: &job,
        target,
        replicas,
        command,
    };
    if job.is_live() {
        watch.show()
    } else {
        watch.print()
    }
}

fn refuse(job: &Job<'_>, wrong: &str) -> u8 {
    job.client.complain(wrong, Verdict::Malformed).code()
}

const LEAVES: &str = "q leaves";

/// A question that is out.
struct Round {
    answers: mpsc::Receiver<Vec<Asked>>,
    began: Instant,
}

struct Watch<'a> {
    job: &'a Job<'a>,
    target: Target,
    replicas: Vec<(usize, String)>,
    command: Vec<Vec<u8>>,
}

impl Watch<'_> {
    fn print(&self) -> anyhow::Result<u8> {
        let job = self.job;
        let mut printed = 0;
        let times = job.args.times(None);
        while times.is_none_or(|times| printed < times) {
            if printed > 0 && job.client.interrupt.pause(job.interval()) {
                return Ok(Verdict::Interrupted.code());
            }
            let (timeout, interrupt) = (job.args.timeout, &job.client.interrupt);
            let (asked, interrupted) =
                fanout::ask(&self.replicas, &self.command, timeout, interrupt);
            if interrupted {
                return Ok(Verdict::Interrupted.code());
            }
            job.client.output.answers(&self.command, &asked)?;
            printed += 1;
        }
        Ok(0)
    }

    fn show(&self) -> anyhow::Result<u8> {
        let times = self.job.args.times(None);
        let mut screen = Screen::enter()?;
        let (mut drawn, mut last) = (0, None);
        let mut round = self.ask();
        let mut waits = true;
        loop {
            if let Ok(asked) = round.answers.try_recv() {
                last = Some(asked);
                waits = false;
                drawn += 1;
            }
            if !waits && now() >= round.began + self.job.interval() {
                if times.is_some_and(|times| drawn >= times) {
                    return Ok(0);
                }
                round = self.ask();
                waits = true;
            }
            let size = screen.size()?;
            screen.draw(self.lines(last.as_deref(), size))?;
            match screen.input()? {
                Input::Key(KeyCode::Char('q') | KeyCode::Esc) => return Ok(0),
                Input::Leave(code) => return Ok(code),
                Input::Key(_) | Input::Nothing => {}
            }
        }
    }

    /// Asks everybody, on a thread of its own, so that keys are seen meanwhile.
    fn ask(&self) -> Round {
        let (sender, answers) = mpsc::channel();
        let (replicas, command) = (self.replicas.clone(), self.command.clone());
        // One that does not answer is not to keep the others' answers for long.
        let patience = self.job.interval().max(Duration::from_secs(1));
        let timeout = self.job.args.timeout.min(patience);
        thread::spawn(move || {
            let (asked, _) = fanout::ask(&replicas, &command, timeout, &Interrupt::unarmed());
            // Nobody listens any more behind a `q`.
            let _left = sender.send(asked);
        });
        Round {
            answers,
            began: now(),
        }
    }

    fn lines(&self, asked: Option<&[Asked]>, (columns, rows): (usize, usize)) -> Vec<String> {
        let palette = self.job.client.output.palette;
        let command = printable(&quote_all(self.command.iter().map(Vec::as_slice)));
        let whom = match &self.target {
            Target::Replica(id) => format!("@{id}"),
            Target::Address(address) => format!("@{address}"),
            Target::All | Target::Current => "@all".to_owned(),
        };
        let every = self.job.interval().as_secs_f64();
        let left = format!("every {every}s: {whom} {command}");
        let gap = columns.saturating_sub(LEAVES.len() + 1);
        let left: String = left.chars().take(gap).collect();
        let mut lines = vec![format!(
            "{}{:fill$}{}",
            palette.paint(Role::Name, &left),
            "",
            palette.paint(Role::Faint, LEAVES),
            fill = columns.saturating_sub(left.chars().count() + LEAVES.len())
        )];
        let Some(asked) = asked else {
            lines.push(palette.paint(Role::Faint, "waiting for the first answers"));
            return lines;
        };
        let table = tables::side_by_side(&self.command, asked, palette);
        let mut table: Vec<_> = table.lines().map(str::to_owned).collect();
        let room = rows.saturating_sub(lines.len());
        if table.len() > room && room > 2 {
            // The last line says whether the replicas agree.
            let last = table.split_off(table.len() - 1);
            let hidden = table.split_off(room - 2).len();
            let more = format!("... {hidden} more lines, which a higher window shows");
            table.push(palette.paint(Role::Faint, &more));
            table.extend(last);
        }
        lines.extend(table);
        lines
    }
}
