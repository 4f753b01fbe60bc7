//! HTTP: REST, health, metrics, and the browser client's files. The rules of the chat are in
//! `chat`; here they only get paths and statuses.

mod accounts;
mod assets;
mod browser;
mod caller;
mod changes;
mod cluster;
mod cursors;
mod error;
mod files;
mod layers;
mod membership;
mod messages;
mod moderation;
mod notifications;
mod query;
mod rooms;
mod schedules;
mod search;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware;
use axum::routing::{delete, get, post, put};
use metrics_exporter_prometheus::PrometheusHandle;
use tower_http::set_header::SetResponseHeaderLayer;

pub use self::assets::pack_script;
pub use self::browser::build;
use self::cluster::{health, nodes, stats};
use self::error::ApiError;
use self::layers::with_cors;
use crate::chat::Chat;
use crate::config::Current;

/// The state that the handlers share.
#[derive(Debug, Clone)]
pub struct AppState {
    chat: Chat,
    metrics: PrometheusHandle,
    settings: Current,
}

impl AppState {
    /// The REST side of a node.
    pub fn new(chat: Chat, metrics: PrometheusHandle, settings: Current) -> Self {
        Self { chat, metrics, settings }
    }
}

/// All paths of the node: these, and those of `sessions`, which answers upgrades.
pub fn router(state: AppState, sessions: Router) -> Router {
    let body_limit = DefaultBodyLimit::max(state.chat.config().limits.post_bytes());
    let settings = state.settings.clone();
    let api = Router::new()
        .route("/rooms", get(rooms::list_rooms).post(membership::create_room))
        .route(
            "/rooms/{room}",
            get(rooms::show_room).patch(membership::describe_room).delete(membership::delete_room),
        )
        .route("/rooms/{room}/membership", get(membership::list_membership))
        .route("/rooms/{room}/members/{user}", put(membership::add_member).delete(membership::remove_member))
        .route("/conversations", post(membership::open_conversation))
        .route("/me/rooms", get(membership::list_my_rooms))
        .route("/me/rooms/{room}/read", put(cursors::mark_read))
        .route("/me/search", get(search::search_my_rooms))
        .route("/rooms/{room}/search", get(search::search_room))
        .route("/rooms/{room}/messages", get(messages::list_messages).post(messages::post_message))
        .route("/rooms/{room}/messages/{seq}", put(changes::edit_message).delete(changes::delete_message))
        .route(
            "/rooms/{room}/messages/{seq}/reactions/{emoji}",
            put(changes::add_reaction).delete(changes::remove_reaction),
        )
        .route("/rooms/{room}/files", post(files::upload_file))
        .route("/files/{id}/{name}", get(files::show_file))
        .route("/nodes", get(nodes::list_nodes))
        .route("/stats", get(stats::show_stats))
        .route("/session", post(caller::open_session).delete(caller::close_session))
        .route("/accounts", post(accounts::create_account))
        .route("/login", post(accounts::log_in))
        .route("/logout", post(accounts::log_out))
        .route("/me", get(accounts::show_me))
        .route("/me/password", put(accounts::change_password))
        .route("/setup", get(accounts::show_setup).post(accounts::set_up))
        .route("/rooms/{room}/kick", post(moderation::kick_user))
        .route("/rooms/{room}/mutes", get(moderation::list_mutes))
        .route("/rooms/{room}/mutes/{user}", put(moderation::mute_user).delete(moderation::unmute_user))
        .route("/rooms/{room}/lock", put(moderation::lock_room).delete(moderation::unlock_room))
        .route("/bans", get(moderation::list_bans))
        .route("/bans/{user}", put(moderation::ban_user).delete(moderation::unban_user))
        .route("/accounts/{user}/role", put(moderation::give_role))
        .route("/audit", get(moderation::list_audit))
        .route("/notifications", post(notifications::send_notification))
        .route("/notifications/{id}", delete(notifications::take_back_notification))
        .route("/me/notifications", get(notifications::list_notifications))
        .route("/me/notifications/{id}/seen", post(notifications::see_notification))
        .route("/schedules", get(schedules::list_schedules).post(schedules::add_schedule))
        .route("/schedules/{id}", delete(schedules::remove_schedule))
        .fallback(async || ApiError::not_found())
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .layer(body_limit);
    let assets = with_cors(Router::new().fallback(assets::refuse), &settings)
        .layer(middleware::from_fn(assets::show_asset));
    Router::new()
        .nest("/api", with_cors(api, &settings))
        .route("/healthz", get(health::liveness))
        .route("/readyz", get(health::readiness))
        .route("/metrics", get(health::show_metrics))
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .merge(assets)
        .with_state(state)
        .merge(with_cors(sessions, &settings))
        .layer(middleware::from_fn(layers::check_head))
        // An answer with what users wrote is never taken for a page.
        .layer(SetResponseHeaderLayer::overriding(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .layer(middleware::from_fn(layers::log_request))
}

/// Answers with a JSON body that was written by hand.
fn json(body: impl Into<axum::body::Body>) -> axum::response::Response {
    let mut response = axum::response::Response::new(body.into());
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Whether the request is one that machines make all the time.
fn is_probe(request: &Request) -> bool {
    matches!(request.uri().path(), "/healthz" | "/readyz" | "/metrics")
}

/// A header's name, lower case.
const fn name(text: &'static str) -> HeaderName {
    HeaderName::from_static(text)
}
