//! Changes of membership that are in progress. A node changes its own state while such a change is in progress, so
//! a resync of the room asks here which of the two states the backend has seen.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard};

use super::LocalNode;
use crate::model::{ConnectionId, Member, RoomName};

/// The changes in progress; a cheap handle.
#[derive(Debug, Clone, Default)]
pub(in crate::backend) struct PendingChanges(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    rooms: HashMap<RoomName, Vec<Change>>,
    /// Rooms whose last leave may have failed.
    dirty: HashSet<RoomName>,
    last_id: u64,
}

#[derive(Debug)]
struct Change {
    id: u64,
    member: Member,
    kind: ChangeKind,
    stage: Stage,
}

/// The kind of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::backend) enum ChangeKind {
    Enter,
    Leave,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Queued,
    /// The backend has applied it, or may have.
    Applied,
}

impl PendingChanges {
    /// Registers a change, which is in progress until the ticket is dropped. Must precede the change of the node's
    /// own state.
    pub(in crate::backend) fn begin(&self, room: &RoomName, member: &Member, kind: ChangeKind) -> Ticket {
        let mut state = self.lock();
        state.last_id += 1;
        let id = state.last_id;
        let change = Change { id, member: member.clone(), kind, stage: Stage::Queued };
        state.rooms.entry(room.clone()).or_default().push(change);
        Ticket { pending: self.clone(), room: room.clone(), id, kind, has_succeeded: false }
    }

    /// Marks a session's oldest queued change as applied by the backend.
    pub(in crate::backend) fn mark_applied(&self, room: &RoomName, session: ConnectionId) {
        let mut state = self.lock();
        let mut changes = state.rooms.get_mut(room).into_iter().flatten();
        let queued = |change: &&mut Change| change.member.id == session && change.stage == Stage::Queued;
        if let Some(change) = changes.find(queued) {
            change.stage = Stage::Applied;
        }
    }

    /// The sessions of a node that the backend should have in a room now, without the changes that are still
    /// queued.
    pub(in crate::backend) fn expected(&self, node: &dyn LocalNode, room: &RoomName) -> Vec<Member> {
        let state = self.lock();
        let mut members = node.members(room);
        for change in state.rooms.get(room).into_iter().flatten() {
            members.retain(|member| member.id != change.member.id);
            match (change.kind, change.stage) {
                (ChangeKind::Enter, Stage::Applied) | (ChangeKind::Leave, Stage::Queued) => {
                    members.push(change.member.clone());
                }
                (ChangeKind::Enter, Stage::Queued) | (ChangeKind::Leave, Stage::Applied) => {}
            }
        }
        members
    }

    /// The rooms with changes in progress.
    pub(in crate::backend) fn rooms(&self) -> Vec<RoomName> {
        self.lock().rooms.keys().cloned().collect()
    }

    /// Marks rooms whose entries in the backend may be wrong.
    pub(in crate::backend) fn mark_dirty(&self, rooms: impl IntoIterator<Item = RoomName>) {
        self.lock().dirty.extend(rooms);
    }

    /// Takes the rooms that were marked since the last call.
    pub(in crate::backend) fn take_dirty(&self) -> HashSet<RoomName> {
        std::mem::take(&mut self.lock().dirty)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no code panics while it holds this lock")
    }
}

/// A change in progress.
#[derive(Debug)]
pub(in crate::backend) struct Ticket {
    pending: PendingChanges,
    room: RoomName,
    id: u64,
    kind: ChangeKind,
    has_succeeded: bool,
}

impl Ticket {
    /// Marks the change as successful.
    pub(in crate::backend) fn succeed(mut self) {
        self.has_succeeded = true;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut state = self.pending.lock();
        if let Some(changes) = state.rooms.get_mut(&self.room) {
            changes.retain(|change| change.id != self.id);
            if changes.is_empty() {
                state.rooms.remove(&self.room);
            }
        }
        // A session whose enter failed is removed by its own leave.
        if self.kind == ChangeKind::Leave && !self.has_succeeded {
            state.dirty.insert(self.room.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;
    use crate::backend::{LocalRoom, NodeSecret, NodeStats, Secrets};
    use crate::model::{UserId, Username};
    use crate::telemetry::Figures;

    #[derive(Debug)]
    struct Node(Vec<Member>);

    impl LocalNode for Node {
        fn rooms(&self) -> Vec<LocalRoom> {
            Vec::new()
        }
        fn members(&self, _room: &RoomName) -> Vec<Member> {
            self.0.clone()
        }
        fn stats(&self) -> NodeStats {
            unreachable!("not called")
        }
        fn take_figures(&self) -> Option<Figures> {
            None
        }
        fn return_figures(&self, _figures: Figures) {}
        fn secret(&self) -> NodeSecret {
            NodeSecret::Configured
        }
        fn set_secrets(&self, _secrets: Secrets) {}
        fn on_complete(&self) {}
    }

    fn session() -> Member {
        let username = Username::from_trusted("Rahim");
        Member { id: ConnectionId::random(), user_id: UserId::guest(), username }
    }

    #[test]
    fn a_resync_sees_a_change_when_the_backend_has() {
        let (pending, room, rahim) = (PendingChanges::default(), RoomName::from_trusted("r"), session());
        let (without, with) = (Node(vec![]), Node(vec![rahim.clone()]));
        let expected = |node: &Node| pending.expected(node, &room);
        let ticket = pending.begin(&room, &rahim, ChangeKind::Enter);
        assert_eq!(expected(&with), [], "the enter is still queued");
        pending.mark_applied(&room, rahim.id);
        assert_eq!(expected(&without), slice::from_ref(&rahim), "the node has not added the session yet");
        ticket.succeed();
        assert_eq!(expected(&with), slice::from_ref(&rahim));

        let ticket = pending.begin(&room, &rahim, ChangeKind::Leave);
        assert_eq!(expected(&without), slice::from_ref(&rahim), "the leave is still queued");
        pending.mark_applied(&room, rahim.id);
        assert_eq!(expected(&with), []);
        drop(ticket);
        assert_eq!(expected(&without), []);
    }

    #[test]
    fn a_leave_that_fails_leaves_a_dirty_room() {
        let (pending, room, rahim) = (PendingChanges::default(), RoomName::from_trusted("r"), session());
        pending.begin(&room, &rahim, ChangeKind::Leave).succeed();
        drop(pending.begin(&room, &rahim, ChangeKind::Enter));
        assert!(pending.take_dirty().is_empty());
        drop(pending.begin(&room, &rahim, ChangeKind::Leave));
        assert_eq!(pending.take_dirty(), HashSet::from([room]));
        assert!(pending.take_dirty().is_empty() && pending.rooms().is_empty());
    }
}
