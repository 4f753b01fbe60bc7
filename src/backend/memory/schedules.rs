//! Schedules, by the wall clock.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use super::MemoryNode;
use crate::backend::{Addition, CLAIM, CLAIM_BATCH, Claims, MAX_WAITING, Planned, Result, Schedules};
use crate::model::{Firing, Schedule, ScheduleId, Timestamp, Timing};

#[async_trait]
impl Schedules for MemoryNode {
    async fn add(&self, schedule: &Schedule) -> Result<Addition> {
        Ok(self.cluster.lock().schedules.add(schedule, now_ms()))
    }

    async fn list(&self) -> Result<Vec<Planned>> {
        Ok(self.cluster.lock().schedules.list())
    }

    async fn remove(&self, id: ScheduleId) -> Result<bool> {
        Ok(self.cluster.lock().schedules.stored.remove(&id).is_some())
    }

    async fn claim(&self) -> Result<Claims> {
        Ok(self.cluster.lock().schedules.claim(now_ms()))
    }

    async fn complete(&self, fired: &[(ScheduleId, u64)]) -> Result<()> {
        let mut shared = self.cluster.lock();
        fired.iter().for_each(|(id, due_ms)| shared.schedules.complete(*id, *due_ms));
        Ok(())
    }
}

fn now_ms() -> u64 {
    Timestamp::now().unix_millis()
}

/// All schedules.
pub(super) struct ScheduleTable {
    most: usize,
    stored: BTreeMap<ScheduleId, Stored>,
}

struct Stored {
    schedule: Schedule,
    next_ms: Option<u64>,
    /// Times that are claimed, and when each claim ends.
    waiting: Vec<(u64, u64)>,
}

impl Stored {
    /// When there is something to claim.
    fn due_ms(&self) -> Option<u64> {
        self.waiting.iter().map(|(_, ends)| *ends).chain(self.next_ms).min()
    }

    /// `claim.lua`
    fn claim(&mut self, now_ms: u64, firings: &mut Vec<Firing>) {
        let ends_ms = now_ms + CLAIM.as_millis() as u64;
        let fire = |due_ms: u64| {
            let late = Duration::from_millis(now_ms - due_ms);
            Firing { schedule: self.schedule.clone(), due_ms, late }
        };
        for (due_ms, ends) in self.waiting.iter_mut().filter(|(_, ends)| *ends <= now_ms) {
            *ends = ends_ms;
            firings.push(fire(*due_ms));
        }
        let Some(due_ms) = self.next_ms.filter(|due_ms| *due_ms <= now_ms) else { return };
        if self.waiting.len() < MAX_WAITING {
            self.waiting.push((due_ms, ends_ms));
            firings.push(fire(due_ms));
        }
        self.next_ms = match self.schedule.timing {
            Timing::Every(every) => {
                let every_ms = every.as_millis() as u64;
                Some(due_ms + ((now_ms - due_ms) / every_ms + 1) * every_ms)
            }
            Timing::At(_) => None,
        };
    }
}

impl ScheduleTable {
    /// `most` limits the number of schedules.
    pub(super) fn new(most: usize) -> Self {
        Self { most, stored: BTreeMap::new() }
    }

    fn add(&mut self, schedule: &Schedule, now_ms: u64) -> Addition {
        if self.stored.len() >= self.most {
            return Addition::TooMany;
        }
        let next_ms = match schedule.timing {
            Timing::Every(every) => now_ms + every.as_millis() as u64,
            Timing::At(at) => at.unix_millis(),
        };
        if next_ms <= now_ms {
            return Addition::Past;
        }
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

    fn claim(&mut self, now_ms: u64) -> Claims {
        let is_due = |stored: &&mut Stored| stored.due_ms().is_some_and(|due_ms| due_ms <= now_ms);
        let mut firings = Vec::new();
        for stored in self.stored.values_mut().filter(is_due).take(CLAIM_BATCH) {
            stored.claim(now_ms, &mut firings);
        }
        let next_ms = self.stored.values().filter_map(Stored::due_ms).min();
        let next_in = next_ms.map(|next_ms| Duration::from_millis(next_ms.saturating_sub(now_ms)));
        Claims { firings, next_in }
    }

    fn complete(&mut self, id: ScheduleId, due_ms: u64) {
        let Some(stored) = self.stored.get_mut(&id) else { return };
        stored.waiting.retain(|(due, _)| *due != due_ms);
        if stored.due_ms().is_none() {
            self.stored.remove(&id);
        }
    }
}
