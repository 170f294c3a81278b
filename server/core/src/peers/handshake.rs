//! Making links: who dials, what is compared, who is refused.
//!
//! Of each pair the replica with the higher id dials and speaks first. The other one closes any older
//! connection with the same peer, throwing away what it had not read of it, and only then answers: so
//! what its answer says it holds stays true until the first frame on the new connection. Each end sends
//! nothing but its own `PEER` before it has read the other's.

use super::link::LinkState;
use super::pace::SAID_AGAIN_AFTER;
use super::{Peers, Readiness};
use crate::engine::{At, Engine, Objection};
use crate::ids::{ConnectionId, ReplicaId};
use crate::message::{Handshake, Message, Refusal, VERSION, encode_refuse};
use crate::settings::Settings;
use crate::turn::{Close, Level, Turn};
use crate::wire::foreign::foreign;
use crate::wire::frame::Frame;

/// Why a handshake is refused: in one word, of whom if that is certain, and for a person.
type Verdict = (Refusal, Option<ReplicaId>, String);

impl Peers {
    /// The connection that was asked for is there.
    pub(crate) fn dialled(
        &mut self,
        connection: ConnectionId,
        peer: ReplicaId,
        at: &mut At<'_, '_>,
    ) {
        let link = self.links.at(peer);
        if link.state != LinkState::Dialling || link.cut {
            return at.turn.out.close(connection, Close::Now);
        }
        link.connect(connection, LinkState::Greeting, at.turn.now);
        self.connections.insert(connection, peer);
        at.turn.out.promote(connection);
        let handshake = self.handshake(peer, at.engine, at.settings);
        handshake.encode(at.turn.out.buffer(connection));
    }

    /// The connection that was asked for could not be made.
    pub(crate) fn dial_failed(&mut self, peer: ReplicaId, reason: &str, at: &mut At<'_, '_>) {
        let link = self.links.at(peer);
        if link.state != LinkState::Dialling {
            return;
        }
        link.state = LinkState::Down;
        link.refused = None;
        link.back_off(at.turn.now);
        if !std::mem::replace(&mut link.failure_told, true) {
            let address = at.settings.cluster.get(peer.index());
            let address = address.map_or("", String::as_str);
            let text =
                format!("replica {peer} at {address} cannot be reached ({reason}); trying on");
            at.turn.notice(Level::Info, &text);
        }
    }

    /// PEER came in on a connection that was a client's: the other end wants a link.
    pub(crate) fn greeted(
        &mut self,
        connection: ConnectionId,
        words: &[&[u8]],
        at: &mut At<'_, '_>,
    ) {
        at.turn.out.promote(connection);
        let message = Message::parse_words(words);
        if let Ok(Message::Peer(handshake)) = &message
            && self.links.get(handshake.id).is_some_and(|link| link.cut)
        {
            return at.turn.out.close(connection, Close::Now);
        }
        let verdict = match message {
            Ok(Message::Peer(handshake)) => self.judge_dialler(&handshake, at).map(|()| handshake),
            Ok(_) => Err((Refusal::Protocol, None, "not a handshake".to_owned())),
            Err(reason) => Err((Refusal::Protocol, None, reason)),
        };
        let handshake = match verdict {
            Ok(handshake) => handshake,
            Err((refusal, peer, reason)) => {
                encode_refuse(at.turn.out.buffer(connection), refusal, &reason);
                at.turn.out.close(connection, Close::AfterFlush);
                return self.note_refusal(peer, &reason, at.turn);
            }
        };
        let peer = handshake.id;
        if let Some(text) = self.claimed_twice(&handshake, at.turn) {
            encode_refuse(at.turn.out.buffer(connection), Refusal::Protocol, &text);
            at.turn.out.close(connection, Close::AfterFlush);
            self.send_refusal(peer, Refusal::Protocol, &text, at.turn);
            return self.link_lost(peer, "two processes take turns", at);
        }
        self.link_lost(peer, "replaced by a new connection", at);
        self.connections.insert(connection, peer);
        let link = self.links.at(peer);
        link.connect(connection, LinkState::Up, at.turn.now);
        let answer = self.handshake(peer, at.engine, at.settings);
        answer.encode(at.turn.out.buffer(connection));
        self.link_is_up(&handshake, at);
    }

    /// Says now and then that two processes claim to be one replica, which take each other's link away for ever. Both
    /// are to be told too; they will be back.
    fn claimed_twice(&mut self, handshake: &Handshake, turn: &mut Turn<'_>) -> Option<String> {
        let (peer, one) = (handshake.id, handshake.incarnation);
        let claims = &mut self.links.at(peer).claims;
        let other = claims.come(one)?;
        let (first, second) = (one.min(other), one.max(other));
        let text = format!(
            "replica {peer} is claimed by two processes: incarnations {first} and {second}"
        );
        let said = claims.say(text.clone(), turn.now)?;
        turn.notice(Level::Error, &said);
        Some(text)
    }

