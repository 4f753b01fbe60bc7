//! What a renewal of the lease tells.

use redis::Value;

use crate::backend::Result;
use crate::backend::redis::client::server::parsed;

/// What `renew.lua` returns. What others have put into Redis is bytes until it is read.
#[derive(Debug)]
pub struct Renewal {
    pub is_lost: bool,
    pub dead: Vec<String>,
    /// Entries of the index of leave notices.
    pub due: Vec<Vec<u8>>,
    pub generation: String,
    pub age_ms: u64,
    /// The living nodes, each with the generation that it has restored its sessions in.
    pub living: Vec<(String, String)>,
    pub is_unswept: bool,
    /// The replication id of the Redis that has the leases.
    pub history: String,
    /// The clock of that Redis.
    pub redis_ms: u64,
    /// Entries among the leases that were none.
    pub foreign: u64,
    /// The oldest format that nodes must know ([`super::vitals::FORMAT`]).
    pub format: u64,
}

type Fields = (u8, Vec<String>, Vec<Vec<u8>>, String, u64, Vec<(String, String)>, u8, String, u64, u64, u64);

impl Renewal {
    pub fn read(value: Value) -> Result<Self> {
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
