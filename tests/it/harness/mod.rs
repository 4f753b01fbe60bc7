//! What the tests stand on: real processes, real sockets, and clients that wait for what must come.
//! Nothing here knows what a test wants to prove.

pub mod balancer;
pub mod browser;
pub mod client;
pub mod clock;
pub mod cluster;
pub mod entries;
pub mod haproxy;
pub mod http;
pub mod line;
pub mod network;
pub mod node;
pub mod ports;
pub mod proxy;
pub mod raw;
pub mod redis;
pub mod redis_cluster;
pub mod roamer;
pub mod sentinels;
pub mod stopwatch;
pub mod store;
pub mod swarm;

use std::time::Duration;

use tokio::time::{Instant, sleep};

pub use self::client::{Client, Dial};
pub use self::cluster::Cluster;
pub use self::haproxy::HaProxy;
pub use self::http::{Http, Reply};
pub use self::network::Network;
pub use self::node::{Launch, Node};
pub use self::proxy::Proxy;
pub use self::raw::RawSocket;
pub use self::redis_cluster::RedisCluster;
pub use self::roamer::Roamer;
pub use self::sentinels::Sentinels;
pub use self::swarm::Swarm;

/// How long a test waits for what must come. Reached only by a test that fails.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// The wait for what needs a node or Redis to come back first.
pub const LONG_DEADLINE: Duration = Duration::from_secs(30);

/// Asks again and again until there is an answer, and fails after `within`.
pub async fn eventually<T>(what: &str, within: Duration, mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + within;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what}: not within {within:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

/// Fails a test that needs a program which is not installed. With `ADDA_TEST_SKIP_MISSING` set the test does nothing
/// instead, and passes: only a person at a keyboard should ask for that.
pub fn skip(missing: &str) {
    let may_skip = std::env::var_os("ADDA_TEST_SKIP_MISSING").is_some();
    assert!(
        may_skip,
        "{missing} is missing: install it, or set ADDA_TEST_SKIP_MISSING=1 to leave such tests out"
    );
    eprintln!("skipped: {missing} is missing");
}
