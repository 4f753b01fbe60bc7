//! The queue of events towards a node, bounded by number and by bytes: a message may be a hundred times as large as a
//! notice.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::mpsc::error::{TryRecvError, TrySendError};
use tokio::sync::mpsc::{self, OwnedPermit};

use super::BackendEvent;
use crate::config::Redis as Settings;

/// What a queue holds at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Events, of whatever kind.
    pub(super) events: usize,
    /// Bytes of events. The last one that is taken may exceed them: so no event is too large for an empty queue.
    pub(super) bytes: usize,
}

impl From<&Settings> for Bounds {
    fn from(settings: &Settings) -> Self {
        Self { events: settings.feed_queue, bytes: settings.feed_queue_bytes }
    }
}

/// A queue, empty.
pub(super) fn queue(bounds: Bounds) -> (EventSender, Events) {
    let (sender, receiver) = mpsc::channel(bounds.events);
    let waiting = Arc::<AtomicUsize>::default();
    (EventSender { sender, waiting: waiting.clone(), most_bytes: bounds.bytes }, Events { receiver, waiting })
}

/// Why an event was not queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotQueued {
    #[error("the queue is full")]
    Full,
    #[error("the node reads no more")]
    Closed,
}

/// The end of a queue that a backend fills.
#[derive(Debug, Clone)]
pub(super) struct EventSender {
    sender: mpsc::Sender<BackendEvent>,
    /// Bytes of the events in the queue.
    waiting: Arc<AtomicUsize>,
    most_bytes: usize,
}

impl EventSender {
    /// Queues an event, unless the queue is full by number or by bytes.
    pub(super) fn try_send(&self, event: BackendEvent) -> Result<(), NotQueued> {
        let size = event.size();
        let take = |waiting| (waiting < self.most_bytes).then_some(waiting + size);
        if self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_err() {
            return Err(NotQueued::Full);
        }
        self.sender.try_send(event).map_err(|error| {
            self.waiting.fetch_sub(size, Ordering::Relaxed);
            match error {
                TrySendError::Full(_) => NotQueued::Full,
                TrySendError::Closed(_) => NotQueued::Closed,
            }
        })
    }

    /// Waits for a place for `Resumed`, which is of no size.
    pub(super) async fn send_resumed(&self) -> Result<(), NotQueued> {
        self.sender.send(BackendEvent::Resumed).await.map_err(|_| NotQueued::Closed)
    }

    /// Keeps a place back for `Resumed`, unless there is none.
    pub(super) fn reserve_for_resumed(&self) -> Option<OwnedPermit<BackendEvent>> {
        self.sender.clone().try_reserve_owned().ok()
    }

    /// Whether half of the queue is free, by number and by bytes.
    pub(super) fn is_half_free(&self) -> bool {
        self.sender.capacity() * 2 >= self.sender.max_capacity()
            && self.waiting.load(Ordering::Relaxed) <= self.most_bytes / 2
    }

    /// Until the node reads no more.
    pub(super) async fn closed(&self) {
        self.sender.closed().await;
    }
}

/// What a backend tells its node, in order per room.
#[derive(Debug)]
pub struct Events {
    receiver: mpsc::Receiver<BackendEvent>,
    waiting: Arc<AtomicUsize>,
}

impl Events {
    /// The next event; `None` once the backend has ended.
    pub async fn recv(&mut self) -> Option<BackendEvent> {
        let event = self.receiver.recv().await;
        self.release(event.as_slice());
        event
    }

    /// Adds what waits to `batch`, at most `limit` events, and waits for the first. Returns how many were added: none
    /// once the backend has ended.
    pub async fn recv_many(&mut self, batch: &mut Vec<BackendEvent>, limit: usize) -> usize {
        let before = batch.len();
        let received = self.receiver.recv_many(batch, limit).await;
        self.release(&batch[before..]);
        received
    }

    /// The next event, if one waits.
    ///
    /// # Errors
    /// As [`mpsc::Receiver::try_recv`].
    pub fn try_recv(&mut self) -> Result<BackendEvent, TryRecvError> {
        let event = self.receiver.try_recv()?;
        self.release(std::slice::from_ref(&event));
        Ok(event)
    }

    fn release(&self, events: &[BackendEvent]) {
        self.waiting.fetch_sub(events.iter().map(BackendEvent::size).sum(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Epoch, Event, LoggedMessage, RoomName};

    fn message(seq: u64, length: usize) -> BackendEvent {
        let json = "x".repeat(length).into();
        let message = LoggedMessage { epoch: Epoch::new("e"), seq, json, taken_in: None };
        BackendEvent::Room(RoomName::from_trusted("r"), Event::Message(message))
    }

    #[tokio::test]
    async fn a_queue_is_full_by_bytes_until_they_are_read() {
        let (sender, mut events) = queue(Bounds { events: 100, bytes: 50_000 });
        let taken = (1..).take_while(|&seq| sender.try_send(message(seq, 24_000)).is_ok()).count();
        assert_eq!(taken, 3, "the last may exceed the bound");
        assert!(!sender.is_half_free());
        assert!(sender.try_send(BackendEvent::Resumed).is_err(), "full for whatever comes");
        assert_eq!(events.recv().await, Some(message(1, 24_000)));
        assert_eq!(events.try_recv(), Ok(message(2, 24_000)));
        assert!(sender.try_send(BackendEvent::Resumed).is_ok());
        let mut batch = Vec::new();
        assert_eq!(events.recv_many(&mut batch, 10).await, 2);
        assert!(sender.is_half_free());
        assert_eq!(sender.waiting.load(Ordering::Relaxed), 0, "all that was read is released");
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
    fn what_finds_no_place_takes_no_bytes() {
        let (sender, _events) = queue(Bounds { events: 1, bytes: 50_000 });
        sender.try_send(message(1, 10)).expect("it is empty");
        let before = sender.waiting.load(Ordering::Relaxed);
        assert!(sender.try_send(message(2, 10)).is_err());
        assert_eq!(sender.waiting.load(Ordering::Relaxed), before);
    }
}
