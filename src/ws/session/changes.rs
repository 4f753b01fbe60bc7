//! Changes of messages that a session asks for.

use super::Session;
use super::replies::{Answer, Posted};
use crate::chat::{ChangeAction, FrameSink, NewChange, Reaction};
use crate::protocol::Rejection;
use crate::protocol::client::{self, Change};
use crate::protocol::server::FrameRef;

impl Session {
    /// A change counts as a message.
    pub(super) async fn change(&mut self, change: Change, admitted: Result<(), Rejection>) {
        let Change { room_id, target, action, nonce } = change;
        let permitted = match admitted {
            Ok(()) => self.permit(&room_id, action, target).await,
            Err(rejection) => Err(rejection),
        };
        let (room, action) = match permitted {
            Ok(permitted) => permitted,
            Err(rejection) => {
                return self
                    .refuse(&rejection, FrameRef { nonce: nonce.as_deref(), room_id: Some(&room_id) });
            }
        };
        let change = NewChange { target, action, nonce: nonce.clone() };
        let changing = self.chat.change(self.identity.author.clone(), change);
        let receipt = async { Posted { room, nonce, outcome: changing.await.map(Answer::Change) } };
        self.replies.push(&self.chat, receipt);
    }

    /// The right to do it. Those who may not speak may still delete what they have said.
    async fn permit(
        &mut self,
        room_id: &str,
        action: client::ChangeAction,
        target: u64,
    ) -> Result<(crate::model::RoomName, ChangeAction), Rejection> {
        let room = self.joined(Some(room_id))?;
        let action = match action {
            client::ChangeAction::Edit(content) => {
                ChangeAction::Edit(self.chat.access_to_speak(&self.identity, room)?, content)
            }
            client::ChangeAction::React { emoji, on } => {
                let access = self.chat.access_to_speak(&self.identity, room)?;
                ChangeAction::React(access, Reaction { emoji, on })
            }
            client::ChangeAction::Delete => {
                let access = self.chat.access_in_room(&self.identity, room)?;
                // That of a moderator is recorded first, and keeps its place among the posts of the session.
                self.outbox.flush();
                ChangeAction::Delete(Box::pin(self.chat.deletion(&self.identity, access, target)).await?)
            }
        };
        Ok((room.name.clone(), action))
    }
}
