//! The browser client: inside the binary of a release, read from `public/` in a debug build.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Mutex;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use rust_embed::{EmbeddedFile, RustEmbed};

use super::error::ApiError;
use super::name;

#[derive(RustEmbed)]
#[folder = "public/"]
struct Client;

/// Nothing but the client's own files runs, and text can't become markup.
const CONTENT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'";

/// `GET /` and the files that it names.
pub async fn show_asset(request: Request) -> Response {
    let path = match request.uri().path() {
        "/" => "index.html",
        path => path.strip_prefix('/').unwrap_or_default(),
    };
    let Some(file) = Client::get(path) else { return ApiError::not_found().into_response() };
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        let allowed = [(header::ALLOW, HeaderValue::from_static("GET,HEAD"))];
        return (allowed, ApiError::method_not_allowed()).into_response();
    }
    show(&file, path, request.headers())
}

fn show(file: &EmbeddedFile, path: &str, asked: &HeaderMap) -> Response {
    let kind = mime_guess::from_path(path).first_or_octet_stream().to_string();
    let packed = if is_text(&kind) && takes_gzip(asked) { Some(packed(file)) } else { None };
    let tag = tag(file, packed.is_some());
    let mut response = match knows(asked, &tag) {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => Response::new(packed.clone().map_or_else(|| Body::from(file.data.to_vec()), Body::from)),
    };
    let headers = response.headers_mut();
    if is_text(&kind) {
        headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    if packed.is_some() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    let kind = if kind.starts_with("text/") { format!("{kind}; charset=utf-8") } else { kind };
    headers
        .insert(header::CONTENT_TYPE, HeaderValue::from_str(&kind).expect("a media type is a header value"));
    headers.insert(header::ETAG, HeaderValue::from_str(&tag).expect("hexadecimal is a header value"));
    // Asked for again each time, answered with 304: a new version is there at once.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(name("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    response
}

/// What names the bytes of an answer: other bytes, packed ones too, bear another tag (RFC 9110,
/// section 8.8.3.3).
fn tag(file: &EmbeddedFile, is_packed: bool) -> String {
    let hash: String = file.metadata.sha256_hash()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    if is_packed { format!("\"{hash}-gzip\"") } else { format!("\"{hash}\"") }
}

/// Whether the client has the answer with this tag already (RFC 9110, section 13.1.2).
fn knows(asked: &HeaderMap, tag: &str) -> bool {
    items(asked, header::IF_NONE_MATCH).any(|known| known == "*" || known.trim_start_matches("W/") == tag)
}

/// Whether the client takes gzip (RFC 9110, section 12.5.3).
fn takes_gzip(asked: &HeaderMap) -> bool {
    items(asked, header::ACCEPT_ENCODING).any(|item| {
        let (coding, weight) = item.split_once(';').unwrap_or((item, "q=1"));
        let is_refused = weight.trim().strip_prefix("q=").and_then(|q| q.parse().ok()) == Some(0.0);
        coding.trim().eq_ignore_ascii_case("gzip") && !is_refused
    })
}

/// The items of a header that is a list.
fn items(asked: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    let values = asked.get_all(name).into_iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim)
}

fn is_text(kind: &str) -> bool {
    kind.starts_with("text/") || kind == "image/svg+xml" || kind == "application/json"
}

/// The file in gzip, packed when it is first asked for.
fn packed(file: &EmbeddedFile) -> Bytes {
    static PACKED: Mutex<BTreeMap<[u8; 32], Bytes>> = Mutex::new(BTreeMap::new());
    let mut packed = PACKED.lock().expect("no code panics while it holds this lock");
    packed.entry(file.metadata.sha256_hash()).or_insert_with(|| pack(&file.data)).clone()
}

fn pack(data: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let packed = encoder.write_all(data).and_then(|()| encoder.finish());
    packed.expect("writing to memory can't fail").into()
}
