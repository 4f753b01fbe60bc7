//! The queue of events towards a node, bounded by number and by bytes, because a message may be a hundred times as
//! large as a notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc::error::{TryRecvError, TrySendError};
use tokio::sync::mpsc::{self, OwnedPermit};
use tokio::sync::watch;

use crate::backend::BackendEvent;
use crate::config::Redis as Settings;

/// The bounds of a queue.
#[derive(Debug, Clone, Copy)]
pub(in crate::backend) struct Bounds {
    /// Number of events.
    pub(in crate::backend) events: usize,
    /// Bytes of events. The last accepted event may exceed them, so no event is too large for an empty queue.
    pub(in crate::backend) bytes: usize,
}

impl From<&Settings> for Bounds {
    fn from(settings: &Settings) -> Self {
        Self { events: settings.feed_queue, bytes: settings.feed_queue_bytes }
    }
}

/// Creates an empty queue.
pub(in crate::backend) fn queue(bounds: Bounds) -> (EventSender, Events) {
    let (sender, receiver) = mpsc::channel(bounds.events);
    let queued_bytes = Arc::<AtomicUsize>::default();
    let resumed = Arc::new(watch::Sender::new(0));
    let events =
        Events { receiver, queued_bytes: queued_bytes.clone(), resumed: resumed.clone(), items: Vec::new() };
    (EventSender { sender, queued_bytes, resumed, max_bytes: bounds.bytes }, events)
}

/// An entry of a queue.
#[derive(Debug)]
enum Item {
    Event(BackendEvent),
    /// Marks the place of dropped events. It has no size, so it can be queued when the queue is full by bytes.
    Resumed,
}

impl Item {
    fn size(&self) -> usize {
        match self {
            Self::Event(event) => event.size(),
            Self::Resumed => 0,
        }
    }
}

/// Why an event was not queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::backend) enum NotQueued {
    #[error("the queue is full")]
    Full,
    #[error("the reader is closed")]
    Closed,
}

/// The end of a queue that a backend fills.
#[derive(Debug, Clone)]
pub(in crate::backend) struct EventSender {
    sender: mpsc::Sender<Item>,
    /// Bytes of the events in the queue.
    queued_bytes: Arc<AtomicUsize>,
    resumed: Arc<watch::Sender<u64>>,
    max_bytes: usize,
}

/// A reserved place in a queue, for [`Item::Resumed`].
pub(in crate::backend) struct ReservedPlace(OwnedPermit<Item>);

impl ReservedPlace {
    /// Queues the mark.
    pub(in crate::backend) fn resume(self) {
        self.0.send(Item::Resumed);
    }
}

impl EventSender {
    /// Queues an event, unless the queue is full by number or by bytes.
    pub(in crate::backend) fn try_send(&self, event: BackendEvent) -> Result<(), NotQueued> {
        self.try_queue(Item::Event(event))
    }

    /// Marks that events were dropped, unless the queue is full.
    pub(in crate::backend) fn try_send_resumed(&self) -> Result<(), NotQueued> {
        self.try_queue(Item::Resumed)
    }

    fn try_queue(&self, item: Item) -> Result<(), NotQueued> {
        let size = item.size();
        let take = |queued_bytes| (queued_bytes < self.max_bytes).then_some(queued_bytes + size);
        if self.queued_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
            return Err(NotQueued::Full);
        }
        self.sender.try_send(item).map_err(|error| {
            self.queued_bytes.fetch_sub(size, Ordering::Relaxed);
            match error {
                TrySendError::Full(_) => NotQueued::Full,
                TrySendError::Closed(_) => NotQueued::Closed,
            }
        })
    }

    /// Marks that events were dropped, once there is a place.
    pub(in crate::backend) async fn send_resumed(&self) -> Result<(), NotQueued> {
        self.sender.send(Item::Resumed).await.map_err(|_| NotQueued::Closed)
    }

    /// Reserves a place, unless there is none.
    pub(in crate::backend) fn reserve(&self) -> Option<ReservedPlace> {
        self.sender.clone().try_reserve_owned().ok().map(ReservedPlace)
    }

    /// Rises as the reader passes a mark of dropped events.
    pub(in crate::backend) fn resumed(&self) -> watch::Receiver<u64> {
        self.resumed.subscribe()
    }

    /// Whether half of the queue is free, by number and by bytes.
    pub(in crate::backend) fn is_half_free(&self) -> bool {
        self.sender.capacity() * 2 >= self.sender.max_capacity()
            && self.queued_bytes.load(Ordering::Relaxed) <= self.max_bytes / 2
    }

    /// Waits until the reader is dropped.
    pub(in crate::backend) async fn closed(&self) {
        self.sender.closed().await;
    }
}

