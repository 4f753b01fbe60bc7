//! The figures of nodes in the order of storage, as the states of the cluster from second to second.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::backend::NodeFigures;
use crate::model::{NodeId, Timestamp};
use crate::protocol::server::{FiguresJson, NodeFiguresJson, Stats};
use crate::telemetry::Figures;

/// Nodes in a state, at most. Other programs can write to the store, too.
const MOST_NODES: usize = 256;

/// The newest figures of each node that was there lately.
#[derive(Debug)]
pub struct Timeline {
    nodes: BTreeMap<NodeId, Latest>,
    /// The time of the newest figures.
    now_ms: u64,
    /// A node without figures for so long has gone.
    stale_after_ms: u64,
}

#[derive(Debug)]
struct Latest {
    at_ms: u64,
    figures: Figures,
    /// Whether a state has contained them.
    is_told: bool,
}

impl Timeline {
    /// Of a cluster whose nodes store figures with each renewal of their leases, but not more than once a second.
    pub fn new(renew_every: Duration) -> Self {
        let stale_after = 2 * renew_every.max(Duration::from_secs(1));
        Self { nodes: BTreeMap::new(), now_ms: 0, stale_after_ms: stale_after.as_millis() as u64 }
    }

    /// Adds figures, which may come in any number, and returns the states at the end of each second that they reach.
    /// Figures are in one state each, so that the events in them are counted once.
    pub fn add(&mut self, all: Vec<NodeFigures>) -> Vec<Stats> {
        let mut states = Vec::new();
        for next in all {
            if next.at_ms / 1000 > self.now_ms / 1000 {
                states.extend(self.state());
            }
            self.now_ms = self.now_ms.max(next.at_ms);
            self.put(next);
        }
        states
    }

    fn put(&mut self, NodeFigures { node, at_ms, figures }: NodeFigures) {
        let is_crowded = self.nodes.len() >= MOST_NODES;
        match self.nodes.get_mut(&node) {
            Some(latest) if !latest.is_told => {
                latest.figures.follow_by(&figures);
                latest.at_ms = at_ms;
            }
            None if is_crowded => {}
            _ => drop(self.nodes.insert(node, Latest { at_ms, figures, is_told: false })),
        }
    }

    /// The state at the time of the newest figures; `None` if the last state had them all.
    pub fn state(&mut self) -> Option<Stats> {
        let timestamp = Timestamp::from_unix_millis(self.now_ms)?;
        if self.nodes.values().all(|latest| latest.is_told) {
            return None;
        }
        let oldest_ms = self.now_ms.saturating_sub(self.stale_after_ms);
        self.nodes.retain(|_, latest| latest.at_ms >= oldest_ms);
        self.nodes.values_mut().for_each(|latest| latest.is_told = true);
        Some(Stats {
            timestamp,
            cluster: FiguresJson::of_cluster(self.nodes.values().map(|latest| &latest.figures)),
            nodes: self.nodes.iter().filter_map(|(node, latest)| latest.json(*node)).collect(),
        })
    }
}

impl Latest {
    fn json(&self, node_id: NodeId) -> Option<NodeFiguresJson> {
        Some(NodeFiguresJson {
            node_id,
            timestamp: Timestamp::from_unix_millis(self.at_ms)?,
            seconds: self.figures.span_ms as f64 / 1000.0,
            figures: FiguresJson::sum(std::iter::once(&self.figures)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RENEW_EVERY: Duration = Duration::from_secs(1);

    fn at(node: NodeId, at_ms: u64, messages: u64) -> NodeFigures {
        NodeFigures { node, at_ms, figures: Figures { span_ms: 1000, messages, ..Figures::default() } }
    }

    /// Of each state the second, and of each node in it the time and the messages a second.
    fn told(states: &[Stats]) -> Vec<(String, Vec<(String, f64)>)> {
        let seconds = |timestamp: Timestamp| timestamp.to_string()[17..23].to_owned();
        let state = |state: &Stats| {
            let json = serde_json::to_value(state).unwrap();
            let rate = |index: usize| json["nodes"][index]["messages_s"].as_f64().unwrap();
            let nodes = state.nodes.iter().enumerate();
            (
                seconds(state.timestamp),
                nodes.map(|(index, node)| (seconds(node.timestamp), rate(index))).collect(),
            )
        };
        states.iter().map(state).collect()
    }

    fn texts(expected: &[(&str, &[(&str, f64)])]) -> Vec<(String, Vec<(String, f64)>)> {
        let nodes =
            |nodes: &[(&str, f64)]| nodes.iter().map(|(at, rate)| ((*at).to_owned(), *rate)).collect();
        expected.iter().map(|(at, all)| ((*at).to_owned(), nodes(all))).collect()
    }

    #[test]
    fn a_second_ends_with_the_first_figures_of_the_next() {
        let node = NodeId::random();
        let mut timeline = Timeline::new(RENEW_EVERY);
        let states = timeline.add(vec![at(node, 1_200, 1), at(node, 2_200, 2), at(node, 3_200, 3)]);
        assert_eq!(told(&states), texts(&[("01.200", &[("01.200", 1.0)]), ("02.200", &[("02.200", 2.0)])]));
        let last = timeline.state().expect("the third is not told");
        assert_eq!(told(&[last]), texts(&[("03.200", &[("03.200", 3.0)])]));
        assert!(timeline.state().is_none(), "nothing is new");
    }

    #[test]
    fn two_figures_of_a_node_in_one_second_are_one() {
        let node = NodeId::random();
        let mut timeline = Timeline::new(RENEW_EVERY);
        assert!(timeline.add(vec![at(node, 1_001, 2), at(node, 1_999, 4)]).is_empty());
        let state = timeline.state().expect("both are new");
        assert_eq!(state.nodes[0].seconds, 2.0);
        assert_eq!(told(&[state]), texts(&[("01.999", &[("01.999", 3.0)])]));
    }

    #[test]
    fn a_node_without_figures_is_shown_as_it_was_and_then_gone() {
        let [first, second] = {
            let mut nodes = [NodeId::random(), NodeId::random()];
            nodes.sort();
            nodes
        };
        let mut timeline = Timeline::new(RENEW_EVERY);
        let mut states = timeline.add(vec![at(first, 1_000, 1), at(second, 1_100, 9)]);
        for second in 2..5 {
            states.extend(timeline.add(vec![at(first, second * 1_000, second)]));
        }
        states.extend(timeline.state());
        let expected: [(&str, &[(&str, f64)]); 4] = [
            ("01.100", &[("01.000", 1.0), ("01.100", 9.0)]),
            ("02.000", &[("02.000", 2.0), ("01.100", 9.0)]),
            ("03.000", &[("03.000", 3.0), ("01.100", 9.0)]),
            ("04.000", &[("04.000", 4.0)]),
        ];
        assert_eq!(told(&states), texts(&expected));
    }

    #[test]
    fn a_state_has_a_bounded_number_of_nodes() {
        let mut timeline = Timeline::new(RENEW_EVERY);
        timeline.add((0..300).map(|_| at(NodeId::random(), 1_000, 1)).collect());
        assert_eq!(timeline.state().map(|state| state.nodes.len()), Some(MOST_NODES));
    }
}
