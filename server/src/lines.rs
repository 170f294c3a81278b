//! Lines for a file or for standard error, written by a thread of its own: whoever says one never waits for whoever
//! reads it, and never fails. A line that finds no room, or cannot be written, is lost and counted. Once lines get out
//! again, that is said.
//!
//! `tracing-appender` was no fit: its queue is bounded in lines and not in bytes, and what it fails to write it drops
//! without a count or a word.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Bytes that may wait, beside those that are being written: more than a busy replica says while the thread is kept
/// from running.
const WAITING_MAX: usize = 16 << 20;
/// Bytes of buffer that are kept for the lines to come.
const BUFFER_KEPT: usize = 64 << 10;

/// Tells how many lines were lost since it was last told, and why the last of them was.
pub type Tell = fn(u64, &str);

/// What lines are written to.
#[derive(Debug)]
pub struct Place {
    file: File,
    /// How to open it again.
    path: Option<PathBuf>,
}

/// Where the log or the trace is written. Clones write to the same place.
#[derive(Clone, Debug)]
pub struct Lines {
    shared: Arc<Shared>,
    has_path: bool,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// The thread has something to do.
    wanted: Condvar,
    /// The thread has nothing to do.
    done: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    /// What waits to be written.
    bytes: Vec<u8>,
    /// The thread waits for more.
    is_idle: bool,
    /// The file is to be opened again, behind so many of the bytes.
    reopen_at: Option<usize>,
    lost: u64,
    /// Why the last line was lost.
    reason: String,
}

impl Queue {
    fn lose(&mut self, lines: &[u8], reason: &str) {
        self.lost += lines.iter().filter(|byte| **byte == b'\n').count() as u64;
        reason.clone_into(&mut self.reason);
    }
}

impl Lines {
    /// Starts the thread that writes. `name` is the thread's.
    ///
    /// # Errors
    /// If there can be no more threads.
    pub fn start(name: &str, place: Place, tell: Tell) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let has_path = place.path.is_some();
        let writer = Writer {
            shared: Arc::clone(&shared),
            place,
            is_torn: false,
            tell,
            told: 0,
        };
        let thread = thread::Builder::new().name(name.to_owned());
        thread.spawn(move || writer.run())?;
        Ok(Self { shared, has_path })
    }

    /// Hands over whole lines, each with its end. They are taken or lost together.
    pub fn push(&self, lines: &[u8]) {
        let mut queue = self.shared.queue();
        // The bound is looked at before, so that a line of any size gets out.
        if queue.bytes.len() >= WAITING_MAX {
            return queue.lose(lines, "they came faster than they were taken");
        }
        queue.bytes.extend_from_slice(lines);
        self.shared.wake(queue);
    }

    /// Whether [`Lines::reopen`] means anything: they go to a file that has a path.
    #[must_use]
    pub fn can_reopen(&self) -> bool {
        self.has_path
    }

    /// Has the file opened again by its path, behind the lines that are in already: it was moved away.
    pub fn reopen(&self) {
        let mut queue = self.shared.queue();
        queue.reopen_at = Some(queue.bytes.len());
        self.shared.wake(queue);
    }

    /// How many lines were lost.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.shared.queue().lost
    }

    /// Waits until all is written, at most so long.
    pub fn finish(&self, patience: Duration) {
        let queue = self.shared.queue();
        let at_work = |queue: &mut Queue| !queue.is_idle;
        let waited = self
            .shared
            .done
            .wait_timeout_while(queue, patience, at_work);
        // What is not out by now is lost, and nobody is left who could be told.
        drop(waited);
    }
}

/// As `tracing-subscriber` uses it, which writes each line at once.
impl Write for Lines {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    /// Nothing that is done under the lock leaves the queue in pieces, whoever panics.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the thread, unless it is awake: that costs a call of the system, also where nobody sleeps.
    fn wake(&self, mut queue: MutexGuard<'_, Queue>) {
        if std::mem::take(&mut queue.is_idle) {
            drop(queue);
            self.wanted.notify_one();
        }
    }

    /// Waits for lines and takes them all, for an empty buffer; behind how many bytes the file is to be opened again.
    fn take(&self, lines: &mut Vec<u8>) -> Option<usize> {
        let mut queue = self.queue();
        while queue.bytes.is_empty() && queue.reopen_at.is_none() {
            queue.is_idle = true;
            self.done.notify_all();
            let waited = self.wanted.wait(queue);
            queue = waited.unwrap_or_else(PoisonError::into_inner);
        }
        queue.is_idle = false;
        std::mem::swap(&mut queue.bytes, lines);
        queue.reopen_at.take()
    }
}

/// The thread.
struct Writer {
    shared: Arc<Shared>,
    place: Place,
    /// The last line was written in part.
    is_torn: bool,
    tell: Tell,
    /// How many losses were told of.
    told: u64,
}

