//! Search: the messages of a room, or of all rooms of a user, that contain a text. There is no index: a call reads a bounded part of
//! the log, the newest messages first, and says where the next call goes on. So a search sees what any page shows: messages as they are
//! now, and none that is deleted.

mod folding;

use std::borrow::Cow;

use serde::Deserialize;

use self::folding::fold;
use super::{Action, Chat, Identity, Principal, RoomAccess};
use crate::backend::{Excerpt, Span};
use crate::model::{EntryKind, LoggedMessage, RoomName, UserId};
use crate::protocol::{ErrorCode, Rejection};

/// Characters of what is sought, at most, as they are compared.
const SOUGHT_CHARS: usize = 100;

/// Messages that one call reads, at most.
const MESSAGES: usize = 1000;

/// Pages that one call reads, at most: many rooms have few messages.
const PAGES: usize = 30;

/// Messages of a page. It is looked through at once, so it must not be long.
const PAGE: usize = 100;

/// The messages that are sought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    folded: String,
    from: Option<UserId>,
    limit: usize,
}

/// The messages that one call has found, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found<P> {
    /// As they are now.
    pub messages: Vec<LoggedMessage>,
    /// Where the next call goes on, if there is more to look at.
    pub next: Option<P>,
}

/// A place in the search of several rooms, which are gone through by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundPlace {
    /// The room.
    pub room: RoomName,
    /// Messages below this number remain there; `None`: all of them.
    pub before: Option<u64>,
}

/// The rest that a call may read, and the messages that it has found.
struct Reading<'a> {
    search: &'a Search,
    messages: usize,
    pages: usize,
    found: Vec<LoggedMessage>,
}

/// The fields that are compared.
#[derive(Deserialize)]
struct Compared<'a> {
    #[serde(borrow)]
    user_id: Cow<'a, str>,
    #[serde(borrow)]
    content: Cow<'a, str>,
}

impl Search {
    /// A search for messages that contain a text, of one author or of all, at most `limit` (at least 1) a call.
    ///
    /// # Errors
    /// `bad_request` if nothing is left of the text, or too much.
    pub fn parse(text: &str, from: Option<UserId>, limit: usize) -> Result<Self, Rejection> {
        // A text of many times the limit is not worth folding.
        let folded = if text.len() <= 64 * SOUGHT_CHARS { fold(text) } else { String::new() };
        if folded.trim().is_empty() || folded.chars().count() > SOUGHT_CHARS {
            let sentence = format!("q must be a text of 1 to {SOUGHT_CHARS} characters");
            return Err(Rejection::new(ErrorCode::BadRequest, sentence));
        }
        Ok(Self { folded, from, limit })
    }

    fn matches(&self, message: &LoggedMessage) -> bool {
        if message.kind != EntryKind::Text {
            return false;
        }
        let Ok(Compared { user_id, content }) = serde_json::from_slice(&message.json) else { return false };
        self.from.as_ref().is_none_or(|from| from.as_str() == user_id)
            && fold(&content).contains(&self.folded)
    }
}

impl<'a> Reading<'a> {
    fn new(search: &'a Search) -> Self {
        Self { search, messages: MESSAGES, pages: PAGES, found: Vec::new() }
    }

    fn is_over(&self) -> bool {
        self.pages == 0 || self.messages == 0 || self.found.len() >= self.search.limit
    }

    /// The messages of the next page.
    fn page(&self) -> usize {
        PAGE.min(self.messages)
    }

    /// Looks through a page. Returns the number below which to go on, if there is more.
    fn look(&mut self, page: Excerpt) -> Option<u64> {
        let Excerpt { messages, next, .. } = page;
        self.pages -= 1;
        self.messages -= messages.len().min(self.messages);
        let oldest = messages.first().map(|message| message.seq);
        for message in messages.into_iter().rev() {
            let seq = message.seq;
            if self.search.matches(&message) {
                self.found.push(message);
            }
            if self.found.len() >= self.search.limit {
                let is_last = next.is_none() && oldest == Some(seq);
                return (!is_last).then_some(seq);
            }
        }
        next
    }
}

impl Chat {
    /// Searches a room, from a number downwards or from its newest message.
    ///
    /// # Errors
    /// `room_not_found` if the user was removed meanwhile; `unavailable`.
    pub async fn search_room(
        &self,
        access: &RoomAccess,
        search: &Search,
        before: Option<u64>,
    ) -> Result<Found<u64>, Rejection> {
        self.ensure_backend()?;
        let _slot = self.inner.reads.slot()?;
        let mut reading = Reading::new(search);
        let next = self.look_through(access, &mut reading, before).await?;
        Ok(Found { messages: reading.found, next })
    }

