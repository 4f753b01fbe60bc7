//! The reply to a renewal of the lease.

use redis::{FromRedisValue, ParsingError, Value, from_redis_value};

/// The reply of `renew.lua`. Data that another program may have written stays bytes until it is parsed.
#[derive(Debug)]
pub struct Renewal {
    pub is_lost: bool,
    pub dead: Vec<String>,
    /// Entries of the schedule of leave notices.
    pub due: Vec<Vec<u8>>,
    pub generation: String,
    pub age_ms: u64,
    /// The living nodes, each with the generation in which it has restored its sessions.
    pub living: Vec<(String, String)>,
    pub is_unswept: bool,
    /// The replication id of the Redis that has the leases.
    pub replid: String,
    /// The clock of that Redis.
    pub redis_ms: u64,
    /// Number of entries among the leases that no node has written.
    pub foreign: u64,
    /// The oldest format that nodes must know ([`super::vitals::FORMAT`]).
    pub format: u64,
}

impl FromRedisValue for Renewal {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let fields: Vec<Value> = from_redis_value(value)?;
        let count = fields.len();
        let fields: [Value; 11] =
            fields.try_into().map_err(|_| ParsingError::from(format!("a renewal of {count} fields")))?;
        let [is_lost, dead, due, generation, age_ms, living, is_unswept, replid, redis_ms, foreign, format] =
            fields;
        Ok(Self {
            is_lost: from_redis_value(is_lost)?,
            dead: from_redis_value(dead)?,
            due: from_redis_value(due)?,
            generation: from_redis_value(generation)?,
            age_ms: from_redis_value(age_ms)?,
            living: from_redis_value(living)?,
            is_unswept: from_redis_value(is_unswept)?,
            replid: from_redis_value(replid)?,
            redis_ms: from_redis_value(redis_ms)?,
            foreign: from_redis_value(foreign)?,
            format: from_redis_value(format)?,
        })
    }
}
