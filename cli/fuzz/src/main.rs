//! libFuzzer on the target that `HOLDBACK_FUZZ` names. `scripts/fuzz.sh` builds and runs it.

#![no_main]

use holdback_fuzz::{Target, target};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static TARGET: LazyLock<&Target> = LazyLock::new(|| {
    let name = std::env::var("HOLDBACK_FUZZ").expect("HOLDBACK_FUZZ names the target");
    target(&name).expect("HOLDBACK_FUZZ names a target")
});

fuzz_target!(|data: &[u8]| (TARGET.run)(data));
