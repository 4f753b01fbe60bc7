//! A real redis-server of one test, on a free port.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use ::redis::AsyncConnectionConfig;
use ::redis::aio::MultiplexedConnection;
use ::redis::{Client, RedisResult, Value};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::clock::Clock;
use super::{DEADLINE, LONG_DEADLINE, eventually, ports, skip};

/// A running redis-server with an append-only file, so that acknowledged writes survive a kill. Dropping it kills it
/// and removes its folder.
#[derive(Debug)]
pub struct RedisServer {
    port: u16,
    folder: PathBuf,
    /// Additional start arguments.
    more: Vec<String>,
    /// A clock of its own, if it has one.
    clock: Option<Clock>,
    process: Child,
}

impl RedisServer {
    /// An empty server that answers. If redis-server is not installed the test fails; with `ADDA_TEST_SKIP_MISSING` the
    /// result is `None`, with a message on stderr.
    pub async fn start() -> Option<Self> {
        Self::with(&[]).await
    }

    /// The same with further settings of redis-server: `["--maxmemory", "1mb"]`.
    pub async fn with(more: &[&str]) -> Option<Self> {
        Self::launch(ports::reserve(), more, None).await
    }

    /// The same with a clock of its own, which [`Self::set_clock`] sets.
    pub async fn with_clock(more: &[&str]) -> Option<Self> {
        let port = ports::reserve();
        let clock = Clock::new(&format!("redis-{port}.clock"))?;
        Self::launch(port, more, Some(clock)).await
    }

