//! The commands that need nothing but their words.

use super::subcommands::{subcommand_help, wrong_subcommand};
use crate::store::{Answer, Context};
use crate::wire::arguments::parse_integer;
use crate::wire::error::{ErrorCode, ErrorReply};
use crate::wire::reply::ReplyWriter;

/// The only user.
const USER: &[u8] = b"default";

/// PING.
pub(super) fn ping(words: &[&[u8]], _how: &Context<'_>, reply: &mut ReplyWriter<'_>) -> Answer {
    match words {
        [_] => reply.simple("PONG"),
        [_, message] => reply.bulk(message),
        _ => return Err(ErrorReply::wrong_arity("ping")),
    }
    Ok(())
}

/// ECHO.
pub(super) fn echo(words: &[&[u8]], _how: &Context<'_>, reply: &mut ReplyWriter<'_>) -> Answer {
    reply.bulk(words[1]);
    Ok(())
}

/// TIME.
pub(super) fn time(_words: &[&[u8]], how: &Context<'_>, reply: &mut ReplyWriter<'_>) -> Answer {
    let wall = how.now.wall;
    reply.array(2);
    reply.text(&wall.as_secs().to_string());
    reply.text(&wall.subsec_micros().to_string());
    Ok(())
}

/// AUTH: there is one user and no password.
pub(super) fn auth(words: &[&[u8]], _how: &Context<'_>, reply: &mut ReplyWriter<'_>) -> Answer {
    match words {
        [_, user, _] => check_user(user)?,
        [_, _] => {
            return Err(ErrorReply::err(
                "AUTH <password> called without any password configured for the default user. Are you sure \
                 your configuration is correct?",
            ));
        }
        _ => return Err(ErrorReply::syntax()),
    }
    reply.ok();
    Ok(())
}

/// Whether it is the only user.
///
/// # Errors
/// That there is no other.
pub(crate) fn check_user(user: &[u8]) -> Answer {
    if user == USER {
        return Ok(());
    }
    let text = "invalid username-password pair or user is disabled.";
    Err(ErrorReply::new(ErrorCode::WrongPass, text))
}

/// SELECT: there is one database.
pub(super) fn select(words: &[&[u8]], _how: &Context<'_>, reply: &mut ReplyWriter<'_>) -> Answer {
    match parse_integer(words[1]) {
        Some(0) => reply.ok(),
        Some(_) => return Err(ErrorReply::err("DB index is out of range")),
        None => return Err(ErrorReply::not_an_integer()),
    }
    Ok(())
}

/// DEBUG is refused.
pub(super) fn debug(_words: &[&[u8]], _how: &Context<'_>, _reply: &mut ReplyWriter<'_>) -> Answer {
    Err(ErrorReply::err(
        "DEBUG is not supported: STATUS, ORDER, HOLDBACK and MONITOR show what goes on",
    ))
}

/// LATENCY: tools ask for events; none are kept, as SLOWLOG and INFO say what there is to say.
pub(super) fn latency(words: &[&[u8]], _how: &Context<'_>, reply: &mut ReplyWriter<'_>) -> Answer {
    match (words[1].to_ascii_uppercase().as_slice(), &words[2..]) {
        (b"LATEST", []) | (b"HISTORY", [_]) => reply.array(0),
        (b"RESET", _) => reply.integer(0),
        (b"DOCTOR", []) => reply.verbatim("No latency events are kept; see SLOWLOG GET and INFO."),
        (b"HELP", []) => subcommand_help("LATENCY", reply),
        _ => return Err(wrong_subcommand("LATENCY", words[1])),
    }
    Ok(())
}
