//! Sessions between entering a room and being attached. `joined` tells each who is there at the moment of
//! its entrance; what the room is told after that is news to it, and nothing from before is. The backend
//! tells of an entrance in its turn among all else, so hearing of it is that moment.

use std::collections::{HashMap, HashSet};

use crate::chat::recipient::Occupant;
use crate::model::ConnectionId;
use crate::websocket::Frame;

/// Frames kept for one, at most: it reads long pages meanwhile. The newest tell the count.
const KEPT: usize = 256;

/// The sessions that are to be told less, or later, than those that are seated.
#[derive(Debug, Default)]
pub(super) struct Newcomers {
    waiting: HashMap<ConnectionId, Newcomer>,
    /// Those of whose entrance nothing was heard yet, attached or not.
    unheard: HashSet<ConnectionId>,
}

#[derive(Debug)]
struct Newcomer {
    occupant: Occupant,
    frames: Vec<Frame>,
}

impl Newcomers {
    /// A session is about to enter.
    pub(super) fn add(&mut self, occupant: Occupant) {
        let id = occupant.member.id;
        self.unheard.insert(id);
        self.waiting.insert(id, Newcomer { occupant, frames: Vec::new() });
    }

    /// A session has left, or never came.
    pub(super) fn remove(&mut self, id: ConnectionId) {
        self.unheard.remove(&id);
        self.waiting.remove(&id);
    }

    /// From now on all is news to the session.
    pub(super) fn hear_of(&mut self, id: ConnectionId) {
        self.unheard.remove(&id);
    }

    /// From now on all is news to everybody.
    pub(super) fn hear_of_all(&mut self) {
        self.unheard.clear();
    }

    /// Whether what is told now comes after the session's entrance.
    pub(super) fn has_entered(&self, occupant: &Occupant) -> bool {
        self.unheard.is_empty() || !self.unheard.contains(&occupant.member.id)
    }

    /// Keeps a frame for those whom it concerns.
    pub(super) fn keep(&mut self, frame: &Frame, concerns: &dyn Fn(&Occupant) -> bool) {
        let Self { waiting, unheard } = self;
        let entered = waiting.iter_mut().filter(|(id, _)| !unheard.contains(*id));
        for (_, newcomer) in entered.filter(|(_, newcomer)| concerns(&newcomer.occupant)) {
            if newcomer.frames.len() == KEPT {
                newcomer.frames.remove(0);
            }
            newcomer.frames.push(frame.clone());
        }
    }

    /// The session is attached: it is told itself from now on. Returns what was kept for it.
    pub(super) fn seat(&mut self, id: ConnectionId) -> Vec<Frame> {
        self.waiting.remove(&id).map(|newcomer| newcomer.frames).unwrap_or_default()
    }
}
