//! Histories recorded from other systems, with known verdicts. They are not part of this project: the
//! folder's name is in `HOLDBACK_HISTORIES`.

use holdback_lab::check::{Limits, linearizable, sequential};
use holdback_lab::history::read_file;
use std::path::Path;
use std::time::Duration;

#[test]
fn recorded_histories_have_their_known_verdicts() {
    let Some(folder) = std::env::var_os("HOLDBACK_HISTORIES") else {
        eprintln!("skipped: HOLDBACK_HISTORIES names no folder of recorded histories");
        return;
    };
    let folder = Path::new(&folder);
    let verdicts = std::fs::read_to_string(folder.join("verdicts.tsv"))
        .unwrap_or_else(|error| panic!("{}: {error}", folder.join("verdicts.tsv").display()));
    let mut checked = 0;
    for line in verdicts.lines().skip(1) {
        let (name, expected) = line.split_once('\t').expect("a name and a verdict");
        let history = read_file(&folder.join(format!("{name}.jsonl"))).expect(name);
        let limits = Limits::within(Duration::from_secs(60));
        let verdict = linearizable(&history, &limits);
        assert_eq!(verdict.word(), expected, "{name}");
        if verdict.is_yes() {
            let verdict = sequential(&history, &limits);
            assert!(
                verdict.is_yes(),
                "{name} is linearizable, so it is sequential"
            );
        }
        checked += 1;
    }
    assert!(checked > 0, "verdicts.tsv names no history");
}
