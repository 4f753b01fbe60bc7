//! Real processes, real sockets and clients for the tests. Clients wait for expected frames. Assertions about
//! adda's behaviour are in the tests.

pub mod balancer;
pub mod browser;
pub mod client;
pub mod clock;
pub mod cluster;
pub mod entries;
pub mod haproxy;
pub mod http;
pub mod jwt;
pub mod line;
pub mod metrics;
pub mod network;
pub mod node;
pub mod ports;
pub mod proxy;
pub mod raw;
pub mod redis;
pub mod redis_cluster;
pub mod roamer;
pub mod s3;
pub mod sentinels;
pub mod stopwatch;
pub mod store;
pub mod swarm;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::{Instant, sleep};

pub use self::client::{Client, Dial};
pub use self::cluster::Cluster;
pub use self::haproxy::HaProxy;
pub use self::http::{Http, Reply};
pub use self::jwt::Signer;
pub use self::metrics::Metrics;
pub use self::network::Network;
pub use self::node::{Launch, Node};
pub use self::proxy::Proxy;
pub use self::raw::RawSocket;
pub use self::redis_cluster::RedisCluster;
pub use self::roamer::Roamer;
pub use self::s3::S3Server;
pub use self::sentinels::Sentinels;
pub use self::swarm::Swarm;

/// The wait for an expected event. Only a failing test reaches it.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// The wait for an event that needs a node or Redis to restart first, or a page to draw.
pub const LONG_DEADLINE: Duration = Duration::from_secs(60);

/// Polls until there is an answer; fails after `within`.
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

/// A program of Python, in the folder where `scripts/test` installs it, or anywhere in the path.
pub fn program(folder: &str, name: &str) -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("../{folder}/bin/{name}"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let others = std::env::split_paths(&path).map(|folder| folder.join(name));
    std::iter::once(own).chain(others.collect::<Vec<_>>()).find(|program| program.is_file())
}

/// Fails a test that needs a missing program. With `ADDA_TEST_SKIP_MISSING` set the test passes without running,
/// which is meant for interactive use alone.
pub fn skip(missing: &str) {
    let may_skip = std::env::var_os("ADDA_TEST_SKIP_MISSING").is_some();
    assert!(
        may_skip,
        "{missing} is missing: install it, or set ADDA_TEST_SKIP_MISSING=1 to leave such tests out"
    );
    eprintln!("skipped: {missing} is missing");
}