    /// Searches the rooms of a user, by name from a place on. The messages of one call are the newest first, whatever their rooms.
    ///
    /// # Errors
    /// `unavailable`
    pub async fn search_my_rooms(
        &self,
        by: &Identity,
        search: &Search,
        place: Option<FoundPlace>,
    ) -> Result<Found<FoundPlace>, Rejection> {
        self.ensure_backend()?;
        let _slot = self.inner.reads.slot()?;
        let listed = self.listed_rooms(by).await?;
        let rooms = listed.into_iter().filter(|room| place.as_ref().is_none_or(|place| *room >= place.room));
        let mut reading = Reading::new(search);
        let mut next = None;
        for room in rooms {
            if reading.is_over() {
                next = Some(FoundPlace { room, before: None });
                break;
            }
            let before = place.as_ref().filter(|place| place.room == room).and_then(|place| place.before);
            let before = match self.look_through_mine(by, &room, &mut reading, before).await {
                Ok(before) => before,
                Err(Rejection { code: ErrorCode::RoomNotFound, .. }) => continue,
                Err(rejection) => return Err(rejection),
            };
            if before.is_some() {
                next = Some(FoundPlace { room, before });
                break;
            }
        }
        let mut messages = reading.found;
        // Their ids begin with their time, but it is the log's time that counts.
        messages.sort_by_cached_key(|message| std::cmp::Reverse(logged_at(message)));
        Ok(Found { messages, next })
    }

    async fn look_through_mine(
        &self,
        by: &Identity,
        room: &RoomName,
        reading: &mut Reading<'_>,
        before: Option<u64>,
    ) -> Result<Option<u64>, Rejection> {
        let access = self.check_access(Principal::User(by), Action::Read, room).await?;
        let found = reading.found.len();
        let next = self.look_through(&access, reading, before).await;
        if next.is_err() {
            reading.found.truncate(found);
        }
        next
    }

    /// Reads a room downwards until it ends or the call may read no more. Returns the number below which to go on.
    async fn look_through(
        &self,
        access: &RoomAccess,
        reading: &mut Reading<'_>,
        before: Option<u64>,
    ) -> Result<Option<u64>, Rejection> {
        let mut span = before.map_or(Span::Newest, Span::Before);
        let next = loop {
            let page = self.inner.backend.log.peek(access.room(), span, reading.page()).await?;
            match reading.look(page) {
                Some(next) if !reading.is_over() => span = Span::Before(next),
                next => break next,
            }
        };
        self.recheck_access(access).await?;
        Ok(next)
    }
}

/// When a message was logged.
fn logged_at(message: &LoggedMessage) -> String {
    #[derive(Deserialize)]
    struct Timed {
        timestamp: String,
    }
    serde_json::from_slice(&message.json).map_or_else(|_| String::new(), |Timed { timestamp }| timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Epoch;

    fn message(seq: u64, content: &str) -> LoggedMessage {
        let json = serde_json::json!({"id": "i", "room_id": "r", "user_id": "u", "username": "n", "content": content,
            "type": "text", "timestamp": "t", "seq": seq});
        LoggedMessage::read(&Epoch::new("e"), seq, json.to_string().into()).expect("it is a message")
    }

    fn page(seqs: std::ops::RangeInclusive<u64>, next: Option<u64>) -> Excerpt {
        let messages = seqs.map(|seq| message(seq, if seq % 2 == 0 { "even" } else { "odd" })).collect();
        Excerpt { epoch: None, messages, next }
    }

    fn search(text: &str, limit: usize) -> Search {
        Search::parse(text, None, limit).expect("it may be sought")
    }

    #[test]
    fn a_page_goes_on_below_the_last_message_that_was_looked_at() {
        let all = search("EVEN", 10);
        let mut reading = Reading::new(&all);
        assert_eq!(reading.look(page(5..=9, Some(5))), Some(5));
        assert_eq!(reading.look(page(1..=4, None)), None);
        assert_eq!(reading.found.iter().map(|message| message.seq).collect::<Vec<_>>(), [8, 6, 4, 2]);
        let one = search("even", 1);
        assert_eq!(Reading::new(&one).look(page(5..=9, None)), Some(8), "there is more below it");
        assert_eq!(Reading::new(&one).look(page(2..=3, None)), None, "there is none below it");
        assert_eq!(Reading::new(&one).look(page(2..=3, Some(2))), Some(2));
    }

    #[test]
    fn one_call_reads_a_bounded_number_of_messages_and_pages() {
        let none = search("neither", 10);
        let mut reading = Reading::new(&none);
        let mut read = 0;
        while !reading.is_over() {
            read += reading.page();
            assert_eq!(reading.look(page(1..=reading.page() as u64, Some(1))), Some(1));
        }
        assert_eq!(read, MESSAGES);
        let mut reading = Reading::new(&none);
        let pages = (0..).take_while(|_| {
            let goes_on = !reading.is_over();
            if goes_on {
                reading.look(page(1..=1, None));
            }
            goes_on
        });
        assert_eq!(pages.count(), PAGES);
    }

    #[test]
    fn blanks_around_a_sought_text_are_a_part_of_it() {
        assert!(search("od", 1).matches(&message(1, "odd")));
        for (sought, found, other) in [("odd ", "odd one", "odd"), (" odd", "an odd", "odd one")] {
            assert!(search(sought, 1).matches(&message(1, found)), "{sought:?} in {found}");
            assert!(!search(sought, 1).matches(&message(1, other)), "{sought:?} in {other}");
        }
    }

    #[test]
    fn a_sought_text_has_1_to_100_characters() {
        for text in ["", "  \n", "\u{200d}", &"x".repeat(101), &"ক".repeat(20_000)] {
            assert_eq!(
                Search::parse(text, None, 1).map_err(|rejection| rejection.code),
                Err(ErrorCode::BadRequest)
            );
        }
        assert!(Search::parse(&"ক".repeat(100), None, 1).is_ok());
    }
}
