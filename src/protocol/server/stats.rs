//! The figures of the cluster, over WebSocket and REST.

use serde::Serialize;
use utoipa::ToSchema;

use super::json;
use crate::model::{NodeId, Timestamp};
use crate::telemetry::{Figures, Latencies};
use crate::websocket::Frame;

/// The figures of the cluster and of each node.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Stats {
    /// The time of the newest figures, by the cluster's clock.
    pub timestamp: Timestamp,
    /// Those of all nodes together.
    pub cluster: FiguresJson,
    /// By id.
    pub nodes: Vec<NodeFiguresJson>,
}

/// The figures of a node.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NodeFiguresJson {
    /// The node.
    pub node_id: NodeId,
    /// The end of the span that they are about.
    pub timestamp: Timestamp,
    /// The length of that span.
    pub seconds: f64,
    /// The figures.
    #[serde(flatten)]
    pub figures: FiguresJson,
}

/// Figures of one node or several. The names end in their unit; `_s` is a rate a second.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FiguresJson {
    cpu: f64,
    memory_bytes: u64,
    requests_s: f64,
    errors_s: f64,
    sessions: u64,
    /// Public rooms: those with sessions of the node, or all of the cluster. `null` where it is not known how many these were.
    rooms: Option<u64>,
    messages_s: f64,
    deliveries_s: f64,
    delivery_ms: Quantiles,
    redis_ms: Quantiles,
    slow_closed_s: f64,
}

/// Of the latencies of a span; `null` if there are none.
#[derive(Debug, Clone, Serialize, ToSchema)]
struct Quantiles {
    p50: Option<f64>,
    p99: Option<f64>,
}

impl Stats {
    /// Gives the cluster its number of occupied public rooms.
    pub fn count_rooms(&mut self, rooms: u64) {
        self.cluster.rooms = Some(rooms);
    }
}

impl FiguresJson {
    /// The figures of a cluster: the sums, but of rooms. A room may be on several nodes, so the number is only known where
    /// one node has all of them.
    pub fn of_cluster<'a>(nodes: impl Iterator<Item = &'a Figures> + Clone) -> Self {
        let with_rooms = nodes.clone().filter(|figures| figures.rooms > 0).count();
        let sum = Self::sum(nodes);
        Self { rooms: sum.rooms.filter(|_| with_rooms <= 1), ..sum }
    }

    /// The sums of figures, and the quantiles of all their latencies together.
    pub fn sum<'a>(all: impl Iterator<Item = &'a Figures> + Clone) -> Self {
        let rate = |count: fn(&Figures) -> u64| {
            let rates =
                all.clone().map(|figures| count(figures) as f64 * 1000.0 / figures.span_ms.max(1) as f64);
            rounded(rates.sum())
        };
        let total = |of: fn(&Figures) -> u64| {
            all.clone().fold(0, |sum: u64, figures| sum.saturating_add(of(figures)))
        };
        let quantiles = |of: fn(&Figures) -> &Latencies| {
            let mut latencies = Latencies::default();
            all.clone().for_each(|figures| latencies.merge(of(figures)));
            Quantiles::of(&latencies)
        };
        Self {
            // Microseconds a second, in cores.
            cpu: rounded(rate(|figures| figures.cpu_us) / 1e6),
            memory_bytes: total(|figures| figures.memory_bytes),
            requests_s: rate(|figures| figures.requests),
            errors_s: rate(|figures| figures.errors),
            sessions: total(|figures| figures.sessions),
            rooms: Some(total(|figures| figures.rooms)),
            messages_s: rate(|figures| figures.messages),
            deliveries_s: rate(|figures| figures.deliveries),
            delivery_ms: quantiles(|figures| &figures.delivery),
            redis_ms: quantiles(|figures| &figures.redis),
            slow_closed_s: rate(|figures| figures.slow_sessions),
        }
    }
}

impl Quantiles {
    fn of(latencies: &Latencies) -> Self {
        let quantile = |share| latencies.quantile_ms(share).map(rounded);
        Self { p50: quantile(0.5), p99: quantile(0.99) }
    }
}

/// With three decimals.
fn rounded(number: f64) -> f64 {
    (number * 1000.0).round() / 1000.0
}

/// The figures as a frame.
pub fn stats(stats: &Stats) -> Frame {
    #[derive(Serialize)]
    struct Tagged<'a> {
        r#type: &'static str,
        #[serde(flatten)]
        stats: &'a Stats,
    }
    json(&Tagged { r#type: "stats", stats })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_several_nodes_are_added_as_rates() {
        let one = Figures { span_ms: 1000, cpu_us: 500_000, sessions: 2, messages: 10, ..Figures::default() };
        let other =
            Figures { span_ms: 2000, cpu_us: 500_000, sessions: 3, messages: 10, ..Figures::default() };
        let sum = FiguresJson::sum([&one, &other].into_iter());
        assert_eq!((sum.cpu, sum.sessions, sum.messages_s), (0.75, 5, 15.0));
        assert_eq!((sum.delivery_ms.p50, sum.delivery_ms.p99), (None, None));
    }

    #[test]
    fn rooms_of_several_nodes_are_not_added() {
        let with = |rooms| Figures { rooms, ..Figures::default() };
        let of_cluster = |all: &[Figures]| FiguresJson::of_cluster(all.iter()).rooms;
        assert_eq!(of_cluster(&[with(2), with(0)]), Some(2));
        assert_eq!(of_cluster(&[]), Some(0));
        assert_eq!(of_cluster(&[with(2), with(1)]), None);
    }
}
