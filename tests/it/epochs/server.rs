//! A redis-server whose files can be truncated, copied, restored and removed. Unlike the harness' server, it may have
//! data of any age, and there may be several.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, FromRedisValue, RedisResult, Value};

use crate::harness::{DEADLINE, LONG_DEADLINE, eventually, ports, skip};

/// One redis-server. Dropping it kills it and removes its folder.
pub struct Server {
    pub port: u16,
    folder: PathBuf,
    process: Child,
}

impl Server {
    /// An empty one. `None`, with a message on stderr, if redis-server is not installed.
    pub async fn start() -> Option<Self> {
        let port = ports::reserve();
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("epochs-{port}"));
        // Left over if an earlier process was killed.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let process = match run(port, &folder) {
            Ok(process) => process,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                skip("redis-server");
                return None;
            }
            Err(error) => panic!("redis-server can't be started: {error}"),
        };
        let mut server = Self { port, folder, process };
        server.until_it_answers().await;
        Some(server)
    }

    // --- its process ---

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again after [`Self::kill`] with the files of its folder.
    pub async fn restart(&mut self) {
        // A child process that was rewriting the file at the kill holds the port for a moment longer.
        let port = self.port;
        eventually("the port is free", LONG_DEADLINE, async || TcpListener::bind(("127.0.0.1", port)).ok())
            .await;
        self.process = run(self.port, &self.folder).unwrap();
        self.until_it_answers().await;
    }

    // --- its files, while it is dead ---

    /// Truncates its file by the last `bytes`, possibly in the middle of a command.
    pub fn cut(&self, bytes: u64) {
        let Some(path) = self.newest_file() else { return };
        let file = File::options().write(true).open(&path).unwrap();
        file.set_len(file.metadata().unwrap().len().saturating_sub(bytes)).unwrap();
        repair(&path);
    }

    /// Removes all files.
    pub fn empty(&self) {
        let _ = fs::remove_dir_all(self.folder.join("appendonlydir"));
        let _ = fs::remove_file(self.folder.join("dump.rdb"));
    }

    /// Replaces its files with a copy.
    pub fn put_back(&self, copy: &Path) {
        self.empty();
        copy_folder(&copy.join("appendonlydir"), &self.folder.join("appendonlydir"));
        // The file may have been written to during the copy.
        self.newest_file().inspect(|path| repair(path));
    }

    fn newest_file(&self) -> Option<PathBuf> {
        let files = fs::read_dir(self.folder.join("appendonlydir")).unwrap();
        let increments = files.map(|file| file.unwrap().path()).filter(|path| is_increment(path));
        increments.max_by_key(|path| fs::metadata(path).unwrap().len())
    }

    // --- its files, dead or alive ---

    /// Copies its files.
    pub async fn copy(&self, to: &Path) {
        // A copy during a rewrite, as after a resynchronisation, would be inconsistent.
        eventually("the file is written", LONG_DEADLINE, async || {
            let busy = ["aof_rewrite_in_progress:1", "aof_rewrite_scheduled:1", "loading:1"];
            let info = self.info("persistence").await;
            (!busy.iter().any(|line| info.contains(line))).then_some(())
        })
        .await;
        copy_folder(&self.folder.join("appendonlydir"), &to.join("appendonlydir"));
    }

    // --- commands ---

    /// Sends one command, again if the connection breaks; an error that Redis answers fails the test.
    pub async fn ask<T: FromRedisValue>(&self, words: &[&str]) -> T {
        // A node kills connections with abandoned commands by their ids; after a restart this connection may have
        // such an id.
        eventually(words[0], LONG_DEADLINE, async || match self.try_ask(words).await {
            Err(error) if error.is_io_error() => None,
            answer => Some(answer.unwrap_or_else(|error| panic!("{words:?}: {error}"))),
        })
        .await
    }

    /// Sends one command.
    pub async fn try_ask<T: FromRedisValue>(&self, words: &[&str]) -> RedisResult<T> {
        redis::cmd(words[0]).arg(&words[1..]).query_async(&mut self.connect().await?).await
    }

    /// A section of INFO.
    pub async fn info(&self, section: &str) -> String {
        self.ask(&["INFO", section]).await
    }

    async fn connect(&self) -> RedisResult<MultiplexedConnection> {
        // The default of half a second is too short on a busy machine.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(DEADLINE))
            .set_response_timeout(Some(DEADLINE));
        Client::open(self.url())?.get_multiplexed_async_connection_with_config(&config).await
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    async fn until_it_answers(&mut self) {
        eventually("redis-server answers", LONG_DEADLINE, async || {
            let exit = self.process.try_wait().unwrap();
            let log = || fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(exit.is_none(), "redis-server ended: {exit:?}\n{}", log());
            // Refused while it is loading.
            self.try_ask::<String>(&["PING"]).await.ok()
        })
        .await;
    }

    // --- as one of a pair ---

    /// Becomes the replica of another, and returns when it has the other's data.
    pub async fn follow(&self, master: &Self) {
        self.ask::<Value>(&["REPLICAOF", "127.0.0.1", &master.port.to_string()]).await;
        eventually("the replica has its master's data", LONG_DEADLINE, async || {
            self.info("replication").await.contains("master_link_status:up").then_some(())
        })
        .await;
        self.catch_up(master).await;
    }

    /// Returns once this replica has all data that its master had at the call.
    pub async fn catch_up(&self, master: &Self) {
        let goal = offset(&master.info("replication").await);
        eventually("the replica has caught up", LONG_DEADLINE, async || {
            (offset(&self.info("replication").await) >= goal).then_some(())
        })
        .await;
    }

    /// Stays a replica but loses the link to its master.
    pub async fn lag(&self) {
        // No server listens on port 1.
        self.ask::<Value>(&["REPLICAOF", "127.0.0.1", "1"]).await;
    }

    /// Becomes a master with its data.
    pub async fn promote(&self) {
        self.ask::<Value>(&["REPLICAOF", "NO", "ONE"]).await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Fails only if it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn run(port: u16, folder: &Path) -> std::io::Result<Child> {
    Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--logfile", "log"])
        .args(["--appendonly", "yes", "--repl-diskless-sync-delay", "0"])
        .arg("--dir")
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

fn offset(replication: &str) -> u64 {
    let line = replication.lines().find_map(|line| line.strip_prefix("master_repl_offset:"));
    line.and_then(|offset| offset.parse().ok()).unwrap()
}

fn is_increment(path: &Path) -> bool {
    path.to_string_lossy().ends_with(".incr.aof")
}

/// Truncates a torn file before the incomplete transaction, as an operator does after a crash. Redis 7 by itself
/// (`aof-load-truncated`) keeps the first part of the transaction if the tear is in the middle of a command. Later
/// writes then continue inside it, and the next start mixes both (valkey-io/valkey#4342).
fn repair(path: &Path) {
    let mut check = Command::new("redis-check-aof");
    check.arg("--fix").arg(path).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut check = check.spawn().expect("it comes with redis-server");
    // The tool prompts only if there is something to repair, so it may have ended already.
    let _ = check.stdin.take().expect("piped").write_all(b"y\n");
    check.wait().unwrap();
}

fn copy_folder(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}
