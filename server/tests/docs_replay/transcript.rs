//! Replays the transcripts of `protocol.md`, which explains their notation.

use super::client::{Client, Line};
use super::page::Block;
use super::pattern::{Bindings, fill, matches};
use super::ports::Ports;
use super::program::Replica;
use holdback_testkit::processes::PATIENCE;
use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

/// Between two attempts at a line that is typed again and again.
const PAUSE: Duration = Duration::from_millis(20);

/// What one line of a transcript does.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Action {
    /// `$ command`
    Run(String),
    /// `$ ^C`
    Interrupt,
    /// `> line`
    Type(String),
    /// `>> line`, again and again until the lines that follow are the answer.
    Retype(String),
    /// `> ^D`
    EndInput,
    /// `< line`
    Expect(String),
    /// `< (nothing yet)`
    ExpectNothing,
    /// `< (closed)`
    ExpectEnd,
}

/// One line of a transcript: where it is, in which terminal it happens, what it does.
#[derive(Clone, Debug)]
struct Step {
    number: usize,
    terminal: String,
    action: Action,
}

/// A terminal and what runs in it.
enum Terminal {
    Server(Replica),
    Client(Client),
}

/// Replays a transcript.
pub(crate) fn replay(block: &Block) -> Result<(), String> {
    let mut ports = Ports::default();
    let steps = parse(block, &mut ports)?;
    let mut stage = Stage {
        ports,
        terminals: BTreeMap::new(),
        bindings: Bindings::new(),
    };
    let mut rest = steps.as_slice();
    while let Some((step, behind)) = rest.split_first() {
        let taken = stage
            .play(step, behind)
            .map_err(|what| format!("{}: {what}", block.place(step.number)))?;
        rest = &behind[taken..];
    }
    let last = steps.last().map_or(0, |step| step.number);
    stage
        .expect_silence()
        .map_err(|what| format!("{}: after this line, {what}", block.place(last)))
}

fn parse(block: &Block, ports: &mut Ports) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    for (number, line) in &block.lines {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (terminal, action) = parse_line(line)
            .ok_or_else(|| format!("{}: not a line of a transcript", block.place(*number)))?;
        steps.push(Step {
            number: *number,
            terminal,
            action,
        });
    }
    map_ports(&mut steps, block, ports)?;
    Ok(steps)
}

fn parse_line(line: &str) -> Option<(String, Action)> {
    let (terminal, rest) = line.split_at(line.find(['$', '>', '<'])?);
    if !terminal.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let (mark, text) = rest.split_once(' ')?;
    let text = text.to_owned();
    let action = match (mark, text.as_str()) {
        ("$", "^C") => Action::Interrupt,
        ("$", _) => Action::Run(text),
        (">", "^D") => Action::EndInput,
        (">", _) => Action::Type(text),
        (">>", _) => Action::Retype(text),
        ("<", "(nothing yet)") => Action::ExpectNothing,
        ("<", "(closed)") => Action::ExpectEnd,
        ("<", _) => Action::Expect(text),
        _ => return None,
    };
    Some((terminal.to_owned(), action))
}

/// Maps the ports in what is typed and expected. A length that stands in front of a line with a port is
/// checked, and then mapped too.
fn map_ports(steps: &mut [Step], block: &Block, ports: &mut Ports) -> Result<(), String> {
    let mut headers: BTreeMap<String, usize> = BTreeMap::new();
    for at in 0..steps.len() {
        let header = headers.insert(steps[at].terminal.clone(), at);
        let (Action::Type(text) | Action::Retype(text) | Action::Expect(text)) =
            &mut steps[at].action
        else {
            continue;
        };
        let length = text.len();
        let mapped = ports.map(text);
        if mapped == *text {
            continue;
        }
        *text = mapped;
        let mapped_length = text.len();
        let Some(Action::Expect(header)) = header.map(|header| &mut steps[header].action) else {
            continue;
        };
        let claimed: Option<usize> = header
            .strip_prefix('$')
            .and_then(|digits| digits.parse().ok());
        match claimed {
            Some(claimed) if claimed != length => {
                let place = block.place(steps[at].number);
                return Err(format!("{place}: {length} bytes, not {claimed}"));
            }
            Some(_) => *header = format!("${mapped_length}"),
            None => {}
        }
    }
    Ok(())
}

/// Everything that runs.
struct Stage {
    ports: Ports,
    terminals: BTreeMap<String, Terminal>,
    bindings: Bindings,
}

