//! Serves the browser client.

mod coding;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use self::coding::{Coding, compressed};
use super::browser::{self, File, Lifetime};
use super::error::ApiError;
use super::name;
use crate::model::hex;

/// Nothing but the client's own files runs, and text can't become markup.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    media-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'";

/// The addresses of pages: the client's, also under that which makes the first admin, and the dashboard.
const PAGES: [(&str, &str); 3] =
    [("", "index.html"), ("setup", "index.html"), ("dashboard", "dashboard.html")];

/// `GET /`, `GET /setup`, `GET /dashboard` and the files that they name; other requests go on.
pub async fn show_asset(request: Request, next: Next) -> Response {
    let path = path(&request);
    match browser::find(path) {
        Some(file) if matches!(*request.method(), Method::GET | Method::HEAD) => {
            show(&file, path, request.headers()).await
        }
        _ => next.run(request).await,
    }
}

/// There is no such file, or it does not take the method.
pub async fn refuse(request: Request) -> Response {
    match browser::find(path(&request)) {
        Some(_) => {
            let allowed = [(header::ALLOW, HeaderValue::from_static("GET,HEAD"))];
            (allowed, ApiError::method_not_allowed()).into_response()
        }
        None => ApiError::not_found().into_response(),
    }
}

fn path(request: &Request) -> &str {
    let path = request.uri().path().strip_prefix('/').unwrap_or_default();
    PAGES.iter().find(|(address, _)| *address == path).map_or(path, |(_, file)| file)
}

pub(super) async fn show(file: &File, path: &str, asked: &HeaderMap) -> Response {
    let kind = mime_guess::from_path(path).first_or_octet_stream().to_string();
    let coding =
        if is_text(&kind) { Coding::chosen(items(asked, header::ACCEPT_ENCODING)) } else { Coding::Plain };
    let tag = tag(file, coding);
    let mut response = match not_modified(asked, &tag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => Response::new(Body::from(compressed(file, coding).await)),
    };
    let headers = response.headers_mut();
    if is_text(&kind) {
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    if let Some(name) = coding.name() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    let kind = if kind.starts_with("text/") { format!("{kind}; charset=utf-8") } else { kind };
    headers
        .insert(header::CONTENT_TYPE, HeaderValue::from_str(&kind).expect("a media type is a header value"));
    headers.insert(header::ETAG, HeaderValue::from_str(&tag).expect("hexadecimal is a header value"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache_control(file.lifetime)));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(name("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    response
}

fn cache_control(lifetime: Lifetime) -> &'static str {
    match lifetime {
        // Answered with 304: a new version is there at once.
        Lifetime::UntilAsked => "no-cache",
        Lifetime::Forever => "public, max-age=31536000, immutable",
    }
}

/// The name of an answer's bytes: other bytes, compressed ones too, have another tag (RFC 9110,
/// section 8.8.3.3).
fn tag(file: &File, coding: Coding) -> String {
    let hash = hex(&file.hash[..16]);
    match coding.name() {
        Some(name) => format!("\"{hash}-{name}\""),
        None => format!("\"{hash}\""),
    }
}

/// Whether the client has the answer with this tag already (RFC 9110, section 13.1.2).
fn not_modified(asked: &HeaderMap, tag: &str) -> bool {
    items(asked, header::IF_NONE_MATCH).any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

/// The items of a header that is a list.
fn items(asked: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = asked.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

fn is_text(kind: &str) -> bool {
    let is_other_text = ["image/svg+xml", "application/json", "application/manifest+json"].contains(&kind);
    kind.starts_with("text/") || is_other_text
}
