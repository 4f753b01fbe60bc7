//! The messages of a writer: texts, and changes of the texts that it received last.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::messages::{Action, Change, Entry, Received};

/// The texts of a room that a writer may change.
const KNOWN: usize = 20;
const EMOJI: [&str; 3] = ["👍", "❤️", "🎉"];

/// The texts that a writer knows of its room, and the number of its own messages.
#[derive(Debug, Default)]
pub struct Speech {
    said: usize,
    known: VecDeque<Known>,
}

#[derive(Debug, Clone, Copy)]
struct Known {
    seq: u64,
    is_own: bool,
}

/// Something said.
#[derive(Debug, Clone)]
pub enum Saying {
    /// A new text of this content.
    Text(String),
    /// A change of an earlier one.
    Change {
        /// The number of the text.
        target: u64,
        /// Its action.
        action: Action,
    },
}

impl Speech {
    /// A text is in the room.
    pub fn learn(&mut self, seq: u64, is_own: bool) {
        self.known.push_back(Known { seq, is_own });
        if self.known.len() > KNOWN {
            self.known.pop_front();
        }
    }

    /// A text is deleted or lost.
    pub fn forget(&mut self, seq: u64) {
        self.known.retain(|known| known.seq != seq);
    }

    /// The numbers of the room may name other texts now.
    pub fn forget_all(&mut self) {
        self.known.clear();
    }

    /// The next saying of a writer: more than half are texts.
    pub fn next(&mut self, name: &str) -> Saying {
        self.said += 1;
        let change = match fastrand::u8(..12) {
            0..2 => {
                self.any(true).map(|target| (target, Action::Edit(format!("{name} rewrites {}", self.said))))
            }
            2 => self.any(true).map(|target| (target, Action::Delete)),
            3..5 => self.any(false).map(|target| (target, reaction())),
            _ => None,
        };
        match change {
            Some((target, action)) => Saying::Change { target, action },
            None => Saying::Text(format!("{name} says {}", self.said)),
        }
    }

    fn any(&self, of_own: bool) -> Option<u64> {
        let known = self.known.iter().filter(|known| known.is_own || !of_own).map(|known| known.seq);
        fastrand::choice(known.collect::<Vec<_>>())
    }
}

fn reaction() -> Action {
    let emoji = EMOJI[fastrand::usize(..EMOJI.len())].to_owned();
    // Most are added: a user takes back only what it has added before.
    Action::React { emoji, is_on: fastrand::u8(..3) > 0 }
}

impl Saying {
    /// The frame that says it.
    pub fn frame(&self, room: &str, nonce: &str) -> Value {
        let mut frame = match self {
            Self::Text(content) => json!({ "type": "text", "content": content }),
            Self::Change { target, action } => {
                let mut frame = match action {
                    Action::Edit(content) => json!({ "type": "edit", "content": content }),
                    Action::Delete => json!({ "type": "delete" }),
                    Action::React { emoji, is_on } => json!({ "type": "react", "emoji": emoji, "on": is_on }),
                };
                frame["ref"] = (*target).into();
                frame
            }
        };
        frame["room_id"] = room.into();
        frame["nonce"] = nonce.into();
        frame
    }

    /// The message that it became.
    pub fn logged(self, seq: u64, id: &str, user_id: &str) -> Received {
        match self {
            Self::Text(content) => Received::text(seq, id, &content),
            Self::Change { target, action } => {
                let change = Change { target, user_id: user_id.to_owned(), action };
                Received { seq, id: id.to_owned(), entry: Entry::Change(change) }
            }
        }
    }
}
