//! A node as an operator sees it: a process with settings, a port, signals and a log.

use std::fs::File;
use std::io::{PipeReader, pipe};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Http, LONG_DEADLINE, eventually, ports};

/// The launch options of a node.
#[derive(Debug, Clone)]
pub struct Launch {
    port: u16,
    settings: Vec<(String, String)>,
    redis: Option<String>,
    descriptors: Option<u32>,
    is_log_unread: bool,
}

/// A running node. It is killed when it is dropped, and its log is shown if the test failed.
#[derive(Debug)]
pub struct Node {
    /// Where it listens on the loopback address.
    pub port: u16,
    command: Command,
    process: Child,
    log: PathBuf,
    /// The open read end of its log, which is never read.
    _unread: Option<PipeReader>,
}

/// The settings of limits on how often something may happen; 0 is no limit. All clients of a test have one address.
const LIMITS: [&str; 8] = [
    "limits.messages_per_s",
    "limits.guest_messages_per_s",
    "limits.joins_per_s",
    "limits.searches_per_minute",
    "limits.connections_per_address",
    "limits.unauthenticated_per_address",
    "auth.logins_per_minute",
    "auth.registrations_per_minute",
];

impl Launch {
    /// A node on the memory backend without limits on how often something may happen. It renews its lease often, closes its
    /// port at once when it stops, and logs debug lines.
    pub fn new() -> Self {
        let settings = Self::bare().set("log.level", "info,adda=debug").set("presence.renew_every", "250ms");
        let settings = settings.set("server.lame_duck", "0s");
        LIMITS.iter().fold(settings, |settings, limit| settings.set(limit, "0"))
    }

    /// The same with the default limits.
    pub fn limited() -> Self {
        LIMITS.iter().fold(Self::new(), |settings, limit| settings.unset(limit))
    }

    /// A node with the default settings.
    pub fn bare() -> Self {
        Self {
            port: ports::reserve(),
            settings: Vec::new(),
            redis: None,
            descriptors: None,
            is_log_unread: false,
        }
    }

    /// Changes a setting, named as in `config/default.toml`: `presence.leave_grace`.
    pub fn set(mut self, key: &str, value: &str) -> Self {
        self.settings.push((variable(key), value.to_owned()));
        self
    }

    /// Makes the task of this name panic at [`Node::inject_panic`].
    pub fn panic_in(mut self, task: &str) -> Self {
        self.settings.push(("PANIC_IN_TASK".to_owned(), task.to_owned()));
        self
    }

    /// Leaves a setting to the files and the defaults.
    pub fn unset(mut self, key: &str) -> Self {
        let variable = variable(key);
        self.settings.retain(|(name, _)| *name != variable);
        self
    }

    /// Limits the files and sockets that the node may open.
    pub fn descriptors(mut self, limit: u32) -> Self {
        self.descriptors = Some(limit);
        self
    }

    /// Gives the node a log pipe without a reader.
    pub fn unread_log(mut self) -> Self {
        self.is_log_unread = true;
        self
    }

    /// Sets `redis.url`.
    pub fn redis(mut self, url: &str) -> Self {
        self.redis = Some(url.to_owned());
        self
    }

    /// The same options with another port.
    pub fn another(&self) -> Self {
        Self { port: ports::reserve(), ..self.clone() }
    }

    /// The port of the node.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The command with all settings and these arguments.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_adda"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("ADDA__") {
                command.env_remove(name);
            }
        }
        command.args(arguments).envs(self.settings.iter().cloned()).stdin(Stdio::null());
        command
    }

    /// Starts the process and returns at once.
    pub fn spawn(self) -> Node {
        let command = self.serve();
        self.spawn_command(command)
    }

    /// Starts a process with other arguments than the usual ones.
    pub fn spawn_command(self, mut command: Command) -> Node {
        let (log, file) = self.log();
        if !self.is_log_unread {
            let process = run(&mut command, file);
            return Node { port: self.port, command, process, log, _unread: None };
        }
        let (unread, errors) = pipe().expect("a pipe");
        let process = command.stdout(file).stderr(errors).spawn().expect("the program can be started");
        // Dropping the command closes this process' copy of the pipe.
        command.stderr(Stdio::null());
        Node { port: self.port, command, process, log, _unread: Some(unread) }
    }

    /// Starts the process with its log redirected, and returns when it is ready.
    pub async fn start_logging_to(self, errors: impl Into<Stdio>) -> Node {
        let mut command = self.serve();
        let (log, file) = self.log();
        let process = command.stdout(file).stderr(errors).spawn().expect("the program can be started");
        Node { port: self.port, command, process, log, _unread: None }.ready().await
    }

    /// Starts the process and returns when it is ready.
    pub async fn start(self) -> Node {
        self.spawn().ready().await
    }

    fn log(&self) -> (PathBuf, File) {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("node-{}.log", self.port));
        let file = File::create(&path).expect("the target folder can be written");
        (path, file)
    }

    fn serve(&self) -> Command {
        let bind = format!("127.0.0.1:{}", self.port);
        let mut arguments = vec!["serve", "--bind", &bind];
        if let Some(url) = &self.redis {
            arguments.extend(["--redis", url]);
        }
        match self.descriptors {
            Some(limit) => limited(&self.command(&arguments), limit),
            None => self.command(&arguments),
        }
    }
}