impl Writer {
    fn run(mut self) {
        let mut lines = Vec::new();
        loop {
            let reopen_at = self.shared.take(&mut lines);
            let (before, after) = lines.split_at(reopen_at.unwrap_or(0));
            self.write_or_lose(before);
            if reopen_at.is_some() {
                self.reopen();
            }
            self.write_or_lose(after);
            lines.clear();
            lines.shrink_to(BUFFER_KEPT);
        }
    }

    fn write_or_lose(&mut self, lines: &[u8]) {
        match self.write(lines) {
            Ok(()) if lines.is_empty() => {}
            Ok(()) => self.tell_of_losses(),
            Err((at, error)) => {
                let reason = error.to_string();
                self.shared.queue().lose(&lines[at..], &reason);
            }
        }
    }

    /// If it cannot be opened, the old one is kept.
    fn reopen(&mut self) {
        let Some(path) = &self.place.path else {
            return;
        };
        match Place::log(path) {
            Ok(place) => (self.place, self.is_torn) = (place, false),
            Err(error) => {
                tracing::error!("{} cannot be opened again: {error}", path.display());
            }
        }
    }

    /// The error comes with how far it got.
    fn write(&mut self, lines: &[u8]) -> Result<(), (usize, io::Error)> {
        if self.is_torn {
            self.place
                .file
                .write_all(b"\n")
                .map_err(|error| (0, error))?;
            self.is_torn = false;
        }
        let mut at = 0;
        while at < lines.len() {
            match self.place.file.write(&lines[at..]) {
                Ok(0) => return Err((at, ErrorKind::WriteZero.into())),
                Ok(count) => at += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.is_torn = at > 0 && lines[at - 1] != b'\n';
                    return Err((at, error));
                }
            }
        }
        Ok(())
    }

    fn tell_of_losses(&mut self) {
        let queue = self.shared.queue();
        // While it is nearly full, the telling might be lost as well.
        if queue.lost == self.told || queue.bytes.len() > WAITING_MAX / 2 {
            return;
        }
        let (lost, reason) = (queue.lost, queue.reason.clone());
        drop(queue);
        (self.tell)(lost - self.told, &reason);
        self.told = lost;
    }
}

impl Place {
    /// Standard error, past the lock that the standard library has around it: a thread that is stuck in writing to it
    /// must not hold up one that says why the process ends.
    ///
    /// # Errors
    /// If there can be no more descriptors.
    pub fn standard_error() -> io::Result<Self> {
        let descriptor = io::stderr().as_fd().try_clone_to_owned()?;
        Ok(Self::from(File::from(descriptor)))
    }

    /// A file for a log, which can be opened again: what is there already stays. It shows what replicas and clients do,
    /// so it is made for its owner, and for a group that may read logs.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn log(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.create(true).append(true).mode(0o640).open(path)?;
        let path = Some(path.to_owned());
        Ok(Self { file, path })
    }

    /// A file for a trace, empty at first. It holds all keys and values that pass, so it is made for its owner alone.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub fn trace(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.create(true).truncate(true).write(true);
        options.mode(0o600).open(path).map(Self::from)
    }
}

impl From<File> for Place {
    fn from(file: File) -> Self {
        Self { file, path: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::os::fd::OwnedFd;
    use std::sync::atomic::{AtomicU64, Ordering};

    const PATIENCE: Duration = Duration::from_secs(30);

    #[test]
    fn a_reader_that_stops_costs_lines_and_hears_of_it() {
        static TOLD: AtomicU64 = AtomicU64::new(0);
        let (reader, writer) = io::pipe().unwrap();
        let tell = |lost, reason: &str| {
            assert_eq!(reason, "they came faster than they were taken");
            TOLD.fetch_add(lost, Ordering::Relaxed);
        };
        let lines = Lines::start("log", File::from(OwnedFd::from(writer)).into(), tell).unwrap();
        let line = [&[b'x'; 999][..], b"\n"].concat();
        // Some are in the pipe, some being written, some wait, and the others are lost.
        let pushed = 2 * WAITING_MAX as u64 / 1000 + 1000;
        (0..pushed).for_each(|_| lines.push(&line));
        let lost = lines.lost();
        assert!(lost > 0);
        let mut reader = BufReader::new(reader).lines();
        for _ in 0..pushed - lost {
            assert_eq!(reader.next().unwrap().unwrap().len(), 999);
        }
        lines.finish(PATIENCE);
        assert_eq!((lines.lost(), TOLD.load(Ordering::Relaxed)), (lost, lost));
    }

    #[test]
    fn what_cannot_be_written_is_counted() {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let lines = Lines::start("log", full.into(), |_, _| unreachable!()).unwrap();
        lines.push(b"one\ntwo\n");
        lines.finish(PATIENCE);
        lines.push(b"three\n");
        lines.finish(PATIENCE);
        assert_eq!(lines.lost(), 3);
    }
}
