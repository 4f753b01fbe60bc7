//! Files: uploading them to a room, and reading them.

mod body;
mod range;

use axum::Json;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};

use self::body::Form;
use self::range::{Requested, requested};
use super::AppState;
use super::caller::{Caller, OptionalCaller};
use super::description::UploadForm;
use super::error::ApiError;
use super::query::ApiPath;
use crate::chat::{ReadableFile, UploadRequest, UploadStart, is_shown};
use crate::model::FileInfo;
use crate::protocol::{ErrorCode, Forwarded};

/// Marks an answer whose body a user has made, byte by byte.
#[derive(Debug, Clone, Copy)]
pub struct UserBytes;

/// A file never changes, and is only for those who may read its room.
const CACHE: HeaderValue = HeaderValue::from_static("private, max-age=31536000, immutable");

/// `POST /api/rooms/{room}/files`: 201 with the file. Every refusal that needs no byte of the body comes before it is read.
#[utoipa::path(
    post, path = "/rooms/{room}/files", tag = "files",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses((status = 201, body = FileInfo, description = "The file")),
    extensions(
        ("x-role" = json!("guest")),
        ("x-errors" = json!("file_too_large file_quota_exceeded muted room_locked username_taken too_fast \
            not_found")),
    ),
)]
pub async fn upload_file(
    State(state): State<AppState>,
    Caller(identity): Caller,
    ApiPath(room): ApiPath<String>,
    request: Request,
) -> Result<(StatusCode, Json<FileInfo>), Refused> {
    let length = content_length(request.headers());
    state.chat.check_upload(length)?;
    let form = Form::new(request.headers())?;
    let room = state.chat.room_name(&room)?;
    let address = address(&request)?;
    state.chat.admit_post(&identity, address).decided().await?;
    state.chat.check_name(&identity).await?;
    let access = state.chat.access_to_post(&identity, &room).await?;
    let upload = UploadRequest { identity: &identity, access: &access, address, length, fingerprint: None };
    let file = match state.chat.begin_upload(upload).await? {
        UploadStart::Stored(file) => file,
        UploadStart::Open(uploading) => {
            let length = length.unwrap_or_else(|| state.chat.max_upload_bytes());
            form.store(request.into_body(), length, *uploading, state.chat.config().server.body_timeout)
                .await?
        }
    };
    Ok((StatusCode::CREATED, Json(file)))
}

fn address(request: &Request) -> Result<crate::protocol::ClientAddress, ApiError> {
    let forwarded = request.extensions().get::<Forwarded>();
    let forwarded =
        forwarded.ok_or_else(|| ApiError::new(ErrorCode::Internal, "The client has no address"))?;
    Ok(forwarded.client)
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The refusal of an upload. Its connection ends: the rest of the body would be read for nothing.
#[derive(Debug)]
pub struct Refused(ApiError);

impl<E: Into<ApiError>> From<E> for Refused {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = self.0.into_response();
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        response
    }
}

/// `GET /api/files/{id}/{name}`: the bytes, or a range of them.
#[utoipa::path(
    get, path = "/files/{id}/{name}", tag = "files",
    params(
        ("Range" = Option<String>, Header, description = "One range of bytes", example = "bytes=0-0"),
        ("If-Range" = Option<String>, Header, description = "The `ETag` of the bytes that a range of is asked for"),
        ("If-None-Match" = Option<String>, Header, description = "The `ETag` of an earlier answer"),
    ),
    responses(
        (status = 200, description = "Its bytes", content_type = "*/*", headers(
            ("ETag" = String, description = "That of the file, which never changes"),
            ("Accept-Ranges" = String, description = "`bytes`"),
            ("Content-Disposition" = String, description = "`inline` or `attachment`, and the name"),
        )),
        (status = 206, description = "A range of them", content_type = "*/*", headers(
            ("ETag" = String, description = "That of the file, which never changes"),
            ("Accept-Ranges" = String, description = "`bytes`"),
            ("Content-Disposition" = String, description = "`inline` or `attachment`, and the name"),
            ("Content-Range" = String, description = "Which bytes, and of how many"),
        )),
        (status = 304, description = "The client has them", headers(
            ("ETag" = String, description = "That of the file, which never changes"),
        )),
        (status = 416, description = "`bad_request`: it has no such bytes", headers(
            ("Content-Range" = String, description = "How many bytes it has"),
        )),
    ),
    extensions(("x-role" = json!("anyone")), ("x-errors" = json!("file_not_found not_found"))),
)]
pub async fn show_file(
    State(state): State<AppState>,
    caller: OptionalCaller,
    ApiPath((id, name)): ApiPath<(String, String)>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let file = state.chat.file(caller.principal(), &id, &name).await?;
    let tag = format!("\"{id}\"");
    let mut response = if is_known(&headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        content(file, &method, &headers, &tag).await?
    };
    let is_file = response.status().is_success() || response.status() == StatusCode::NOT_MODIFIED;
    let fixed = response.headers_mut();
    fixed.insert(header::ETAG, header_value(&tag)?);
    if is_file {
        fixed.insert(header::CACHE_CONTROL, CACHE);
    }
    // Nothing in it runs, should a browser open it as a page.
    fixed.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox"));
    Ok(response)
}

