//! A master and its replicas with three Sentinels.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ::redis::{AsyncConnectionConfig, Client, RedisResult, from_redis_value};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::redis::RedisServer;
use super::redis_cluster::until_says;
use super::{LONG_DEADLINE, eventually, ports};

/// The Sentinels' name of the master.
pub const MASTER: &str = "chat";

/// Wait for a Sentinel's answer.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Three servers and three Sentinels. A master that does not answer for a second is failed over.
#[derive(Debug)]
pub struct Sentinels {
    /// The initial master and its two replicas.
    pub servers: Vec<RedisServer>,
    sentinels: Vec<Sentinel>,
}

#[derive(Debug)]
struct Sentinel {
    port: u16,
    folder: PathBuf,
    process: Child,
}

impl Sentinels {
    /// A complete set; `None` if redis-server is not installed.
    pub async fn start() -> Option<Self> {
        Self::around(async |settings| RedisServer::with(settings).await).await
    }

    /// The same with a clock for each server.
    pub async fn with_clocks() -> Option<Self> {
        Self::around(async |settings| RedisServer::with_clock(settings).await).await
    }

    async fn around(server: impl AsyncFn(&[&str]) -> Option<RedisServer>) -> Option<Self> {
        let master = server(&[]).await?;
        let port = master.port().to_string();
        let mut servers = vec![master];
        for _ in 0..2 {
            let replica = server(&["--replicaof", "127.0.0.1", &port]).await?;
            until_says(&replica, "INFO", "replication", "master_link_status:up").await;
            servers.push(replica);
        }
        let sentinels: Vec<_> = (0..3).map(|_| Sentinel::start(&port)).collect();
        let all = Self { servers, sentinels };
        for sentinel in &all.sentinels {
            eventually("the Sentinels know each other and the replicas", LONG_DEADLINE, async || {
                let fields: Vec<String> = sentinel.ask(&["SENTINEL", "MASTER", MASTER]).await.ok()?;
                let field = |name: &str| {
                    Some(fields.get(fields.iter().position(|field| field == name)? + 1)?.as_str())
                };
                (field("num-other-sentinels") == Some("2") && field("num-slaves") == Some("2")).then_some(())
            })
            .await;
        }
        Some(all)
    }

    /// `redis-sentinel://…`
    pub fn url(&self) -> String {
        let hosts: Vec<_> =
            self.sentinels.iter().map(|sentinel| format!("127.0.0.1:{}", sentinel.port)).collect();
        format!("redis-sentinel://{}/{MASTER}", hosts.join(","))
    }

    /// Makes the Sentinels fail over from a healthy master.
    pub async fn fail_over(&self) {
        let done: String =
            self.sentinels[0].ask(&["SENTINEL", "FAILOVER", MASTER]).await.expect("there is a good replica");
        assert_eq!(done, "OK");
    }

    /// Freezes the first Sentinel of the URL: it accepts connections and never answers.
    pub fn freeze_first(&self) {
        let process = Pid::from_raw(self.sentinels[0].process.id().cast_signed());
        kill(process, Signal::SIGSTOP).expect("a child of ours");
    }

    /// The index of the master, by most Sentinels.
    pub async fn master(&self) -> usize {
        let votes = self.votes().await;
        (0..votes.len()).max_by_key(|place| votes[*place]).expect("there are servers")
    }

    /// Whether a Sentinel names another master than this.
    pub async fn names_another(&self, before: usize) -> bool {
        let votes = self.votes().await;
        (0..votes.len()).any(|place| place != before && votes[place] > 0)
    }

    /// The number of Sentinels that name each server.
    async fn votes(&self) -> Vec<usize> {
        let mut votes = vec![0; self.servers.len()];
        for sentinel in &self.sentinels {
            let address: RedisResult<Vec<String>> =
                sentinel.ask(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER]).await;
            let place = address.ok().and_then(|address| {
                self.servers.iter().position(|server| address.get(1) == Some(&server.port().to_string()))
            });
            place.into_iter().for_each(|place| votes[place] += 1);
        }
        votes
    }

    /// Waits until another server is the master, by the Sentinels and by itself.
    pub async fn until_not_master(&self, before: usize) {
        let master = eventually("another server is the master", LONG_DEADLINE, async || {
            Some(self.master().await).filter(|master| *master != before)
        })
        .await;
        until_says(&self.servers[master], "INFO", "replication", "role:master").await;
    }
}

impl Sentinel {
    fn start(master: &str) -> Self {
        let port = ports::reserve();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("sentinel-{port}"));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("the target folder can be written");
        let settings = format!(
            "port {port}\nbind 127.0.0.1\nlogfile log\nsentinel monitor {MASTER} 127.0.0.1 {master} 2\n\
             sentinel down-after-milliseconds {MASTER} 1000\nsentinel failover-timeout {MASTER} 5000\n"
        );
        // A Sentinel stores its state in its configuration file.
        std::fs::write(folder.join("settings"), settings).expect("the folder can be written");
        let process = Command::new("redis-server")
            .args(["settings", "--sentinel"])
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server was started before");
        Self { port, folder, process }
    }

    async fn ask<T: ::redis::FromRedisValue>(&self, words: &[&str]) -> RedisResult<T> {
        let client = Client::open(format!("redis://127.0.0.1:{}", self.port))?;
        // The default of half a second is too short on a busy machine. One that is frozen takes all of it.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT));
        let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
        let answer = ::redis::cmd(words[0]).arg(&words[1..]).query_async(&mut connection).await?;
        Ok(from_redis_value(answer)?)
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        // Fails only if it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
