//! A screen of our own, drawn over and over, with keys read as they are pressed. Whatever ends the program,
//! the terminal is left as it was found.

use crate::exit::signal_code;
use crossterm::cursor::{Hide, MoveTo, Show};
use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::style::ResetColor;
use crossterm::terminal::{
    BeginSynchronizedUpdate, Clear, ClearType, DisableLineWrap, EnableLineWrap,
    EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode,
    enable_raw_mode, size,
};
use crossterm::{execute, queue};
use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP};
use signal_hook::{flag, low_level};
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Once};
use std::time::Duration;

/// Whether the terminal is ours, for the panic hook.
static OURS: AtomicBool = AtomicBool::new(false);

/// Between two looks at what has come: the longest that a signal goes unseen.
pub(crate) const LOOK: Duration = Duration::from_millis(50);

/// What a person, or the system, wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Key(KeyCode),
    /// Ctrl-C, Ctrl-D or a signal: the program is to leave, with this exit code.
    Leave(u8),
    /// Nothing in that time, or nothing but that everything is to be drawn anew.
    Nothing,
}

/// The screen, until it is dropped.
#[derive(Debug)]
pub(crate) struct Screen {
    /// What is on it, line by line.
    drawn: Vec<String>,
    /// Columns and rows that it had then.
    size_drawn: Option<(usize, usize)>,
    /// The exit code of the signal that came, if one did.
    signal: Arc<AtomicUsize>,
}

impl Screen {
    /// Takes the terminal.
    pub(crate) fn enter() -> io::Result<Self> {
        restore_on_panic();
        let signal = Arc::new(AtomicUsize::new(0));
        for number in [SIGTERM, SIGINT, SIGQUIT] {
            let code = usize::try_from(signal_code(number)).unwrap_or_default();
            flag::register_usize(number, Arc::clone(&signal), code)?;
        }
        // There is no terminal any more to be left as it was, and reading keys from it would never end.
        let always = Arc::new(AtomicBool::new(true));
        flag::register_conditional_shutdown(SIGHUP, signal_code(SIGHUP), always)?;
        take()?;
        Ok(Self {
            drawn: Vec::new(),
            size_drawn: None,
            signal,
        })
    }

    /// Columns and rows.
    pub(crate) fn size(&self) -> io::Result<(usize, usize)> {
        let (columns, rows) = size()?;
        // A terminal that does not know says 0.
        let or = |size: u16, usual| if size == 0 { usual } else { usize::from(size) };
        Ok((or(columns, 80), or(rows, 24)))
    }

    /// Shows these lines, from the top; only what has changed is written. What is too wide is cut off by the
    /// terminal, what is too high here.
    pub(crate) fn draw(&mut self, mut lines: Vec<String>) -> io::Result<()> {
        let size = self.size()?;
        // The window may have changed before the event that tells of it is read.
        if self.size_drawn != Some(size) {
            self.forget()?;
        }
        lines.truncate(size.1);
        if lines == self.drawn {
            return Ok(());
        }
        let mut stdout = io::stdout().lock();
        queue!(stdout, BeginSynchronizedUpdate)?;
        for (row, line) in lines.iter().enumerate() {
            if self.drawn.get(row) != Some(line) {
                let at = MoveTo(0, u16::try_from(row).unwrap_or(u16::MAX));
                // Behind a line as wide as the screen the cursor still stands on the last character, which
                // must not be cleared: so this comes first.
                queue!(stdout, at, Clear(ClearType::UntilNewLine))?;
                write!(stdout, "{line}")?;
                queue!(stdout, ResetColor)?;
            }
        }
        if lines.len() < self.drawn.len() {
            let below = u16::try_from(lines.len()).unwrap_or(u16::MAX);
            queue!(stdout, MoveTo(0, below), Clear(ClearType::FromCursorDown))?;
        }
        queue!(stdout, EndSynchronizedUpdate)?;
        stdout.flush()?;
        self.drawn = lines;
        self.size_drawn = Some(size);
        Ok(())
    }

    /// Waits for a key or a signal, for at most [`LOOK`].
    pub(crate) fn input(&mut self) -> io::Result<Input> {
        let code = self.signal.swap(0, Ordering::SeqCst);
        if code != 0 {
            return Ok(Input::Leave(u8::try_from(code).unwrap_or_default()));
        }
        if !event::poll(LOOK)? {
            return Ok(Input::Nothing);
        }
        match event::read()? {
            Event::Resize(..) => self.forget()?,
            Event::Key(key) if key.kind != KeyEventKind::Release => return self.pressed(key),
            _ => {}
        }
        Ok(Input::Nothing)
    }

    fn pressed(&mut self, key: KeyEvent) -> io::Result<Input> {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        Ok(match key.code {
            KeyCode::Char('c' | 'd') if control => Input::Leave(0),
            KeyCode::Char('l') if control => {
                self.forget()?;
                Input::Nothing
            }
            KeyCode::Char('z') if control => {
                give_back()?;
                low_level::emulate_default_handler(SIGTSTP)?;
                take()?;
                self.forget()?;
                Input::Nothing
            }
            KeyCode::Char(_) if control => Input::Nothing,
            code => Input::Key(code),
        })
    }

    /// Draws everything the next time.
    fn forget(&mut self) -> io::Result<()> {
        self.drawn.clear();
        execute!(io::stdout(), Clear(ClearType::All))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // A terminal that is gone needs no mending.
        let _gone = give_back();
    }
}

fn take() -> io::Result<()> {
    enable_raw_mode()?;
    OURS.store(true, Ordering::SeqCst);
    execute!(
        io::stdout(),
        EnterAlternateScreen,
        DisableLineWrap,
        Hide,
        Clear(ClearType::All)
    )
}

fn give_back() -> io::Result<()> {
    if !OURS.swap(false, Ordering::SeqCst) {
        return Ok(());
    }
    let shown = execute!(
        io::stdout(),
        ResetColor,
        EnableLineWrap,
        LeaveAlternateScreen,
        Show
    );
    disable_raw_mode().and(shown)
}

/// A panic's message would be lost with the screen, and the terminal be left unusable.
fn restore_on_panic() {
    static HOOKED: Once = Once::new();
    HOOKED.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let _gone = give_back();
            before(info);
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use rexpect::session::spawn_with_options;
    use std::process::Command;

    /// Run by the next test on a terminal of its own.
    #[test]
    #[ignore = "panics, and wants a terminal"]
    fn a_program_that_panics() {
        let _screen = Screen::enter().unwrap();
        panic!("on purpose");
    }

    #[test]
    fn a_panic_leaves_the_terminal_as_it_was() {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "--nocapture"]);
        command.arg("screen::tests::a_program_that_panics");
        command.env("TERM", "xterm");
        let options = rexpect::reader::Options::new().timeout_ms(Some(10_000));
        let mut session = spawn_with_options(command, options).unwrap();
        session.exp_string("\x1b[?1049h").unwrap();
        session.exp_string("\x1b[?7h").unwrap();
        session.exp_string("\x1b[?1049l").unwrap();
        // The message comes when the usual screen is back, in lines that begin at the left again.
        session.exp_string("on purpose\r\n").unwrap();
        session.exp_eof().unwrap();
    }
}
