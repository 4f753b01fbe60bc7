//! The entrance of a session into a room. It takes as long as its client takes to read what it missed, or as it has to wait before it
//! may have more of that; so the session obeys the node meanwhile.

use std::pin::pin;
use std::time::Duration;

use tokio::time::sleep;

use super::Session;
use super::replay::Replay;
use crate::chat::{Action, Control, FrameSink, JoinPlace, Principal, RoomSession};
use crate::model::{Position, RoomName};
use crate::protocol::{ErrorCode, Rejection};

impl Session {
    pub(super) async fn join(
        &mut self,
        room_id: &str,
        since: Option<Position>,
        history: Option<usize>,
    ) -> Result<(), Rejection> {
        let name = self.chat.room_name(room_id)?;
        let most_rooms = self.chat.config().limits.rooms_per_session;
        if self.rooms.len() >= most_rooms && !self.rooms.contains_key(&name) {
            let message = format!("A session may be in at most {most_rooms} rooms; leave one first");
            return Err(Rejection::new(ErrorCode::TooManyRooms, message));
        }
        self.chat.admit_join(self.client.address())?;
        if !self.await_replay().await {
            return Ok(());
        }
        // An account may have been given the name since the session began.
        Box::pin(self.chat.check_name(&self.identity)).await?;
        let access = self.chat.check_access(Principal::User(&self.identity), Action::Join, &name).await?;
        let following = async {
            if self.params.kind.follows_user() {
                // Others see it from now on, and may tell it something.
                self.chat.follow_user(&self.identity.author.user_id).await;
            }
            if !self.is_signed_in && self.rooms.is_empty() {
                self.chat.introduce(&self.identity).await;
            }
        };
        let (room, ()) = tokio::join!(self.chat.open(&access), following);
        let room = room?;
        if !self.is_signed_in && self.params.kind.follows_user() {
            self.chat.give_notifications_to_all(&self.controls);
        }
        // Before the join, so that a session which ends during it is taken out all the same.
        self.rooms.insert(name.clone(), room.clone());
        let (chat, identity, outbox) = (self.chat.clone(), self.identity.clone(), self.outbox.clone());
        let session = RoomSession { member: self.member(), kind: self.params.kind, sink: outbox.clone() };
        let recording = async {
            if session.kind.has_room_list() {
                chat.record_join(&identity, &name).await;
            }
        };
        let may_have_read = self.is_signed_in || self.has_read;
        let may_have_cursor = may_have_read && self.params.kind.marks_reading();
        let reader = may_have_cursor.then(|| chat.joining_reader(&identity, &name));
        let place = JoinPlace { since, history, reader };
        let joining = chat.join(&room, &session, place, || outbox.drained());
        let work = async { tokio::join!(joining, recording).0 };
        let outcome = self.run_handling_controls(work, &name).await;
        self.replay().spend(*outcome.as_ref().unwrap_or(&0));
        match outcome {
            Ok(_) => self.client.identify(),
            Err(_) => drop(self.rooms.remove(&name)),
        }
        outcome.map(drop)
    }

    /// Waits until the session may be given more of what it asks for. Returns whether it still wants it.
    pub(super) async fn await_replay(&mut self) -> bool {
        let wait = self.replay().wait();
        if wait.is_zero() {
            return true;
        }
        // Earlier answers need not wait for it.
        self.outbox.flush();
        self.wait_handling_controls(wait).await;
        !self.outbox.is_closing()
    }

    /// Does what the node asks for some time, unless it asks for the end of the session.
    async fn wait_handling_controls(&mut self, wait: Duration) {
        let mut end = pin!(sleep(wait));
        while !self.outbox.is_closing() {
            tokio::select! {
                biased;
                control = self.controls.next() => self.on_control(control).await,
                () = &mut end => return,
            }
        }
    }

    /// Does `work` to its end, and what the node asks meanwhile. An order to leave the room that is `entered` is carried out afterwards:
    /// nobody may enter a room and leave it at once.
    async fn run_handling_controls<T>(&mut self, work: impl Future<Output = T>, entered: &RoomName) -> T {
        let mut work = pin!(work);
        let mut postponed = None;
        let outcome = loop {
            let control = tokio::select! {
                biased;
                control = self.controls.next() => control,
                outcome = &mut work => break outcome,
            };
            match control {
                Control::LeaveRoom(room, reason) if room == *entered => {
                    postponed = Some(Control::LeaveRoom(room, reason));
                }
                control => self.on_control(control).await,
            }
        };
        if let Some(control) = postponed {
            self.on_control(control).await;
        }
        outcome
    }

    pub(super) fn replay(&mut self) -> &mut Replay {
        let limits = &self.chat.config().limits;
        self.replay
            .get_or_insert_with(|| Box::new(Replay::new(limits.replay_bytes, limits.replay_bytes_per_second)))
    }
}
