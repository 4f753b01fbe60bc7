//! The upgrade from HTTP to a WebSocket, and what is known of a session before its first frame.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequest, Path, Query, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use axum::routing::any;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tracing::debug;

use super::address::is_readable;
use super::connection::{self, Connection, Outbox, OutboxBounds};
use super::dashboard::Dashboard;
use super::session::{Session, UpgradeParams};
use super::sessions::Place;
use super::socket::Socket;
use super::{Sessions, echo};
use crate::chat::{Chat, ClientSession};
use crate::config::Current;
use crate::model::ConnectionId;
use crate::protocol::{
    ClientAddress, ErrorCode, Forwarded, Proof, Rejection, SUBPROTOCOL, SessionKind, server,
};
use crate::telemetry::count_error;
use crate::websocket::Handshake;

/// The state that the upgrade handlers share.
#[derive(Debug, Clone)]
struct WsState {
    chat: Chat,
    sessions: Sessions,
    settings: Current,
    /// The name of this node's build of the browser client.
    build: fn() -> String,
}

/// `/ws`, `/ws/ROOM/NAME`, `/ws/notifications`, `/ws/dashboard` and `/ws/echo`.
pub fn router(chat: Chat, sessions: Sessions, settings: Current, build: fn() -> String) -> Router {
    Router::new()
        .route("/ws", any(open_session))
        .route("/ws/{room}/{username}", any(open_named_session))
        .route("/ws/notifications", any(open_notifications))
        .route("/ws/dashboard", any(open_dashboard))
        .route("/ws/echo", any(open_echo))
        .with_state(WsState { chat, sessions, settings, build })
}

/// A request that opens a WebSocket.
struct Opening {
    handshake: Handshake,
    upgrade: OnUpgrade,
    head: Parts,
}

/// A request that is no handshake is told so first, whatever else is wrong with it or keeps this node from opening sessions.
impl<S: Sync> FromRequest<S> for Opening {
    type Rejection = Response<Body>;

    async fn from_request(request: Request, _: &S) -> Result<Self, Response<Body>> {
        let (mut head, _) = request.into_parts();
        let handshake = Handshake::read(&head.method, &head.headers);
        match (handshake, head.extensions.remove::<OnUpgrade>()) {
            (Some(handshake), Some(upgrade)) => Ok(Self { handshake, upgrade, head }),
            _ => Err(reject_request()),
        }
    }
}

impl Opening {
    fn offers_full(&self) -> bool {
        self.handshake.offers(SUBPROTOCOL)
    }

    fn forwarded(&self) -> &Forwarded {
        self.head.extensions.get().expect("the acceptor adds it to each request")
    }

    fn client(&self) -> ClientAddress {
        self.forwarded().client
    }
}

#[derive(Debug, Deserialize)]
struct Names {
    room: Option<String>,
    username: Option<String>,
}

async fn open_session(
    State(state): State<WsState>,
    names: Result<Query<Names>, QueryRejection>,
    opening: Opening,
) -> Response<Body> {
    match names {
        Ok(Query(names)) => state.open(names, opening),
        Err(_) => reject_address("The address must be readable, and name a room and a username once at most"),
    }
}

async fn open_named_session(
    State(state): State<WsState>,
    names: Result<Path<(String, String)>, PathRejection>,
    opening: Opening,
) -> Response<Body> {
    match names {
        Ok(Path((room, username))) => {
            state.open(Names { room: Some(room), username: Some(username) }, opening)
        }
        Err(_) => reject_address("The address must be readable, and name a room and a username once at most"),
    }
}

async fn open_notifications(State(state): State<WsState>, opening: Opening) -> Response<Body> {
    state.open_as(SessionKind::Notifications, Names { room: None, username: None }, opening)
}

async fn open_echo(State(state): State<WsState>, opening: Opening) -> Response<Body> {
    // It has no frame to say who it is.
    if let Err(rejection) = state.chat.check_guests() {
        let proof = state.proof(&opening);
        let outcome = match proof {
            Some(proof) => state.chat.authenticate(proof.token()).await.map(drop),
            None => Err(rejection),
        };
        if let Err(rejection) = outcome {
            let status = match rejection.code {
                ErrorCode::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
                ErrorCode::Banned => StatusCode::FORBIDDEN,
                _ => StatusCode::UNAUTHORIZED,
            };
            return reject(status, &rejection);
        }
    }
    state.upgrade(opening, None, |state, _, outbox, connection, client| async move {
        let (_counted, _client) = (state.chat.count_session(), client);
        echo::run(connection, &outbox).await;
    })
}

async fn open_dashboard(State(state): State<WsState>, opening: Opening) -> Response<Body> {
    if let Err(rejection) = state.chat.check_open() {
        return reject(StatusCode::SERVICE_UNAVAILABLE, &rejection);
    }
    // The states that it is given at once are as much as many pages of a room.
    let client = opening.client();
    if let Err(rejection) = state.chat.admit_join(client) {
        return reject(StatusCode::TOO_MANY_REQUESTS, &rejection);
    }
    let proof = state.proof(&opening);
    state.upgrade(opening, None, move |state, _, outbox, connection, client| async move {
        let _counted = state.chat.count_session();
        Dashboard::new(state.chat.clone(), state.settings.clone(), outbox, client, proof)
            .run(connection)
            .await;
    })
}

