//! The figures of a node: its counts in a span of time, and its state at the end. The dashboard shows them.

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use super::latencies::Latencies;
use super::metrics::{Meters, meters};
use super::process;

/// The least span of figures: a node gives some once a second, and timers are not exact.
const LEAST_SPAN: Duration = Duration::from_millis(900);

/// The counts of a node in a span of time, and its state at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Figures {
    /// The length of the span.
    pub span_ms: u64,
    /// Processor time, of all cores together.
    pub cpu_us: u64,
    /// Resident memory at the end.
    pub memory_bytes: u64,
    /// Open WebSocket connections at the end.
    pub sessions: u64,
    /// Public rooms with sessions of the node at the end.
    pub rooms: u64,
    /// HTTP requests that were answered.
    pub requests: u64,
    /// Errors that were sent to clients.
    pub errors: u64,
    /// Messages that were logged for its clients.
    pub messages: u64,
    /// Frames of messages and notices put into outboxes.
    pub deliveries: u64,
    /// Sessions closed because they read too slowly.
    pub slow_sessions: u64,
    /// From taking a message in to handing it to sessions.
    pub delivery: Latencies,
    /// Pipelines of commands to Redis.
    pub redis: Latencies,
}

impl Figures {
    /// Adds the figures of a span that follows.
    pub fn follow_by(&mut self, next: &Self) {
        let Self { memory_bytes, sessions, rooms, .. } = *next;
        self.add(next);
        self.span_ms = self.span_ms.saturating_add(next.span_ms);
        (self.memory_bytes, self.sessions, self.rooms) = (memory_bytes, sessions, rooms);
    }

    fn add(&mut self, next: &Self) {
        let counts = [
            (&mut self.cpu_us, next.cpu_us),
            (&mut self.requests, next.requests),
            (&mut self.errors, next.errors),
            (&mut self.messages, next.messages),
            (&mut self.deliveries, next.deliveries),
            (&mut self.slow_sessions, next.slow_sessions),
        ];
        for (count, more) in counts {
            *count = count.saturating_add(more);
        }
        self.delivery.merge(&next.delivery);
        self.redis.merge(&next.redis);
    }

    /// As text, as it is stored: numbers separated by spaces, then the latencies. A later version may add words.
    pub fn write(&self) -> String {
        let Self { span_ms, cpu_us, memory_bytes, sessions, rooms, requests, errors, .. } = self;
        let Self { messages, deliveries, slow_sessions, delivery, redis, .. } = self;
        let (delivery, redis) = (delivery.write(), redis.write());
        format!(
            "{span_ms} {cpu_us} {memory_bytes} {sessions} {rooms} {requests} {errors} {messages} {deliveries} \
             {slow_sessions} {delivery} {redis}"
        )
    }

    /// Reads such a text; `None` if it is of something else.
    pub fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let mut number = || words.next()?.parse::<u64>().ok();
        Some(Self {
            span_ms: number().filter(|span_ms| *span_ms > 0)?,
            cpu_us: number()?,
            memory_bytes: number()?,
            sessions: number()?,
            rooms: number()?,
            requests: number()?,
            errors: number()?,
            messages: number()?,
            deliveries: number()?,
            slow_sessions: number()?,
            delivery: Latencies::read(words.next()?)?,
            redis: Latencies::read(words.next()?)?,
        })
    }
}

/// The sessions and public rooms of a node at the moment that its figures are taken.
#[derive(Debug, Clone, Copy)]
pub struct Occupancy {
    /// Open WebSocket connections.
    pub sessions: u64,
    /// Public rooms with sessions of the node.
    pub rooms: u64,
}

/// Takes the figures of this process, each time those since the time before, so that each event is in one of them.
#[derive(Debug)]
pub struct Sampler(Mutex<State>);

#[derive(Debug)]
struct State {
    before: Totals,
    /// Figures that were given back.
    kept: Option<Figures>,
}

/// The counters at a moment.
#[derive(Debug)]
struct Totals {
    at: Instant,
    cpu_us: u64,
    requests: u64,
    errors: u64,
    messages: u64,
    deliveries: u64,
    slow_sessions: u64,
    delivery: Latencies,
    redis: Latencies,
}

