//! What a session is told of the occupied rooms.

use super::Session;
use crate::chat::Refused;
use crate::protocol::RoomsAsked;
use crate::protocol::server::{self, RoomSize};

/// Rooms in an answer.
const FOUND: usize = 50;

impl Session {
    pub(super) async fn tell_rooms(&mut self, asked: RoomsAsked) {
        match asked {
            RoomsAsked::Watch => self.chat.watch_rooms(self.id, self.outbox.clone()),
            RoomsAsked::Unwatch => self.chat.unwatch_rooms(self.id),
            RoomsAsked::Prefix(prefix) => {
                if let Err(refused) = self.find_rooms(&prefix).await {
                    self.refuse(refused, None, None);
                }
            }
        }
    }

    async fn find_rooms(&mut self, asked: &str) -> Result<(), Refused> {
        let prefix = self.chat.room_prefix(asked)?;
        let found = self.chat.rooms(&prefix, None, FOUND).await?;
        let rooms: Vec<_> = found
            .iter()
            .map(|found| RoomSize { id: &found.room, client_count: found.client_count })
            .collect();
        self.outbox.answer(&server::rooms_found(&prefix, &rooms));
        Ok(())
    }
}