    async fn launch(port: u16, more: &[&str], clock: Option<Clock>) -> Option<Self> {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("redis-{port}"));
        // Left over if an earlier process was killed.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("the target folder can be written");
        let more: Vec<String> = more.iter().map(ToString::to_string).collect();
        let process = match run(port, &folder, clock.as_ref(), &more, &[]) {
            Ok(process) => process,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                skip("redis-server");
                return None;
            }
            Err(error) => panic!("redis-server can't be started: {error}"),
        };
        let mut server = Self { port, folder, more, clock, process };
        server.until_it_answers().await;
        Some(server)
    }

    /// Sets the offset of its clock from the machine's.
    pub fn set_clock(&self, seconds: i64) {
        self.clock.as_ref().expect("it was started with a clock of its own").set(seconds * 1000);
    }

    /// Where it listens on the loopback address.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of its files.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// `redis://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Sends one command; an error that Redis answers fails the test.
    pub async fn command(&self, words: &[&str]) -> Value {
        self.try_command(words).await.unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// Sends one command and returns its answer.
    pub async fn try_command(&self, words: &[&str]) -> RedisResult<Value> {
        let mut connection = self.connect().await?;
        ::redis::cmd(words[0]).arg(&words[1..]).query_async(&mut connection).await
    }

    /// Sends a command with binary arguments; an error that Redis answers fails the test.
    pub async fn run(&self, command: &::redis::Cmd) -> Value {
        let mut connection = self.connect().await.expect("Redis answers");
        command.query_async(&mut connection).await.unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }

    /// A number of `INFO stats`.
    pub async fn stat(&self, name: &str) -> u64 {
        let stats: String = ::redis::from_redis_value(self.command(&["INFO", "stats"]).await).expect("text");
        let value = stats.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.and_then(|value| value.parse().ok()).expect("INFO tells it")
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process.kill().expect("a child of ours");
        self.process.wait().expect("a child of ours");
    }

    /// `SHUTDOWN`: it saves its data and exits.
    pub async fn shut_down(&mut self) {
        self.signal(Signal::SIGTERM);
        eventually("redis-server ends", LONG_DEADLINE, async || {
            self.process.try_wait().expect("a child of ours")
        })
        .await;
    }

    /// Removes its files; it must not run.
    pub fn lose_files(&self) {
        std::fs::remove_dir_all(&self.folder).expect("it was there");
        std::fs::create_dir_all(&self.folder).expect("the target folder can be written");
    }

    /// The length of its append-only file.
    pub fn file_length(&self) -> u64 {
        std::fs::metadata(self.file()).expect("it is there").len()
    }

    /// Truncates its append-only file to a length; it must not run. Redis accepts a command that is cut in two.
    pub fn cut_file(&self, length: u64) {
        let file = std::fs::File::options().write(true).open(self.file()).expect("it is there");
        file.set_len(length).expect("it can be written");
    }

    fn file(&self) -> PathBuf {
        self.folder.join("appendonlydir").join("appendonly.aof.1.incr.aof")
    }

    /// Copies its files, as a backup would.
    pub fn back_up(&self) {
        copy_folder(&self.folder, &self.backup());
    }

    /// Restores the copy of [`Self::back_up`]; it must not run.
    pub fn put_backup_back(&self) {
        self.lose_files();
        copy_folder(&self.backup(), &self.folder);
    }

    fn backup(&self) -> PathBuf {
        self.folder.with_extension("backup")
    }

    /// Starts it again after [`Self::kill`] with its files, and waits until it answers.
    pub async fn restart(&mut self) {
        self.begin_restart(&[]);
        self.until_it_answers().await;
    }

    /// Starts it again with more arguments and does not wait: it may be loading for a while.
    pub fn begin_restart(&mut self, arguments: &[&str]) {
        assert!(self.process.try_wait().expect("a child of ours").is_some(), "it still runs");
        self.process = run(self.port, &self.folder, self.clock.as_ref(), &self.more, arguments)
            .expect("it could be started before");
    }

    /// Its process id.
    pub fn process(&self) -> u32 {
        self.process.id()
    }

    /// Sends SIGSTOP: connections stay open without answers.
    pub fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Sends SIGCONT.
    pub fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.process.id().cast_signed()), signal).expect("a child of ours");
    }

    async fn connect(&self) -> RedisResult<MultiplexedConnection> {
        // The default of half a second is too short for a script on a busy machine.
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(DEADLINE))
            .set_response_timeout(Some(DEADLINE));
        Client::open(self.url())?.get_multiplexed_async_connection_with_config(&config).await
    }

    async fn until_it_answers(&mut self) {
        eventually("redis-server answers", LONG_DEADLINE, async || {
            let exit = self.process.try_wait().expect("a child of ours");
            assert!(exit.is_none(), "redis-server ended: {exit:?}\n{}", self.log());
            let mut connection = self.connect().await.ok()?;
            // Refused while it is loading.
            ::redis::cmd("PING").query_async::<()>(&mut connection).await.ok()
        })
        .await;
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }
}

fn copy_folder(from: &Path, to: &Path) {
    // Left over from an earlier copy.
    let _ = std::fs::remove_dir_all(to);
    std::fs::create_dir_all(to).expect("the target folder can be written");
    for entry in std::fs::read_dir(from).expect("it is there") {
        let path = entry.expect("a readable folder").path();
        let target = to.join(path.file_name().expect("an entry has a name"));
        match path.is_dir() {
            true => copy_folder(&path, &target),
            false => drop(std::fs::copy(&path, target).expect("a readable file")),
        }
    }
}

fn run(
    port: u16,
    folder: &Path,
    clock: Option<&Clock>,
    always: &[String],
    more: &[&str],
) -> std::io::Result<Child> {
    let mut command = Command::new("redis-server");
    if let Some(clock) = clock {
        clock.rule(&mut command);
    }
    command
        .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
        .args(["--save", "", "--appendonly", "yes", "--logfile", "log"])
        // A full synchronisation must not wait for further replicas.
        .args(["--repl-diskless-sync-delay", "0"])
        .arg("--dir")
        .arg(folder)
        .args(always)
        .args(more)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // Fails only if it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
        let _ = std::fs::remove_dir_all(self.backup());
    }
}
