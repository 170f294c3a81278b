//! Commands that the REPL answers itself.

use super::{Next, Repl};
use crate::args::{address, join};
use crate::commands::help;
use crate::commands::local::Local;
use crate::commands::words::texts;
use crate::exit::Verdict;
use crate::replicas::target::Target;

impl Repl {
    pub(super) fn carry_out_here(
        &mut self,
        local: Local,
        arguments: &[Vec<u8>],
    ) -> anyhow::Result<Next> {
        let output = &self.client.output;
        match local {
            Local::Set => self.set(arguments)?,
            Local::Exit => return Ok(Next::Leave),
            Local::Help => output.line(&help::answer(arguments, output.palette))?,
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
                self.client.unreachable(&error);
            }
        }
    }

    /// The address that the arguments of `connect` mean.
    fn address_of(&self, arguments: &[Vec<u8>]) -> Result<String, String> {
        let words = texts(arguments);
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

    /// `:set`: lists the preferences, or changes one.
    fn set(&mut self, arguments: &[Vec<u8>]) -> anyhow::Result<()> {
        let words = texts(arguments);
        if words.is_empty() {
            let output = &self.client.output;
            output.line(&self.preferences.list(output.palette))?;
        } else if let Err(wrong) = self.preferences.set(&words) {
            self.client.complain(&wrong, Verdict::Malformed);
        } else {
            self.prefer();
        }
        Ok(())
    }
}
