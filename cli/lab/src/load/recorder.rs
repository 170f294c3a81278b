//! The history, written while the load runs.

use crate::history::{Operation, Writer};
use crate::kit::failure::Failure;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A thread's lines are handed on in pieces of this many bytes, each of whole lines.
const PIECE: usize = 64 * 1024;

/// Writes operations to a file that several threads share; the default one has none and records nothing. Lines of
/// one process stand in its order, as one thread writes them; between processes their order says nothing, because
/// each has its time.
#[derive(Clone, Debug, Default)]
pub(super) struct Recorder {
    file: Option<Arc<Mutex<File>>>,
    path: PathBuf,
    lines: Vec<u8>,
    problem: Option<String>,
}

impl Recorder {
    /// Begins a file with what `meta` says of the run. Clones write to the same file.
    pub(super) fn create(
        path: &Path,
        meta: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<Self, Failure> {
        let writing = || format!("cannot write {}", path.display());
        let mut file = File::create(path).map_err(Failure::doing(writing()))?;
        let begun = Writer::new(&mut file).meta(meta);
        begun.map_err(Failure::doing(writing()))?;
        Ok(Self {
            file: Some(Arc::new(Mutex::new(file))),
            path: path.into(),
            ..Self::default()
        })
    }

    /// Where the run begins. It is written at once, before anybody clones this.
    pub(super) fn initial(&mut self, initial: &crate::history::Initial) {
        self.record(|writer| writer.initial(initial));
        self.flush();
    }

    /// An operation is sent.
    pub(super) fn invoke(&mut self, operation: &Operation) {
        self.record(|writer| writer.invoke(operation, true));
    }

    /// An operation is over.
    pub(super) fn complete(&mut self, operation: &Operation) {
        self.record(|writer| writer.complete(operation, true));
    }

    /// What a replica holds in the end.
    pub(super) fn last(&mut self, last: &crate::history::Final) {
        self.record(|writer| writer.last(last));
    }

    fn record(&mut self, line: impl FnOnce(&mut Writer<&mut Vec<u8>>) -> io::Result<()>) {
        if self.file.is_none() {
            return;
        }
        // Writing to memory does not fail.
        let _infallible = line(&mut Writer::new(&mut self.lines));
        if self.lines.len() >= PIECE {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if let Some(file) = &self.file {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            if let Err(error) = file.write_all(&self.lines) {
                self.problem.get_or_insert(error.to_string());
            }
        }
        self.lines.clear();
    }

    /// Writes what is left.
    ///
    /// # Errors
    /// [`Failure::Other`] if anything could not be written.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        self.flush();
        match self.problem {
            None => Ok(()),
            Some(problem) => {
                let path = self.path.display();
                Err(Failure::Other(format!("cannot write {path}: {problem}")))
            }
        }
    }
}
