//! HELLO, AUTH, SELECT, RESET and WAIT: what client libraries do first.

use super::replica::{Engine, Replica};
use crate::ids::ConnectionId;
use crate::ids::ReplicaId;
use crate::turn::Out;
use crate::wire::arguments::{parse_integer, parse_unsigned};
use crate::wire::error::{ErrorCode, ErrorReply};
use crate::wire::reply::{ReplyWriter, Resp};

/// The only user.
const USER: &[u8] = b"default";

/// What a HELLO asks for.
#[derive(Default)]
struct Greeting {
    resp: Option<Resp>,
    name: Option<String>,
}

impl Replica {
    /// HELLO: other replies from here on, and facts about the server.
    pub(super) fn greet_client(
        &mut self,
        client: ConnectionId,
        words: &[&[u8]],
        out: &mut dyn Out,
    ) {
        let version = self.settings.consistency.name();
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        match read_greeting(words) {
            Err(error) => session.writer(out).error(&error),
            Ok(greeting) => {
                session.resp = greeting.resp.unwrap_or(session.resp);
                session.name = greeting
                    .name
                    .unwrap_or_else(|| std::mem::take(&mut session.name));
                let resp = session.resp;
                let mut reply = session.writer(out);
                reply.map(8);
                reply.text("server");
                // Client libraries look for this name before they trust the rest.
                reply.text("redis");
                reply.text("version");
                reply.text(super::describe::REDIS_VERSION);
                reply.text("proto");
                reply.integer(if resp == Resp::Three { 3 } else { 2 });
                reply.text("id");
                reply.position(client.serial);
                reply.text("mode");
                reply.text("standalone");
                reply.text("role");
                reply.text("master");
                reply.text("consistency");
                reply.text(version);
                reply.text("modules");
                reply.array(0);
            }
        }
    }

    /// RESET: the connection as it was when it began. MULTI, WATCH and the read path were given up on
    /// arrival.
    pub(super) fn reset(&mut self, client: ConnectionId, out: &mut dyn Out) {
        self.monitors.retain(|monitor| *monitor != client);
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        session.resp = Resp::Two;
        session.monitor = None;
        session.name.clear();
        session.writer(out).simple("RESET");
    }

    /// WAIT: how many other replicas hold what this connection has written. In the ordered models a write
    /// is answered when all of them do, unless it timed out.
    pub(super) fn wait(
        &self,
        words: &[&[u8]],
        last_given_up: u64,
        reply: &mut ReplyWriter<'_>,
    ) -> Result<(), ErrorReply> {
        parse_integer(words[1]).ok_or_else(ErrorReply::not_an_integer)?;
        let timeout = parse_integer(words[2])
            .ok_or_else(|| ErrorReply::err("timeout is not an integer or out of range"))?;
        if timeout < 0 {
            return Err(ErrorReply::err("timeout is negative"));
        }
        match &self.engine {
            Engine::Ordered(ordered) => {
                let me = self.settings.id;
                let peers = self.links.iter().flatten().map(|link| link.peer);
                let hold = |peer: &ReplicaId| ordered.multicast.acked(*peer, me) >= last_given_up;
                reply.count(peers.filter(hold).count());
            }
            Engine::Eventual(eventual) => {
                let own = eventual.gossip.vector();
                let reported = self
                    .links
                    .iter()
                    .flatten()
                    .filter_map(|l| l.gossip.reported());
                reply.count(reported.filter(|reported| reported.covers_all(own)).count());
            }
        }
        Ok(())
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
                greeting.name = Some(super::client::check_name(name)?);
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

fn check_user(user: &[u8]) -> Result<(), ErrorReply> {
    if user == USER {
        return Ok(());
    }
    let text = "invalid username-password pair or user is disabled.";
    Err(ErrorReply::new(ErrorCode::WrongPass, text))
}

/// AUTH: there is one user and no password.
pub(super) fn auth(words: &[&[u8]], reply: &mut ReplyWriter<'_>) {
    let checked = match words {
        [_, user, _] => check_user(user),
        [_, _] => Err(ErrorReply::err(
            "AUTH <password> called without any password configured for the default user. Are you sure \
             your configuration is correct?",
        )),
        _ => Err(ErrorReply::syntax()),
    };
    match checked {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(&error),
    }
}

/// SELECT: there is one database.
pub(super) fn select(words: &[&[u8]], reply: &mut ReplyWriter<'_>) {
    match parse_integer(words[1]) {
        Some(0) => reply.ok(),
        Some(_) => reply.error(&ErrorReply::err("DB index is out of range")),
        None => reply.error(&ErrorReply::not_an_integer()),
    }
}
