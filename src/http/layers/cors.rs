//! Which pages of other hosts may read answers: those of `server.origins`, which may change while the node runs.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderValue, Method, header};
use axum::middleware;
use axum::response::Response;
use tower_http::cors::{AllowCredentials, AllowOrigin, CorsLayer};

use super::trace;
use crate::config::{Current, Origins};
use crate::http::messages;

/// The router, whose answers then tell browsers which pages may read them. A cookie goes with the requests of pages whose
/// origin is named alone.
pub fn with_cors<S: Clone + Send + Sync + 'static>(router: Router<S>, settings: &Current) -> Router<S> {
    let asked = settings.clone();
    let named = settings.clone();
    let may_use_cookies = move |origin: &HeaderValue| {
        let origin = String::from_utf8_lossy(origin.as_bytes());
        named.borrow().server.origins.name(&origin)
    };
    let is_allowed = move |origin: &HeaderValue| {
        let origin = String::from_utf8_lossy(origin.as_bytes());
        asked.borrow().server.origins.allow(&origin)
    };
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |origin, _| is_allowed(origin)))
        .allow_credentials(AllowCredentials::predicate(move |origin, _| may_use_cookies(origin)))
        .allow_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allow_headers([header::CONTENT_TYPE, header::AUTHORIZATION, messages::IDEMPOTENCY_KEY])
        .expose_headers([trace::REQUEST_ID, header::RETRY_AFTER]);
    router.layer((middleware::map_response_with_state(settings.clone(), name_every_origin), cors))
}

/// Where every origin is allowed, all pages get the same answer, so that a cache can keep it for all.
async fn name_every_origin(State(settings): State<Current>, mut response: Response) -> Response {
    if settings.borrow().server.origins == Origins::Any
        && let Some(allowed) = response.headers_mut().get_mut(header::ACCESS_CONTROL_ALLOW_ORIGIN)
    {
        *allowed = HeaderValue::from_static("*");
    }
    response
}
