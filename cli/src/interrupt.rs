//! Ctrl-C, outside the line editor (which reads it as a key).

use crate::exit::signal_code;
use signal_hook::consts::SIGINT;
use signal_hook::flag;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The longest that Ctrl-C goes unseen.
pub(crate) const STEP: Duration = Duration::from_millis(50);

/// Whether Ctrl-C was pressed; looked at between short waits.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt {
    pressed: Arc<AtomicBool>,
    /// While set, Ctrl-C ends the program at once.
    idle: Arc<AtomicBool>,
}

impl Interrupt {
    /// Takes the signal over.
    pub(crate) fn install() -> io::Result<Self> {
        let interrupt = Self::unarmed();
        flag::register_conditional_shutdown(
            SIGINT,
            signal_code(SIGINT),
            Arc::clone(&interrupt.idle),
        )?;
        flag::register(SIGINT, Arc::clone(&interrupt.pressed))?;
        Ok(interrupt)
    }

    /// One that no signal reaches.
    pub(crate) fn unarmed() -> Self {
        Self {
            pressed: Arc::new(AtomicBool::new(false)),
            idle: Arc::new(AtomicBool::new(false)),
        }
    }

    /// Whether it was pressed since the last call.
    pub(crate) fn take(&self) -> bool {
        self.pressed.swap(false, Ordering::SeqCst)
    }

    /// Waits; returns whether Ctrl-C ended it.
    pub(crate) fn pause(&self, duration: Duration) -> bool {
        let mut left = duration;
        while !left.is_zero() {
            if self.take() {
                return true;
            }
            let step = left.min(STEP);
            std::thread::sleep(step);
            left -= step;
        }
        self.take()
    }

    /// While `idle` (nothing was sent that is not answered), Ctrl-C ends the program at once.
    pub(crate) fn set_idle(&self, idle: bool) {
        self.idle.store(idle, Ordering::SeqCst);
    }
}
