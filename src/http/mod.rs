//! HTTP: REST, health, metrics, and the browser client's files. The rules of the chat are in
//! `chat`; here they only get paths and statuses.

mod accounts;
mod assets;
mod bodies;
mod browser;
mod caller;
mod cluster;
mod cursors;
mod description;
mod error;
mod files;
mod layers;
mod membership;
mod messages;
mod moderation;
mod notifications;
mod preferences;
mod query;
mod reports;
mod rooms;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware;
use metrics_exporter_prometheus::PrometheusHandle;
use tower_http::set_header::SetResponseHeaderLayer;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use self::browser::build;
use self::cluster::{health, nodes, stats};
use self::description::with_description;
use self::error::ApiError;
pub use self::files::UserBytes;
use self::layers::with_cors;
use self::messages::{changes, search};
use self::notifications::schedules;
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
    let api = with_description(Router::from(operations()), described)
        .fallback(async || ApiError::not_found())
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .layer(body_limit);
    let assets = with_cors(Router::new().fallback(assets::refuse), &settings)
        .layer(middleware::from_fn(assets::show_asset));
    Router::new()
        .nest("/api", with_cors(api, &settings))
        .merge(Router::from(probes()))
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .merge(assets)
        .with_state(state)
        .merge(with_cors(sessions, &settings))
        // All in one: a request copies each layer that stands alone.
        .layer((
            middleware::from_fn(layers::log_request),
            // An answer with what users wrote is never taken for a page.
            SetResponseHeaderLayer::overriding(
                header::X_CONTENT_TYPE_OPTIONS,
                HeaderValue::from_static("nosniff"),
            ),
            middleware::from_fn_with_state(with_cors(layers::refusals(), &settings), layers::check_head),
        ))
}

/// The routes below `/api`. The paths and methods are those of the handlers' annotations.
fn operations() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(rooms::list_rooms, membership::create_room))
        .routes(routes!(rooms::show_room, membership::describe_room, membership::delete_room))
        .routes(routes!(membership::list_membership))
        .routes(routes!(membership::add_member, membership::remove_member))
        .routes(routes!(membership::open_conversation))
        .routes(routes!(membership::list_my_rooms))
        .routes(routes!(cursors::mark_read))
        .routes(routes!(preferences::show_settings, preferences::change_settings))
        .routes(routes!(search::search_my_rooms))
        .routes(routes!(search::search_room))
        .routes(routes!(messages::list_messages, messages::post_message))
        .routes(routes!(changes::edit_message, changes::delete_message))
        .routes(routes!(changes::add_reaction, changes::remove_reaction))
        .routes(routes!(files::upload_file))
        .routes(routes!(files::show_file))
        .routes(routes!(nodes::list_nodes))
        .routes(routes!(stats::show_stats))
        .routes(routes!(caller::open_session, caller::close_session))
        .routes(routes!(accounts::create_account))
        .routes(routes!(accounts::log_in))
        .routes(routes!(accounts::log_out))
        .routes(routes!(accounts::show_me))
        .routes(routes!(accounts::change_password))
        .routes(routes!(accounts::show_setup, accounts::set_up))
        .routes(routes!(moderation::kick_user))
        .routes(routes!(moderation::list_mutes))
        .routes(routes!(moderation::mute_user, moderation::unmute_user))
        .routes(routes!(moderation::lock_room, moderation::unlock_room))
        .routes(routes!(moderation::list_bans))
        .routes(routes!(moderation::ban_user, moderation::unban_user))
        .routes(routes!(moderation::give_role))
        .routes(routes!(moderation::list_audit))
        .routes(routes!(reports::list_room_reports, reports::report))
        .routes(routes!(reports::list_reports))
        .routes(routes!(reports::settle_report))
        .routes(routes!(notifications::send_notification))
        .routes(routes!(notifications::take_back_notification))
        .routes(routes!(notifications::list_notifications))
        .routes(routes!(notifications::see_notification))
        .routes(routes!(schedules::list_schedules, schedules::add_schedule))
        .routes(routes!(schedules::remove_schedule))
}

/// The routes for operators' machines.
fn probes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(health::liveness))
        .routes(routes!(health::readiness))
        .routes(routes!(health::show_metrics))
}

/// The annotations of the handlers.
fn described() -> OpenApi {
    probes().into_openapi().nest("/api", operations().into_openapi())
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
