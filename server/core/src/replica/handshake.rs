//! Making links: who dials, what is compared, who is refused.
//!
//! Of each pair the replica with the higher id dials and speaks first. The other one closes any older
//! connection with the same peer, throwing away what it had not read of it, and only then answers: so
//! what its answer says it holds stays true until the first frame on the new connection. Each end sends
//! nothing but its own `PEER` before it has read the other's.

use super::link::{Link, LinkState};
use super::replica::{Engine, Readiness, Replica};
use crate::ids::ConnectionId;
use crate::ids::ReplicaId;
use crate::message::{Hello, Message, Refusal, VERSION, encode_refuse};
use crate::turn::{Close, Level, Now, Out};
use crate::wire::frame::Frame;

/// Why a handshake is refused: in one word, of whom if that is certain, and for a person.
type Verdict = (Refusal, Option<ReplicaId>, String);

impl Replica {
    /// The connection that [`Out::dial`] asked for is there.
    pub fn dialled(
        &mut self,
        connection: ConnectionId,
        peer: ReplicaId,
        now: Now,
        out: &mut dyn Out,
    ) {
        let Some(hello) = self.hello(peer) else {
            return out.close(connection, Close::Now);
        };
        match self.link(peer) {
            Some(link) if link.state == LinkState::Dialling && !link.cut => {
                link.connect(connection, LinkState::Greeting, now);
            }
            _ => return out.close(connection, Close::Now),
        }
        self.peers.insert(connection, peer);
        out.promote(connection);
        hello.encode(out.buffer(connection));
    }

    /// The connection that [`Out::dial`] asked for could not be made.
    pub fn dial_failed(&mut self, peer: ReplicaId, reason: &str, now: Now, out: &mut dyn Out) {
        let address = self
            .settings
            .cluster
            .get(peer.index())
            .cloned()
            .unwrap_or_default();
        let Some(link) = self.link(peer) else { return };
        if link.state != LinkState::Dialling {
            return;
        }
        link.state = LinkState::Down;
        link.refused = None;
        link.back_off(now);
        if !std::mem::replace(&mut link.failure_told, true) {
            let text =
                format!("replica {peer} at {address} cannot be reached ({reason}); trying on");
            self.notice(Level::Info, &text, now, out);
        }
    }

    /// PEER came in on a connection that was a client's: the other end wants a link.
    pub(super) fn greeted(
        &mut self,
        connection: ConnectionId,
        words: &[&[u8]],
        now: Now,
        out: &mut dyn Out,
    ) {
        self.forget_session(connection);
        out.promote(connection);
        let message = Message::parse_words(words);
        if let Ok(Message::Peer(hello)) = &message
            && self.link(hello.id).is_some_and(|link| link.cut)
        {
            return out.close(connection, Close::Now);
        }
        let verdict = match message {
            Ok(Message::Peer(hello)) => self.judge_dialler(&hello, now, out).map(|()| hello),
            Ok(_) => Err((Refusal::Protocol, None, "not a handshake".to_owned())),
            Err(reason) => Err((Refusal::Protocol, None, reason)),
        };
        let hello = match verdict {
            Ok(hello) => hello,
            Err((refusal, peer, reason)) => {
                encode_refuse(out.buffer(connection), refusal, &reason);
                out.close(connection, Close::AfterFlush);
                return self.note_refusal(peer, &reason, now, out);
            }
        };
        let peer = hello.id;
        self.link_lost(peer, "replaced by a new connection", now, out);
        self.adopt(peer, connection, &hello, now);
        if let Some(answer) = self.hello(peer) {
            answer.encode(out.buffer(connection));
        }
        self.link_is_up(peer, hello.have, now, out);
    }

    /// The first frame on a connection that this replica dialled.
    pub(super) fn answered(
        &mut self,
        peer: ReplicaId,
        frame: Frame<'_>,
        now: Now,
        out: &mut dyn Out,
    ) {
        let hello = match Message::parse(frame) {
            Ok(Message::Peer(hello)) => hello,
            Ok(Message::Refuse(refusal, reason)) => {
                return self.refused(peer, refusal, &reason, now, out);
            }
            Ok(_) => return self.link_error(peer, "a frame before the handshake", now, out),
            Err(reason) => return self.link_error(peer, &reason, now, out),
        };
        let verdict = self.judge(&hello, now, out).and_then(|()| {
            let other = || {
                (
                    Refusal::Mismatch,
                    None,
                    format!("this is replica {}", hello.id),
                )
            };
            if hello.id == peer {
                Ok(())
            } else {
                Err(other())
            }
        });
        if let Err((refusal, _, reason)) = verdict {
            self.send_refusal(peer, refusal, &reason, out);
            return self.note_refusal(Some(peer), &reason, now, out);
        }
        let Some(connection) = self.link(peer).and_then(|link| link.connection) else {
            return;
        };
        self.adopt(peer, connection, &hello, now);
        self.link_is_up(peer, hello.have, now, out);
    }

