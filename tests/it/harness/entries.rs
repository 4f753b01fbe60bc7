//! Member entries of a room, written without a node. `docs/redis.md` documents the format.

use redis::{cmd, from_redis_value};
use uuid::Uuid;

use super::redis::RedisServer;

/// The entry of a guest's session.
pub fn entry(node: Uuid, connection: Uuid, user: Uuid, username: &str) -> Vec<u8> {
    [node.as_bytes(), connection.as_bytes(), &[1, 0][..], user.as_bytes(), username.as_bytes()].concat()
}

/// The entries under the key of a room's members.
pub async fn entries(redis: &RedisServer, key: &str) -> Vec<Vec<u8>> {
    from_redis_value(redis.command(&["ZRANGE", key, "0", "-1"]).await).expect("entries")
}

/// Adds an entry to a room, without any index.
pub async fn put(redis: &RedisServer, key: &str, entry: &[u8]) {
    redis.run(cmd("ZADD").arg(key).arg(0).arg(entry)).await;
}

/// The node of an entry's session.
pub fn node_of(entry: &[u8]) -> Uuid {
    Uuid::from_slice(&entry[..16]).expect("an entry begins with its node")
}
