//! The nodes' subscriptions, and the queues of their events.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use tokio::sync::watch;

use super::MemoryNode;
use crate::backend::node::events::{self, Bounds, EventSender, ReservedPlace};
use crate::backend::{BackendEvent, Channel, Events, FeedHealth, PubSub, Publication, Result};
use crate::model::{Event, NodeId, RoomName};

#[async_trait]
impl PubSub for MemoryNode {
    async fn subscribe(&self, channel: &Channel) -> Result<()> {
        self.cluster.lock().fanout.subscribe(channel, self.node);
        Ok(())
    }

    fn unsubscribe(&self, channel: &Channel) {
        self.cluster.lock().fanout.unsubscribe(channel, self.node);
    }

    async fn publish(&self, channel: &Channel, publication: Publication) -> Result<()> {
        self.cluster.lock().fanout.publish(channel, &publication.into());
        Ok(())
    }

    fn resumed(&self) -> watch::Receiver<u64> {
        self.cluster.lock().fanout.resumed(self.node)
    }

    fn health(&self) -> FeedHealth {
        FeedHealth::Live
    }
}

/// The ports of all nodes, and their subscriptions.
pub(super) struct Fanout {
    bounds: Bounds,
    ports: HashMap<NodeId, Port>,
    subscribers: HashMap<Channel, BTreeSet<NodeId>>,
}

impl Fanout {
    /// `bounds` limit the queue of each node.
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, ports: HashMap::new(), subscribers: HashMap::new() }
    }

    /// Opens a node's port. An earlier port of the node receives nothing more.
    pub(super) fn open(&mut self, node: NodeId) -> Events {
        // One extra place, reserved for the mark of dropped events.
        let (sender, receiver) = events::queue(Bounds { events: self.bounds.events + 1, ..self.bounds });
        let last_place = sender.reserve();
        self.ports.insert(node, Port { sender, last_place });
        receiver
    }

    pub(super) fn subscribe(&mut self, channel: &Channel, node: NodeId) {
        self.subscribers.entry(channel.clone()).or_default().insert(node);
    }

    pub(super) fn unsubscribe(&mut self, channel: &Channel, node: NodeId) {
        if let Some(nodes) = self.subscribers.get_mut(channel) {
            nodes.remove(&node);
            if nodes.is_empty() {
                self.subscribers.remove(channel);
            }
        }
    }

    /// Publishes an event of a room.
    pub(super) fn publish_in(&mut self, room: &RoomName, event: &Event) {
        self.publish(&Channel::Room(room.clone()), event);
    }

    /// Whether a node subscribes to a channel.
    pub(super) fn has_subscriber(&self, channel: &Channel) -> bool {
        self.subscribers.contains_key(channel)
    }

    /// Queues an event for every subscribed node, without waiting.
    pub(super) fn publish(&mut self, channel: &Channel, event: &Event) {
        for node in self.subscribers.get(channel).into_iter().flatten() {
            if let Some(port) = self.ports.get_mut(node) {
                port.push(channel, event);
            }
        }
    }

    fn resumed(&self, node: NodeId) -> watch::Receiver<u64> {
        self.ports.get(&node).expect("a node's port opens as it joins").sender.resumed()
    }
}

/// The queue towards one node.
struct Port {
    sender: EventSender,
    /// The queue's last place; `None` while the mark of dropped events occupies it.
    last_place: Option<ReservedPlace>,
}

impl Port {
    /// Queues an event. If the queue is full, the event is dropped and the mark takes the last place. Events are
    /// dropped until half of the queue is free. Until then the node has not read the mark, so it always reads the
    /// mark after the last dropped event.
    fn push(&mut self, channel: &Channel, event: &Event) {
        let Some(last_place) = self.take_last_place() else { return };
        match self.sender.try_send(BackendEvent::Published(channel.clone(), event.clone())) {
            Ok(()) => self.last_place = Some(last_place),
            Err(_full) => last_place.resume(),
        }
    }

    fn take_last_place(&mut self) -> Option<ReservedPlace> {
        match self.last_place.take() {
            Some(place) => Some(place),
            None if self.sender.is_half_free() => self.sender.reserve(),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn channel() -> Channel {
        Channel::Room(RoomName::from_trusted("r"))
    }

    fn event(client_count: u64) -> Event {
        Event::Count { client_count, entered: None }
    }

    /// A subscribed node whose queue holds 4 events.
    struct Reader {
        events: Events,
        resumed: watch::Receiver<u64>,
    }

    fn reader(fanout: &mut Fanout) -> Reader {
        let node = NodeId::random();
        let events = fanout.open(node);
        fanout.subscribe(&channel(), node);
        Reader { events, resumed: fanout.resumed(node) }
    }

    fn fanout() -> Fanout {
        Fanout::new(Bounds { events: 4, bytes: 1 << 20 })
    }

    fn publish(fanout: &mut Fanout, counts: std::ops::RangeInclusive<u64>) {
        counts.for_each(|count| fanout.publish(&channel(), &event(count)));
    }

    impl Reader {
        fn next(&mut self) -> Option<u64> {
            match self.events.try_recv().ok()? {
                BackendEvent::Published(_, Event::Count { client_count, .. }) => Some(client_count),
                other => panic!("{other:?}"),
            }
        }

        fn drain(&mut self) -> Vec<u64> {
            std::iter::from_fn(|| self.next()).collect()
        }

        /// Whether the counter has risen since the last call.
        fn has_resumed(&mut self) -> bool {
            let has_changed = self.resumed.has_changed().expect("the queue lives");
            self.resumed.mark_unchanged();
            has_changed
        }
    }

    #[test]
    fn the_mark_of_dropped_events_is_read_after_the_queued_events() {
        let mut fanout = fanout();
        let mut reader = reader(&mut fanout);
        publish(&mut fanout, 1..=9);
        assert!(!reader.has_resumed(), "not before it is read");
        assert_eq!(reader.drain(), [1, 2, 3, 4]);
        assert!(reader.has_resumed());
        publish(&mut fanout, 10..=10);
        assert_eq!(reader.drain(), [10]);
        assert!(!reader.has_resumed());
    }

    #[test]
    fn a_dropped_event_is_always_followed_by_the_mark() {
        let mut fanout = fanout();
        let mut reader = reader(&mut fanout);
        let mut last = 0;
        for round in 0..200 {
            publish(&mut fanout, round * 3 + 1..=round * 3 + 3);
            // The node reads one or two events while three are published.
            for _ in 0..1 + round % 2 {
                let Some(count) = reader.next() else { continue };
                assert!(reader.has_resumed() || count == last + 1, "{count} follows {last}");
                last = count;
            }
        }
        while let Some(count) = reader.next() {
            assert!(reader.has_resumed() || count == last + 1, "{count} follows {last}");
            last = count;
        }
        assert!(last == 600 || reader.has_resumed(), "ended with {last}");
    }

    #[test]
    fn every_receiver_of_the_counter_is_notified() {
        let mut fanout = fanout();
        let mut reader = reader(&mut fanout);
        let other = reader.resumed.clone();
        publish(&mut fanout, 1..=9);
        reader.drain();
        assert!(reader.has_resumed());
        assert!(other.has_changed().expect("the queue lives"));
    }

    #[test]
    fn a_stopped_node_does_not_affect_the_others() {
        let mut fanout = fanout();
        drop(reader(&mut fanout));
        let mut other = reader(&mut fanout);
        publish(&mut fanout, 1..=2);
        assert_eq!(other.drain(), [1, 2]);
    }
}
