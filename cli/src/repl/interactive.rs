//! The REPL.

use super::args::{Args, address, join};
use super::dispatch::{Client, Verdict};
use super::help;
use super::helper::LineHelper;
use super::local::{self, Local};
use super::output::notice;
use super::status::Status;
use super::style::Role;
use super::target::{Target, count};
use holdback::protocol::inline::split_owned;
use rustyline::error::ReadlineError;
use rustyline::history::{FileHistory, History, SearchDirection};
use rustyline::{ColorMode, CompletionType, Config, Editor};
use std::io;
use std::path::PathBuf;

/// Lines of history that are kept.
const HISTORY_MAX: usize = 10_000;

/// What to do after a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Line,
    Leave,
}

struct Repl {
    client: Client,
    editor: Editor<LineHelper, FileHistory>,
    /// Where the history is kept, unless it is not.
    history: Option<PathBuf>,
    /// It was said how to leave.
    told_how_to_leave: bool,
}

/// Runs the REPL until the person leaves.
///
/// # Errors
/// What the terminal says.
pub(crate) fn run(client: Client, args: &Args) -> anyhow::Result<u8> {
    let palette = client.output.palette();
    let config = Config::builder()
        .max_history_size(HISTORY_MAX)?
        .history_ignore_space(true)
        .completion_type(CompletionType::List)
        .completion_show_all_if_ambiguous(true)
        .color_mode(if palette.is_on() {
            ColorMode::Enabled
        } else {
            ColorMode::Disabled
        })
        .build();
    let mut editor = Editor::with_config(config)?;
    editor.set_helper(Some(LineHelper::new(palette)));
    let mut repl = Repl {
        client,
        editor,
        history: history_file(),
        told_how_to_leave: false,
    };
    repl.load_history();
    repl.connect_first(args);
    loop {
        match repl.read_line() {
            Ok(line) => {
                // Several lines that were pasted are several commands.
                for line in line.lines() {
                    if repl.carry_out(line)? == Next::Leave {
                        return Ok(0);
                    }
                }
            }
            Err(ReadlineError::Eof) => return Ok(0),
            Err(ReadlineError::Interrupted) => repl.tell_how_to_leave(),
            // Another signal, such as a resized window: ask again.
            Err(ReadlineError::Signal(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

impl Repl {
    /// Connects to the first address that answers, and greets. If there is none, the REPL opens all the
    /// same.
    fn connect_first(&mut self, args: &Args) {
        let mut first_error = None;
        for address in args.addresses() {
            self.client.turn_to(address.clone());
            match self.client.connect_and_learn() {
                Ok(status) => return self.greet(status.as_ref()),
                Err(error) => {
                    first_error.get_or_insert((address, error));
                }
            }
        }
        if let Some((address, error)) = first_error {
            self.client.turn_to(address);
            self.client
                .unreachable(self.client.session.address(), &error);
        }
    }

    fn greet(&self, status: Option<&Status>) {
        let palette = self.client.output.palette();
        let greeting = format!(
            "Holdback {}, {}. Type help, or @all STATUS; Ctrl-D leaves.",
            env!("CARGO_PKG_VERSION"),
            count(self.client.cluster.addresses().len())
        );
        match status {
            Some(status) => {
                notice(&palette.paint(Role::Faint, &greeting));
                self.warn(status);
            }
            None => self
                .client
                .say("This server does not know STATUS: it is no Holdback replica."),
        }
    }

    /// Says what keeps the replica from serving.
    fn warn(&self, status: &Status) {
        if let Some(ready) = status.get("ready").filter(|ready| *ready != "yes") {
            let reason = ready.trim_start_matches("no").trim();
            self.client
                .say(format!("This replica serves no data yet {reason}").trim_end());
        }
    }

    fn read_line(&mut self) -> rustyline::Result<String> {
        if let Some(lost) = self.client.session.notice_hangup() {
            let with = lost
                .map(|lost| format!(", and {lost} with it"))
                .unwrap_or_default();
            let address = self.client.session.address();
            self.client
                .say(&format!("The connection to {address} was lost{with}."));
        }
        if let Some(helper) = self.editor.helper_mut() {
            helper.addresses = self.client.cluster.addresses().to_vec();
        }
        let prompt = self.prompt();
        self.editor.readline(&prompt)
    }

    /// The prompt, plain and in colours.
    fn prompt(&self) -> (String, String) {
        let session = &self.client.session;
        let palette = self.client.output.palette();
        if !session.is_connected() {
            let text = "not connected";
            return (
                format!("{text}> "),
                format!("{}> ", palette.paint(Role::Bad, text)),
            );
        }
        let address = session.address();
        let mut facts = String::new();
        if let (Some(identity), Some(model)) = (session.identity(), session.model()) {
            facts.push_str(&format!(" (replica {}, {model})", identity.id));
        }
        let transaction = if session.in_transaction() {
            " (TX)"
        } else {
            ""
        };
        (
            format!("{address}{facts}{transaction}> "),
            format!(
                "{}{}{}> ",
                palette.paint(Role::Name, address),
                palette.paint(Role::Faint, &facts),
                palette.paint(Role::Notable, transaction)
            ),
        )
    }

    fn carry_out(&mut self, line: &str) -> anyhow::Result<Next> {
        if line.trim().is_empty() {
            return Ok(Next::Line);
        }
        self.remember(line);
        let Ok(arguments) = split_owned(line.as_bytes()) else {
            self.client
                .complain("The quotes do not match.", Verdict::Malformed);
            return Ok(Next::Line);
        };
        let own = arguments.first().and_then(|name| local::lookup(name));
        match own.map(|spec| spec.local) {
            Some(local) => return self.carry_out_here(local, &arguments[1..]),
            None => self.client.run(&arguments)?,
        };
        Ok(Next::Line)
    }

    fn carry_out_here(&mut self, local: Local, arguments: &[Vec<u8>]) -> anyhow::Result<Next> {
        let output = &self.client.output;
        match local {
            Local::Exit => return Ok(Next::Leave),
            Local::Help => output.line(&help::answer(arguments, output.palette()))?,
            Local::Clear => self.editor.clear_screen()?,
            Local::History => self.list_history(arguments)?,
            Local::Connect => self.connect(arguments),
        }
        Ok(Next::Line)
    }

    fn connect(&mut self, arguments: &[Vec<u8>]) {
        let address = match self.address_of(arguments) {
            Ok(address) => address,
            Err(wrong) => {
                self.client.complain(&wrong, Verdict::Malformed);
                return;
            }
        };
        self.client.turn_to(address);
        match self.client.connect_and_learn() {
            Ok(Some(status)) => self.warn(&status),
            Ok(None) => {}
            Err(error) => {
                self.client
                    .unreachable(self.client.session.address(), &error);
            }
        }
    }

    /// The address that the arguments of `connect` mean.
    fn address_of(&self, arguments: &[Vec<u8>]) -> Result<String, String> {
        let words: Vec<_> = arguments
            .iter()
            .map(|word| String::from_utf8_lossy(word))
            .collect();
        let here = self.client.session.address();
        match words.as_slice() {
            [] => Ok(here.to_owned()),
            [target] if target.starts_with('@') => match Target::parse(&target[1..]) {
                None | Some(Target::All) => Err(format!("{target} is no replica")),
                Some(target) => {
                    let found = self.client.cluster.resolve(&target)?;
                    found
                        .into_iter()
                        .next()
                        .map(|(_, address)| address)
                        .ok_or_else(String::new)
                }
            },
            [port] if port.parse::<u16>().is_ok() => {
                let host = here.rsplit_once(':').map_or("127.0.0.1", |(host, _)| host);
                address(&format!("{host}:{port}"))
            }
            [both] => address(both),
            [host, port] => match port.parse() {
                Ok(port) => address(&join(host, port)),
                Err(_) => Err(format!("`{port}` is no port")),
            },
            _ => Err("connect wants host:port, host port, or @replica".to_owned()),
        }
    }

    fn tell_how_to_leave(&mut self) {
        if !std::mem::replace(&mut self.told_how_to_leave, true) {
            self.client.say("(Ctrl-D or exit leaves)");
        }
    }

    fn load_history(&mut self) {
        let Some(file) = &self.history else { return };
        match self.editor.load_history(file) {
            Ok(()) => {}
            Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => self.without_history(&error),
        }
    }

    /// Keeps a line, on disk at once: a terminal may be closed at any time.
    fn remember(&mut self, line: &str) {
        let added = self.editor.add_history_entry(line);
        let Some(file) = &self.history else { return };
        if let Err(error) = added.and_then(|_| self.editor.append_history(file)) {
            self.without_history(&error);
        }
    }

    fn without_history(&mut self, error: &ReadlineError) {
        if let Some(file) = self.history.take() {
            let file = file.display();
            self.client
                .say(&format!("{file}: {error}; what you type is not kept."));
        }
    }

    fn list_history(&self, arguments: &[Vec<u8>]) -> anyhow::Result<()> {
        let history = self.editor.history();
        let wanted = arguments.first().map(|word| String::from_utf8_lossy(word));
        let wanted = match wanted.as_deref().map(str::parse) {
            None => history.len(),
            Some(Ok(wanted)) => wanted,
            Some(Err(_)) => {
                self.client
                    .complain("history wants a number of lines", Verdict::Malformed);
                return Ok(());
            }
        };
        for index in history.len().saturating_sub(wanted)..history.len() {
            if let Some(found) = history.get(index, SearchDirection::Forward)? {
                self.client
                    .output
                    .line(&format!("{:>5}  {}", index + 1, found.entry))?;
            }
        }
        Ok(())
    }
}

/// Where the history is kept: `HOLDBACK_HISTORY`, nowhere if that is empty, else the home folder.
fn history_file() -> Option<PathBuf> {
    match std::env::var_os("HOLDBACK_HISTORY") {
        Some(file) => (!file.is_empty()).then(|| file.into()),
        None => Some(PathBuf::from(std::env::var_os("HOME")?).join(".holdback_history")),
    }
}
