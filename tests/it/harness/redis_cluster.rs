//! A Redis Cluster of one test: three masters, each with a replica.

use ::redis::{RedisResult, Value, from_redis_value};

use super::redis::RedisServer;
use super::{LONG_DEADLINE, eventually, ports};

const MASTERS: usize = 3;

/// The number of slots.
const SLOTS: usize = 16384;

/// Six servers that form a cluster. A master that does not answer for two seconds is replaced by its replica.
#[derive(Debug)]
pub struct RedisCluster {
    /// The initial masters, then a replica of each.
    pub servers: Vec<RedisServer>,
}

impl RedisCluster {
    /// A complete cluster; `None` if redis-server is not installed.
    pub async fn start() -> Option<Self> {
        let mut servers = Vec::new();
        let mut buses = Vec::new();
        for _ in 0..2 * MASTERS {
            let bus = ports::reserve().to_string();
            let settings =
                ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", &bus];
            servers.push(RedisServer::with(&settings).await?);
            buses.push(bus);
        }
        let cluster = Self { servers };
        for (place, server) in cluster.servers.iter().enumerate() {
            server.command(&["CLUSTER", "SET-CONFIG-EPOCH", &(place + 1).to_string()]).await;
        }
        for (server, bus) in cluster.servers.iter().zip(&buses).skip(1) {
            let port = server.port().to_string();
            cluster.servers[0].command(&["CLUSTER", "MEET", "127.0.0.1", &port, bus]).await;
        }
        for place in 0..MASTERS {
            let (first, end) = (place * SLOTS / MASTERS, (place + 1) * SLOTS / MASTERS);
            let (first, last) = (first.to_string(), (end - 1).to_string());
            cluster.servers[place].command(&["CLUSTER", "ADDSLOTSRANGE", &first, &last]).await;
        }
        cluster.until_each_says("cluster_known_nodes:6").await;
        for place in 0..MASTERS {
            let master = cluster.id(place).await;
            cluster.servers[MASTERS + place].command(&["CLUSTER", "REPLICATE", &master]).await;
        }
        cluster.until_each_says("cluster_state:ok").await;
        for replica in &cluster.servers[MASTERS..] {
            until_says(replica, "INFO", "replication", "master_link_status:up").await;
        }
        Some(cluster)
    }

    /// One that keeps serving the other slots while a shard is dead, which is not Redis' default.
    pub async fn that_can_lose_a_shard() -> Option<Self> {
        let cluster = Self::start().await?;
        for server in &cluster.servers {
            server.command(&["CONFIG", "SET", "cluster-require-full-coverage", "no"]).await;
        }
        Some(cluster)
    }

    /// `redis-cluster://…`, with two of the servers.
    pub fn url(&self) -> String {
        format!("redis-cluster://127.0.0.1:{},127.0.0.1:{}", self.servers[0].port(), self.servers[1].port())
    }

    /// The slot of a key.
    pub async fn slot(&self, key: &str) -> u16 {
        let answer = self.servers[0].command(&["CLUSTER", "KEYSLOT", key]).await;
        from_redis_value(answer).expect("a number")
    }

    /// The index of the server that has a slot now, by a live server.
    pub async fn master(&self, slot: u16) -> usize {
        eventually(&format!("slot {slot} has a master"), LONG_DEADLINE, async || {
            for server in &self.servers {
                let Ok(answer) = server.try_command(&["CLUSTER", "SLOTS"]).await else { continue };
                return self.owner(slot, answer);
            }
            None
        })
        .await
    }

    /// Waits until another server has a slot.
    pub async fn until_not_master(&self, slot: u16, before: usize) {
        eventually(&format!("slot {slot} has another master"), LONG_DEADLINE, async || {
            (self.master(slot).await != before).then_some(())
        })
        .await;
    }

    fn owner(&self, slot: u16, slots: Value) -> Option<usize> {
        let ranges: Vec<Vec<Value>> = from_redis_value(slots).expect("ranges");
        ranges.into_iter().find_map(|range| {
            let number = |at: usize| from_redis_value::<u16>(range[at].clone()).expect("a slot");
            let Value::Array(master) = &range[2] else { return None };
            let port: u16 = from_redis_value(master[1].clone()).expect("a port");
            let is_in = (number(0)..=number(1)).contains(&slot);
            is_in.then(|| self.servers.iter().position(|server| server.port() == port))?
        })
    }

    /// An initial master that does not have the slot.
    pub async fn another_master(&self, slot: u16) -> usize {
        let master = self.master(slot).await;
        (0..MASTERS).find(|place| *place != master).expect("there are three")
    }

    /// Adds a master without slots; returns its index.
    pub async fn add_master(&mut self) -> usize {
        let bus = ports::reserve().to_string();
        let settings = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", &bus];
        let server = RedisServer::with(&settings).await.expect("the others could be started");
        let port = server.port().to_string();
        self.servers[0].command(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]).await;
        let known = format!("cluster_known_nodes:{}", self.servers.len() + 1);
        self.servers.push(server);
        self.until_each_says(&known).await;
        self.until_each_says("cluster_state:ok").await;
        self.servers.len() - 1
    }

    /// Begins to migrate a slot. [`RedisCluster::move_keys`] moves its keys, [`RedisCluster::hand_over`] the slot itself.
    pub async fn open_slot(&self, slot: u16, from: usize, to: usize) {
        let (slot, source, target) = (slot.to_string(), self.id(from).await, self.id(to).await);
        self.servers[to].command(&["CLUSTER", "SETSLOT", &slot, "IMPORTING", &source]).await;
        self.servers[from].command(&["CLUSTER", "SETSLOT", &slot, "MIGRATING", &target]).await;
    }

    /// Moves at most so many keys of a migrating slot; returns the number.
    pub async fn move_keys(&self, slot: u16, from: usize, to: usize, limit: usize) -> usize {
        let answer = self.servers[from]
            .command(&["CLUSTER", "GETKEYSINSLOT", &slot.to_string(), &limit.to_string()])
            .await;
        let keys: Vec<String> = from_redis_value(answer).expect("keys");
        if keys.is_empty() {
            return 0;
        }
        let port = self.servers[to].port().to_string();
        let mut words = vec!["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS"];
        words.extend(keys.iter().map(String::as_str));
        self.servers[from].command(&words).await;
        keys.len()
    }

    /// Assigns a migrating slot to its new master on all servers.
    pub async fn hand_over(&self, slot: u16, from: usize, to: usize) {
        let (slot, target) = (slot.to_string(), self.id(to).await);
        for place in [to, from] {
            self.servers[place].command(&["CLUSTER", "SETSLOT", &slot, "NODE", &target]).await;
        }
    }

    async fn id(&self, place: usize) -> String {
        from_redis_value(self.servers[place].command(&["CLUSTER", "MYID"]).await).expect("an id")
    }

    async fn until_each_says(&self, line: &str) {
        for server in &self.servers {
            until_says(server, "CLUSTER", "INFO", line).await;
        }
    }
}

/// Waits until a server's answer has a line.
pub async fn until_says(server: &RedisServer, command: &str, what: &str, line: &str) {
    eventually(&format!("{command} {what} says {line}"), LONG_DEADLINE, async || {
        let answer: RedisResult<Value> = server.try_command(&[command, what]).await;
        let text: String = from_redis_value(answer.ok()?).ok()?;
        text.contains(line).then_some(())
    })
    .await;
}