impl WsState {
    /// The credentials of an upgrade.
    fn proof(&self, opening: &Opening) -> Option<Proof> {
        let is_named = |origin: &str| self.settings.borrow().server.origins.name(origin);
        Proof::find(&opening.head.method, &opening.head.headers, Some(opening.forwarded()), is_named)
    }

    fn open(self, names: Names, opening: Opening) -> Response<Body> {
        if opening.head.uri.path_and_query().is_some_and(|address| !is_readable(address.as_str())) {
            return reject_address("The address has a percent escape that is cut short or no UTF-8");
        }
        let kind = if opening.offers_full() { SessionKind::Full } else { SessionKind::Plain };
        self.open_as(kind, names, opening)
    }

    fn open_as(self, kind: SessionKind, names: Names, opening: Opening) -> Response<Body> {
        if let Err(rejection) = self.chat.check_open() {
            return reject(StatusCode::SERVICE_UNAVAILABLE, &rejection);
        }
        let proof = self.proof(&opening);
        let params = UpgradeParams { kind, room: names.room, username: names.username, proof };
        let protocol = opening.offers_full().then_some(SUBPROTOCOL);
        self.upgrade(opening, protocol, |state, id, outbox, connection, client| async move {
            let _counted = state.chat.count_session();
            Session::new(state.chat.clone(), id, outbox, params, state.build, client).run(connection).await;
        })
    }

    /// Answers the handshake, and runs `work` once the socket is ours.
    fn upgrade<W>(
        self,
        opening: Opening,
        protocol: Option<&'static str>,
        work: impl FnOnce(Self, ConnectionId, Arc<Outbox>, Connection, ClientSession) -> W + Send + 'static,
    ) -> Response<Body>
    where
        W: Future<Output = ()> + Send + 'static,
    {
        if !self.lets_in(&opening.head.headers) {
            let message =
                "Pages of this origin may not open sessions here; server.origins names those that may";
            return reject(StatusCode::FORBIDDEN, &Rejection::new(ErrorCode::BadOrigin, message));
        }
        if self.sessions.is_draining() {
            let message = "This node is stopping; connect again to reach another";
            return reject(StatusCode::SERVICE_UNAVAILABLE, &Rejection::new(ErrorCode::Unavailable, message));
        }
        let client = match self.chat.admit_connection(opening.client()) {
            Ok(client) => client,
            Err(rejection) => return reject(StatusCode::TOO_MANY_REQUESTS, &rejection),
        };
        let Some(place) = self.sessions.place() else {
            let message = "This node has no room for more sessions; connect again to reach another";
            return reject(StatusCode::SERVICE_UNAVAILABLE, &Rejection::new(ErrorCode::Unavailable, message));
        };
        let (response, upgrade) = (opening.handshake.accept(protocol), opening.upgrade);
        self.sessions.clone().spawn_upgrade(async move {
            match upgrade.await {
                Ok(upgraded) => self.start(upgraded, place, |state, id, outbox, connection| {
                    work(state, id, outbox, connection, client)
                }),
                Err(error) => debug!(%error, "client disconnected during its upgrade"),
            }
        });
        response.map(|()| Body::empty())
    }

    /// Whether the page that opens the session may (RFC 6455, section 10.2). Programs name no origin.
    fn lets_in(&self, headers: &HeaderMap) -> bool {
        let settings = self.settings.borrow();
        let origins = headers.get_all(header::ORIGIN).into_iter();
        origins
            .map(|origin| String::from_utf8_lossy(origin.as_bytes()))
            .all(|origin| settings.server.origins.allow(&origin))
    }

    fn start<W>(
        self,
        upgraded: Upgraded,
        place: Place,
        work: impl FnOnce(Self, ConnectionId, Arc<Outbox>, Connection) -> W,
    ) where
        W: Future<Output = ()> + Send + 'static,
    {
        let parts = match upgraded.downcast::<TokioIo<Socket>>() {
            Ok(parts) => parts,
            Err(_) => unreachable!("the server serves nothing but sockets"),
        };
        let config = self.chat.config();
        let (limits, session) = (&config.limits, &config.session);
        let waiting = OutboxBounds { outbox_bytes: limits.outbox_bytes, unsent_bytes: limits.unsent_bytes };
        let outbox = Arc::new(Outbox::new(parts.io.into_inner().into_inner(), waiting));
        let sent = connection::Bounds {
            message_bytes: limits.frame_bytes,
            message_timeout: session.message_timeout,
        };
        let connection = Connection::new(outbox.clone(), sent, &parts.read_buf);
        let (id, heartbeat) = (ConnectionId::random(), session.ping_every);
        let sessions = self.sessions.clone();
        sessions.run(id, outbox.clone(), heartbeat, place, work(self, id, outbox, connection));
    }
}

/// The answer to a request that is no handshake.
fn reject_request() -> Response<Body> {
    let message = "This path speaks WebSocket (RFC 6455, version 13) only";
    let mut response =
        reject(StatusCode::UPGRADE_REQUIRED, &Rejection::new(ErrorCode::UpgradeRequired, message));
    let headers = response.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    // For those who speak another version (RFC 6455, section 4.4).
    headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    response
}

fn reject_address(message: &str) -> Response<Body> {
    reject(StatusCode::BAD_REQUEST, &Rejection::new(ErrorCode::BadRequest, message))
}

fn reject(status: StatusCode, rejection: &Rejection) -> Response<Body> {
    count_error(rejection.code.as_str());
    let mut response = Response::new(Body::from(server::error_body(rejection)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = rejection.retry_after_s() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
