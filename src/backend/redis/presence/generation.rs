//! Whether what Redis holds of the rooms is the whole.
//!
//! A Redis that was emptied, restored, or restarted without its last second holds less than the
//! nodes know. Each node puts its own sessions back; until every node that was alive before has,
//! an answer about who is where would be short, so none is given. A node that does not come back
//! within a lease is dead, and its sessions are missing rightly.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use tracing::warn;

use crate::backend::lease::Lease;
use crate::backend::redis::client::role::ConnectionObserver;
use crate::backend::{BackendError, Result};
use crate::model::NodeId;
use crate::telemetry::meters;

/// What this node knows of generations; a cheap handle. Written by the renewal of the lease and by
/// restorations, read by every answer about who is where.
#[derive(Debug, Clone, Default)]
pub struct Generations {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// The one that Redis was in at the last renewal.
    current: String,
    /// The one that this node has put its sessions back in.
    restored: String,
    /// The one in which every node has.
    settled: String,
    /// The nodes that lived in the settled one.
    known: BTreeSet<String>,
    /// The history of the Redis that has the leases, as the last renewal told.
    history: String,
    /// The history that each server was last found in.
    histories: BTreeMap<String, String>,
    /// Servers that were found in another history since the last generation began, each with the one before.
    left: BTreeMap<String, String>,
    /// The histories that a renewal has told of. One that none has may begin a new generation.
    told: BTreeSet<String>,
}

/// What a renewal told of, and heard.
#[derive(Debug, Clone, Copy)]
pub struct Heard<'a> {
    /// The histories that it told of.
    pub told: &'a [String],
    /// That of the Redis that answered.
    pub history: &'a str,
    pub generation: &'a str,
    /// The living nodes, with the generation that each has restored.
    pub living: &'a [(String, String)],
}

/// Who must have put their sessions back before this node vouches for the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaited {
    /// All, and not all have renewed since this node first did: there may be some that it does not know.
    Unknown,
    /// The nodes that it knows.
    Known,
    /// The generation has lasted a lease: who is not back is dead.
    Nobody,
}

impl Generations {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code panics while it holds this lock")
    }

    /// The generation that this node has restored its sessions in; empty: none.
    pub fn restored(&self) -> String {
        self.lock().restored.clone()
    }

    /// What a renewal must tell.
    pub fn histories(&self) -> Vec<String> {
        self.lock().histories.values().cloned().collect()
    }

    /// The generation in which a restoration begins now.
    pub fn current(&self) -> String {
        self.lock().current.clone()
    }

    /// This node has put its sessions back in `generation`.
    pub fn restore(&self, generation: String) {
        self.lock().restored = generation;
    }

    /// Takes in what a renewal of this node has heard.
    pub fn see(&self, heard: &Heard<'_>, awaited: Awaited, this: NodeId) -> Lease {
        let Heard { told, history, generation, living } = *heard;
        let mut state = self.lock();
        state.report_loss(history, generation);
        state.told.extend(told.iter().cloned());
        if state.current.is_empty() {
            // The first renewal: whatever this node has entered, it entered in this generation.
            generation.clone_into(&mut state.restored);
        }
        generation.clone_into(&mut state.current);
        if state.restored != generation {
            return Lease::Expired;
        }
        if awaited == Awaited::Unknown {
            state.known.extend(living.iter().map(|(id, _)| id.clone()));
            return Lease::Incomplete;
        }
        let this = this.to_string();
        let has_restored = |node: &String| {
            *node == this || living.iter().any(|(id, restored)| id == node && restored == generation)
        };
        if state.settled != generation && awaited == Awaited::Known && !state.known.iter().all(has_restored) {
            return Lease::Incomplete;
        }
        generation.clone_into(&mut state.settled);
        state.known = living.iter().map(|(id, _)| id.clone()).collect();
        Lease::Held
    }

    /// Whether what was read just before Redis named this generation is the whole. Before the
    /// first renewal there is nothing to compare with.
    ///
    /// # Errors
    /// Unavailable, for a moment.
    pub fn vouch(&self, generation: Option<&str>) -> Result<()> {
        let state = self.lock();
        let is_settled = state.histories.values().all(|history| state.told.contains(history))
            && generation == Some(state.settled.as_str());
        if state.current.is_empty() || is_settled {
            return Ok(());
        }
        Err(BackendError::Unavailable("not every node has put its sessions back yet".into()))
    }
}

impl ConnectionObserver for Generations {
    fn found_replid(&self, server: &str, replid: &str) {
        let mut state = self.lock();
        let before = state.histories.insert(server.to_owned(), replid.to_owned());
        if let Some(before) = before.filter(|before| before != replid) {
            state.left.insert(server.to_owned(), before);
        }
    }

    /// Forgets the servers that are masters no longer.
    fn masters_changed(&self, servers: &[String]) {
        self.lock().histories.retain(|server, _| servers.contains(server));
    }
}

