//! The REPL.

mod history;
mod local;

use crate::args::Args;
use crate::batch::repeat;
use crate::client::Client;
use crate::commands::local::lookup;
use crate::commands::words::{self, is_count};
use crate::editor::LineHelper;
use crate::editor::preferences::{Preferences, kept_in};
use crate::exit::Verdict;
use crate::print::notice;
use crate::replicas::status::Status;
use crate::replicas::target::count;
use crate::text::style::Role;
use holdback::wire::inline::split_owned;
use rustyline::config::Configurer;
use rustyline::error::ReadlineError;
use rustyline::history::FileHistory;
use rustyline::{ColorMode, CompletionType, Config, EditMode, Editor};
use std::path::PathBuf;

/// Lines of history that are kept.
const HISTORY_MAX: usize = 10_000;

/// What to do after a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The next line.
    Line,
    /// The next line that is typed: lines that were pasted behind this one are not carried out.
    Stop,
    Leave,
}

struct Repl {
    client: Client,
    editor: Editor<LineHelper, FileHistory>,
    preferences: Preferences,
    /// Where the history is kept, unless it is not.
    history: Option<PathBuf>,
    /// It was said how to leave.
    told_how_to_leave: bool,
}

/// Runs the REPL until the person leaves.
pub(crate) fn run(client: Client, args: &Args) -> anyhow::Result<u8> {
    let config = Config::builder()
        .max_history_size(HISTORY_MAX)?
        .history_ignore_space(true)
        .completion_type(CompletionType::List)
        .completion_show_all_if_ambiguous(true)
        .build();
    let mut editor = Editor::with_config(config)?;
    editor.set_helper(Some(LineHelper::new(client.output.palette)));
    let (preferences, complaints) = Preferences::load();
    let mut repl = Repl {
        client,
        editor,
        preferences,
        history: kept_in("HOLDBACK_HISTORY", ".holdback_history"),
        told_how_to_leave: false,
    };
    repl.prefer();
    for complaint in complaints {
        repl.client.complain(&complaint, Verdict::Malformed);
    }
    repl.load_history();
    repl.connect_first(args);
    loop {
        match repl.read_line() {
            Ok(text) => {
                if repl.carry_out_all(&text)? == Next::Leave {
                    return Ok(0);
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
    /// Makes the preferences hold.
    fn prefer(&mut self) {
        let wanted = self.preferences;
        let output = &mut self.client.output;
        output.set_preferences(wanted.colour, wanted.timing);
        let palette = output.palette;
        self.editor.set_color_mode(if palette.on {
            ColorMode::Enabled
        } else {
            ColorMode::Disabled
        });
        self.editor.set_edit_mode(if wanted.vi {
            EditMode::Vi
        } else {
            EditMode::Emacs
        });
        if let Some(helper) = self.editor.helper_mut() {
            helper.palette = palette;
            helper.hints = wanted.hints;
        }
    }

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
            self.client.unreachable(&error);
        }
    }

    fn greet(&self, status: Option<&Status>) {
        let palette = self.client.output.palette;
        let greeting = format!(
            "Holdback {}, {}. Type help, or @all STATUS; Ctrl-D leaves.",
            env!("CARGO_PKG_VERSION"),
            count(self.client.cluster.addresses.len())
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
        let prompt = self.prompt();
        if let Some(helper) = self.editor.helper_mut() {
            helper.addresses = self.client.cluster.addresses.to_vec();
            helper.prompt_width = prompt.0.chars().count();
        }
        self.editor.readline(&prompt)
    }

    /// The prompt, plain and in colours.
    fn prompt(&self) -> (String, String) {
        let session = &self.client.session;
        let palette = self.client.output.palette;
        let pieces = if session.is_connected() {
            let facts = match (session.id(), session.model()) {
                (Some(id), Some(model)) => format!(" (replica {id}, {model})"),
                _ => String::new(),
            };
            let open = session.in_transaction();
            vec![
                (Role::Name, session.address().to_owned()),
                (Role::Faint, facts),
                (Role::Notable, if open { " (TX)" } else { "" }.to_owned()),
            ]
        } else {
            vec![(Role::Bad, "not connected".to_owned())]
        };
        let plain: String = pieces.iter().map(|(_, text)| text.as_str()).collect();
        let paint = |(role, text): &(Role, String)| palette.paint(*role, text);
        let painted: String = pieces.iter().map(paint).collect();
        (plain + "> ", painted + "> ")
    }

    /// Carries out what was typed or pasted: several lines are several commands.
    fn carry_out_all(&mut self, text: &str) -> anyhow::Result<Next> {
        let commands = words::commands(text);
        for (index, command) in commands.iter().enumerate() {
            if commands.len() > 1 {
                // Their answers would be hard to tell apart.
                let output = &self.client.output;
                output.line(&output.palette.paint(Role::Faint, &format!("> {command}")))?;
            }
            let next = self.carry_out(command)?;
            let left = commands.len() - index - 1;
            if next == Next::Stop && left > 0 {
                let lines = if left == 1 { "line" } else { "lines" };
                self.client
                    .say(&format!("The {left} {lines} behind it: nothing was sent."));
            }
            if next != Next::Line {
                return Ok(next);
            }
        }
        Ok(Next::Line)
    }

    fn carry_out(&mut self, line: &str) -> anyhow::Result<Next> {
        self.remember(line);
        let Ok(arguments) = split_owned(line.as_bytes()) else {
            self.client
                .complain("The quotes do not match.", Verdict::Malformed);
            return Ok(Next::Line);
        };
        let (times, arguments) = times_of(&arguments);
        let own = arguments.first().and_then(|name| lookup(name));
        if let Some(spec) = own {
            return self.carry_out_here(spec.local, &arguments[1..]);
        }
        let verdict = repeat(&mut self.client, Some(times), None, arguments)?;
        Ok(match verdict {
            Verdict::Unreachable | Verdict::Interrupted => Next::Stop,
            Verdict::Fine | Verdict::Refused | Verdict::Malformed => Next::Line,
        })
    }

    fn tell_how_to_leave(&mut self) {
        if !std::mem::replace(&mut self.told_how_to_leave, true) {
            self.client.say("(Ctrl-D or exit leaves)");
        }
    }
}

/// `5 INCR x` is five times `INCR x`.
fn times_of(arguments: &[Vec<u8>]) -> (u64, &[Vec<u8>]) {
    let count = |word: &Vec<u8>| {
        let word = str::from_utf8(word).ok().filter(|word| is_count(word));
        word.and_then(|word| word.parse().ok())
    };
    match arguments {
        [first, rest @ ..] if !rest.is_empty() => {
            count(first).map_or((1, arguments), |times| (times, rest))
        }
        _ => (1, arguments),
    }
}