impl Default for Sampler {
    fn default() -> Self {
        Self(Mutex::new(State { before: Totals::now(meters()), kept: None }))
    }
}

impl Sampler {
    /// The figures since they were last taken; `None` if that was less than a second ago.
    pub fn take(&self, occupancy: Occupancy) -> Option<Figures> {
        let mut state = self.lock();
        if state.before.at.elapsed() < LEAST_SPAN {
            return None;
        }
        let now = Totals::now(meters());
        let figures = now.since(&state.before, occupancy);
        state.before = now;
        let mut all = state.kept.take().unwrap_or_default();
        all.follow_by(&figures);
        Some(all)
    }

    /// Takes figures back that were not stored. The next ones contain them.
    pub fn give_back(&self, figures: Figures) {
        self.lock().kept = Some(figures);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no code panics while it holds this lock")
    }
}

impl Totals {
    fn now(meters: &Meters) -> Self {
        Self {
            at: Instant::now(),
            cpu_us: process::cpu_time().as_micros() as u64,
            requests: meters.requests.total(),
            errors: meters.errors.total(),
            messages: meters.messages_posted.total(),
            deliveries: meters.deliveries.total(),
            slow_sessions: meters.slow_sessions.total(),
            delivery: Latencies::new(meters.delivery_latency.counts()),
            redis: Latencies::new(meters.redis_pipeline.counts()),
        }
    }

    fn since(&self, before: &Self, occupancy: Occupancy) -> Figures {
        Figures {
            span_ms: self.at.duration_since(before.at).as_millis() as u64,
            cpu_us: self.cpu_us.saturating_sub(before.cpu_us),
            memory_bytes: process::memory_bytes(),
            sessions: occupancy.sessions,
            rooms: occupancy.rooms,
            requests: self.requests - before.requests,
            errors: self.errors - before.errors,
            messages: self.messages - before.messages,
            deliveries: self.deliveries - before.deliveries,
            slow_sessions: self.slow_sessions - before.slow_sessions,
            delivery: self.delivery.since(&before.delivery),
            redis: self.redis.since(&before.redis),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures() -> Figures {
        let delivery = Latencies::read("3:4").unwrap();
        Figures {
            span_ms: 1000,
            cpu_us: 5,
            memory_bytes: 7,
            sessions: 2,
            messages: 4,
            delivery,
            ..Figures::default()
        }
    }

    #[test]
    fn figures_are_written_and_read() {
        assert_eq!(figures().write(), "1000 5 7 2 0 0 0 4 0 0 3:4 -");
        assert_eq!(Figures::read(&figures().write()), Some(figures()));
        let later = figures().write() + " 12 more";
        assert_eq!(Figures::read(&later), Some(figures()), "words of a later version are ignored");
        for junk in [
            "",
            "1000",
            "0 5 7 2 0 0 0 4 0 0 - -",
            "1000 5 7 2 0 0 0 -4 0 0 - -",
            "1000 5 7 2 0 0 0 4 0 0 x -",
        ] {
            assert_eq!(Figures::read(junk), None, "{junk}");
        }
    }

    #[test]
    fn counts_of_two_spans_are_added_and_the_later_state_holds() {
        let mut sum = figures();
        sum.follow_by(&Figures { sessions: 9, ..figures() });
        assert_eq!((sum.span_ms, sum.messages, sum.sessions, sum.memory_bytes), (2000, 8, 9, 7));
        assert_eq!(sum.delivery, Latencies::read("3:8").unwrap());
    }

    #[test]
    fn figures_that_are_given_back_are_in_the_next_ones() {
        let sampler = Sampler::default();
        let occupancy = Occupancy { sessions: 1, rooms: 1 };
        assert_eq!(sampler.take(occupancy), None, "it has just begun");
        sampler.give_back(figures());
        sampler.lock().before.at -= Duration::from_secs(2);
        let taken = sampler.take(occupancy).expect("a second has passed");
        assert!(taken.messages >= 4 && taken.span_ms >= 3000, "{taken:?}");
        assert_eq!(taken.sessions, 1);
    }
}
