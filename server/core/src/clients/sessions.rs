//! All clients' connections.

use super::session::Session;
use crate::consistency::Consistency;
use crate::ids::ConnectionId;

/// All sessions by slot, so that looking one up is one step and walking them has an order.
#[derive(Debug)]
pub(super) struct Sessions {
    slots: Vec<Option<Session>>,
    count: usize,
    /// What is worked on in place of a session that is not there, which never happens.
    nobody: Session,
}

impl Default for Sessions {
    fn default() -> Self {
        let nobody = ConnectionId {
            slot: usize::MAX,
            serial: 0,
        };
        Self {
            slots: Vec::new(),
            count: 0,
            nobody: Session::new(nobody, String::new(), Consistency::default()),
        }
    }
}

impl Sessions {
    pub(super) fn insert(&mut self, session: Session) {
        let slot = session.id.slot;
        if slot >= self.slots.len() {
            self.slots.resize_with(slot + 1, || None);
        }
        self.count += usize::from(self.slots[slot].is_none());
        self.slots[slot] = Some(session);
    }

    pub(super) fn get(&self, id: ConnectionId) -> Option<&Session> {
        self.slots
            .get(id.slot)?
            .as_ref()
            .filter(|session| session.id == id)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, id: ConnectionId) -> Option<&mut Session> {
        self.slots
            .get_mut(id.slot)?
            .as_mut()
            .filter(|session| session.id == id)
    }

    /// The session of a client whose command is being executed: it is there.
    #[inline]
    pub(super) fn at(&mut self, id: ConnectionId) -> &mut Session {
        let found = self.slots.get_mut(id.slot).and_then(Option::as_mut);
        match found.filter(|session| session.id == id) {
            Some(session) => session,
            None => {
                debug_assert!(false, "client {id} has a session");
                &mut self.nobody
            }
        }
    }

    pub(super) fn remove(&mut self, id: ConnectionId) -> Option<Session> {
        self.get(id)?;
        self.count -= 1;
        self.slots[id.slot].take()
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Session> {
        self.slots.iter().flatten()
    }
}