async fn content(
    file: ReadableFile,
    method: &Method,
    headers: &HeaderMap,
    tag: &str,
) -> Result<Response, ApiError> {
    let ReadableFile { description, reader } = file;
    let size = description.size;
    // A part of another file would be of no use, and only a GET has parts (RFC 9110, sections 13.1.5 and 14.2).
    let is_current = headers.get(header::IF_RANGE).is_none_or(|known| known.as_bytes() == tag.as_bytes());
    let asked = headers.get(header::RANGE).filter(|_| is_current && method == Method::GET);
    let (status, range) = match requested(asked, size) {
        Requested::All => (StatusCode::OK, 0..size),
        Requested::Part(range) => (StatusCode::PARTIAL_CONTENT, range),
        Requested::Nothing => return range_refused(size),
    };
    let mut response = match *method {
        Method::HEAD => Response::new(Body::empty()),
        _ => Response::new(Body::from_stream(reader.read(range.clone()).await?)),
    };
    response.extensions_mut().insert(UserBytes);
    *response.status_mut() = status;
    let fields = response.headers_mut();
    fields.insert(header::CONTENT_TYPE, header_value(&description.r#type)?);
    fields.insert(header::CONTENT_LENGTH, HeaderValue::from(range.end - range.start));
    fields.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    fields.insert(header::CONTENT_DISPOSITION, disposition(&description.name, &description.r#type)?);
    if status == StatusCode::PARTIAL_CONTENT {
        let part = format!("bytes {}-{}/{size}", range.start, range.end - 1);
        fields.insert(header::CONTENT_RANGE, header_value(&part)?);
    }
    Ok(response)
}

fn range_refused(size: u64) -> Result<Response, ApiError> {
    let error = ApiError::new(ErrorCode::BadRequest, "The file has no such bytes");
    let mut response = error.into_response();
    *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
    response.headers_mut().insert(header::CONTENT_RANGE, header_value(&format!("bytes */{size}"))?);
    Ok(response)
}

/// Whether the client says that it has the file (RFC 9110, section 13.1.2).
fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let is_same = |given: &str| given == "*" || given.strip_prefix("W/").unwrap_or(given) == tag;
    let lists = headers.get_all(header::IF_NONE_MATCH).into_iter();
    lists.filter_map(|list| list.to_str().ok()).flat_map(|list| list.split(',')).map(str::trim).any(is_same)
}

/// How to show the file, and the name to save it under: in ASCII for old browsers, and whole (RFC 6266; RFC 8187).
fn disposition(name: &str, media_type: &str) -> Result<HeaderValue, ApiError> {
    let kind = if is_shown(media_type) { "inline" } else { "attachment" };
    let plain: String =
        name.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '_' }).collect();
    let plain = plain.replace(['"', '\\', '%'], "_");
    let whole = percent_encoding::utf8_percent_encode(name, ATTR_CHAR);
    header_value(&format!("{kind}; filename=\"{plain}\"; filename*=UTF-8''{whole}"))
}

/// All but the characters that may stand as they are (RFC 8187, section 3.2.1) is encoded.
const ATTR_CHAR: &percent_encoding::AsciiSet =
    &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

fn header_value(text: &str) -> Result<HeaderValue, ApiError> {
    HeaderValue::from_str(text).map_err(|_| ApiError::new(ErrorCode::Internal, "A header can't be written"))
}
