//! The generation of the data, and whether membership in Redis is complete.
//!
//! A Redis that was emptied, restored, or restarted without its last second has fewer sessions than the nodes. Each
//! node restores its own. Until every node that was living before has, a membership read would be too low, so it
//! fails. A node that does not return within a lease is dead, and its sessions are rightly missing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use tracing::warn;

use crate::backend::node::lease::Lease;
use crate::backend::redis::client::role::ConnectionObserver;
use crate::backend::{BackendError, Result};
use crate::model::NodeId;
use crate::telemetry::meters;

/// This node's knowledge of generations; a cheap handle. Renewals of the lease and resyncs write it, every
/// membership read checks it.
#[derive(Debug, Clone, Default)]
pub struct DataGeneration {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// The generation at the last renewal.
    current: String,
    /// The generation in which this node has restored its sessions.
    restored: String,
    /// The generation in which every node has.
    complete_in: String,
    /// The living nodes of the last complete generation.
    expected_nodes: BTreeSet<String>,
    /// The replication id of the Redis with the leases, from the last renewal.
    replid: String,
    /// The last replication id of each server.
    replids: BTreeMap<String, String>,
    /// Servers whose replication id has changed in this generation, each with the id before.
    changed: BTreeMap<String, String>,
    /// The replication ids that a renewal has reported. Any other may begin a new generation.
    reported: BTreeSet<String>,
}

/// The request and the reply of a renewal.
#[derive(Debug, Clone, Copy)]
pub struct RenewalReport<'a> {
    /// The replication ids in the request.
    pub reported: &'a [String],
    /// The replication id of the Redis that answered.
    pub replid: &'a str,
    pub generation: &'a str,
    /// The living nodes, with the generation that each has restored.
    pub living: &'a [(String, String)],
}

/// The nodes that must have restored their sessions before membership is complete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaitFor {
    /// All, including nodes that this node does not know yet: not all have renewed since its first renewal.
    Discovery,
    /// The expected nodes.
    ExpectedNodes,
    /// No other: the generation has lasted a lease, so a node that is not back is dead.
    NoOther,
}

/// The sessions that membership has, as a renewal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Completeness {
    /// Those of this node are not restored.
    OwnMissing,
    /// This node does not know all others yet.
    OthersUnknown,
    /// Those of another node are not restored, which was living before.
    OthersMissing,
    /// All are there.
    Complete,
}

impl DataGeneration {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code panics while it holds this lock")
    }

    /// The generation in which this node has restored its sessions; empty: none.
    pub fn restored(&self) -> String {
        self.lock().restored.clone()
    }

    /// The replication ids that a renewal must report.
    pub fn replids(&self) -> Vec<String> {
        self.lock().replids.values().cloned().collect()
    }

    /// The generation in which a resync starts now.
    pub fn current(&self) -> String {
        self.lock().current.clone()
    }

    /// Records that this node has restored its sessions in `generation`.
    pub fn restore(&self, generation: String) {
        self.lock().restored = generation;
    }

    /// Records a renewal of this node.
    pub fn on_renewal(&self, report: &RenewalReport<'_>, wait_for: WaitFor, this: NodeId) -> Lease {
        let RenewalReport { reported, replid, generation, living } = *report;
        let mut state = self.lock();
        state.report_loss(replid, generation);
        state.reported.extend(reported.iter().cloned());
        if state.current.is_empty() {
            // At the first renewal, all entries of this node were made in this generation.
            generation.clone_into(&mut state.restored);
        }
        generation.clone_into(&mut state.current);
        let nodes = living.iter().map(|(id, _)| id.clone());
        match state.assess(report, wait_for, &this.to_string()) {
            Completeness::OwnMissing => Lease::Expired,
            Completeness::OthersUnknown => {
                state.expected_nodes.extend(nodes);
                Lease::Incomplete
            }
            Completeness::OthersMissing => Lease::Incomplete,
            Completeness::Complete => {
                generation.clone_into(&mut state.complete_in);
                state.expected_nodes = nodes.collect();
                Lease::Held
            }
        }
    }

    /// Checks that data which was read just before this generation is complete. Before the first renewal there is
    /// nothing to compare with.
    ///
    /// # Errors
    /// Unavailable until all nodes have restored their sessions.
    pub fn ensure_complete(&self, generation: Option<&str>) -> Result<()> {
        let state = self.lock();
        let is_complete = state.replids.values().all(|replid| state.reported.contains(replid))
            && generation == Some(state.complete_in.as_str());
        if state.current.is_empty() || is_complete {
            return Ok(());
        }
        Err(BackendError::Unavailable("not every node has restored its sessions".into()))
    }
}

