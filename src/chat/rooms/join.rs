//! Joining a room without hole or double: the order of steps is the guarantee.
//!
//! 1. The room is subscribed and knows its place (`Hub::open`).
//! 2. The session becomes a member in the backend, and a page of the log is read. The backend tells where the log
//!    stands at that moment, so a session to which no page has anything to give needs none.
//! 3. If the page ends before the room's place by more than the room keeps at hand, the session is
//!    given the page and reads on, at the pace of its socket.
//! 4. Under the room's lock it is given the rest and attached.

use std::sync::Arc;
use std::time::Duration;

use super::delivery::count_gap_error;
use super::room::{NotAttached, Room};
use super::sink::{FlushSet, RoomSession};
use crate::backend::{Delta, Entered, LeaveMode, MEMBERS_IN_JOINED, Page, Span, within};
use crate::chat::{Chat, JoiningReader, RoomAccess};
use crate::model::{LoggedMessage, Position, ReadBy};
use crate::protocol::server::{self, Entrance, RoomFrame, encode};
use crate::protocol::{ErrorCode, Rejection};
use crate::websocket::{CloseCode, Frame};

/// Pages that a session may need to come up with a room that goes on talking. At a page of
/// `history.max_page` messages each, no log is as long.
const PAGES: usize = 1000;

/// Wait for a room that is behind a session which joins it.
const ROOM_BEHIND: Duration = Duration::from_millis(20);

/// Wait before a log that could not be read is tried again.
const RETRY: Duration = Duration::from_millis(250);

/// Where a session begins in a room.
#[derive(Debug, Clone, Default)]
pub struct JoinPlace {
    /// The place that it has come to.
    pub since: Option<Position>,
    /// How many of the newest messages it wants otherwise.
    pub history: Option<usize>,
    /// The cursor of its user, if it may have one.
    pub reader: Option<JoiningReader>,
}

impl JoinPlace {
    /// Whether a session that enters while the log stands at `head` is given no message: it has them all, or wants none,
    /// or there are none.
    fn needs_no_page(&self, head: &Position) -> bool {
        match &self.since {
            Some(since) => since == head,
            None => head.seq == 0 || self.history == Some(0),
        }
    }
}

impl Chat {
    /// Opens a room for a session to join. While the backend is known not to answer, that is refused at
    /// once: what the session says next would wait for each of its joins in turn.
    pub async fn open(&self, access: &RoomAccess) -> Result<Arc<Room>, Rejection> {
        self.ensure_backend()?;
        let deadline = self.inner.config.redis.command_timeout;
        // Those who open a room together wait for one of them; none longer than for an answer.
        Ok(within(deadline, self.inner.hub.open(access.room())).await?)
    }

    /// Lets a session take part in a room: it is given `joined` (a full session) or the messages
    /// (a plain one), then everything that follows.
    ///
    /// `drained` is awaited between pages: it ends when the outbox is empty or closing. Returns the bytes that
    /// the session was given for its asking.
    pub async fn join<D>(
        &self,
        room: &Arc<Room>,
        session: &RoomSession,
        place: JoinPlace,
        drained: impl Fn() -> D + Send,
    ) -> Result<usize, Rejection>
    where
        D: Future<Output = ()> + Send,
    {
        let outcome = self.try_join(room, session, place, drained).await;
        if outcome.is_err() {
            // The client tries again. If it had just lost its connection, nobody learns that it was away.
            self.leave(room, &session.member, LeaveMode::AfterGracePeriod).await;
        }
        outcome
    }

