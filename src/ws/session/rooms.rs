//! The occupied rooms, for a session that asks.

use super::Session;
use crate::protocol::client::RoomsQuery;
use crate::protocol::server::{RoomSize, RoomsFrame};
use crate::protocol::{ErrorCode, Rejection};

/// Rooms in an answer.
const FOUND: usize = 50;

impl Session {
    pub(super) async fn tell_rooms(&mut self, query: RoomsQuery) -> Result<(), Rejection> {
        match query {
            // All who watch get the same list.
            RoomsQuery::Watch if !self.identity.scope.is_all() => {
                let message = "This token admits to some rooms only; ask for rooms by a prefix";
                return Err(Rejection::new(ErrorCode::Forbidden, message));
            }
            RoomsQuery::Watch => {
                if !self.await_replay().await {
                    return Ok(());
                }
                // The end of a watch takes the session out, so it comes before the next one.
                self.rooms_watch = None;
                let (watch, given) = self.chat.watch_rooms(self.id, self.outbox.clone());
                self.rooms_watch = Some(watch);
                self.replay().spend(given);
            }
            RoomsQuery::Unwatch => self.rooms_watch = None,
            RoomsQuery::Prefix(prefix) => return self.find_rooms(&prefix).await,
        }
        Ok(())
    }

    async fn find_rooms(&mut self, prefix: &str) -> Result<(), Rejection> {
        let prefix = self.chat.room_prefix(prefix)?;
        if !self.await_replay().await {
            return Ok(());
        }
        let found = self.chat.rooms(&prefix, None, FOUND).await?;
        let rooms: Vec<_> = found
            .iter()
            .filter(|found| self.identity.scope.admits(&found.room))
            .map(|found| RoomSize { id: &found.room, client_count: found.client_count })
            .collect();
        let given =
            self.send_counted(RoomsFrame::Rooms { prefix: Some(&prefix), rooms: &rooms, total: None });
        self.replay().spend(given);
        Ok(())
    }
}
