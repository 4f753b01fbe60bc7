//! The figures of nodes, which every node can read.

use adda::backend::{FIGURES_PAGE, FiguresPage, FiguresSpan, NodeFigures};
use adda::model::NodeId;
use adda::telemetry::Figures;

use super::nodes::{Cluster, Node};
use crate::harness::{DEADLINE, eventually};

/// Figures with this number of messages.
fn figures(messages: u64) -> Figures {
    Figures { span_ms: 1000, messages, ..Figures::default() }
}

async fn page(node: &Node, span: FiguresSpan) -> FiguresPage {
    node.backend.cluster.figures(span).await.unwrap()
}

fn told(figures: &[NodeFigures]) -> Vec<(NodeId, u64)> {
    figures.iter().map(|of| (of.node, of.figures.messages)).collect()
}

/// Has a node store figures with a renewal of its lease.
async fn store(node: &Node, messages: u64) {
    node.local.figures.lock().unwrap().replace(figures(messages));
    eventually("the figures are stored", DEADLINE, async || {
        told(&page(node, FiguresSpan::Newest(1)).await.figures).contains(&(node.id, messages)).then_some(())
    })
    .await;
}

pub async fn every_node_reads_the_figures_of_all_in_their_order(mut cluster: Cluster) {
    cluster.shorten_timers();
    let [here, there] = cluster.nodes().await;
    assert_eq!(page(&here, FiguresSpan::After(None)).await, FiguresPage::default());
    here.start_and_wait().await;
    there.start_and_wait().await;
    for (node, messages) in [(&here, 1), (&there, 2), (&here, 3)] {
        store(node, messages).await;
    }
    for node in [&here, &there] {
        let all = page(node, FiguresSpan::After(None)).await;
        assert_eq!(told(&all.figures), [(here.id, 1), (there.id, 2), (here.id, 3)]);
        assert!(all.figures.is_sorted_by_key(|figures| figures.at_ms));
        assert!(!all.is_full);
        assert_eq!(told(&page(node, FiguresSpan::Newest(2)).await.figures), [(there.id, 2), (here.id, 3)]);
        assert_eq!(page(node, FiguresSpan::Newest(0)).await.figures, []);
    }
}

pub async fn a_read_goes_on_after_a_place(mut cluster: Cluster) {
    cluster.shorten_timers();
    let node = cluster.node().await;
    node.start_and_wait().await;
    store(&node, 1).await;
    let first = page(&node, FiguresSpan::After(None)).await;
    assert_eq!(page(&node, FiguresSpan::After(first.last)).await, FiguresPage::default());
    store(&node, 2).await;
    store(&node, 3).await;
    let next = page(&node, FiguresSpan::After(first.last)).await;
    assert_eq!(told(&next.figures), [(node.id, 2), (node.id, 3)]);
    assert_eq!(page(&node, FiguresSpan::After(next.last)).await, FiguresPage::default());
}

pub async fn figures_outlive_their_node_and_each_is_stored_once(mut cluster: Cluster) {
    cluster.shorten_timers();
    let [mut dead, living] = cluster.nodes().await;
    dead.start_and_wait().await;
    living.start_and_wait().await;
    store(&dead, 1).await;
    dead.freeze().await;
    dead.backend.cluster.retire().await.unwrap();
    store(&living, 2).await;
    store(&living, 3).await;
    let all = page(&living, FiguresSpan::After(None)).await;
    assert_eq!(told(&all.figures), [(dead.id, 1), (living.id, 2), (living.id, 3)]);
    assert_eq!(all.figures[0].figures, figures(1), "they come back as they were stored");
}

pub async fn no_read_returns_more_than_a_page(mut cluster: Cluster) {
    cluster.shorten_timers();
    let node = cluster.node().await;
    node.start_and_wait().await;
    store(&node, 1).await;
    let newest = page(&node, FiguresSpan::Newest(usize::MAX)).await;
    assert_eq!(told(&newest.figures), [(node.id, 1)]);
    assert!(newest.figures.len() < FIGURES_PAGE && !newest.is_full);
}