    async fn try_join<D>(
        &self,
        room: &Arc<Room>,
        session: &RoomSession,
        place: JoinPlace,
        drained: impl Fn() -> D + Send,
    ) -> Result<usize, Rejection>
    where
        D: Future<Output = ()> + Send,
    {
        let user = &session.member.user_id;
        if !room.rules.has_member(user) {
            self.confirm_member(room, user).await?;
        }
        let reading = async { Ok(self.readers(room, session, place.reader.as_ref()).await) };
        let ((entered, start), readers) =
            tokio::try_join!(self.enter_and_start(room, session, &place), reading)?;
        self.confirm_member(room, user).await?;
        let mut position = start.position.clone();
        let mut frames = first_frames(room, session, &entered, &start, &readers);
        let (mut pages, mut given) = (0, 0);
        while pages < PAGES {
            given += frames.iter().map(Frame::len).sum::<usize>();
            match room.attach(session, &position, &mut frames) {
                Ok(()) => return Ok(given),
                Err(NotAttached::Expelled) => return Err(Rejection::room_not_found()),
                Err(NotAttached::TooFarBehind) => {}
            }
            give(session, &mut frames);
            drained().await;
            if session.sink.is_closing() {
                return Ok(given);
            }
            // Once it was told `joined` there is no way back: it would wait for what never comes.
            let Some(page) = self.next_page(room, session, &position).await? else { return Ok(given) };
            // The room may not know yet of what the page shows: a new epoch, say.
            self.inner.hub.compare_with(room, &page.head);
            let reached = follow(room, session, &position, &page, &mut frames);
            if reached == position {
                // All is read, and the room is not there yet: it is about to catch up.
                tokio::time::sleep(ROOM_BEHIND).await;
            } else {
                pages += 1;
            }
            position = reached;
        }
        // It has been given what it would be given again.
        session.sink.close(CloseCode::Slow);
        Ok(given)
    }

    /// The page after a place, as soon as the log can be read; `None` if the session closes meanwhile.
    ///
    /// # Errors
    /// `room_not_found` once the user is no member of a private room any more.
    async fn next_page(
        &self,
        room: &Room,
        session: &RoomSession,
        position: &Position,
    ) -> Result<Option<Arc<Page>>, Rejection> {
        loop {
            let reading = async {
                let page = self.history(&room.name, Span::After(position.clone()), usize::MAX).await?;
                self.confirm_member(room, &session.member.user_id).await?;
                Ok(page)
            };
            match reading.await {
                Ok(page) => return Ok(Some(page)),
                Err(rejection @ Rejection { code: ErrorCode::RoomNotFound, .. }) => return Err(rejection),
                Err(_) if session.sink.is_closing() => return Ok(None),
                Err(_) => tokio::time::sleep(RETRY).await,
            }
        }
    }

    async fn readers(&self, room: &Room, session: &RoomSession, reader: Option<&JoiningReader>) -> Readers {
        if !session.kind.marks_reading() {
            return Readers { own: self.joined_at(&room.name, reader).await, other: None };
        }
        let other = self.read_by_other(&room.name, &session.member.user_id);
        let (own, other) = tokio::join!(self.joined_at(&room.name, reader), other);
        Readers { own, other }
    }

    /// Enters, and finds the place to begin at. The page is read meanwhile, unless the room's place here tells that there
    /// is nothing to read; the place of the log at the entrance then shows whether that is so.
    async fn enter_and_start(
        &self,
        room: &Room,
        session: &RoomSession,
        place: &JoinPlace,
    ) -> Result<(Entered, Start), Rejection> {
        if !room.delivered().is_some_and(|delivered| place.needs_no_page(&delivered)) {
            return tokio::try_join!(self.enter(room, session), self.find_start(room, place));
        }
        let entered = self.enter(room, session).await?;
        let start = match entered.head.clone().filter(|head| place.needs_no_page(head)) {
            Some(head) => Start::at(head, place),
            None => self.find_start(room, place).await?,
        };
        Ok((entered, start))
    }

    async fn enter(&self, room: &Room, session: &RoomSession) -> Result<Entered, Rejection> {
        let entering = self.inner.backend.presence.enter(&room.name, &session.member);
        room.add_member(session);
        let entered = entering.await?;
        if !entered.is_announced {
            room.assume_joined(session.member.id);
        }
        // This node itself may have to put its sessions back first.
        Ok(if entered.is_complete { entered } else { self.count_again(room, entered).await })
    }

