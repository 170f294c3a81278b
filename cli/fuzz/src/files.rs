//! Targets of the laboratory: files that somebody else may have written.

use holdback_lab::cases::case::Case;
use holdback_lab::history::{self, History};
use holdback_lab::report::commands::{ExportArguments, Format, ReportArguments};
use std::path::Path;

/// A history is the same after it was written.
pub(crate) fn histories(data: &[u8]) {
    let Ok(read) = history::read(data).map_err(|error| error.to_string()) else {
        return;
    };
    let mut written = Vec::new();
    history::write(&read, &mut written).expect("memory takes everything");
    let again = history::read(written.as_slice()).expect("what was written can be read");
    assert_eq!(without_lines(again), without_lines(read));
}

/// Written anew, an operation stands in another line of the file; without times that is its moment too. What did not
/// happen has no position, whatever the file said.
fn without_lines(mut history: History) -> History {
    for operation in &mut history.operations {
        operation.line = 0;
        operation.position = operation.position.filter(|_| operation.is_ok());
        if !history.timed {
            operation.invoked = 0;
            operation.completed = operation.completed.map(|_| 0);
        }
    }
    history
}

/// A case is the same after it was written; what is wrong with one has its place in the file.
pub(crate) fn cases(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    match Case::parse(text) {
        Ok(case) => {
            let written = serde_json::to_string(&case).expect("a case is JSON");
            let again = Case::parse(&written).expect("what was written can be read");
            assert_eq!(serde_json::to_string(&again).ok(), Some(written));
        }
        Err(problems) => {
            assert!(!problems.is_empty());
            for problem in problems {
                assert!(problem.line > 0, "{problem}");
            }
        }
    }
}

/// What a run folder may hold for the target that draws it.
const FILES: &[&str] = &[
    "cluster.json",
    "case.json",
    "history.jsonl",
    "verdict.json",
    "faults.jsonl",
    "replica-1.trace.jsonl",
    "replica-2.trace.jsonl",
    "replica-3.trace.jsonl",
];

/// A run folder is drawn and exported, or refused. The files stand one behind the other, each below a line with
/// `== ` and its name.
pub(crate) fn runs(data: &[u8]) {
    let memory = Path::new("/dev/shm");
    let folder = match memory.is_dir() {
        true => tempfile::tempdir_in(memory),
        false => tempfile::tempdir(),
    };
    let folder = folder.expect("a folder");
    let mut file: Option<(&str, Vec<u8>)> = None;
    let write = |file: Option<(&str, Vec<u8>)>| {
        if let Some((name, content)) = file {
            std::fs::write(folder.path().join(name), content).expect("a file");
        }
    };
    for line in data.split_inclusive(|&byte| byte == b'\n') {
        let named = line.strip_prefix(b"== ").map(<[u8]>::trim_ascii);
        match FILES.iter().find(|name| Some(name.as_bytes()) == named) {
            Some(name) => write(file.replace((name, Vec::new()))),
            None => file
                .iter_mut()
                .for_each(|(_, content)| content.extend_from_slice(line)),
        }
    }
    write(file);
    draw(folder.path());
}

fn draw(folder: &Path) {
    let output = Some(folder.join("picture"));
    for svg in [false, true] {
        let report = ReportArguments {
            run: folder.to_owned(),
            output: output.clone(),
            svg,
            window: None,
        };
        if report.write().map_err(|error| error.to_string()).is_err() {
            return;
        }
    }
    for format in [Format::Shiviz, Format::Jepsen] {
        let export = ExportArguments {
            run: folder.to_owned(),
            format,
            output: output.clone(),
        };
        let _refused = export.run().map_err(|error| error.to_string());
    }
}
