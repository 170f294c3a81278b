//! The server that people run has no deliberate bugs in it.

use holdback::bugs::COMPILED_IN;

/// The warning of a program that has them contains this.
const MARK: &[u8] = b"deliberate-bugs";

/// With the feature, which only a build into a folder of its own has, the mark is there: so this test can fail.
#[test]
fn the_server_has_no_deliberate_bugs() -> std::io::Result<()> {
    let program = std::fs::read(env!("CARGO_BIN_EXE_holdback-server"))?;
    let marked = program.windows(MARK.len()).any(|bytes| bytes == MARK);
    assert_eq!(marked, COMPILED_IN);
    Ok(())
}
