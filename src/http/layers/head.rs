//! Rules for a request's head beyond hyper's own: one host and one framing, so that nobody in front of a node reads
//! it differently.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, Version, header};
use axum::middleware::Next;
use axum::response::Response;
use axum::{Extension, Router};
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;

use crate::http::error::ApiError;
use crate::protocol::ErrorCode;

/// The fault of a head: one sentence.
#[derive(Debug, Clone, Copy)]
struct Flaw(&'static str);

/// Answers the requests that [`check_head`] refuses; to be given the layers of other answers.
pub fn refusals() -> Router {
    Router::new().fallback(async |Extension(Flaw(sentence)): Extension<Flaw>| {
        ApiError::new(ErrorCode::BadRequest, sentence)
    })
}

/// Refuses a head with no host or two (RFC 9112, section 3.2), or with an encoding that is not just `chunked`
/// (section 6.1), and ends its connection: its body may be another request to somebody else.
pub async fn check_head(State(refusals): State<Router>, mut request: Request, next: Next) -> Response {
    let flaw = match (is_host_right(&request), is_framing_right(request.headers())) {
        (true, true) => return next.run(request).await,
        (false, _) => Flaw("The request must name one host"),
        (_, false) => Flaw("The transfer-encoding must be chunked, or none"),
    };
    request.extensions_mut().insert(flaw);
    // A preflight is refused as well.
    *request.method_mut() = Method::GET;
    *request.body_mut() = Body::empty();
    let Ok(mut response) = TowerToHyperService::new(refusals).call(request).await;
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

fn is_host_right(request: &Request) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).into_iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => is_host(host),
        (None, None) => request.version() < Version::HTTP_11,
        _ => false,
    }
}

/// A host may be empty, where the address has none (RFC 9110, section 7.2).
fn is_host(host: &HeaderValue) -> bool {
    let is_authority = |host: &str| {
        let authority = host.parse::<Authority>();
        authority.is_ok_and(|authority| !authority.as_str().contains('@'))
    };
    host.to_str().is_ok_and(|host| host.is_empty() || is_authority(host))
}

fn is_framing_right(headers: &HeaderMap) -> bool {
    let mut encodings = headers.get_all(header::TRANSFER_ENCODING).into_iter();
    match (encodings.next(), encodings.next()) {
        (None, _) => true,
        (Some(encoding), None) => encoding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked"),
        _ => false,
    }
}
