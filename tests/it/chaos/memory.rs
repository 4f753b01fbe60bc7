//! The recorded events of one client: the frames that it received and the ends of its connections, with times, in order.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Instant;

use super::messages::Received;

/// A position in a room's log.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Place {
    /// The epoch.
    pub epoch: String,
    /// The number in it.
    pub seq: u64,
}

/// Whether a client asks for `adda.v1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// It does: it receives acks, positions, gaps and resets.
    Full,
    /// It does not: it receives only messages and notices.
    Plain,
}

/// The kind of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Notice {
    /// A user joined.
    Join,
    /// A user left.
    Leave,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// By the server or the network, with this code (1006 without a close frame).
    Server(u16),
    /// By the client, after too long a silence.
    Silence,
    /// By the client, at the end of the run or on request of a test.
    Wanted,
}

/// One event of a client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A connection began.
    Connected {
        /// The port that it connected to.
        port: u16,
        /// The node behind the port; empty for a plain session, as is `connection_id`.
        node_id: String,
        /// Its id in REST answers.
        connection_id: String,
    },
    /// The user of the connection. A plain session learns it by its own join notice.
    User(String),
    /// It is in the room.
    Joined {
        /// The position that it asked to resume from.
        since: Option<Place>,
        /// The position after `messages`.
        at: Place,
        /// Whether all messages after `since` follow.
        is_recovered: bool,
        /// The page in the answer.
        messages: Vec<Received>,
    },
    /// A message: a text or a change.
    Message(Received),
    /// These numbers are lost.
    Gap {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// A new epoch continues after this position.
    Reset(Place),
    /// A gap, as a plain session receives it.
    Skipped,
    /// A join or leave notice.
    Notice {
        /// Its kind.
        kind: Notice,
        /// The user.
        user_id: String,
    },
    /// A post or change of this client was acknowledged.
    Acked {
        /// Its position.
        place: Place,
        /// The message.
        message: Received,
    },
    /// A frame of this client was refused with this code.
    Refused(String),
    /// The connection is over.
    Ended(End),
}

/// All recorded events of a client.
#[derive(Debug, Clone)]
pub struct Memory {
    /// Its name, unlike any other's.
    pub name: String,
    /// Its subprotocol.
    pub dialect: Dialect,
    /// The one room that it is in.
    pub room: String,
    /// The events with the times of their receipt.
    pub events: Vec<(Instant, Told)>,
    /// Ids of the messages in `events`.
    pub ids: HashSet<String>,
    /// Whether a post waits for its ack.
    pub is_waiting: bool,
    /// Whether it has left for good.
    pub is_gone: bool,
    /// Upgrades that it gave up, each of which a node may have completed: as a plain session, in the room, of a user that
    /// the client never learned of.
    pub given_up: usize,
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
            given_up: 0,
        }
    }

    /// Records an event with its time.
    pub fn note_at(&mut self, at: Instant, told: Told) {
        match &told {
            Told::Joined { messages, .. } => {
                self.ids.extend(messages.iter().map(|message| message.id.clone()))
            }
            Told::Message(message) => drop(self.ids.insert(message.id.clone())),
            _ => {}
        }
        self.events.push((at, told));
    }

    /// The events without times.
    pub fn told(&self) -> impl Iterator<Item = &Told> {
        self.events.iter().map(|(_, told)| told)
    }

    /// The ids of its acknowledged posts.
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
                // A second answer to a repeated join: the session is the same.
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

/// A client's membership of its room over one connection.
#[derive(Debug, Clone)]
pub struct Session {
    /// Empty for a plain session, as is `node_id`.
    pub connection_id: String,
    /// The node that holds it.
    pub node_id: String,
    /// Its user.
    pub user_id: String,
    /// The port that it connected to.
    pub port: u16,
    /// The time of the answer to its join.
    pub from: Instant,
    /// The time at which it learned of its end.
    pub to: Option<Instant>,
}

impl Session {
    /// Its id in REST answers: the user id for a plain session, which does not know its connection id.
    pub fn key(&self) -> &str {
        if self.connection_id.is_empty() { &self.user_id } else { &self.connection_id }
    }
}

/// A record that its client writes and others read.
#[derive(Debug, Clone)]
pub struct SharedMemory(Arc<Mutex<Memory>>);

impl SharedMemory {
    /// Shares a record.
    pub fn new(memory: Memory) -> Self {
        Self(Arc::new(Mutex::new(memory)))
    }

    /// Locks the record, for a few lines and never across an await.
    pub fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().expect("no holder panics")
    }

    /// Records an event with the current time.
    pub fn note(&self, told: Told) {
        self.lock().note_at(Instant::now(), told);
    }
}
