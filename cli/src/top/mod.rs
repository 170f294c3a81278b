//! `--top`: the whole cluster on one screen, redrawn over and over: who holds what back, for whom it waits,
//! and why; with keys to cut, delay and heal links.
//!
//! [`poll`] asks every replica on a thread of its own, all at the same time and for the digest at the same
//! position; [`report`] understands what one says, and [`view`] keeps what all have said. From that, [`diagnosis`]
//! makes a sentence, [`table`] and [`links`] the lists, and [`draw`] the screen. [`keys`] says what a key
//! does.

mod cell;
mod diagnosis;
mod draw;
#[cfg(test)]
mod fixture;
mod keys;
mod links;
mod poll;
mod report;
mod table;
mod view;

use crate::args::Format;
use crate::exit::Verdict;
use crate::modes::Job;
use crate::replicas::target::Target;
use crate::screen::{Input, LOOK, Screen};
use crate::text::style::{Palette, Role};
use cell::Frame;
use holdback_client::clock::now;
use keys::{Action, Keys};
use poll::{News, obey};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};
use view::{Replica, View};

/// Columns of a picture that is no screen.
const COLUMNS: usize = 120;

/// Redraws until `q` or Ctrl-C; where nobody watches, prints one picture.
pub(crate) fn run(mut job: Job<'_>) -> anyhow::Result<u8> {
    if matches!(job.client.output.format, Format::Json | Format::Csv) {
        let wrong = "--top is for people: programs ask @all STATUS and @all INFO holdback";
        return Ok(job.client.complain(wrong, Verdict::Malformed).code());
    }
    let replicas = match job.client.replicas_of(&Target::All) {
        Ok(replicas) => replicas,
        Err(verdict) => return Ok(verdict.code()),
    };
    let interval = job.interval();
    let mut top = Top::new(replicas, interval, job.args.timeout);
    if job.is_live() {
        top.show(job.client.output.palette)
    } else {
        top.print(&job)
    }
}

struct Top {
    view: View,
    pollers: Vec<Sender<Option<u64>>>,
    sender: Sender<News>,
    news: Receiver<News>,
    interval: Duration,
    timeout: Duration,
    /// When everybody is asked next.
    due: Instant,
}

impl Top {
    fn new(replicas: Vec<(usize, String)>, interval: Duration, timeout: Duration) -> Self {
        let (sender, news) = channel();
        let ask = |(index, (_, address)): (usize, &(usize, String))| {
            poll::start(index, address.clone(), timeout, sender.clone())
        };
        let pollers = replicas.iter().enumerate().map(ask).collect();
        let replicas = replicas.into_iter();
        let replicas = replicas.map(|(id, address)| Replica::new(id, address));
        let now = now();
        Self {
            view: View {
                replicas: replicas.collect(),
                now,
            },
            pollers,
            sender,
            news,
            interval,
            timeout,
            due: now,
        }
    }

    fn show(&mut self, palette: Palette) -> anyhow::Result<u8> {
        let mut screen = Screen::enter()?;
        let mut keys = Keys::default();
        loop {
            self.ask_if_due();
            while let Ok(news) = self.news.try_recv() {
                self.take(news, &mut keys);
            }
            self.view.now = now();
            let (columns, rows) = screen.size()?;
            let frame = Frame {
                columns,
                rows,
                interval: self.interval,
                palette,
            };
            screen.draw(draw::screen(&self.view, &keys, frame))?;
            let key = match screen.input()? {
                Input::Leave(code) => return Ok(code),
                Input::Key(key) => key,
                Input::Nothing => continue,
            };
            match keys.pressed(key, &self.view) {
                None => {}
                Some(Action::Leave) => return Ok(0),
                Some(Action::Orders(orders, done)) => {
                    obey(orders, done, self.timeout, self.sender.clone());
                }
            }
        }
    }

    /// Prints once what there is to say after two rounds, which rates need.
    fn print(&mut self, job: &Job<'_>) -> anyhow::Result<u8> {
        let mut keys = Keys::default();
        for round in 0..2 {
            if round > 0 && job.client.interrupt.pause(self.interval) {
                return Ok(Verdict::Interrupted.code());
            }
            self.due = now();
            self.ask_if_due();
            let start = now();
            while self.view.replicas.iter().any(|replica| replica.asked)
                && start.elapsed() < self.timeout
            {
                if job.client.interrupt.take() {
                    return Ok(Verdict::Interrupted.code());
                }
                if let Ok(news) = self.news.recv_timeout(LOOK) {
                    self.take(news, &mut keys);
                }
            }
        }
        self.view.now = now();
        let output = &job.client.output;
        let frame = Frame {
            columns: COLUMNS,
            rows: usize::MAX,
            interval: self.interval,
            palette: output.palette,
        };
        for line in draw::picture(&self.view, frame) {
            output.line(&line)?;
        }
        Ok(match self.view.reports().next() {
            Some(_) => 0,
            None => Verdict::Unreachable.code(),
        })
    }

    /// Asks everybody who has answered the last question. All are asked for the digest at one position.
    fn ask_if_due(&mut self) {
        let at = now();
        if at < self.due {
            return;
        }
        self.due = at + self.interval;
        self.view.now = at;
        let digest_at = self.view.common_position();
        for (replica, poller) in self.view.replicas.iter_mut().zip(&self.pollers) {
            if !replica.asked {
                replica.ask(at);
                // A thread that has ended has no news either.
                let _ended = poller.send(digest_at);
            }
        }
    }

    fn take(&mut self, news: News, keys: &mut Keys) {
        match news {
            News::Answered(index, report) => self.view.replicas[index].answered(*report),
            News::Down(index, why) => self.view.replicas[index].is_down(why),
            News::Silent(index) => self.view.replicas[index].is_silent(),
            News::Fault(came) => {
                match came {
                    Ok(done) => keys.say(Role::Good, done),
                    Err(wrong) => keys.say(Role::Bad, wrong),
                }
                // What it changed is to be seen at once.
                self.due = now();
            }
        }
    }
}
