//! What one client was told, with times, in the order in which it was told.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

/// A place in a room's log.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// The epoch.
    pub epoch: String,
    /// The number in it.
    pub seq: u64,
}

/// A message as a client is given it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Its number.
    pub seq: u64,
    /// Its id.
    pub id: String,
    /// What was said; unlike any other message of the run.
    pub content: String,
}

/// Whether a client asks for `adda.v1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// It does: acks, places, gaps and resets.
    Full,
    /// It doesn't, and has only what comes.
    Plain,
}

/// Which notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Notice {
    /// Somebody came.
    Join,
    /// Somebody went.
    Leave,
}

/// Who ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The server or the network, with this code (1006 without a close frame).
    Server(u16),
    /// The client, since nothing came for too long.
    Silence,
    /// The client, since the run is over or a test wanted it.
    Wanted,
}

/// One thing that a client was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A connection began, and this is who it speaks for. A plain session learns its user later.
    Connected {
        /// The port that it goes through.
        port: u16,
        /// The node behind it. Empty for a plain session, as the next.
        node_id: String,
        /// What REST names it by.
        connection_id: String,
    },
    /// The user that it speaks for.
    User(String),
    /// It is in the room. `since` is what it had asked for.
    Joined {
        /// The place that it asked to go on after.
        since: Option<Place>,
        /// The place after `messages`.
        at: Place,
        /// Whether all after `since` follows.
        is_recovered: bool,
        /// The page that came along.
        messages: Vec<Received>,
    },
    /// A message.
    Text(Received),
    /// These numbers are lost.
    Gap {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// A new epoch goes on after this place.
    Reset(Place),
    /// A plain session's word for a gap.
    Skipped,
    /// Somebody came or went.
    Notice {
        /// Which.
        kind: Notice,
        /// Who.
        user_id: String,
    },
    /// What it said is logged.
    Acked {
        /// Where.
        place: Place,
        /// As which message.
        message: Received,
    },
    /// What it sent was refused with this code.
    Refused(String),
    /// The connection is over.
    Ended(End),
}

/// All that a client was told.
#[derive(Debug, Clone)]
pub struct Memory {
    /// Its name, unlike any other's.
    pub name: String,
    /// What it asks for.
    pub dialect: Dialect,
    /// The one room that it is in.
    pub room: String,
    /// Since when each thing is known.
    pub events: Vec<(Instant, Told)>,
    /// Ids of the messages in `events`.
    pub ids: HashSet<String>,
    /// Whether something that it said waits for its ack.
    pub is_waiting: bool,
    /// Whether it is away for good.
    pub is_gone: bool,
}

impl Memory {
    /// An empty one.
    pub fn new(name: &str, dialect: Dialect, room: &str) -> Self {
        let (name, room) = (name.to_owned(), room.to_owned());
        Self {
            name,
            dialect,
            room,
            events: Vec::new(),
            ids: HashSet::new(),
            is_waiting: false,
            is_gone: false,
        }
    }

    /// Remembers something that was told at a time.
    pub fn note_at(&mut self, at: Instant, told: Told) {
        match &told {
            Told::Joined { messages, .. } => {
                self.ids.extend(messages.iter().map(|message| message.id.clone()))
            }
            Told::Text(message) => drop(self.ids.insert(message.id.clone())),
            _ => {}
        }
        self.events.push((at, told));
    }

    /// What it was told, without times.
    pub fn told(&self) -> impl Iterator<Item = &Told> {
        self.events.iter().map(|(_, told)| told)
    }

    /// The ids of what it was told is logged.
    pub fn ids_acked(&self) -> impl Iterator<Item = &str> {
        self.told().filter_map(|told| match told {
            Told::Acked { message, .. } => Some(message.id.as_str()),
            _ => None,
        })
    }

    /// Its sessions in the room, oldest first.
    pub fn sessions(&self) -> Vec<Session> {
        let mut sessions: Vec<Session> = Vec::new();
        let (mut connection, mut node, mut user, mut through) =
            (String::new(), String::new(), String::new(), 0);
        for (at, told) in &self.events {
            match told {
                Told::Connected { port, node_id, connection_id } => {
                    (connection, node, through) = (connection_id.clone(), node_id.clone(), *port);
                }
                Told::User(user_id) => user.clone_from(user_id),
                // Asked twice since the first answer was late: still the same stay.
                Told::Joined { .. } if sessions.last().is_some_and(|last| last.to.is_none()) => {}
                Told::Joined { .. } => sessions.push(Session {
                    connection_id: connection.clone(),
                    node_id: node.clone(),
                    user_id: user.clone(),
                    port: through,
                    from: *at,
                    to: None,
                }),
                Told::Ended(_) => {
                    let open = sessions.last_mut().filter(|session| session.to.is_none());
                    open.into_iter().for_each(|session| session.to = Some(*at));
                }
                _ => {}
            }
        }
        sessions
    }
}

/// A client's stay in its room over one connection.
#[derive(Debug, Clone)]
pub struct Session {
    /// Empty for a plain session, as the next.
    pub connection_id: String,
    /// The node that holds it.
    pub node_id: String,
    /// Who it speaks for.
    pub user_id: String,
    /// The port that it goes through.
    pub port: u16,
    /// Since when it knows that it is in the room.
    pub from: Instant,
    /// When it knew that it no longer was.
    pub to: Option<Instant>,
}

impl Session {
    /// What REST names it by: plain sessions don't know their connection.
    pub fn key(&self) -> &str {
        if self.connection_id.is_empty() { &self.user_id } else { &self.connection_id }
    }
}

/// A memory that its client writes and others read.
#[derive(Debug, Clone)]
pub struct SharedMemory(Arc<Mutex<Memory>>);

impl SharedMemory {
    /// Shares an empty one.
    pub fn new(memory: Memory) -> Self {
        Self(Arc::new(Mutex::new(memory)))
    }

    /// For a few lines, never across an await.
    pub fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().expect("nobody panics while holding it")
    }

    /// Remembers what was told just now.
    pub fn note(&self, told: Told) {
        self.lock().note_at(Instant::now(), told);
    }
}