    /// Says who is in a room that a session has entered, as soon as that can be said. If it takes too long, as
    /// when another node has died as well, what is known must do: a count follows.
    async fn count_again(&self, room: &Room, entered: Entered) -> Entered {
        let asking = async {
            loop {
                match self.members_for_joined(&room.name, MEMBERS_IN_JOINED).await {
                    Ok(counted) => return counted,
                    Err(_) => tokio::time::sleep(RETRY).await,
                }
            }
        };
        match tokio::time::timeout(self.inner.config.redis.command_timeout, asking).await {
            Ok(page) => Entered {
                client_count: page.client_count,
                members: page.members.clone(),
                is_complete: true,
                ..entered
            },
            Err(_) => entered,
        }
    }

    async fn find_start(&self, room: &Room, place: &JoinPlace) -> Result<Start, Rejection> {
        if let Some(since) = place.since.clone() {
            let page = self.history(&room.name, Span::After(since), usize::MAX).await?;
            if page.is_whole() {
                return Ok(Start::new(Arc::unwrap_or_clone(page), IsRecovered::Yes));
            }
        }
        let wanted = place.history.unwrap_or(self.inner.config.history.on_join);
        let page = self.history(&room.name, Span::Newest, wanted).await?;
        let mut page = Arc::unwrap_or_clone(page);
        if wanted == 0 {
            page.messages.clear();
        }
        Ok(Start::new(page, IsRecovered::No))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum IsRecovered {
    Yes,
    No,
}

/// How far the user of a session, and the other one of a conversation, have read.
struct Readers {
    own: Option<u64>,
    other: Option<ReadBy>,
}

/// Where a session begins, and what it is given there.
struct Start {
    position: Position,
    messages: Vec<LoggedMessage>,
    is_recovered: IsRecovered,
}

impl Start {
    /// The start of a session that needs no page.
    fn at(head: Position, place: &JoinPlace) -> Self {
        let is_recovered = if place.since.is_some() { IsRecovered::Yes } else { IsRecovered::No };
        Self { position: head, messages: Vec::new(), is_recovered }
    }

    fn new(page: Page, is_recovered: IsRecovered) -> Self {
        // A recovered page may end before the head; the newest page ends there by its nature.
        let seq = match is_recovered {
            IsRecovered::Yes => page.end,
            IsRecovered::No => page.head.seq,
        };
        Self { position: Position { epoch: page.head.epoch, seq }, messages: page.messages, is_recovered }
    }
}

fn first_frames(
    room: &Room,
    session: &RoomSession,
    entered: &Entered,
    start: &Start,
    readers: &Readers,
) -> Vec<Frame> {
    let entrance = Entrance {
        room: &room.name,
        position: &start.position,
        is_recovered: start.is_recovered == IsRecovered::Yes,
        read_seq: readers.own,
        read_by: readers.other.as_ref(),
        client_count: entered.client_count,
        members: &entered.members,
        messages: &start.messages,
        notice: entered.notice.as_ref(),
    };
    server::entrance(&entrance, session.kind)
}

/// Appends what a later page tells the session, and returns the place after it.
fn follow(
    room: &Room,
    session: &RoomSession,
    from: &Position,
    page: &Page,
    frames: &mut Vec<Frame>,
) -> Position {
    let mut position = Position { epoch: page.head.epoch.clone(), seq: from.seq };
    for delta in page.deltas(from) {
        position.seq = delta.end();
        let frame = match &delta {
            Delta::Reset(position) => encode(&RoomFrame::reset(&room.name, position).into(), session.kind),
            Delta::Gap { of, .. } if !server::is_shown(*of, session.kind) => None,
            Delta::Gap { from, to, .. } => {
                count_gap_error(session);
                encode(&RoomFrame::Gap { room_id: &room.name, from: *from, to: *to }.into(), session.kind)
            }
            Delta::Message(message) => {
                server::is_shown(message.kind, session.kind).then(|| server::message(message))
            }
        };
        frames.extend(frame);
    }
    position
}

fn give(session: &RoomSession, frames: &mut Vec<Frame>) {
    let mut flushes = FlushSet::default();
    for frame in frames.drain(..) {
        flushes.push(&session.sink, &frame);
    }
    flushes.run_now();
}
