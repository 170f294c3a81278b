//! Processes: started in groups of their own, known by their numbers, and ended without leaving any behind.

use super::clock::Clock;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

/// How long a process that is asked to stop may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(5);

/// A process.
#[derive(Debug)]
pub struct Process {
    pid: u32,
    /// If it was started here, and so has to be waited for.
    child: Option<Child>,
}

impl Process {
    /// Starts a process in a group of its own: Ctrl-C at the terminal is for the program in front.
    ///
    /// # Errors
    /// What the system says.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        let child = command.process_group(0).spawn()?;
        Ok(Self {
            pid: child.id(),
            child: Some(child),
        })
    }

    /// The process of this number, if it is alive and is the replica that keeps its log in `log`. A number
    /// that has come to mean another process is not mistaken for it: the command line names the log.
    #[must_use]
    pub fn of_replica(pid: u32, log: &Path) -> Option<Self> {
        let asked = Command::new("ps")
            .args(["-p", &pid.to_string(), "-o", "args="])
            .output();
        let line = String::from_utf8(asked.ok()?.stdout).ok()?;
        let name = |path: Option<&Path>| Some(path?.file_name()?.to_str()?.to_owned());
        let end = format!("/{}/{}", name(log.parent())?, name(Some(log))?);
        let is_it = line.split_whitespace().any(|word| word.ends_with(&end));
        is_it.then_some(Self { pid, child: None })
    }

    /// Its number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Whether it has not ended yet.
    pub fn is_alive(&mut self) -> bool {
        match &mut self.child {
            Some(child) => matches!(child.try_wait(), Ok(None)),
            None => number(self.pid).is_some_and(|pid| test_kill_process(pid).is_ok()),
        }
    }
}

/// Asks processes to stop, and those that have not after five seconds no longer.
pub fn end(processes: &mut [Process]) {
    for process in processes.iter_mut() {
        if process.is_alive() {
            // A paused one hears nothing until it goes on. One that is gone by now has nothing to hear.
            let _gone = send(process.pid, Signal::TERM);
            let _gone = send(process.pid, Signal::CONT);
        }
    }
    let clock = Clock::start();
    while clock.now() < PATIENCE && processes.iter_mut().any(Process::is_alive) {
        std::thread::sleep(LOOK);
    }
    for process in processes.iter_mut() {
        if process.is_alive() {
            let _gone = send(process.pid, Signal::KILL);
            let _ended = process.child.as_mut().map(Child::wait);
        }
    }
}

/// Sends a signal.
///
/// # Errors
/// Why it cannot be sent, in words.
pub fn send(pid: u32, signal: Signal) -> Result<(), String> {
    let pid = number(pid).ok_or("there is no such process")?;
    kill_process(pid, signal).map_err(|error| error.to_string())
}

fn number(pid: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(pid).ok()?)
}
