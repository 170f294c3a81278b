//! What `protocol.md` and `README.md` show on a terminal is replayed here, against real replicas.
//!
//! `protocol.md` explains the notation of its transcripts, which [`transcript`] replays. The commands that
//! `README.md` shows behind a `$` are run by bash exactly as they stand, but for their ports: see
//! [`console`].

mod client;
mod console;
mod page;
mod pattern;
mod ports;
mod program;
mod transcript;

use page::Page;
use std::thread;

/// Runs `check` on every part at once, each on ports of its own; reports all that failed.
fn check_all<T: Sync>(parts: &[T], check: impl Fn(&T) -> Result<(), String> + Sync) {
    let failures: Vec<String> = thread::scope(|scope| {
        let check = &check;
        let running: Vec<_> = parts
            .iter()
            .map(|part| scope.spawn(move || check(part)))
            .collect();
        let ended = running.into_iter().map(|thread| {
            thread
                .join()
                .unwrap_or_else(|_| Err("the replay panicked".to_owned()))
        });
        ended.filter_map(Result::err).collect()
    });
    assert!(failures.is_empty(), "\n\n{}\n", failures.join("\n\n"));
}

#[test]
fn the_transcripts_of_the_protocol_page() {
    let blocks = Page::read("protocol.md").blocks("transcript");
    assert!(blocks.len() >= 8, "{} transcripts", blocks.len());
    check_all(&blocks, transcript::replay);
}

#[test]
fn the_examples_of_the_readme() {
    let page = Page::read("README.md");
    let examples = console::examples(&page);
    assert!(examples.len() >= 4, "{} examples", examples.len());
    check_all(&examples, console::run);
}
