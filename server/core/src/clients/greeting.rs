//! HELLO and RESET: how a connection begins, and begins anew.

use super::{Clients, Parts};
use crate::admin::REDIS_VERSION;
use crate::command::check_user;
use crate::ids::ConnectionId;
use crate::store::Answer;
use crate::turn::Turn;
use crate::wire::arguments::parse_unsigned;
use crate::wire::error::{ErrorCode, ErrorReply};
use crate::wire::reply::Resp;

/// What a HELLO asks for.
#[derive(Default)]
struct Greeting {
    resp: Option<Resp>,
    name: Option<String>,
}

impl Clients {
    /// HELLO: other replies from here on, and facts about the server.
    pub(super) fn hello(
        &mut self,
        client: ConnectionId,
        words: &[&[u8]],
        parts: &mut Parts<'_, '_>,
    ) -> Answer {
        let greeting = read_greeting(words)?;
        let session = self.sessions.at(client);
        session.resp = greeting.resp.unwrap_or(session.resp);
        session.name = greeting
            .name
            .unwrap_or_else(|| std::mem::take(&mut session.name));
        let resp = session.resp;
        let mut reply = session.writer(parts.at.turn);
        reply.map(8);
        reply.text("server");
        // Client libraries look for this name before they trust the rest.
        reply.text("redis");
        reply.text("version");
        reply.text(REDIS_VERSION);
        reply.text("proto");
        reply.integer(if resp == Resp::Three { 3 } else { 2 });
        reply.text("id");
        reply.position(client.serial);
        reply.text("mode");
        reply.text("standalone");
        reply.text("role");
        reply.text("master");
        reply.text("consistency");
        reply.text(parts.at.settings.consistency.name());
        reply.text("modules");
        reply.array(0);
        Ok(())
    }

    /// RESET: the connection as it was when it began. MULTI, WATCH and the read path were given up on
    /// arrival.
    pub(super) fn reset(&mut self, client: ConnectionId, turn: &mut Turn<'_>) {
        let session = self.sessions.at(client);
        session.resp = Resp::Two;
        session.name.clear();
        session.monitor = None;
        session.show_monitor(turn);
        session.writer(turn).simple("RESET");
    }
}

fn read_greeting(words: &[&[u8]]) -> Result<Greeting, ErrorReply> {
    let mut greeting = Greeting::default();
    let Some(version) = words.get(1) else {
        return Ok(greeting);
    };
    let version = parse_unsigned(version)
        .ok_or_else(|| ErrorReply::err("Protocol version is not an integer or out of range"))?;
    greeting.resp = Some(match version {
        2 => Resp::Two,
        3 => Resp::Three,
        _ => {
            return Err(ErrorReply::new(
                ErrorCode::NoProto,
                "unsupported protocol version",
            ));
        }
    });
    let mut rest = &words[2..];
    loop {
        rest = match rest {
            [] => return Ok(greeting),
            [option, user, _, rest @ ..] if option.eq_ignore_ascii_case(b"auth") => {
                check_user(user)?;
                rest
            }
            [option, name, rest @ ..] if option.eq_ignore_ascii_case(b"setname") => {
                greeting.name = Some(super::client_list::check_name(name)?);
                rest
            }
            [option, ..] => {
                let option = String::from_utf8_lossy(&option[..option.len().min(64)]).into_owned();
                return Err(ErrorReply::err(format!(
                    "Syntax error in HELLO option '{option}'"
                )));
            }
        }
    }
}