/// The events for a node, in order per channel.
#[derive(Debug)]
pub struct Events {
    receiver: mpsc::Receiver<Item>,
    queued_bytes: Arc<AtomicUsize>,
    resumed: Arc<watch::Sender<u64>>,
    items: Vec<Item>,
}

impl Events {
    /// The next event; `None` once the backend has ended.
    pub async fn recv(&mut self) -> Option<BackendEvent> {
        loop {
            let item = self.receiver.recv().await?;
            if let Some(event) = self.take(item) {
                return Some(event);
            }
        }
    }

    /// Appends queued events to `batch`, at most `limit`, and waits for the first. Returns how many were appended:
    /// none once the backend has ended.
    pub async fn recv_many(&mut self, batch: &mut Vec<BackendEvent>, limit: usize) -> usize {
        let before = batch.len();
        while batch.len() == before {
            if self.receiver.recv_many(&mut self.items, limit).await == 0 {
                return 0;
            }
            let mut items = std::mem::take(&mut self.items);
            batch.extend(items.drain(..).filter_map(|item| self.take(item)));
            self.items = items;
        }
        batch.len() - before
    }

    /// The next event, if one is queued.
    ///
    /// # Errors
    /// As [`mpsc::Receiver::try_recv`].
    pub fn try_recv(&mut self) -> Result<BackendEvent, TryRecvError> {
        loop {
            let item = self.receiver.try_recv()?;
            if let Some(event) = self.take(item) {
                return Ok(event);
            }
        }
    }

    fn take(&self, item: Item) -> Option<BackendEvent> {
        self.queued_bytes.fetch_sub(item.size(), Ordering::Relaxed);
        match item {
            Item::Event(event) => Some(event),
            Item::Resumed => {
                self.resumed.send_modify(|count| *count += 1);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::Channel;
    use crate::model::{EntryKind, Epoch, Event, LoggedMessage, RoomName};

    fn message(seq: u64, length: usize) -> BackendEvent {
        let json = "x".repeat(length).into();
        let message =
            LoggedMessage { epoch: Epoch::new("e"), seq, json, kind: EntryKind::Text, taken_in: None };
        BackendEvent::Published(Channel::Room(RoomName::from_trusted("r")), Event::Message(message))
    }

    #[tokio::test]
    async fn a_queue_is_full_by_bytes_until_they_are_read() {
        let (sender, mut events) = queue(Bounds { events: 100, bytes: 50_000 });
        let taken = (1..).take_while(|&seq| sender.try_send(message(seq, 24_000)).is_ok()).count();
        assert_eq!(taken, 3, "the last may exceed the bound");
        assert!(!sender.is_half_free());
        assert!(sender.try_send_resumed().is_err(), "full for any item");
        assert_eq!(events.recv().await, Some(message(1, 24_000)));
        assert_eq!(events.try_recv(), Ok(message(2, 24_000)));
        assert!(sender.try_send_resumed().is_ok());
        let resumed = events.resumed.subscribe();
        let mut batch = Vec::new();
        assert_eq!(events.recv_many(&mut batch, 10).await, 1);
        assert_eq!(*resumed.borrow(), 1);
        assert!(sender.is_half_free());
        assert_eq!(sender.queued_bytes.load(Ordering::Relaxed), 0, "all that was read is released");
    }

    #[test]
    fn an_event_that_is_larger_than_the_bound_passes_an_empty_queue() {
        let (sender, mut events) = queue(Bounds { events: 2, bytes: 1 });
        for seq in 1..10 {
            sender.try_send(message(seq, 24_000)).expect("it is empty");
            assert!(sender.try_send(message(seq, 1)).is_err());
            assert_eq!(events.try_recv(), Ok(message(seq, 24_000)));
        }
    }

    #[test]
    fn an_event_that_is_refused_occupies_no_bytes() {
        let (sender, _events) = queue(Bounds { events: 1, bytes: 50_000 });
        sender.try_send(message(1, 10)).expect("it is empty");
        let before = sender.queued_bytes.load(Ordering::Relaxed);
        assert!(sender.try_send(message(2, 10)).is_err());
        assert_eq!(sender.queued_bytes.load(Ordering::Relaxed), before);
    }
}
