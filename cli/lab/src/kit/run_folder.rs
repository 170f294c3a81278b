//! The folder that keeps everything about a run.

use super::clock::utc_name;
use super::failure::Failure;
use serde::Serialize;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The file that says that the cluster was left up.
const STANDING: &str = "standing";

/// A folder `<name>-<time>` among the runs.
#[derive(Clone, Debug)]
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Takes a folder that exists.
    ///
    /// # Errors
    /// [`Failure::Usage`] if it does not.
    pub fn existing(path: &Path) -> Result<Self, Failure> {
        match path.is_dir() {
            true => Ok(Self { path: path.into() }),
            false => Err(Failure::in_file(path)("there is no such run folder")),
        }
    }

    /// Creates a folder in `runs` and lets `latest` there link to it.
    ///
    /// # Errors
    /// [`Failure::Other`] if the file system does not allow it.
    pub fn create(runs: &Path, name: &str) -> Result<Self, Failure> {
        let creating = || format!("cannot create a run folder in {}", runs.display());
        std::fs::create_dir_all(runs).map_err(Failure::doing(creating()))?;
        let base = format!("{name}-{}", utc_name());
        let mut folder = base.clone();
        let mut number = 2;
        // Two runs of one name may start in the same second.
        while let Err(error) = std::fs::create_dir(runs.join(&folder)) {
            if error.kind() != io::ErrorKind::AlreadyExists {
                return Err(Failure::doing(creating())(error));
            }
            folder = format!("{base}-{number}");
            number += 1;
        }
        link_latest(runs, &folder).map_err(Failure::doing(creating()))?;
        Ok(Self {
            path: runs.join(folder),
        })
    }

    /// Says that its cluster is left up.
    ///
    /// # Errors
    /// As [`RunFolder::write`].
    pub fn leave_standing(&self) -> Result<(), Failure> {
        self.write(STANDING, "")
    }

    /// Since when its cluster has been up, if it was left up.
    #[must_use]
    pub fn standing_since(&self) -> Option<SystemTime> {
        self.path.join(STANDING).metadata().ok()?.modified().ok()
    }

    /// Says that its cluster is no longer up.
    ///
    /// # Errors
    /// [`Failure::Other`] if the file system does not allow it.
    pub fn no_longer_standing(&self) -> Result<(), Failure> {
        match std::fs::remove_file(self.path.join(STANDING)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Failure::doing("cannot say that the cluster is down")(error))
            }
            _ => Ok(()),
        }
    }

    /// Where the folder is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a file in the folder.
    ///
    /// # Errors
    /// [`Failure::Other`] if the file system does not allow it.
    pub fn write(&self, file: &str, content: impl AsRef<[u8]>) -> Result<(), Failure> {
        let path = self.path.join(file);
        let writing = format!("cannot write {}", path.display());
        std::fs::write(path, content).map_err(Failure::doing(writing))
    }

    /// Keeps the trace of a replica that starts anew, as `replica-N.trace.K.jsonl`.
    ///
    /// # Errors
    /// [`Failure::Other`] if the file system does not allow it.
    pub fn keep_trace(&self, id: usize) -> Result<(), Failure> {
        let trace = self.path.join(format!("replica-{id}.trace.jsonl"));
        let earlier = |number| self.path.join(format!("replica-{id}.trace.{number}.jsonl"));
        let mut number = 1;
        while earlier(number).exists() {
            number += 1;
        }
        match std::fs::rename(trace, earlier(number)) {
            // It ended before it wrote one.
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            kept => kept.map_err(Failure::doing("cannot keep the earlier trace")),
        }
    }

    /// Writes a value as JSON.
    ///
    /// # Errors
    /// As [`RunFolder::write`].
    pub fn write_json(&self, file: &str, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|error| Failure::Other(error.to_string()))?;
        self.write(file, text + "\n")
    }
}

/// Where runs are kept: `HOLDBACK_RUNS`, or `.runs` here.
#[must_use]
pub fn runs() -> PathBuf {
    std::env::var_os("HOLDBACK_RUNS").map_or_else(|| ".runs".into(), PathBuf::from)
}

/// A path as it can be typed in the current folder.
pub(crate) fn from_here(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    let path = path.strip_prefix(here).unwrap_or(path);
    path.display().to_string()
}

/// Replaces the link in one step, so that nobody ever finds it missing.
fn link_latest(runs: &Path, folder: &str) -> io::Result<()> {
    let new = runs.join(format!(".latest-{folder}"));
    std::os::unix::fs::symlink(folder, &new)?;
    std::fs::rename(new, runs.join("latest"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_one_name_and_second_differ_and_latest_is_the_newest() {
        let runs = tempfile::tempdir().unwrap();
        let runs = runs.path().join("deep/runs");
        let first = RunFolder::create(&runs, "case").unwrap();
        let second = RunFolder::create(&runs, "case").unwrap();
        assert_ne!(first.path(), second.path());
        second.write("a", "content").unwrap();
        let latest = std::fs::read_to_string(runs.join("latest/a"));
        assert_eq!(latest.unwrap(), "content");
        assert!(RunFolder::existing(first.path()).is_ok());
        assert!(RunFolder::existing(&runs.join("nowhere")).is_err());
    }
}