    /// The other end refuses this replica.
    pub(super) fn refused(
        &mut self,
        peer: ReplicaId,
        refusal: Refusal,
        reason: &str,
        now: Now,
        out: &mut dyn Out,
    ) {
        self.link_lost(peer, reason, now, out);
        let reason = format!("refused by replica {peer}: {reason}");
        match refusal {
            Refusal::Restarted => self.become_refused(&reason, now, out),
            Refusal::Mismatch => {}
            // A new connection may mend it; there is nothing to remember.
            Refusal::Protocol => return,
        }
        self.note_refusal(Some(peer), &reason, now, out);
    }

    /// Judges a handshake on a connection that came in.
    fn judge_dialler(&mut self, hello: &Hello, now: Now, out: &mut dyn Out) -> Result<(), Verdict> {
        self.judge(hello, now, out)?;
        if hello.id < self.settings.id {
            let reason = format!(
                "of replicas {} and {}, the second dials",
                hello.id, self.settings.id
            );
            return Err((Refusal::Mismatch, None, reason));
        }
        Ok(())
    }

    /// Compares a handshake with this replica's own setup and memory. The error says why the other end, if
    /// it could be told who it is, is refused.
    fn judge(&mut self, hello: &Hello, now: Now, out: &mut dyn Out) -> Result<(), Verdict> {
        let ours = self.hello(hello.id);
        let peer = ours.as_ref().map(|_| hello.id);
        let mismatch = |reason: String| Err((Refusal::Mismatch, peer, reason));
        if let Readiness::Refused(reason) = &self.readiness {
            return mismatch(format!(
                "replica {} serves no data: {reason}",
                self.settings.id
            ));
        }
        if hello.version != VERSION {
            let theirs = hello.version;
            return mismatch(format!("protocol version {theirs}, here {VERSION}"));
        }
        if hello.to != self.settings.id {
            return mismatch(format!(
                "this is replica {}, not {}",
                self.settings.id, hello.to
            ));
        }
        let Some(ours) = ours else {
            let count = self.settings.cluster.len();
            return mismatch(format!("replica {} of a cluster of {count}", hello.id));
        };
        if hello.cluster != ours.cluster {
            return mismatch(format!("cluster {}, here {}", hello.cluster, ours.cluster));
        }
        if hello.consistency != ours.consistency {
            return mismatch(format!(
                "model {}, here {}",
                hello.consistency, ours.consistency
            ));
        }
        if hello.limits != ours.limits {
            return mismatch(format!("limits {}, here {}", hello.limits, ours.limits));
        }
        self.judge_incarnation(hello, &ours, now, out)?;
        match &hello.refused {
            Some(reason) => mismatch(format!("replica {} serves no data: {reason}", hello.id)),
            None => Ok(()),
        }
    }

    /// The ordered models do not let a replica back in that has forgotten what it acked, on either side.
    fn judge_incarnation(
        &mut self,
        hello: &Hello,
        ours: &Hello,
        now: Now,
        out: &mut dyn Out,
    ) -> Result<(), Verdict> {
        let (peer, me) = (hello.id, self.settings.id);
        let issued = match &self.engine {
            Engine::Ordered(ordered) => ordered.multicast.held(me),
            Engine::Eventual(_) => return Ok(()),
        };
        let another = (ours.known != 0 && ours.known != hello.incarnation)
            || self.another_is_known(peer, hello.incarnation);
        if another {
            return Err((Refusal::Restarted, Some(peer), restarted(peer)));
        }
        if hello.known != 0 && hello.known != self.settings.incarnation {
            let reason = restarted(me);
            // Anyone can claim this; it is believed of a replica with which there was nothing yet.
            let stranger = |link: &mut Link| !link.is_up() && !link.exchanged;
            if self.link(peer).is_some_and(stranger) {
                self.become_refused(&format!("by replica {peer}: {reason}"), now, out);
            }
            return Err((Refusal::Mismatch, Some(peer), reason));
        }
        if hello.have > issued {
            let reason = format!(
                "replica {peer} holds time {}, which was never issued",
                hello.have
            );
            return Err((Refusal::Mismatch, Some(peer), reason));
        }
        Ok(())
    }