    /// The first frame on a connection that this replica dialled.
    pub(super) fn answered(&mut self, peer: ReplicaId, frame: Frame<'_>, at: &mut At<'_, '_>) {
        let handshake = match Message::parse(frame) {
            Ok(Message::Peer(handshake)) => handshake,
            Ok(Message::Refuse(refusal, reason)) => {
                return self.refused(peer, refusal, &reason, at);
            }
            Ok(_) => return self.link_error(peer, "a frame before the handshake", at),
            Err(reason) => return self.link_error(peer, &reason, at),
        };
        let mut verdict = self.judge(&handshake, at);
        if verdict.is_ok() && handshake.id != peer {
            let reason = format!("this is replica {}", handshake.id);
            verdict = Err((Refusal::Mismatch, None, reason));
        }
        if let Err((refusal, _, reason)) = verdict {
            self.send_refusal(peer, refusal, &reason, at.turn);
            return self.note_refusal(Some(peer), &reason, at.turn);
        }
        let link = self.links.at(peer);
        // Judging may have closed it, if this incarnation turned out to be refused.
        if let Some(connection) = link.connection {
            link.connect(connection, LinkState::Up, at.turn.now);
            self.link_is_up(&handshake, at);
        }
    }

    /// The other end refuses this replica.
    pub(super) fn refused(
        &mut self,
        peer: ReplicaId,
        refusal: Refusal,
        reason: &str,
        at: &mut At<'_, '_>,
    ) {
        let was_up = self.links.at(peer).is_up();
        self.link_lost(peer, reason, at);
        let reason = format!("refused by replica {peer}: {reason}");
        match refusal {
            Refusal::Restarted => self.become_refused(&reason, at),
            Refusal::Mismatch => {}
            // A new connection may mend it; there is nothing to remember. That a link is down, and why, was told.
            Refusal::Protocol if was_up => return,
            Refusal::Protocol => return self.note_error(peer, &reason, at.turn),
        }
        self.note_refusal(Some(peer), &reason, at.turn);
    }

    /// Judges a handshake on a connection that came in.
    fn judge_dialler(&mut self, handshake: &Handshake, at: &mut At<'_, '_>) -> Result<(), Verdict> {
        self.judge(handshake, at)?;
        if handshake.id < at.settings.id {
            let reason = format!(
                "of replicas {} and {}, the second dials",
                handshake.id, at.settings.id
            );
            return Err((Refusal::Mismatch, None, reason));
        }
        Ok(())
    }

    /// Compares a handshake with this replica's own setup and memory. The error says why the other end, if
    /// it could be told who it is, is refused.
    fn judge(&mut self, handshake: &Handshake, at: &mut At<'_, '_>) -> Result<(), Verdict> {
        let (me, peer) = (
            at.settings.id,
            self.links.get(handshake.id).map(|link| link.peer),
        );
        let mismatch = |reason: String| Err((Refusal::Mismatch, peer, reason));
        if let Readiness::Refused(reason) = &self.readiness {
            return mismatch(format!("replica {me} serves no data: {reason}"));
        }
        if handshake.version != VERSION {
            let theirs = handshake.version;
            return mismatch(format!("protocol version {theirs}, here {VERSION}"));
        }
        if handshake.to != me {
            return mismatch(format!("this is replica {me}, not {}", handshake.to));
        }
        if peer.is_none() {
            let count = at.settings.cluster.len();
            return mismatch(format!("replica {} of a cluster of {count}", handshake.id));
        }
        let ours = self.handshake(handshake.id, at.engine, at.settings);
        if handshake.cluster != ours.cluster {
            let theirs = foreign(&handshake.cluster);
            return mismatch(format!("cluster {theirs}, here {}", ours.cluster));
        }
        if handshake.consistency != ours.consistency {
            return mismatch(format!(
                "model {}, here {}",
                handshake.consistency, ours.consistency
            ));
        }
        if handshake.limits != ours.limits {
            return mismatch(format!("limits {}, here {}", handshake.limits, ours.limits));
        }
        self.judge_incarnation(handshake, at)?;
        match &handshake.refused {
            Some(reason) => mismatch(format!("replica {} serves no data: {reason}", handshake.id)),
            None => Ok(()),
        }
    }

