//! Several nodes over one Redis of their own.

use super::redis::RedisServer;
use super::store::Store;
use super::{DEADLINE, Launch, Node, eventually};

/// A cluster of one test. The nodes are dropped before their Redis.
#[derive(Debug)]
pub struct Cluster {
    /// The nodes, in the order of their start.
    pub nodes: Vec<Node>,
    /// Their Redis.
    pub redis: Store,
    launch: Launch,
}

impl Cluster {
    /// Ready nodes with the default settings; `None` if redis-server is not installed.
    pub async fn start(count: usize) -> Option<Self> {
        Self::with(count, &[]).await
    }

    /// Ready nodes with some settings changed.
    pub async fn with(count: usize, settings: &[(&str, &str)]) -> Option<Self> {
        let redis = RedisServer::start().await?;
        let urls = vec![redis.url(); count];
        Some(Self::reaching(redis, &urls, settings).await)
    }

    /// Ready nodes with other launch options.
    pub async fn launched(
        count: usize,
        settings: &[(&str, &str)],
        change: impl Fn(Launch) -> Launch,
    ) -> Option<Self> {
        let redis = RedisServer::start().await?;
        let urls = vec![redis.url(); count];
        Some(Self::reaching_as(redis, &urls, settings, change).await)
    }

    /// Ready nodes that each reach Redis by an address of their own ([`Cluster::way`]), which a [`super::Network`] can
    /// cut off.
    pub async fn by_ways(count: usize, settings: &[(&str, &str)]) -> Option<Self> {
        let redis = RedisServer::start().await?;
        let ways: Vec<_> = (0..count).map(Self::way).collect();
        redis.command(&["CONFIG", "SET", "bind", &format!("127.0.0.1 {}", ways.join(" "))]).await;
        let urls: Vec<_> = ways.iter().map(|way| redis.url().replace("127.0.0.1", way)).collect();
        Some(Self::reaching(redis, &urls, settings).await)
    }

    /// The address by which only this node reaches Redis.
    pub fn way(node: usize) -> String {
        format!("127.0.0.{}", node + 2)
    }

    /// Ready nodes on an existing Redis, each with a URL of its own.
    pub async fn reaching(redis: impl Into<Store>, urls: &[String], settings: &[(&str, &str)]) -> Self {
        Self::reaching_as(redis, urls, settings, |launch| launch).await
    }

    async fn reaching_as(
        redis: impl Into<Store>,
        urls: &[String],
        settings: &[(&str, &str)],
        change: impl Fn(Launch) -> Launch,
    ) -> Self {
        let redis = redis.into();
        let prefix = format!("adda-{}:", uuid::Uuid::new_v4().simple());
        let launch = Launch::new().redis(&redis.url()).set("redis.prefix", &prefix);
        let launch = change(settings.iter().fold(launch, |launch, (key, value)| launch.set(key, value)));
        let mut nodes: Vec<_> = urls.iter().map(|url| launch.another().redis(url).spawn()).collect();
        for node in &mut nodes {
            node.until_ready().await;
        }
        Self { nodes, redis, launch }
    }

    /// Starts one more node and returns its index.
    pub async fn add_node(&mut self) -> usize {
        self.nodes.push(self.launch.another().start().await);
        self.nodes.len() - 1
    }

    /// The launch options of its nodes.
    pub fn launch(&self) -> Launch {
        self.launch.another()
    }

    /// Asserts that every node lists exactly these sessions for a room, now.
    pub async fn agree(&self, room: &str, connections: &[&str]) {
        let expected = sorted(connections);
        for (place, node) in self.nodes.iter().enumerate() {
            assert_eq!(node.http().connections(room).await, expected, "{room} as node {place} sees it");
        }
    }

    /// Waits until every node lists exactly these sessions for a room.
    pub async fn until_agreed(&self, room: &str, connections: &[&str]) {
        let expected = sorted(connections);
        for node in &self.nodes {
            eventually(&format!("{room} holds {expected:?}"), DEADLINE, async || {
                (node.http().connections_if_known(room).await.as_ref() == Some(&expected)).then_some(())
            })
            .await;
        }
    }
}

fn sorted(connections: &[&str]) -> Vec<String> {
    let mut sorted: Vec<_> = connections.iter().map(ToString::to_string).collect();
    sorted.sort();
    sorted
}
