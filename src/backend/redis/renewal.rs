//! What a renewal of the lease tells.

use redis::Value;

use super::server::parsed;
use crate::backend::Result;

/// What `renew.lua` returns. What others have put into Redis is bytes until it is read.
#[derive(Debug)]
pub(super) struct Renewal {
    pub(super) is_lost: bool,
    pub(super) dead: Vec<String>,
    /// Entries of the index of leave notices.
    pub(super) due: Vec<Vec<u8>>,
    pub(super) generation: String,
    pub(super) age_ms: u64,
    /// The living nodes, each with the generation that it has restored its sessions in.
    pub(super) living: Vec<(String, String)>,
    pub(super) is_unswept: bool,
    /// The replication id of the Redis that has the leases.
    pub(super) history: String,
    /// The clock of that Redis.
    pub(super) redis_ms: u64,
    /// Entries among the leases that were none.
    pub(super) foreign: u64,
    /// The oldest format that nodes must know ([`super::vitals::FORMAT`]).
    pub(super) format: u64,
}

type Fields = (u8, Vec<String>, Vec<Vec<u8>>, String, u64, Vec<(String, String)>, u8, String, u64, u64, u64);

impl Renewal {
    pub(super) fn read(value: Value) -> Result<Self> {
        let fields: Fields = parsed(value)?;
        let (is_lost, dead, due, generation, age_ms, living, is_unswept, history, redis_ms, foreign, format) =
            fields;
        Ok(Self {
            is_lost: is_lost == 1,
            dead,
            due,
            generation,
            age_ms,
            living,
            is_unswept: is_unswept == 1,
            history,
            redis_ms,
            foreign,
            format,
        })
    }
}
