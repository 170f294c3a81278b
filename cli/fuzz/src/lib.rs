//! Everything that reads what others wrote, as functions that take any bytes and must not panic.
//!
//! Each target also asserts what has to hold of bytes that it can read: that pieces give what the whole gives, and that
//! what was read can be written and read back. `scripts/fuzz.sh` lets libFuzzer look for bytes that break one; the test
//! of this package replays [`corpus`] and changes it at random, so that each run of the gate looks a little.

mod files;
pub mod mutate;
mod wire;

use std::path::{Path, PathBuf};

/// A reader of foreign bytes.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, which is that of its folder in the corpus too.
    pub name: &'static str,
    /// Reads the bytes; panics if a promise is broken.
    pub run: fn(&[u8]),
    /// A folder elsewhere, counted from the root of the project, whose files are seeds too.
    pub also: Option<&'static str>,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target {
        name: "frames",
        run: wire::frames,
        also: None,
    },
    Target {
        name: "inline",
        run: wire::inline,
        also: None,
    },
    Target {
        name: "messages",
        run: wire::messages,
        also: None,
    },
    Target {
        name: "entries",
        run: wire::entries,
        also: None,
    },
    Target {
        name: "histories",
        run: files::histories,
        also: Some("cli/lab/tests/histories"),
    },
    Target {
        name: "cases",
        run: files::cases,
        also: Some("test_cases"),
    },
    Target {
        name: "runs",
        run: files::runs,
        also: None,
    },
];

/// The target of that name.
#[must_use]
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// The seeds of a target, sorted by name: real inputs, and whatever once broke something.
///
/// # Errors
/// What the system says of the folders.
pub fn corpus(target: &Target) -> std::io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = files(&here.join("corpus").join(target.name))?;
    if let Some(also) = target.also {
        paths.extend(files(&here.join("../..").join(also))?);
    }
    let read = |path: PathBuf| std::fs::read(&path).map(|bytes| (path, bytes));
    paths.into_iter().map(read).collect()
}

/// The files below a folder, sorted.
fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let paths = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut paths: Vec<PathBuf> = paths.collect::<std::io::Result<_>>()?;
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        match path.is_dir() {
            true => found.extend(files(&path)?),
            false => found.push(path),
        }
    }
    Ok(found)
}