/// The same command with a limit of open files.
fn limited(command: &Command, limit: u32) -> Command {
    let mut limited = Command::new("sh");
    limited.args(["-c", &format!("ulimit -n {limit} && exec \"$@\""), "sh"]);
    limited.arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    limited
}

fn variable(key: &str) -> String {
    format!("ADDA__{}", key.to_uppercase().replace('.', "__"))
}

fn run(command: &mut Command, log: File) -> Child {
    let errors = log.try_clone().expect("a second handle");
    command.stdout(log).stderr(errors).spawn().expect("the program can be started")
}

impl Node {
    /// A ready node on the memory backend.
    pub async fn memory() -> Self {
        Launch::new().start().await
    }

    /// A ready node on the memory backend with some settings changed.
    pub async fn with(settings: &[(&str, &str)]) -> Self {
        settings.iter().fold(Launch::new(), |launch, (key, value)| launch.set(key, value)).start().await
    }

    /// Its REST API.
    pub fn http(&self) -> Http {
        Http::new(self.port)
    }

    /// Returns the node once it is ready.
    pub async fn ready(mut self) -> Self {
        self.until_ready().await;
        self
    }

    /// Waits until it is ready.
    pub async fn until_ready(&mut self) {
        self.until_readyz(200).await;
    }

    /// Waits until `/readyz` answers with a status.
    pub async fn until_readyz(&mut self, status: u16) {
        let http = self.http();
        eventually(&format!("/readyz {status}"), LONG_DEADLINE, async || {
            let exit = self.process.try_wait().expect("a child of ours");
            assert!(exit.is_none(), "the node ended: {exit:?}");
            (http.status("/readyz").await == Some(status)).then_some(())
        })
        .await;
    }

    /// Its process id.
    pub fn process(&self) -> u32 {
        self.process.id()
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.process.kill().expect("a child of ours");
        self.process.wait().expect("a child of ours");
    }

    /// Sends SIGTERM.
    pub fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// Sends SIGSTOP.
    pub fn freeze(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Sends SIGCONT.
    pub fn thaw(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Makes the task of [`Launch::panic_in`] panic.
    pub fn inject_panic(&self) {
        self.signal(Signal::SIGUSR2);
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.process.id().cast_signed()), signal).expect("a child of ours");
    }

    /// Waits until it has exited.
    pub async fn exited(&mut self) -> ExitStatus {
        eventually("the node ends", LONG_DEADLINE, async || self.process.try_wait().expect("a child of ours"))
            .await
    }

    /// Starts it again on its port with the same settings and a new node id; kills it before if it still runs.
    pub async fn restart(&mut self) {
        // Fails only if it has ended already.
        let _ = self.process.kill();
        self.process.wait().expect("a child of ours");
        let log = File::options().append(true).open(&self.log).expect("the log of the first run");
        self.process = run(&mut self.command, log);
        self.until_ready().await;
    }

    /// Its whole log.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).expect("the log is there")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Fails only if it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            let log = self.log();
            // Tasks start several times a second.
            let lines: Vec<_> = log.lines().filter(|line| !line.contains("started a task")).collect();
            eprintln!("--- log of the node on port {}, last lines ---", self.port);
            eprintln!("{}", lines[lines.len().saturating_sub(60)..].join("\n"));
        } else {
            let _ = std::fs::remove_file(&self.log);
        }
    }
}
