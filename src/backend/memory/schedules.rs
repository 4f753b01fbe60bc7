//! Schedules. Those of a time are by the wall clock, those of a period by a clock that never goes back.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use super::MemoryNode;
use crate::backend::{Addition, CLAIM, CLAIM_BATCH, Claims, MAX_WAITING, Planned, Result, Schedules};
use crate::model::{Firing, Schedule, ScheduleId, Timestamp, Timing};

#[async_trait]
impl Schedules for MemoryNode {
    async fn add(&self, schedule: &Schedule) -> Result<Addition> {
        Ok(self.cluster.lock().schedules.add(schedule, wall_ms()))
    }

    async fn list(&self) -> Result<Vec<Planned>> {
        Ok(self.cluster.lock().schedules.list())
    }

    async fn remove(&self, id: ScheduleId) -> Result<bool> {
        Ok(self.cluster.lock().schedules.stored.remove(&id).is_some())
    }

    async fn claim(&self) -> Result<Claims> {
        Ok(self.cluster.lock().schedules.claim(wall_ms()))
    }

    async fn complete(&self, fired: &[(ScheduleId, u64)]) -> Result<()> {
        let mut shared = self.cluster.lock();
        fired.iter().for_each(|(id, due_ms)| shared.schedules.complete(*id, *due_ms));
        Ok(())
    }
}

fn wall_ms() -> u64 {
    Timestamp::now().unix_millis()
}

/// All schedules.
pub(super) struct ScheduleTable {
    most: usize,
    stored: BTreeMap<ScheduleId, Stored>,
    clock: Clock,
}

/// The wall clock, but it goes on where that is set back (`clock.lua`).
#[derive(Debug, Default)]
struct Clock {
    last_ms: u64,
    /// By how much it is ahead of the wall clock.
    ahead_ms: u64,
}

impl Clock {
    fn now_ms(&mut self, wall_ms: u64) -> u64 {
        let now_ms = wall_ms + self.ahead_ms;
        self.ahead_ms += self.last_ms.saturating_sub(now_ms);
        self.last_ms = self.last_ms.max(now_ms);
        self.last_ms
    }
}

struct Stored {
    schedule: Schedule,
    /// By the schedule's own clock.
    next_ms: Option<u64>,
    /// Times that are claimed.
    waiting: Vec<Waiting>,
}

struct Waiting {
    /// By the schedule's own clock.
    due_ms: u64,
    claim_ends_ms: u64,
}

impl Stored {
    /// A time of the schedule by the clock that never goes back.
    fn on_clock(&self, due_ms: u64, clock: &Clock) -> u64 {
        match self.schedule.timing {
            Timing::Every(_) => due_ms,
            Timing::At(_) => due_ms + clock.ahead_ms,
        }
    }

    /// When there is something to claim.
    fn due_ms(&self, clock: &Clock) -> Option<u64> {
        let next_ms = self.next_ms.map(|next_ms| self.on_clock(next_ms, clock));
        self.waiting.iter().map(|waiting| waiting.claim_ends_ms).chain(next_ms).min()
    }

    fn firing(&self, due_ms: u64, clock: &Clock) -> Firing {
        let late_ms = clock.last_ms.saturating_sub(self.on_clock(due_ms, clock));
        Firing { schedule: self.schedule.clone(), due_ms, late: Duration::from_millis(late_ms) }
    }

    /// `claim.lua`
    fn claim(&mut self, clock: &Clock, firings: &mut Vec<Firing>) {
        let now_ms = clock.last_ms;
        let claim_ends_ms = now_ms + CLAIM.as_millis() as u64;
        let mut claimed = Vec::new();
        for waiting in self.waiting.iter_mut().filter(|waiting| waiting.claim_ends_ms <= now_ms) {
            waiting.claim_ends_ms = claim_ends_ms;
            claimed.push(waiting.due_ms);
        }
        let next_ms = self.next_ms.filter(|next_ms| self.on_clock(*next_ms, clock) <= now_ms);
        if let Some(due_ms) = next_ms {
            if self.waiting.len() < MAX_WAITING {
                self.waiting.push(Waiting { due_ms, claim_ends_ms });
                claimed.push(due_ms);
            }
            self.next_ms = match self.schedule.timing {
                Timing::Every(every) => {
                    let every_ms = every.as_millis() as u64;
                    Some(due_ms + ((now_ms - due_ms) / every_ms + 1) * every_ms)
                }
                Timing::At(_) => None,
            };
        }
        firings.extend(claimed.into_iter().map(|due_ms| self.firing(due_ms, clock)));
    }
}