    /// Asks the engine what speaks against the peer's incarnation, or its memory of this one's.
    fn judge_incarnation(
        &mut self,
        handshake: &Handshake,
        at: &mut At<'_, '_>,
    ) -> Result<(), Verdict> {
        let peer = handshake.id;
        let (refusal, reason) = match at.engine.judge(handshake, at.settings) {
            None => return Ok(()),
            Some(Objection::PeerRestarted) => (Refusal::Restarted, restarted(peer)),
            Some(Objection::ThisRestarted) => {
                let reason = restarted(at.settings.id);
                // Anyone can claim this; it is believed of a replica with which there was nothing yet.
                if !self.links.at(peer).is_up() && at.engine.known(peer) == 0 {
                    let text = format!("by replica {peer}: {reason}");
                    self.become_refused(&text, at);
                }
                (Refusal::Mismatch, reason)
            }
            Some(Objection::Ahead) => {
                let have = handshake.have;
                let reason = format!("replica {peer} holds time {have}, which was never issued");
                (Refusal::Mismatch, reason)
            }
        };
        Err((refusal, Some(peer), reason))
    }

    /// Ends the links with peers of which a third replica holds entries of another incarnation.
    pub(super) fn refuse_disputed(&mut self, at: &mut At<'_, '_>) {
        for peer in at.engine.disputed() {
            if self.links.get(peer).is_some_and(|link| link.is_up()) {
                let reason = restarted(peer);
                self.send_refusal(peer, Refusal::Restarted, &reason, at.turn);
                self.link_lost(peer, &reason, at);
                self.note_refusal(Some(peer), &reason, at.turn);
            }
        }
    }

    /// This replica's side of the handshake with a peer.
    fn handshake(&self, peer: ReplicaId, engine: &dyn Engine, settings: &Settings) -> Handshake {
        Handshake {
            version: VERSION,
            id: settings.id,
            to: peer,
            incarnation: settings.incarnation,
            cluster: settings.cluster.join(","),
            consistency: settings.consistency,
            limits: settings.limits,
            known: engine.known(peer),
            have: engine.have(peer),
            refused: match &self.readiness {
                Readiness::Refused(reason) => Some(reason.clone()),
                Readiness::Ready | Readiness::Unaccepted | Readiness::Outvoted => None,
            },
        }
    }

    /// Tells a peer why, and closes.
    pub(super) fn send_refusal(
        &mut self,
        peer: ReplicaId,
        refusal: Refusal,
        reason: &str,
        turn: &mut Turn<'_>,
    ) {
        if let Some(connection) = self.links.at(peer).connection.take() {
            self.connections.remove(&connection);
            encode_refuse(turn.out.buffer(connection), refusal, reason);
            turn.out.close(connection, Close::AfterFlush);
        }
    }

    /// Remembers a refusal for STATUS, and tells it once; but strangers do not decide how long the log gets.
    fn note_refusal(&mut self, peer: Option<ReplicaId>, reason: &str, turn: &mut Turn<'_>) {
        // What a stranger says of a peer whose link is up says nothing about that link.
        let Some(peer) = peer.filter(|peer| !self.links.at(*peer).is_up()) else {
            let text = format!("a handshake was refused: {reason}");
            let said = self.strangers.say(text, SAID_AGAIN_AFTER, turn.now);
            return said
                .into_iter()
                .for_each(|text| turn.notice(Level::Warn, &text));
        };
        let link = self.links.at(peer);
        link.state = LinkState::Down;
        link.back_off(turn.now);
        link.refused = Some(reason.to_owned());
        if link.refusal_told.as_deref() != Some(reason) {
            let text = format!("no link with replica {peer}: {reason}");
            if let Some(text) = link.refusals.say(text, SAID_AGAIN_AFTER, turn.now) {
                link.refusal_told = Some(reason.to_owned());
                turn.notice(Level::Error, &text);
            }
        }
    }

    /// This incarnation is refused by a peer: it serves no data.
    fn become_refused(&mut self, reason: &str, at: &mut At<'_, '_>) {
        if self.is_refused() {
            return;
        }
        self.readiness = Readiness::Refused(reason.to_owned());
        at.turn.notice(Level::Error, "this replica serves no data");
        // It must not ack for anyone any more, so that nobody counts on it.
        let text = format!("replica {} serves no data: {reason}", at.settings.id);
        for peer in self.links.peers() {
            self.send_refusal(peer, Refusal::Mismatch, &text, at.turn);
            self.link_lost(peer, &text, at);
        }
    }
}

fn restarted(replica: ReplicaId) -> String {
    format!(
        "replica {replica} restarted and lost the entries that its earlier incarnation held; \
         it cannot rejoin this cluster"
    )
}
