//! The notifications that one connection was given, so that it is given none twice, and none that its user has seen.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use crate::model::NotificationId;

/// Entries from which on old ones are looked for.
const MANY: usize = 256;

/// How long a notification may arrive after it was seen on another node.
const STRAGGLING: Duration = Duration::from_secs(60);

/// The notifications that a connection was given. Nothing is held while there are none: most sessions get none.
#[derive(Debug, Default)]
pub(in crate::chat) struct Given(Mutex<Option<Box<Entries>>>);

type Entries = HashMap<NotificationId, Entry>;

#[derive(Debug, Clone, Copy)]
struct Entry {
    state: State,
    since: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The client has it.
    Shown,
    /// The client was told that it needs to be shown no longer.
    Hidden,
}

impl Given {
    /// Whether the connection is to be given the notification now.
    pub(in crate::chat) fn show(&self, id: &NotificationId) -> bool {
        let mut entries = self.lock();
        let entries = entries.get_or_insert_default();
        if entries.contains_key(id) {
            return false;
        }
        entries.insert(id.clone(), Entry { state: State::Shown, since: Instant::now() });
        forget(entries);
        true
    }

    /// Whether the connection is to be told that the notification needs to be shown no longer.
    pub(in crate::chat) fn hide(&self, id: &NotificationId) -> bool {
        let mut entries = self.lock();
        let entry = Entry { state: State::Hidden, since: Instant::now() };
        let before = entries.get_or_insert_default().insert(id.clone(), entry);
        before.is_none_or(|before| before.state == State::Shown)
    }

    /// Whether the connection has the notification, and is to be told that it needs to be shown no longer.
    pub(in crate::chat) fn withdraw(&self, id: &NotificationId) -> bool {
        let mut entries = self.lock();
        let entry = entries.as_mut().and_then(|entries| entries.get_mut(id));
        let Some(entry) = entry.filter(|entry| entry.state == State::Shown) else { return false };
        *entry = Entry { state: State::Hidden, since: Instant::now() };
        true
    }

    /// Hides those that were given before `since` and are not in `owed`, which was read later. Returns them.
    pub(in crate::chat) fn hide_others(
        &self,
        owed: &HashSet<&NotificationId>,
        since: Instant,
    ) -> Vec<NotificationId> {
        let mut entries = self.lock();
        let Some(entries) = entries.as_mut() else { return Vec::new() };
        let is_over = |id: &NotificationId, entry: &Entry| {
            entry.state == State::Shown && entry.since < since && !owed.contains(id)
        };
        let over = entries.iter_mut().filter(|(id, entry)| is_over(id, entry));
        over.map(|(id, entry)| {
            *entry = Entry { state: State::Hidden, since: Instant::now() };
            id.clone()
        })
        .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Box<Entries>>> {
        self.0.lock().expect("no code panics while it holds this lock")
    }
}

/// Forgets those that were hidden long ago. The number of the others is bounded by the messages of admins.
fn forget(entries: &mut Entries) {
    if entries.len() < MANY {
        return;
    }
    entries.retain(|_, entry| entry.state == State::Shown || entry.since.elapsed() < STRAGGLING);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: usize) -> NotificationId {
        NotificationId::parse(&format!("n{number}")).unwrap()
    }

    #[test]
    fn a_connection_is_given_each_notification_once_and_none_that_was_seen() {
        let given = Given::default();
        assert!(given.show(&id(1)) && !given.show(&id(1)));
        assert!(given.hide(&id(1)) && !given.hide(&id(1)));
        assert!(!given.show(&id(1)));
        assert!(!given.withdraw(&id(1)) && !given.withdraw(&id(2)), "it does not have them");
        assert!(given.hide(&id(2)), "its session may know it");
        assert!(!given.show(&id(2)), "it was seen before it arrived");
    }

    #[test]
    fn a_notification_that_is_no_longer_owed_is_hidden_unless_it_came_after_the_read() {
        let given = Given::default();
        given.show(&id(1));
        given.show(&id(2));
        let asked = Instant::now();
        given.show(&id(3));
        let owed = id(2);
        assert_eq!(given.hide_others(&[&owed].into(), asked), [id(1)]);
        assert!(given.hide_others(&[&owed].into(), asked).is_empty());
    }
}
