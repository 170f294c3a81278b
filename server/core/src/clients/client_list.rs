//! CLIENT: names, lists and closes connections.

use super::Clients;
use super::session::{ReplyMode, Session};
use crate::command::subcommands::{subcommand_help, wrong_subcommand};
use crate::command::{Name, lookup};
use crate::ids::ConnectionId;
use crate::store::Answer;
use crate::turn::{Close, MonitorKind, Now, Turn};
use crate::wire::arguments::parse_unsigned;
use crate::wire::error::ErrorReply;
use crate::wire::reply::Resp;
use std::fmt::Write;

/// The longest name of a connection, in bytes.
const NAME_BYTES: usize = 1024;

impl Clients {
    /// Everything of CLIENT that is answered in its place. REPLY took effect on arrival.
    pub(super) fn client(
        &mut self,
        client: ConnectionId,
        words: &[&[u8]],
        turn: &mut Turn<'_>,
    ) -> Answer {
        let subcommand = words[1].to_ascii_uppercase();
        let text = match (subcommand.as_slice(), &words[2..]) {
            (b"KILL", filters) => return self.kill(client, filters, turn),
            (b"LIST", options) => self.list_some(options, turn.now)?,
            (b"INFO", []) => describe(self.sessions.at(client), turn.now),
            _ => return set_or_get(self.sessions.at(client), &subcommand, words, turn),
        };
        self.sessions.at(client).writer(turn).verbatim(&text);
        Ok(())
    }

    /// MONITOR: from now on the connection gets a line for everything of a kind.
    pub(super) fn monitor(
        &mut self,
        client: ConnectionId,
        words: &[&[u8]],
        turn: &mut Turn<'_>,
    ) -> Answer {
        let kind = match words {
            [_] => MonitorKind::Commands,
            [_, kind] if kind.eq_ignore_ascii_case(b"commands") => MonitorKind::Commands,
            [_, kind] if kind.eq_ignore_ascii_case(b"order") => MonitorKind::Order,
            [_, kind] if kind.eq_ignore_ascii_case(b"frames") => MonitorKind::Frames,
            _ => return Err(ErrorReply::syntax()),
        };
        let session = self.sessions.at(client);
        session.writer(turn).ok();
        session.monitor = Some(kind);
        session.show_monitor(turn);
        Ok(())
    }

    fn list_clients(&self, now: Now) -> String {
        self.sessions
            .iter()
            .map(|session| describe(session, now))
            .collect()
    }

    /// CLIENT LIST, with a filter or without. Every client is a normal one.
    fn list_some(&self, options: &[&[u8]], now: Now) -> Result<String, ErrorReply> {
        let Some((option, values)) = options.split_first() else {
            return Ok(self.list_clients(now));
        };
        match (option.to_ascii_uppercase().as_slice(), values) {
            (b"TYPE", [kind]) => match kind.to_ascii_lowercase().as_slice() {
                b"normal" => Ok(self.list_clients(now)),
                b"master" | b"slave" | b"replica" | b"pubsub" => Ok(String::new()),
                _ => {
                    let kind = kind[..kind.len().min(64)].escape_ascii();
                    Err(ErrorReply::err(format!("Unknown client type '{kind}'")))
                }
            },
            (b"ID", [_, ..]) => {
                let wanted: Option<Vec<u64>> = values.iter().map(|id| parse_unsigned(id)).collect();
                let wanted = wanted.ok_or_else(|| ErrorReply::err("Invalid client ID"))?;
                let lines = self
                    .sessions
                    .iter()
                    .filter(|session| wanted.contains(&session.id.serial));
                Ok(lines.map(|session| describe(session, now)).collect())
            }
            _ => Err(ErrorReply::syntax()),
        }
    }

    /// CLIENT KILL, in the old form with an address or the new one with filters.
    fn kill(&mut self, client: ConnectionId, rest: &[&[u8]], turn: &mut Turn<'_>) -> Answer {
        let (filters, old_form) = kill_filters(rest)?;
        let victims = self.sessions.iter();
        let victims: Vec<ConnectionId> = victims
            .filter(|session| filters.iter().all(|filter| filter.matches(session, client)))
            .map(|session| session.id)
            .collect();
        let session = self.sessions.at(client);
        match (old_form, victims.len()) {
            (true, 0) => return Err(ErrorReply::err("No such client")),
            (true, _) => session.writer(turn).ok(),
            (false, count) => session.writer(turn).count(count),
        }
        for victim in victims {
            if victim == client {
                // It gets its reply, then it is closed.
                self.sessions.at(client).ending = true;
            } else {
                self.forget(victim);
                turn.out.close(victim, Close::Now);
            }
        }
        Ok(())
    }
}

/// One condition of CLIENT KILL.
enum Filter {
    Id(u64),
    Address(String),
    User(bool),
    SkipMe(bool),
}

impl Filter {
    fn matches(&self, session: &Session, me: ConnectionId) -> bool {
        match self {
            Self::Id(serial) => session.id.serial == *serial,
            Self::Address(address) => session.address == *address,
            Self::User(is_default) => *is_default,
            Self::SkipMe(skip) => !*skip || session.id != me,
        }
    }
}

