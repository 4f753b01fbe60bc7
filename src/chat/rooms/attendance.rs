//! The sessions of this node in a room, an entry each, from before their entrance to their leave. `joined` tells
//! a session who is there at the moment of its entrance; what the room is told after that is news to it, and nothing
//! from before is. The backend tells of an entrance in its turn among all else, so its arrival is that moment.

use std::collections::VecDeque;

use indexmap::IndexMap;

use super::sink::{FlushSet, RoomSession};
use crate::model::{ConnectionId, Member, UserId};
use crate::protocol::server::Encodings;
use crate::websocket::Frame;

/// Frames kept for a session that is not attached, at most: it reads long pages meanwhile. The newest tell the
/// count.
const MAX_KEPT_FRAMES: usize = 256;

/// The entries by connection. Entering, leaving and attaching cost the same however many there are.
#[derive(Debug, Default)]
pub(super) struct Attendance(IndexMap<ConnectionId, Attendee>);

#[derive(Debug)]
struct Attendee {
    session: RoomSession,
    entrance: Entrance,
    stage: Stage,
}

/// Whether the backend has told of the session's entrance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Entrance {
    Awaited,
    Observed,
}

#[derive(Debug)]
enum Stage {
    /// Reads what was before; what it must be told afterwards is kept.
    Entering(VecDeque<Frame>),
    /// Takes part, and was given everything up to this number.
    Attached(u64),
    /// Is given nothing more, as its user is no member, and is about to leave.
    Expelled,
}

/// A session that takes part.
pub(super) struct Attached<'a> {
    pub(super) session: &'a RoomSession,
    /// The number up to which it has been given everything.
    pub(super) delivered: u64,
}

impl Attendance {
    /// A session is about to enter. One that enters again begins anew: two entries would give everything twice.
    pub(super) fn enter(&mut self, session: RoomSession) {
        let (entrance, stage) = (Entrance::Awaited, Stage::Entering(VecDeque::new()));
        self.0.insert(session.member.id, Attendee { session, entrance, stage });
    }

    /// A session has left, or never came. Returns whether it was there.
    pub(super) fn leave(&mut self, id: ConnectionId) -> bool {
        self.0.swap_remove(&id).is_some()
    }

    /// The session takes part from now on, and has been given everything up to `delivered`. Returns what was kept for
    /// it.
    pub(super) fn attach(&mut self, session: &RoomSession, delivered: u64) -> VecDeque<Frame> {
        let attached = Stage::Attached(delivered);
        match self.0.get_mut(&session.member.id) {
            Some(attendee) => match std::mem::replace(&mut attendee.stage, attached) {
                Stage::Entering(kept) => kept,
                Stage::Attached(_) | Stage::Expelled => VecDeque::new(),
            },
            None => {
                let session = session.clone();
                let attendee = Attendee { session, entrance: Entrance::Observed, stage: attached };
                self.0.insert(attendee.session.member.id, attendee);
                VecDeque::new()
            }
        }
    }

    /// From now on sessions of these users are given nothing. Returns the users of which there were any.
    pub(super) fn expel(&mut self, is_expelled: &dyn Fn(&UserId) -> bool) -> Vec<UserId> {
        let mut users = Vec::new();
        for attendee in self.0.values_mut() {
            let user = &attendee.session.member.user_id;
            if !matches!(attendee.stage, Stage::Expelled) && is_expelled(user) {
                attendee.stage = Stage::Expelled;
                users.push(user.clone());
            }
        }
        users.sort_unstable();
        users.dedup();
        users
    }

    /// Whether a session is given nothing more.
    pub(super) fn is_expelled(&self, id: ConnectionId) -> bool {
        self.0.get(&id).is_some_and(|attendee| matches!(attendee.stage, Stage::Expelled))
    }

    /// From now on all is news to the session.
    pub(super) fn observe_join(&mut self, id: ConnectionId) {
        if let Some(attendee) = self.0.get_mut(&id) {
            attendee.entrance = Entrance::Observed;
        }
    }

    /// From now on all is news to everybody.
    pub(super) fn observe_all_joins(&mut self) {
        for attendee in self.0.values_mut() {
            attendee.entrance = Entrance::Observed;
        }
    }

    /// Whether a session is one of them.
    pub(super) fn contains(&self, id: ConnectionId) -> bool {
        self.0.contains_key(&id)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// All of them.
    pub(super) fn members(&self) -> impl Iterator<Item = &Member> {
        self.0.values().map(|attendee| &attendee.session.member)
    }

    /// Those that take part.
    pub(super) fn attached(&self) -> impl Iterator<Item = Attached<'_>> {
        self.0.values().filter_map(|attendee| match attendee.stage {
            Stage::Attached(delivered) => Some(Attached { session: &attendee.session, delivered }),
            Stage::Entering(_) | Stage::Expelled => None,
        })
    }

    /// All that take part have been given everything up to `delivered`.
    pub(super) fn set_delivered(&mut self, delivered: u64) {
        for attendee in self.0.values_mut() {
            if let Stage::Attached(seq) = &mut attendee.stage {
                *seq = delivered;
            }
        }
    }

    /// Sends it to the sessions that it concerns and whose entrance was observed, or keeps it for them. Returns how many were
    /// told.
    pub(super) fn send_presence(
        &mut self,
        mut frame: Encodings<'_>,
        concerns: &dyn Fn(&RoomSession) -> bool,
        flushes: &mut FlushSet,
    ) -> u64 {
        let mut told = 0;
        for attendee in self.0.values_mut() {
            if attendee.entrance == Entrance::Awaited || !concerns(&attendee.session) {
                continue;
            }
            let Some(frame) = frame.get(attendee.session.kind) else { continue };
            match &mut attendee.stage {
                Stage::Attached(_) => {
                    flushes.push(&attendee.session.sink, frame);
                    told += 1;
                }
                Stage::Entering(kept) => {
                    if kept.len() == MAX_KEPT_FRAMES {
                        kept.pop_front();
                    }
                    kept.push_back(frame.clone());
                }
                Stage::Expelled => {}
            }
        }
        told
    }
}
