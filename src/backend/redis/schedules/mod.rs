//! Schedules: a hash with the times and the words of each, and a sorted set by what is due first. Both are in the slot of the
//! cluster's clock, which rules them.

use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;

use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::script::{Memory, Script, TYPES};
use crate::backend::redis::client::server::{parsed, parsed_if_ours};
use crate::backend::redis::keys::Keys;
use crate::backend::redis::presence::CLOCK;
use crate::backend::redis::topology::pooled::PooledCalls;
use crate::backend::{Addition, CLAIM, CLAIM_BATCH, Claims, MAX_WAITING, Planned, Result, Schedules};
use crate::config::Config;
use crate::model::schedule::StoredSchedule;
use crate::model::{Firing, Schedule, ScheduleId, Timestamp, Timing};
use crate::telemetry::{Unreadable, count_unreadable};

const STATE: &str = include_str!("state.lua");

static ADD: Script = Script::new(Memory::Grows, &[TYPES, CLOCK, STATE, include_str!("add.lua")]);

/// Allowed at the memory limit: the number of schedules and of waiting times is bounded.
static CLAIM_DUE: Script = Script::new(Memory::Spares, &[TYPES, CLOCK, STATE, include_str!("claim.lua")]);

static COMPLETE: Script = Script::new(Memory::Spares, &[TYPES, CLOCK, STATE, include_str!("complete.lua")]);

/// The scripts of this folder.
pub(super) const SCRIPTS: &[&Script] = &[&ADD, &CLAIM_DUE, &COMPLETE];

/// Schedules in Redis.
#[derive(Debug)]
pub struct RedisSchedules {
    keys: Keys,
    calls: PooledCalls,
    most: usize,
}

impl RedisSchedules {
    pub fn new(keys: Keys, calls: PooledCalls, config: &Config) -> Self {
        let most = config.notifications.schedules;
        Self { keys, calls, most }
    }

    fn script(&self, script: &'static Script) -> Call {
        Call::new(script, [self.keys.due_schedules(), self.keys.schedules(), self.keys.clock()])
    }
}

#[async_trait]
impl Schedules for RedisSchedules {
    async fn add(&self, schedule: &Schedule) -> Result<Addition> {
        let (every_ms, at_ms) = match schedule.timing {
            Timing::Every(every) => (every.as_millis() as u64, 0),
            Timing::At(at) => (0, at.unix_millis()),
        };
        let json = serde_json::to_string(&StoredSchedule::new(schedule)).expect("texts are JSON");
        let call = self.script(&ADD).arg(schedule.id).arg(every_ms).arg(at_ms).arg(json).arg(self.most);
        Ok(match parsed::<String>(self.calls.call(call).await?)?.as_str() {
            "added" => Addition::Added,
            "past" => Addition::Past,
            _ => Addition::TooMany,
        })
    }

    async fn list(&self) -> Result<Vec<Planned>> {
        let value = self.calls.call(Call::plain("HGETALL", self.keys.schedules())).await;
        let stored: BTreeMap<Vec<u8>, Vec<u8>> = parsed_if_ours(value)?;
        let read = |(id, value): (&Vec<u8>, &Vec<u8>)| planned(std::str::from_utf8(id).ok()?, value);
        let mut found: Vec<Planned> = stored.iter().filter_map(read).collect();
        count_unreadable(Unreadable::Schedule, (stored.len() - found.len()) as u64);
        found.sort_by_key(|planned| (planned.next, planned.schedule.id));
        Ok(found)
    }

    async fn remove(&self, id: ScheduleId) -> Result<bool> {
        let call = Call::plain("HDEL", self.keys.schedules()).arg(id);
        let removed: u64 = parsed_if_ours(self.calls.call(call).await)?;
        // Its place among the due ones is removed by the next claim if this fails.
        let call = Call::plain("ZREM", self.keys.due_schedules()).arg(id);
        parsed_if_ours::<u64>(self.calls.call(call).await)?;
        Ok(removed > 0)
    }

    async fn claim(&self) -> Result<Claims> {
        let call = self.script(&CLAIM_DUE).arg(CLAIM.as_millis()).arg(CLAIM_BATCH).arg(MAX_WAITING);
        let (wait_ms, claimed): (i64, Vec<Vec<u8>>) = parsed(self.calls.call(call).await?)?;
        let firings: Vec<Firing> = claimed.chunks_exact(4).filter_map(firing).collect();
        count_unreadable(Unreadable::Schedule, (claimed.len() / 4 - firings.len()) as u64);
        Ok(Claims { firings, next_in: u64::try_from(wait_ms).ok().map(Duration::from_millis) })
    }

    async fn complete(&self, fired: &[(ScheduleId, u64)]) -> Result<()> {
        if fired.is_empty() {
            return Ok(());
        }
        let call = fired.iter().fold(self.script(&COMPLETE), |call, (id, due_ms)| call.arg(id).arg(due_ms));
        self.calls.call(call).await.map(drop)
    }
}

/// Reads a value as `state.lua` writes it.
fn planned(id: &str, value: &[u8]) -> Option<Planned> {
    let (times, json) = std::str::from_utf8(value).ok()?.split_once('\n')?;
    let mut times = times.split(' ');
    let every_ms: u64 = times.next()?.parse().ok()?;
    let next = times.next()?;
    let first = next.parse().ok().or_else(|| times.next()?.split_once('@')?.0.parse().ok());
    let timing = match every_ms {
        0 => Timing::At(Timestamp::from_unix_millis(first?)?),
        _ => Timing::Every(Duration::from_millis(every_ms)),
    };
    let stored: StoredSchedule = serde_json::from_str(json).ok()?;
    let next = next.parse().ok().and_then(Timestamp::from_unix_millis);
    Some(Planned { schedule: stored.read(ScheduleId::parse(id)?, timing)?, next })
}

/// Reads one of the claims of `claim.lua`.
fn firing(claim: &[Vec<u8>]) -> Option<Firing> {
    let text = |place: usize| std::str::from_utf8(&claim[place]).ok();
    let schedule = planned(text(0)?, &claim[3])?.schedule;
    Some(Firing {
        schedule,
        due_ms: text(1)?.parse().ok()?,
        late: Duration::from_millis(text(2)?.parse().ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::redis::mutations::read_mutations;

    const ID: &str = "0191a3c0-0000-7000-8000-000000000000";
    const JSON: &str = r#"{"to":"all","content":"হ্যালো"}"#;

    #[test]
    fn a_value_has_the_times_and_the_words() {
        let read = |times: &str| planned(ID, format!("{times}\n{JSON}").as_bytes());
        let repeated = read("1000 5000 3000@9 4000@9").unwrap();
        assert_eq!(repeated.schedule.timing, Timing::Every(Duration::from_secs(1)));
        assert_eq!(repeated.next, Timestamp::from_unix_millis(5000));
        let once = read("0 - 3000@9").unwrap();
        assert_eq!(once.schedule.timing, Timing::At(Timestamp::from_unix_millis(3000).unwrap()));
        assert_eq!(once.next, None);
        for foreign in ["", "1000", "0 -", "x 5000", "0 x"] {
            assert_eq!(read(foreign), None, "{foreign:?}");
        }
    }

    #[test]
    fn any_bytes_are_a_schedule_or_unreadable() {
        let value = format!("1000 5000 4000@9\n{JSON}").into_bytes();
        let mut outcomes = [0, 0];
        read_mutations(&[value], 5_000, |value| outcomes[usize::from(planned(ID, value).is_some())] += 1);
        assert!(outcomes.iter().all(|count| *count > 10), "{outcomes:?}");
    }
}
