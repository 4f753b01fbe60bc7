//! The reply to a renewal of the lease.

use redis::Value;

use crate::backend::Result;
use crate::backend::redis::client::server::parsed;

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

type Fields = (u8, Vec<String>, Vec<Vec<u8>>, String, u64, Vec<(String, String)>, u8, String, u64, u64, u64);

impl Renewal {
    pub fn read(value: Value) -> Result<Self> {
        let fields: Fields = parsed(value)?;
        let (is_lost, dead, due, generation, age_ms, living, is_unswept, replid, redis_ms, foreign, format) =
            fields;
        Ok(Self {
            is_lost: is_lost == 1,
            dead,
            due,
            generation,
            age_ms,
            living,
            is_unswept: is_unswept == 1,
            replid,
            redis_ms,
            foreign,
            format,
        })
    }
}
