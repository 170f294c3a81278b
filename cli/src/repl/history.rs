//! What was typed, kept from one time to the next.

use super::Repl;
use crate::exit::Verdict;
use rustyline::error::ReadlineError;
use rustyline::history::{History, SearchDirection};
use std::io;

impl Repl {
    pub(super) fn load_history(&mut self) {
        let Some(file) = &self.history else { return };
        match self.editor.load_history(file) {
            Ok(()) => {}
            Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.without_history(&error),
        }
    }

    /// Keeps a line, on disk at once: a terminal may be closed at any time.
    pub(super) fn remember(&mut self, line: &str) {
        let added = self.editor.add_history_entry(line);
        let Some(file) = &self.history else { return };
        if let Err(error) = added.and_then(|_| self.editor.append_history(file)) {
            self.without_history(&error);
        }
    }

    fn without_history(&mut self, error: &ReadlineError) {
        if let Some(file) = self.history.take() {
            let file = file.display();
            self.client
                .say(&format!("{file}: {error}; what you type is not kept."));
        }
    }

    pub(super) fn list_history(&self, arguments: &[Vec<u8>]) -> anyhow::Result<()> {
        let history = self.editor.history();
        let wanted = arguments.first().map(|word| String::from_utf8_lossy(word));
        let wanted = match wanted.as_deref().map(str::parse) {
            None => history.len(),
            Some(Ok(wanted)) => wanted,
            Some(Err(_)) => {
                self.client
                    .complain("history wants a number of lines", Verdict::Malformed);
                return Ok(());
            }
        };
        for index in history.len().saturating_sub(wanted)..history.len() {
            if let Some(found) = history.get(index, SearchDirection::Forward)? {
                self.client
                    .output
                    .line(&format!("{:>5}  {}", index + 1, found.entry))?;
            }
        }
        Ok(())
    }
}