impl State {
    /// Tells the operator that Redis may have lost data.
    fn report_loss(&mut self, history: &str, generation: &str) {
        let before = std::mem::replace(&mut self.history, history.to_owned());
        let left = std::mem::take(&mut self.left);
        if self.current.is_empty() || self.current == generation {
            return;
        }
        meters().generations.increment(1);
        let moved = |(server, old): (&String, &String)| {
            let new = self.histories.get(server).filter(|new| *new != old)?;
            Some(format!("{server}: {old} to {new}"))
        };
        let others = left.iter().filter_map(moved).collect::<Vec<_>>().join(", ");
        if before == history && others.is_empty() {
            warn!(
                old_replid = before,
                new_replid = history,
                generation,
                "Redis was emptied; its messages are lost"
            );
        } else {
            warn!(
                old_replid = before,
                new_replid = history,
                servers = others,
                generation,
                "Redis restarted or failed over; it may have lost data"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn see(
        generations: &Generations,
        (told, generation): (&[String], &str),
        living: &[(String, String)],
        awaited: Awaited,
        this: NodeId,
    ) -> Lease {
        generations.see(&Heard { told, history: "h", generation, living }, awaited, this)
    }

    fn living(nodes: &[(&str, &str)]) -> Vec<(String, String)> {
        nodes.iter().map(|(id, restored)| ((*id).to_owned(), (*restored).to_owned())).collect()
    }

    #[test]
    fn nobody_answers_before_all_have_put_their_sessions_back() {
        let (generations, this) = (Generations::default(), NodeId::random());
        let me = this.to_string();
        assert_eq!(
            see(&generations, (&[], "one"), &living(&[(&me, "one"), ("other", "one")]), Awaited::Known, this),
            Lease::Held
        );
        assert!(generations.vouch(Some("one")).is_ok());

        // Emptied: what is read before the next renewal bears no generation, or another.
        assert!(generations.vouch(None).is_err());
        assert!(generations.vouch(Some("two")).is_err());
        assert_eq!(
            see(&generations, (&[], "two"), &living(&[(&me, "one")]), Awaited::Known, this),
            Lease::Expired
        );
        assert_eq!(
            see(&generations, (&[], "two"), &living(&[(&me, "one")]), Awaited::Known, this),
            Lease::Expired
        );
        generations.restore("two".into());
        assert_eq!(
            see(&generations, (&[], "two"), &living(&[(&me, "two")]), Awaited::Known, this),
            Lease::Incomplete
        );
        assert!(generations.vouch(Some("two")).is_err(), "the other node is not back yet");
        see(&generations, (&[], "two"), &living(&[(&me, "two"), ("other", "two")]), Awaited::Known, this);
        assert!(generations.vouch(Some("two")).is_ok());
    }

    #[test]
    fn a_node_that_does_not_come_back_is_waited_for_no_longer_than_a_lease() {
        let (generations, this) = (Generations::default(), NodeId::random());
        let me = this.to_string();
        generations.restore("one".into());
        see(&generations, (&[], "one"), &living(&[(&me, "one"), ("other", "one")]), Awaited::Known, this);
        generations.restore("two".into());
        see(&generations, (&[], "two"), &living(&[(&me, "two")]), Awaited::Known, this);
        assert!(generations.vouch(Some("two")).is_err());
        see(&generations, (&[], "two"), &living(&[(&me, "two")]), Awaited::Nobody, this);
        assert!(generations.vouch(Some("two")).is_ok());
    }

    #[test]
    fn nobody_answers_before_all_have_heard_that_a_server_has_another_history() {
        let (generations, this) = (Generations::default(), NodeId::random());
        let me = this.to_string();
        generations.found_replid("a:1", "h1");
        see(&generations, (&["h1".into()], "one"), &living(&[(&me, "one")]), Awaited::Known, this);
        generations.found_replid("a:1", "h1");
        assert!(generations.vouch(Some("one")).is_ok(), "only another connection");
        generations.found_replid("a:1", "h2");
        assert!(generations.vouch(Some("one")).is_err());
        assert_eq!(generations.histories(), ["h2"]);
        // Another node has told of it already, and this one has restored nothing in the new generation.
        see(&generations, (&["h2".into()], "two"), &living(&[(&me, "one")]), Awaited::Known, this);
        assert!(generations.vouch(Some("two")).is_err());
    }

    #[test]
    fn a_node_that_starts_while_redis_is_emptied_learns_of_the_others_first() {
        let (generations, this) = (Generations::default(), NodeId::random());
        let me = this.to_string();
        let alone = living(&[(&me, "two")]);
        assert_eq!(see(&generations, (&[], "two"), &alone, Awaited::Unknown, this), Lease::Incomplete);
        assert!(generations.vouch(Some("two")).is_err());
        // The other renews, and has not put its sessions back yet.
        let both = living(&[(&me, "two"), ("other", "one")]);
        assert_eq!(see(&generations, (&[], "two"), &both, Awaited::Unknown, this), Lease::Incomplete);
        assert_eq!(see(&generations, (&[], "two"), &both, Awaited::Known, this), Lease::Incomplete);
        let both = living(&[(&me, "two"), ("other", "two")]);
        assert_eq!(see(&generations, (&[], "two"), &both, Awaited::Known, this), Lease::Held);
        assert!(generations.vouch(Some("two")).is_ok());
    }
}