    /// Whether some replica is known to hold entries of another incarnation of a peer.
    fn another_is_known(&self, peer: ReplicaId, incarnation: u64) -> bool {
        match &self.engine {
            Engine::Ordered(ordered) => {
                let holder = ordered.multicast.holder_of_another(peer, incarnation);
                holder.is_some()
            }
            Engine::Eventual(_) => false,
        }
    }

    /// Ends the link with a peer of which a third replica holds entries of another incarnation.
    pub(super) fn refuse_if_another_is_known(
        &mut self,
        peer: ReplicaId,
        now: Now,
        out: &mut dyn Out,
    ) {
        let link = self.link(peer).filter(|link| link.is_up());
        let Some(incarnation) = link.map(|link| link.incarnation) else {
            return;
        };
        if self.another_is_known(peer, incarnation) {
            let reason = restarted(peer);
            self.send_refusal(peer, Refusal::Restarted, &reason, out);
            self.link_lost(peer, &reason, now, out);
            self.note_refusal(Some(peer), &reason, now, out);
        }
    }

    /// This replica's side of the handshake with a peer; `None` if there is no such peer.
    fn hello(&mut self, peer: ReplicaId) -> Option<Hello> {
        let have = match &self.engine {
            Engine::Ordered(ordered) => ordered.multicast.held(peer),
            Engine::Eventual(_) => 0,
        };
        let settings = &self.settings;
        let link = self.links.get(peer.index())?.as_ref()?;
        Some(Hello {
            version: VERSION,
            id: settings.id,
            to: peer,
            incarnation: settings.incarnation,
            cluster: settings.cluster.join(","),
            consistency: settings.consistency,
            limits: settings.limits,
            known: if link.exchanged { link.incarnation } else { 0 },
            have,
            refused: match &self.readiness {
                Readiness::Refused(reason) => Some(reason.clone()),
                Readiness::Ready | Readiness::Unaccepted => None,
            },
        })
    }

    /// Makes an accepted connection the link's.
    fn adopt(&mut self, peer: ReplicaId, connection: ConnectionId, hello: &Hello, now: Now) {
        self.peers.insert(connection, peer);
        if let Some(link) = self.link(peer) {
            link.connect(connection, LinkState::Up, now);
            link.incarnation = hello.incarnation;
        }
        if let Engine::Ordered(ordered) = &mut self.engine {
            ordered.multicast.meet(peer, hello.incarnation);
        }
    }

    /// Tells a peer why, and closes.
    pub(super) fn send_refusal(
        &mut self,
        peer: ReplicaId,
        refusal: Refusal,
        reason: &str,
        out: &mut dyn Out,
    ) {
        if let Some(connection) = self.link(peer).and_then(|link| link.connection.take()) {
            self.peers.remove(&connection);
            encode_refuse(out.buffer(connection), refusal, reason);
            out.close(connection, Close::AfterFlush);
        }
    }

    /// Remembers a refusal for STATUS, and tells it once.
    fn note_refusal(&mut self, peer: Option<ReplicaId>, reason: &str, now: Now, out: &mut dyn Out) {
        let link = peer.and_then(|peer| self.link(peer));
        let Some(link) = link else {
            let text = format!("a handshake was refused: {reason}");
            return self.notice(Level::Warn, &text, now, out);
        };
        let peer = link.peer;
        if !link.is_up() {
            link.state = LinkState::Down;
            link.back_off(now);
        }
        if link.refused.as_deref() == Some(reason) {
            return;
        }
        link.refused = Some(reason.to_owned());
        let text = format!("no link with replica {peer}: {reason}");
        self.notice(Level::Error, &text, now, out);
    }

    /// This incarnation is refused by a peer: it serves no data.
    fn become_refused(&mut self, reason: &str, now: Now, out: &mut dyn Out) {
        if matches!(self.readiness, Readiness::Refused(_)) {
            return;
        }
        self.readiness = Readiness::Refused(reason.to_owned());
        self.notice(Level::Error, "this replica serves no data", now, out);
        // It must not ack for anyone any more, so that nobody counts on it.
        let text = format!("replica {} serves no data: {reason}", self.settings.id);
        for index in 0..self.links.len() {
            let peer = ReplicaId::from_index(index);
            self.send_refusal(peer, Refusal::Mismatch, &text, out);
            self.link_lost(peer, &text, now, out);
        }
    }
}

fn restarted(replica: ReplicaId) -> String {
    format!(
        "replica {replica} restarted and lost the entries that its earlier incarnation held; \
         it cannot rejoin this cluster"
    )
}
