//! A program on a terminal whose screen can be looked at.

use holdback_client::clock::now;
use rexpect::process::{PtyProcess, Signal, WaitStatus};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::File;
use std::io::{Read, Write};
use std::num::NonZero;
use std::process::Command;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

/// How long anything may take to be seen.
const PATIENCE: Duration = Duration::from_secs(20);

fn some(number: u16) -> NonZero<u16> {
    NonZero::new(number).unwrap()
}

/// A terminal with a program on it, which ends with the test.
pub(crate) struct Terminal {
    process: PtyProcess,
    keyboard: File,
    output: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    /// Everything that came, for what a screen does not show.
    raw: Vec<u8>,
}

impl Terminal {
    /// Starts a program on a terminal of this size.
    pub(crate) fn start(program: &Command, columns: u16, rows: u16) -> Self {
        // The size is set before the program starts, which may ask for it at once.
        let mut shell = Command::new("sh");
        let script = format!("stty rows {rows} cols {columns}; exec \"$@\"");
        shell.args(["-c", &script, "sh"]);
        shell.arg(program.get_program()).args(program.get_args());
        shell.env("TERM", "xterm-256color");
        for (name, value) in program.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        let process = PtyProcess::new(shell).unwrap();
        let keyboard = process.get_file_handle().unwrap();
        let mut reader = process.get_file_handle().unwrap();
        let (sender, output) = channel();
        thread::spawn(move || {
            let mut piece = [0; 4096];
            // A terminal whose program has ended gives an error.
            while let Ok(length @ 1..) = reader.read(&mut piece) {
                if sender.send(piece[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            process,
            keyboard,
            output,
            screen: vt100::Parser::new(some(rows), some(columns), 0),
            raw: Vec::new(),
        }
    }

    /// What is on the screen.
    pub(crate) fn text(&self) -> String {
        self.screen.screen().contents()
    }

    /// Everything that the program wrote.
    pub(crate) fn raw(&self) -> String {
        String::from_utf8_lossy(&self.raw).into_owned()
    }

    /// The colours and styles that were switched on, as the terminal numbers them.
    pub(crate) fn styles(&self) -> Vec<String> {
        let raw = self.raw();
        let sequences = raw.split("\x1b[").skip(1);
        let styles = sequences.filter_map(|rest| rest.split_once('m'));
        let styles = styles.map(|(style, _)| style.to_owned()).filter(|style| {
            let numbers = |byte: u8| byte.is_ascii_digit() || byte == b';';
            style.bytes().all(numbers)
        });
        styles
            .filter(|style| !matches!(style.as_str(), "" | "0"))
            .collect()
    }

    /// Whether the program has a screen of its own.
    pub(crate) fn is_taken(&self) -> bool {
        self.screen.screen().alternate_screen()
    }

    /// Waits until the screen is as it should be.
    #[track_caller]
    pub(crate) fn until(&mut self, what: &str, fits: impl Fn(&str) -> bool) {
        self.until_cells(what, |terminal| fits(&terminal.text()));
    }

    /// One place of the screen.
    pub(crate) fn cell(&self, row: u16, column: u16) -> &vt100::Cell {
        self.screen.screen().cell(row, column).unwrap()
    }

    /// Waits until the screen looks as it should.
    #[track_caller]
    pub(crate) fn until_cells(&mut self, what: &str, fits: impl Fn(&Self) -> bool) {
        let start = now();
        while !fits(self) {
            let left = PATIENCE.saturating_sub(start.elapsed());
            match self.output.recv_timeout(left) {
                Ok(piece) => self.take(&piece),
                Err(ended) => panic!("{what} is not to be seen ({ended}):\n{}", self.text()),
            }
        }
    }

    /// Waits until a text is on the screen.
    #[track_caller]
    pub(crate) fn see(&mut self, text: &str) {
        self.until(text, |screen| screen.contains(text));
    }

    /// Waits until a text is no longer on the screen.
    #[track_caller]
    pub(crate) fn see_gone(&mut self, text: &str) {
        self.until(&format!("the end of {text}"), |screen| {
            !screen.contains(text)
        });
    }

    /// Presses keys.
    pub(crate) fn keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Makes the window larger or smaller.
    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        let size = Winsize {
            ws_row: rows,
            ws_col: columns,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        self.screen.screen_mut().set_size(some(rows), some(columns));
        tcsetwinsize(&self.keyboard, size).unwrap();
    }

    /// Tells the program to end, as `kill` does.
    pub(crate) fn terminate(&mut self) {
        self.process.signal(Signal::SIGTERM).unwrap();
    }

    /// Waits for the program's end; returns its exit code.
    #[track_caller]
    pub(crate) fn end(&mut self) -> i32 {
        let start = now();
        loop {
            let left = PATIENCE.saturating_sub(start.elapsed());
            match self.output.recv_timeout(left) {
                Ok(piece) => self.take(&piece),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => panic!("it does not end:\n{}", self.text()),
            }
        }
        match self.process.wait().unwrap() {
            WaitStatus::Exited(_, code) => code,
            other => panic!("it ended by {other:?}"),
        }
    }

    fn take(&mut self, piece: &[u8]) {
        self.raw.extend_from_slice(piece);
        self.screen.process(piece);
    }
}
