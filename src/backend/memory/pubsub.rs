//! Which node hears which room, and the queues towards the nodes.

use std::collections::{BTreeSet, HashMap};

use async_trait::async_trait;
use tokio::sync::mpsc::OwnedPermit;

use super::MemoryNode;
use crate::backend::events::{self, Bounds, EventSender};
use crate::backend::{BackendEvent, Events, FeedHealth, PubSub, Result};
use crate::model::{Event, NodeId, Notice, RoomName};

#[async_trait]
impl PubSub for MemoryNode {
    async fn subscribe(&self, room: &RoomName) -> Result<()> {
        self.cluster.lock().fanout.subscribe(room, self.node);
        Ok(())
    }

    fn unsubscribe(&self, room: &RoomName) {
        self.cluster.lock().fanout.unsubscribe(room, self.node);
    }

    async fn publish(&self, room: &RoomName, notice: Notice) -> Result<()> {
        self.cluster.lock().fanout.publish(room, &Event::Notice(notice));
        Ok(())
    }

    fn health(&self) -> FeedHealth {
        FeedHealth::Live
    }
}

/// The ports of all nodes and the rooms that they listen to.
pub(super) struct Fanout {
    bounds: Bounds,
    ports: HashMap<NodeId, Port>,
    listeners: HashMap<RoomName, BTreeSet<NodeId>>,
}

impl Fanout {
    /// `bounds` are those of the events that wait for a node.
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, ports: HashMap::new(), listeners: HashMap::new() }
    }

    /// Opens a node's port. A port that it had before gets nothing more.
    pub(super) fn open(&mut self, node: NodeId) -> Events {
        // One place more than asked for: it is kept back for `Resumed`.
        let (sender, receiver) = events::queue(Bounds { events: self.bounds.events + 1, ..self.bounds });
        let last_place = sender.reserve_for_resumed();
        self.ports.insert(node, Port { sender, last_place });
        receiver
    }

    pub(super) fn subscribe(&mut self, room: &RoomName, node: NodeId) {
        self.listeners.entry(room.clone()).or_default().insert(node);
    }

    pub(super) fn unsubscribe(&mut self, room: &RoomName, node: NodeId) {
        if let Some(nodes) = self.listeners.get_mut(room) {
            nodes.remove(&node);
            if nodes.is_empty() {
                self.listeners.remove(room);
            }
        }
    }

    /// Hands an event to every node that listens. Waits for none of them.
    pub(super) fn publish(&mut self, room: &RoomName, event: &Event) {
        for node in self.listeners.get(room).into_iter().flatten() {
            if let Some(port) = self.ports.get_mut(node) {
                port.push(room, event);
            }
        }
    }
}

/// The way to one node.
struct Port {
    sender: EventSender,
    /// The queue's last place. None while the node is behind: then `Resumed` stands in it.
    last_place: Option<OwnedPermit<BackendEvent>>,
}

impl Port {
    /// Queues an event. If the queue is full the event is left out, and `Resumed` takes the last
    /// place; more is left out until half of the queue is free. While it is not, the node has yet
    /// to read `Resumed` at the queue's end: so that is always read after the last omission.
    fn push(&mut self, room: &RoomName, event: &Event) {
        let Some(last_place) = self.take_last_place() else { return };
        match self.sender.try_send(BackendEvent::Room(room.clone(), event.clone())) {
            Ok(()) => self.last_place = Some(last_place),
            Err(_full) => {
                last_place.send(BackendEvent::Resumed);
            }
        }
    }

    fn take_last_place(&mut self) -> Option<OwnedPermit<BackendEvent>> {
        match self.last_place.take() {
            Some(place) => Some(place),
            None if self.sender.is_half_free() => self.sender.reserve_for_resumed(),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(client_count: u64) -> BackendEvent {
        BackendEvent::Room(RoomName::from_trusted("r"), Event::Count { client_count, entered: None })
    }

    /// A fan-out with one listening node, whose queue holds 4 events.
    fn listening() -> (Fanout, Events) {
        let (mut fanout, node) = (Fanout::new(Bounds { events: 4, bytes: 1 << 20 }), NodeId::random());
        let events = fanout.open(node);
        fanout.subscribe(&RoomName::from_trusted("r"), node);
        (fanout, events)
    }

    fn publish(fanout: &mut Fanout, counts: std::ops::RangeInclusive<u64>) {
        for client_count in counts {
            fanout.publish(&RoomName::from_trusted("r"), &Event::Count { client_count, entered: None });
        }
    }

    fn drain(events: &mut Events) -> Vec<BackendEvent> {
        std::iter::from_fn(|| events.try_recv().ok()).collect()
    }

    #[test]
    fn a_full_queue_ends_with_resumed() {
        let (mut fanout, mut events) = listening();
        publish(&mut fanout, 1..=9);
        assert_eq!(drain(&mut events), [count(1), count(2), count(3), count(4), BackendEvent::Resumed]);
        publish(&mut fanout, 10..=10);
        assert_eq!(drain(&mut events), [count(10)]);
    }

    #[test]
    fn what_is_left_out_is_always_followed_by_resumed() {
        let (mut fanout, mut events) = listening();
        let (mut last, mut is_resumed) = (0, false);
        let mut read = |event| match event {
            BackendEvent::Resumed => is_resumed = true,
            BackendEvent::Room(_, Event::Count { client_count, .. }) => {
                assert!(client_count == last + 1 || is_resumed, "{client_count} follows {last}");
                (last, is_resumed) = (client_count, false);
            }
            other => panic!("{other:?}"),
        };
        for round in 0..200 {
            publish(&mut fanout, round * 3 + 1..=round * 3 + 3);
            // The node reads one or two events while three are published.
            for _ in 0..1 + round % 2 {
                events.try_recv().into_iter().for_each(&mut read);
            }
        }
        drain(&mut events).into_iter().for_each(&mut read);
        assert!(last == 600 || is_resumed, "ended with {last}");
    }

    #[test]
    fn a_node_that_is_gone_harms_no_other() {
        let (mut fanout, events) = listening();
        drop(events);
        let other = NodeId::random();
        let mut events = fanout.open(other);
        fanout.subscribe(&RoomName::from_trusted("r"), other);
        publish(&mut fanout, 1..=2);
        assert_eq!(drain(&mut events), [count(1), count(2)]);
    }
}
