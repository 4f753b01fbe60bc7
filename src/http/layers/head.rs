//! Rules for a request's head beyond hyper's own: one host and one framing, so that nobody in front of a node reads
//! it differently.

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::http::error::ApiError;
use crate::protocol::ErrorCode;

/// Refuses a head with no host or two (RFC 9112, section 3.2), or with an encoding that is not just `chunked`
/// (section 6.1), and ends its connection: its body may be another request to somebody else.
pub async fn check_head(request: Request, next: Next) -> Response {
    let flaw = match (is_host_right(&request), is_framing_right(request.headers())) {
        (true, true) => return next.run(request).await,
        (false, _) => "The request must name one host",
        (_, false) => "The transfer-encoding must be chunked, or none",
    };
    let mut response = ApiError::new(ErrorCode::BadRequest, flaw).into_response();
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