/// The filters, and whether the old form was used.
fn kill_filters(rest: &[&[u8]]) -> Result<(Vec<Filter>, bool), ErrorReply> {
    let text = |word: &[u8]| String::from_utf8_lossy(word).into_owned();
    if let [address] = rest {
        return Ok((vec![Filter::Address(text(address))], true));
    }
    if rest.is_empty() {
        return Err(ErrorReply::wrong_arity("client|kill"));
    }
    if rest.len() % 2 == 1 {
        return Err(ErrorReply::syntax());
    }
    let mut filters = Vec::new();
    let mut skip_me = true;
    for pair in rest.chunks_exact(2) {
        match pair[0].to_ascii_uppercase().as_slice() {
            b"ID" => {
                let id = parse_unsigned(pair[1]).filter(|id| *id > 0);
                let error = || ErrorReply::err("client-id should be greater than 0");
                filters.push(Filter::Id(id.ok_or_else(error)?));
            }
            b"ADDR" => filters.push(Filter::Address(text(pair[1]))),
            b"USER" => filters.push(Filter::User(pair[1] == b"default")),
            b"TYPE" if pair[1].eq_ignore_ascii_case(b"normal") => {}
            b"TYPE" => filters.push(Filter::User(false)),
            b"SKIPME" if pair[1].eq_ignore_ascii_case(b"no") => skip_me = false,
            b"SKIPME" if pair[1].eq_ignore_ascii_case(b"yes") => {}
            _ => return Err(ErrorReply::syntax()),
        }
    }
    filters.push(Filter::SkipMe(skip_me));
    Ok((filters, false))
}

fn set_or_get(
    session: &mut Session,
    subcommand: &[u8],
    words: &[&[u8]],
    turn: &mut Turn<'_>,
) -> Answer {
    let is_switch =
        |word: &[u8]| word.eq_ignore_ascii_case(b"on") || word.eq_ignore_ascii_case(b"off");
    match (subcommand, &words[2..]) {
        (b"ID", []) => session.writer(turn).position(session.id.serial),
        (b"GETNAME", []) => {
            let name = (!session.name.is_empty()).then_some(session.name.as_bytes());
            session.writer(turn).bulk_or_null(name);
        }
        (b"SETNAME", [name]) => {
            session.name = check_name(name)?;
            session.writer(turn).ok();
        }
        (b"SETINFO", [attribute, value]) => {
            let value = |name| {
                let wrong =
                    format!("{name} cannot contain spaces, newlines or special characters.");
                check_name(value).map_err(|_| ErrorReply::err(wrong))
            };
            match attribute.to_ascii_uppercase().as_slice() {
                b"LIB-NAME" => session.library.0 = value("lib-name")?,
                b"LIB-VER" => session.library.1 = value("lib-ver")?,
                _ => {
                    let attribute = String::from_utf8_lossy(attribute).into_owned();
                    return Err(ErrorReply::err(format!(
                        "Unrecognized option '{attribute}'"
                    )));
                }
            }
            session.writer(turn).ok();
        }
        (b"NO-EVICT" | b"NO-TOUCH", [switch]) if is_switch(switch) => session.writer(turn).ok(),
        (b"REPLY", [_]) if reply_mode(words).is_some() => session.writer(turn).ok(),
        (b"HELP", []) => subcommand_help("CLIENT", &mut session.writer(turn)),
        (b"NO-EVICT" | b"NO-TOUCH" | b"REPLY", [_]) => return Err(ErrorReply::syntax()),
        _ => return Err(wrong_subcommand("CLIENT", words[1])),
    }
    Ok(())
}

/// What CLIENT REPLY sets, if that is what the command is and it is well-formed.
pub(super) fn reply_mode(words: &[&[u8]]) -> Option<ReplyMode> {
    let [name, subcommand, mode] = words else {
        return None;
    };
    let is_client = lookup(name).is_some_and(|spec| spec.id == Name::Client);
    if !is_client || !subcommand.eq_ignore_ascii_case(b"reply") {
        return None;
    }
    match mode.to_ascii_uppercase().as_slice() {
        b"ON" => Some(ReplyMode::On),
        b"OFF" => Some(ReplyMode::Off),
        b"SKIP" => Some(ReplyMode::SkipNext),
        _ => None,
    }
}

/// A name without blanks and control characters.
pub(super) fn check_name(name: &[u8]) -> Result<String, ErrorReply> {
    if name.len() > NAME_BYTES || !name.iter().all(u8::is_ascii_graphic) {
        return Err(ErrorReply::err(
            "Client names cannot contain spaces, newlines or special characters.",
        ));
    }
    Ok(String::from_utf8_lossy(name).into_owned())
}

/// A line as CLIENT LIST has it.
fn describe(session: &Session, now: Now) -> String {
    let since = |then: std::time::Duration| now.monotonic.saturating_sub(then).as_secs();
    let (mut line, multi) = (String::new(), session.multi.as_ref());
    let flags = match (
        session.monitor.is_some(),
        multi.is_some(),
        session.is_idle(),
    ) {
        (true, ..) => "O",
        (_, true, _) => "x",
        (_, _, false) => "b",
        _ => "N",
    };
    let _infallible = writeln!(
        line,
        "id={} addr={} name={} age={} idle={} flags={flags} db=0 sub=0 psub=0 multi={} watch={} \
         unanswered={} cmd={} user=default resp={} lib-name={} lib-ver={} read-path={}",
        session.id.serial,
        session.address,
        session.name,
        since(session.since),
        since(session.arrived.max(session.since)),
        multi.map_or(-1, |multi| i64::try_from(multi.commands.len())
            .unwrap_or(i64::MAX)),
        session.watches.keys().len(),
        session.unanswered(),
        session
            .last_command
            .map_or("NULL".to_owned(), str::to_lowercase),
        if session.resp == Resp::Three { 3 } else { 2 },
        session.library.0,
        session.library.1,
        session.read_path,
    );
    line
}
