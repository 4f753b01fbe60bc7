//! The messages of a room as clients receive them: texts as they are now, and changes of texts.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// A message as a client receives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    /// Its number.
    pub seq: u64,
    /// Its id.
    pub id: String,
    /// Its text or change.
    pub entry: Entry,
}

/// The body of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A text as it was when the message was sent to the client.
    Text(Shown),
    /// A change of a text.
    Change(Change),
}

/// A text as a client shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Shown {
    /// Its content, unique within the run; empty once it is deleted.
    pub content: String,
    /// Whether it was deleted.
    pub is_deleted: bool,
    /// The reactions by emoji.
    pub reactions: BTreeMap<String, Reacted>,
    /// The number of the newest change in this; 0 without one.
    pub changed: u64,
}

/// The reactions of one kind to a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reacted {
    /// How many users reacted.
    pub count: usize,
    /// Their ids; all of them, since no run has more users in a room than a page shows.
    pub users: BTreeSet<String>,
}

/// A change of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The number of the text.
    pub target: u64,
    /// The user who made it.
    pub user_id: String,
    /// Its action.
    pub action: Action,
}

/// The action of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Gives the text this content. From a log it is the content that the text has now.
    Edit(String),
    /// Deletes the text.
    Delete,
    /// Adds a reaction or takes it back.
    React {
        /// The reaction.
        emoji: String,
        /// Whether it is added.
        is_on: bool,
    },
}

impl Received {
    /// A text that was not changed.
    pub fn text(seq: u64, id: &str, content: &str) -> Self {
        let shown = Shown { content: content.to_owned(), ..Shown::default() };
        Self { seq, id: id.to_owned(), entry: Entry::Text(shown) }
    }

    /// A message of a session, a page or REST.
    pub fn parse(message: &Value) -> Self {
        let action = match message["type"].as_str() {
            Some("edit") => Some(Action::Edit(text(&message["content"]))),
            Some("delete") => Some(Action::Delete),
            Some("reaction") => {
                Some(Action::React { emoji: text(&message["emoji"]), is_on: message["on"] == true })
            }
            _ => None,
        };
        let entry = match action {
            Some(action) => {
                let target = message["ref"].as_u64().unwrap_or_default();
                Entry::Change(Change { target, user_id: text(&message["user_id"]), action })
            }
            None => Entry::Text(Shown::parse(message)),
        };
        Self { seq: message["seq"].as_u64().unwrap_or_default(), id: text(&message["id"]), entry }
    }

    /// Its content if it is a text.
    pub fn content(&self) -> Option<&str> {
        match &self.entry {
            Entry::Text(shown) => Some(&shown.content),
            Entry::Change(_) => None,
        }
    }
}

impl Shown {
    fn parse(message: &Value) -> Self {
        let mut reactions = BTreeMap::new();
        for (emoji, reacted) in message["reactions"].as_object().into_iter().flatten() {
            let count = reacted["count"].as_u64().unwrap_or_default() as usize;
            let users = reacted["users"].as_array().into_iter().flatten().map(text).collect();
            reactions.insert(emoji.clone(), Reacted { count, users });
        }
        Self {
            content: text(&message["content"]),
            is_deleted: message["deleted"] == true,
            reactions,
            changed: message["changed"].as_u64().unwrap_or_default(),
        }
    }

    /// Applies the change of this number, unless it is contained already.
    pub fn apply(&mut self, seq: u64, change: &Change) {
        if seq <= self.changed {
            return;
        }
        self.changed = seq;
        match &change.action {
            Action::Edit(content) => self.content.clone_from(content),
            Action::Delete => *self = Self { is_deleted: true, changed: seq, ..Self::default() },
            Action::React { emoji, is_on } => {
                let reacted = self.reactions.entry(emoji.clone()).or_default();
                match is_on {
                    true => reacted.users.insert(change.user_id.clone()),
                    false => reacted.users.remove(&change.user_id),
                };
                reacted.count = reacted.users.len();
                self.reactions.retain(|_, reacted| reacted.count > 0);
            }
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