impl ConnectionObserver for DataGeneration {
    fn found_replid(&self, server: &str, replid: &str) {
        let mut state = self.lock();
        let before = state.replids.insert(server.to_owned(), replid.to_owned());
        if let Some(before) = before.filter(|before| before != replid) {
            state.changed.insert(server.to_owned(), before);
        }
    }

    /// Forgets the servers that are not masters any more.
    fn masters_changed(&self, servers: &[String]) {
        self.lock().replids.retain(|server, _| servers.contains(server));
    }
}

impl State {
    /// Judges membership by a renewal of `this` node.
    fn assess(&self, report: &RenewalReport<'_>, wait_for: WaitFor, this: &str) -> Completeness {
        let RenewalReport { generation, living, .. } = *report;
        let is_back = |node: &String| {
            node == this || living.iter().any(|(id, restored)| id == node && restored == generation)
        };
        if self.restored != generation {
            return Completeness::OwnMissing;
        }
        match wait_for {
            WaitFor::Discovery => Completeness::OthersUnknown,
            WaitFor::NoOther => Completeness::Complete,
            // It stays complete: a node that comes later had no sessions in it.
            WaitFor::ExpectedNodes if self.complete_in == generation => Completeness::Complete,
            WaitFor::ExpectedNodes if self.expected_nodes.iter().all(is_back) => Completeness::Complete,
            WaitFor::ExpectedNodes => Completeness::OthersMissing,
        }
    }