impl Stage {
    /// Does one step, which `behind` follow; how many of these it took as well.
    fn play(&mut self, step: &Step, behind: &[Step]) -> Result<usize, String> {
        match &step.action {
            Action::Run(command) => self.run(&step.terminal, command)?,
            Action::Interrupt => self.interrupt(&step.terminal)?,
            Action::Type(line) => {
                let line = fill(line, &self.bindings)?;
                self.client(&step.terminal)?.send(&line)?;
            }
            Action::Retype(line) => return self.retype(&step.terminal, line, behind),
            Action::EndInput => self.client(&step.terminal)?.end_input()?,
            Action::Expect(expected) => {
                let line = self.client(&step.terminal)?.line()?;
                let fits = matches!(&line, Line::Text(line) if matches(expected, line, &mut self.bindings));
                if !fits {
                    return Err(format!("expected '{expected}', got {line:?}"));
                }
            }
            Action::ExpectNothing => {
                let line = self.client(&step.terminal)?.line_at_hand()?;
                if line != Line::Nothing {
                    return Err(format!("expected nothing, got {line:?}"));
                }
            }
            Action::ExpectEnd => {
                let line = self.client(&step.terminal)?.line()?;
                if line != Line::Closed {
                    return Err(format!("expected the end, got {line:?}"));
                }
            }
        }
        Ok(0)
    }

    fn run(&mut self, terminal: &str, command: &str) -> Result<(), String> {
        // A new command in a terminal means that the old one has been ended.
        self.terminals.remove(terminal);
        let words: Vec<&str> = command.split_whitespace().collect();
        let running = match words.as_slice() {
            ["nc", options @ .., "127.0.0.1", port] => {
                let port = port.parse().map_err(|_| format!("'{port}' is no port"))?;
                let line_end = match options {
                    [] => "\n",
                    ["-C"] => "\r\n",
                    _ => return Err(format!("nc {options:?} is not understood")),
                };
                Terminal::Client(Client::open(self.ports.port(port), line_end)?)
            }
            _ => Terminal::Server(Replica::start(command, &mut self.ports)?),
        };
        self.terminals.insert(terminal.to_owned(), running);
        Ok(())
    }

    fn interrupt(&mut self, terminal: &str) -> Result<(), String> {
        match self.terminals.remove(terminal) {
            Some(Terminal::Server(replica)) => match replica.interrupt() {
                Some(130) => Ok(()),
                code => Err(format!("exit code {code:?}, not 130")),
            },
            Some(Terminal::Client(_)) => Ok(()),
            None => Err(format!("nothing runs in terminal '{terminal}'")),
        }
    }

    fn client(&mut self, terminal: &str) -> Result<&mut Client, String> {
        match self.terminals.get_mut(terminal) {
            Some(Terminal::Client(client)) => Ok(client),
            _ => Err(format!("no netcat runs in terminal '{terminal}'")),
        }
    }

    /// Types a line until its answer is what the transcript shows; how many steps showed it.
    fn retype(&mut self, terminal: &str, line: &str, behind: &[Step]) -> Result<usize, String> {
        let line = fill(line, &self.bindings)?;
        let expected: Vec<&String> = behind
            .iter()
            .map_while(|step| match &step.action {
                Action::Expect(text) if step.terminal == terminal => Some(text),
                _ => None,
            })
            .collect();
        let attempts = PATIENCE.as_millis() / PAUSE.as_millis();
        let mut last = Vec::new();
        for _ in 0..attempts {
            let client = self.client(terminal)?;
            client.send(&line)?;
            last = client.reply()?;
            let mut bindings = self.bindings.clone();
            let fits = last.len() == expected.len()
                && last
                    .iter()
                    .zip(&expected)
                    .all(|(line, expected)| matches(expected, line, &mut bindings));
            if fits {
                self.bindings = bindings;
                return Ok(expected.len());
            }
            // What the line asks for changes only with time, so there is nothing else to wait for.
            thread::sleep(PAUSE);
        }
        Err(format!("'{line}' was last answered with {last:?}"))
    }

    /// Nothing may have arrived that the transcript does not show.
    fn expect_silence(&mut self) -> Result<(), String> {
        for (name, terminal) in &mut self.terminals {
            if let Terminal::Client(client) = terminal {
                match client.line_at_hand()? {
                    Line::Nothing | Line::Closed => {}
                    Line::Text(line) => return Err(format!("'{name}' still shows '{line}'")),
                }
            }
        }
        Ok(())
    }
}

#[test]
fn lines_are_understood() {
    let parsed = |line: &str| parse_line(line);
    let step = |terminal: &str, action| Some((terminal.to_owned(), action));
    assert_eq!(parsed("$ nc a 1"), step("", Action::Run("nc a 1".into())));
    assert_eq!(parsed("r2> PING"), step("r2", Action::Type("PING".into())));
    assert_eq!(
        parsed("r2>> PING"),
        step("r2", Action::Retype("PING".into()))
    );
    assert_eq!(parsed("< $5"), step("", Action::Expect("$5".into())));
    assert_eq!(parsed("a< (closed)"), step("a", Action::ExpectEnd));
    assert_eq!(parsed("a> ^D"), step("a", Action::EndInput));
    assert_eq!(parsed("no mark"), None);
    assert_eq!(parsed("two words< x"), None);
}
