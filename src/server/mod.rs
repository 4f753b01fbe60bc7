//! Joins WebSocket and HTTP, serves, drains.

mod acceptor;
mod descriptors;
pub mod signals;
mod waiting;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::PrometheusHandle;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use self::acceptor::Acceptor;
use self::descriptors::{Complaint, Share};
use crate::backend::{self, BackendError};
use crate::chat::Chat;
use crate::config::{Bind, Config, Current};
use crate::http::{self, AppState};
use crate::model::NodeId;
use crate::supervisor::{Supervisor, ticks};
use crate::telemetry::Logging;
use crate::ws::{self, Sessions};

/// Time that answers under way have at the end.
const FINISH_ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// Time that the last session has to close, besides the time that Redis may take.
const CLOSE_SESSIONS_WITHIN: Duration = Duration::from_secs(3);

/// How often collected metrics are condensed, even if no program reads them.
const CONDENSE_METRICS_EVERY: Duration = Duration::from_secs(5);

/// Why a node could not start: one sentence.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The port is in use, or not permitted.
    #[error("can't listen on {address}: {source}; choose another with --bind")]
    Listen {
        /// `server.bind`.
        address: Bind,
        /// The system's error.
        source: io::Error,
    },
    /// The backend will never work as it is configured.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The keys of the issuer of tokens, or the storage of files, can't be used.
    #[error("{0}")]
    Settings(String),
}

/// A node that listens and is not stopped yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    chat: Chat,
    sessions: Sessions,
    share: Share,
    complaint: Arc<Complaint>,
    app: AppState,
    metrics: PrometheusHandle,
    supervisor: Supervisor,
    settings: watch::Sender<Arc<Config>>,
}

/// A node ended because a task did that it can't do without.
#[derive(Debug, thiserror::Error)]
#[error("the node stopped because its task {0} failed")]
pub struct TaskFailed(&'static str);

impl Server {
    /// Binds the port and starts the backend; waits for a Redis that does not answer yet.
    ///
    /// # Errors
    /// [`StartError`], with a sentence for the operator.
    pub async fn start(config: Config, metrics: PrometheusHandle) -> Result<Self, StartError> {
        let address = config.server.bind.clone();
        let bound = TcpListener::bind(address.as_str()).await;
        let bound = bound.and_then(|listener| Ok((listener.local_addr()?, listener)));
        let (address, listener) = match bound {
            Ok(bound) => bound,
            Err(source) => return Err(StartError::Listen { address, source }),
        };
        let node = NodeId::random();
        let settings = watch::Sender::new(Arc::new(config.clone()));
        let kind = if config.redis.url.is_empty() { "memory" } else { "redis" };
        let supervisor = Supervisor::default();
        let (backend, events) = backend::start(&config, node, &supervisor).await?;
        info!(%node, bind = %address, backend = kind, prefix = config.redis.prefix, "starting a node");
        let limits = config.limits.clone();
        let chat =
            Chat::start(node, config, backend, events, supervisor.clone()).map_err(StartError::Settings)?;
        let share = Share::of_process(limits.sessions);
        let complaint = Arc::<Complaint>::default();
        let sessions = Sessions::new(share.sessions);
        let app = AppState::new(chat.clone(), metrics.clone(), settings.subscribe());
        Ok(Self { listener, address, chat, sessions, share, complaint, app, metrics, supervisor, settings })
    }

    /// The settings of the process: those that can change while it runs are followed there.
    pub fn settings(&self) -> watch::Sender<Arc<Config>> {
        self.settings.clone()
    }

    /// The chat of the node.
    pub fn chat(&self) -> Chat {
        self.chat.clone()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A node whose log has ended must be restarted.
    pub fn watch_log(&self, log: Arc<Logging>) {
        let supervisor = self.supervisor.clone();
        self.supervisor.run("log-writer", async move {
            supervisor.until_stopping(log.ended()).await;
        });
    }

    /// Serves until `stop` ends or a task fails, then drains: not ready, sessions closed, lease
    /// given up.
    ///
    /// # Errors
    /// [`TaskFailed`] if it did not stop for `stop`.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), TaskFailed> {
        let (config, supervisor) = (self.chat.config().clone(), self.supervisor);
        supervisor
            .run("heartbeat", self.sessions.clone().keep_up(config.session.clone(), supervisor.clone()));
        supervisor.run("metrics-upkeep", condense(self.metrics.clone(), supervisor.clone()));
        let following = follow_settings(self.chat.clone(), self.settings.subscribe(), supervisor.clone());
        supervisor.run("settings", following);
        let sessions =
            ws::router(self.chat.clone(), self.sessions.clone(), self.settings.subscribe(), http::build);
        let acceptor = Acceptor {
            listener: self.listener,
            router: http::router(self.app.clone(), sessions),
            head_within: config.server.header_timeout,
            write_timeout: config.session.write_timeout,
            most_sockets: self.share.sockets,
            sessions: self.sessions.clone(),
            complaint: self.complaint,
            settings: self.settings.subscribe(),
            connections: TaskTracker::new(),
            last_answers: CancellationToken::new(),
        };
        let (connections, last_answers) = (acceptor.connections.clone(), acceptor.last_answers.clone());
        let accepting = supervisor.keep("acceptor", acceptor.accept());
        let greeting = async {
            self.chat.started().await;
            tell_address(self.address);
            std::future::pending().await
        };
        tokio::select! {
            () = stop => {}
            () = supervisor.failed() => {}
            () = greeting => {}
        }
        info!(sessions = self.sessions.count(), "draining sessions");
        self.chat.start_draining();
        let close_within = CLOSE_SESSIONS_WITHIN + 2 * config.redis.command_timeout;
        // A balancer that does not try again finds out by asking, so the port stays open for that long.
        tokio::join!(
            self.sessions.drain(config.server.drain, close_within),
            tokio::time::sleep(config.server.lame_duck)
        );
        // With the accepting the port is closed, at once: a connection that nobody accepts would wait
        // for an answer until the end.
        drop(accepting);
        self.chat.retire().await;
        last_answers.cancel();
        connections.close();
        let _ = tokio::time::timeout(FINISH_ANSWERS_WITHIN, connections.wait()).await;
        info!("stopped");
        supervisor.failure().map_or(Ok(()), |task| Err(TaskFailed(task)))
    }
}

/// Names an address that a person can open.
fn tell_address(address: SocketAddr) {
    let port = address.port();
    match address.ip() {
        ip if ip.is_unspecified() => {
            info!("ready on all addresses of this machine: open http://localhost:{port}");
        }
        ip if ip.is_loopback() => info!("ready: open http://localhost:{port}"),
        _ => info!("ready: open http://{address}"),
    }
}

/// Hands on the secrets and limits whenever the settings are read again.
async fn follow_settings(chat: Chat, mut settings: Current, supervisor: Supervisor) {
    while let Some(Ok(())) = supervisor.until_stopping(settings.changed()).await {
        let config = settings.borrow_and_update().clone();
        chat.renew_secrets(&config.auth);
        chat.renew_limits(&config);
        if let Err(error) = chat.renew_issuer(&config.auth_issuer) {
            warn!(%error, "could not renew the issuer of tokens; keeping the current one");
        }
    }
    // Nobody is left who could change them.
    supervisor.stopping().await;
}

async fn condense(metrics: PrometheusHandle, supervisor: Supervisor) {
    let mut ticks = ticks(CONDENSE_METRICS_EVERY);
    loop {
        tokio::select! {
            () = supervisor.stopping() => return,
            _ = ticks.tick() => metrics.run_upkeep(),
        }
    }
}