    /// Logs that Redis may have lost data.
    fn report_loss(&mut self, replid: &str, generation: &str) {
        let before = std::mem::replace(&mut self.replid, replid.to_owned());
        let changed = std::mem::take(&mut self.changed);
        if self.current.is_empty() || self.current == generation {
            return;
        }
        meters().generations.increment(1);
        let moved = |(server, old): (&String, &String)| {
            let new = self.replids.get(server).filter(|new| *new != old)?;
            Some(format!("{server}: {old} to {new}"))
        };
        let others = changed.iter().filter_map(moved).collect::<Vec<_>>().join(", ");
        if before == replid && others.is_empty() {
            warn!(
                old_replid = before,
                new_replid = replid,
                generation,
                "Redis was emptied; its messages are lost"
            );
        } else {
            warn!(
                old_replid = before,
                new_replid = replid,
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

    fn on_renewal(
        data: &DataGeneration,
        (reported, generation): (&[String], &str),
        living: &[(String, String)],
        wait_for: WaitFor,
        this: NodeId,
    ) -> Lease {
        data.on_renewal(&RenewalReport { reported, replid: "h", generation, living }, wait_for, this)
    }

    fn living(nodes: &[(&str, &str)]) -> Vec<(String, String)> {
        nodes.iter().map(|(id, restored)| ((*id).to_owned(), (*restored).to_owned())).collect()
    }

    #[test]
    fn completeness_depends_on_this_node_then_on_the_others() {
        use Completeness::{Complete, OthersMissing, OthersUnknown, OwnMissing};
        use WaitFor::{Discovery, ExpectedNodes, NoOther};
        // The generation in which this node has restored its sessions, the one that was complete, the one of the other
        // node, and the nodes to wait for.
        for (restored, complete_in, other, wait_for, expected) in [
            ("one", "one", "two", NoOther, OwnMissing),
            ("one", "one", "two", Discovery, OwnMissing),
            ("two", "one", "two", Discovery, OthersUnknown),
            ("two", "one", "one", NoOther, Complete),
            ("two", "one", "one", ExpectedNodes, OthersMissing),
            ("two", "one", "two", ExpectedNodes, Complete),
            ("two", "two", "one", ExpectedNodes, Complete),
        ] {
            let state = State {
                restored: restored.to_owned(),
                complete_in: complete_in.to_owned(),
                expected_nodes: ["this", "other"].map(str::to_owned).into(),
                ..State::default()
            };
            let living = living(&[("this", "one"), ("other", other)]);
            let report = RenewalReport { reported: &[], replid: "h", generation: "two", living: &living };
            let assessed = state.assess(&report, wait_for, "this");
            assert_eq!(assessed, expected, "{restored} {complete_in} {other} {wait_for:?}");
        }
    }

    #[test]
    fn membership_is_incomplete_until_all_nodes_have_restored_their_sessions() {
        let (data, this) = (DataGeneration::default(), NodeId::random());
        let me = this.to_string();
        assert_eq!(
            on_renewal(
                &data,
                (&[], "one"),
                &living(&[(&me, "one"), ("other", "one")]),
                WaitFor::ExpectedNodes,
                this
            ),
            Lease::Held
        );
        assert!(data.ensure_complete(Some("one")).is_ok());

        // Emptied: data that is read before the next renewal has no generation, or another.
        assert!(data.ensure_complete(None).is_err());
        assert!(data.ensure_complete(Some("two")).is_err());
        assert_eq!(
            on_renewal(&data, (&[], "two"), &living(&[(&me, "one")]), WaitFor::ExpectedNodes, this),
            Lease::Expired
        );
        assert_eq!(
            on_renewal(&data, (&[], "two"), &living(&[(&me, "one")]), WaitFor::ExpectedNodes, this),
            Lease::Expired
        );
        data.restore("two".into());
        assert_eq!(
            on_renewal(&data, (&[], "two"), &living(&[(&me, "two")]), WaitFor::ExpectedNodes, this),
            Lease::Incomplete
        );
        assert!(data.ensure_complete(Some("two")).is_err(), "the other node is not back yet");
        on_renewal(
            &data,
            (&[], "two"),
            &living(&[(&me, "two"), ("other", "two")]),
            WaitFor::ExpectedNodes,
            this,
        );
        assert!(data.ensure_complete(Some("two")).is_ok());
    }

    #[test]
    fn a_node_that_does_not_return_delays_reads_for_no_longer_than_a_lease() {
        let (data, this) = (DataGeneration::default(), NodeId::random());
        let me = this.to_string();
        data.restore("one".into());
        on_renewal(
            &data,
            (&[], "one"),
            &living(&[(&me, "one"), ("other", "one")]),
            WaitFor::ExpectedNodes,
            this,
        );
        data.restore("two".into());
        on_renewal(&data, (&[], "two"), &living(&[(&me, "two")]), WaitFor::ExpectedNodes, this);
        assert!(data.ensure_complete(Some("two")).is_err());
        on_renewal(&data, (&[], "two"), &living(&[(&me, "two")]), WaitFor::NoOther, this);
        assert!(data.ensure_complete(Some("two")).is_ok());
    }

    #[test]
    fn membership_is_incomplete_until_a_new_replication_id_is_reported() {
        let (data, this) = (DataGeneration::default(), NodeId::random());
        let me = this.to_string();
        data.found_replid("a:1", "h1");
        on_renewal(&data, (&["h1".into()], "one"), &living(&[(&me, "one")]), WaitFor::ExpectedNodes, this);
        data.found_replid("a:1", "h1");
        assert!(data.ensure_complete(Some("one")).is_ok(), "only another connection");
        data.found_replid("a:1", "h2");
        assert!(data.ensure_complete(Some("one")).is_err());
        assert_eq!(data.replids(), ["h2"]);
        // Another node has reported it already, and this one has restored no sessions in the new generation.
        on_renewal(&data, (&["h2".into()], "two"), &living(&[(&me, "one")]), WaitFor::ExpectedNodes, this);
        assert!(data.ensure_complete(Some("two")).is_err());
    }

    #[test]
    fn a_node_that_starts_after_a_loss_discovers_the_others_first() {
        let (data, this) = (DataGeneration::default(), NodeId::random());
        let me = this.to_string();
        let alone = living(&[(&me, "two")]);
        assert_eq!(on_renewal(&data, (&[], "two"), &alone, WaitFor::Discovery, this), Lease::Incomplete);
        assert!(data.ensure_complete(Some("two")).is_err());
        // The other renews, and has not restored its sessions yet.
        let both = living(&[(&me, "two"), ("other", "one")]);
        assert_eq!(on_renewal(&data, (&[], "two"), &both, WaitFor::Discovery, this), Lease::Incomplete);
        assert_eq!(on_renewal(&data, (&[], "two"), &both, WaitFor::ExpectedNodes, this), Lease::Incomplete);
        let both = living(&[(&me, "two"), ("other", "two")]);
        assert_eq!(on_renewal(&data, (&[], "two"), &both, WaitFor::ExpectedNodes, this), Lease::Held);
        assert!(data.ensure_complete(Some("two")).is_ok());
    }
}