impl ScheduleTable {
    /// `most` limits the number of schedules.
    pub(super) fn new(most: usize) -> Self {
        Self { most, stored: BTreeMap::new(), clock: Clock::default() }
    }

    fn add(&mut self, schedule: &Schedule, wall_ms: u64) -> Addition {
        if self.stored.len() >= self.most {
            return Addition::TooMany;
        }
        let now_ms = self.clock.now_ms(wall_ms);
        let next_ms = match schedule.timing {
            Timing::Every(every) => now_ms + every.as_millis() as u64,
            Timing::At(at) if at.unix_millis() <= wall_ms => return Addition::Past,
            Timing::At(at) => at.unix_millis(),
        };
        let stored = Stored { schedule: schedule.clone(), next_ms: Some(next_ms), waiting: Vec::new() };
        self.stored.insert(schedule.id, stored);
        Addition::Added
    }

    fn list(&self) -> Vec<Planned> {
        let planned = self.stored.values().map(|stored| Planned {
            schedule: stored.schedule.clone(),
            next: stored.next_ms.and_then(Timestamp::from_unix_millis),
        });
        let mut planned: Vec<Planned> = planned.collect();
        planned.sort_by_key(|planned| (planned.next, planned.schedule.id));
        planned
    }

    fn claim(&mut self, wall_ms: u64) -> Claims {
        let now_ms = self.clock.now_ms(wall_ms);
        let clock = &self.clock;
        let is_due = |stored: &&mut Stored| stored.due_ms(clock).is_some_and(|due_ms| due_ms <= now_ms);
        let mut firings = Vec::new();
        for stored in self.stored.values_mut().filter(is_due).take(CLAIM_BATCH) {
            stored.claim(clock, &mut firings);
        }
        let next_ms = self.stored.values().filter_map(|stored| stored.due_ms(clock)).min();
        let next_in = next_ms.map(|next_ms| Duration::from_millis(next_ms.saturating_sub(now_ms)));
        Claims { firings, next_in }
    }

    fn complete(&mut self, id: ScheduleId, due_ms: u64) {
        let Some(stored) = self.stored.get_mut(&id) else { return };
        stored.waiting.retain(|waiting| waiting.due_ms != due_ms);
        if stored.due_ms(&self.clock).is_none() {
            self.stored.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Target;

    const START_MS: u64 = 1_795_334_400_000;
    const HOUR_MS: u64 = 3_600_000;

    fn schedule(timing: Timing) -> Schedule {
        Schedule { id: ScheduleId::random(), to: Target::All, title: None, content: "tea".into(), timing }
    }

    /// The times that fire when a wall clock shows these, in order.
    fn fired(timing: Timing, walls: &[u64]) -> Vec<Vec<u64>> {
        let mut table = ScheduleTable::new(1);
        assert_eq!(table.add(&schedule(timing), START_MS), Addition::Added);
        let claim = |wall_ms: &u64| {
            let firings = table.claim(*wall_ms).firings;
            firings.iter().for_each(|one| table.complete(one.schedule.id, one.due_ms));
            firings.iter().map(|firing| firing.due_ms - START_MS).collect()
        };
        walls.iter().map(claim).collect()
    }

    #[test]
    fn periods_go_on_when_the_clock_is_set_back() {
        let every = Timing::Every(Duration::from_millis(1000));
        let back_ms = START_MS - HOUR_MS;
        let walls = [START_MS + 1100, back_ms, back_ms + 500, back_ms + 900, back_ms + 1900];
        assert_eq!(fired(every, &walls), [vec![1000], vec![], vec![], vec![2000], vec![3000]]);
    }

    #[test]
    fn a_time_is_that_of_the_clock_also_when_it_is_set_back() {
        let at = Timing::At(Timestamp::from_unix_millis(START_MS + 1000).expect("a time"));
        let walls = [START_MS + 900, START_MS - HOUR_MS, START_MS + 999, START_MS + 1000, START_MS + 2000];
        assert_eq!(fired(at, &walls), [vec![], vec![], vec![], vec![1000], vec![]]);
    }
}
