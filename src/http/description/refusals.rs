//! The refusals of an operation: the codes that its handler names, and those that come with what it takes.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Extensions;
use crate::http::error::status;
use crate::protocol::ErrorCode;

/// The body of every refusal.
pub(super) fn schema() -> Value {
    let codes = ErrorCode::ALL.map(ErrorCode::as_str).to_vec();
    json!({
        "type": "object",
        "required": ["error", "code"],
        "properties": {
            "error": { "type": "string", "description": "A sentence for people" },
            "code": { "type": "string", "enum": codes },
            "retry_after_ms": {
                "type": "integer", "minimum": 0, "description": "When to try again, where trying again helps",
            },
            "reason": { "type": "string", "description": "Of a ban: what the admin wrote about it" },
        },
    })
}

/// Adds the refusals of an operation by their status.
pub(super) fn add(path: &str, operation: &mut Map<String, Value>, extensions: &Extensions) {
    let has_body = operation.contains_key("requestBody");
    let mut by_status: BTreeMap<u16, Vec<&str>> = BTreeMap::new();
    let own = extensions.errors.iter().copied();
    let shared = shared(path, has_body, extensions.role.as_deref());
    for code in own.chain(shared) {
        let codes = by_status.entry(status(code).as_u16()).or_default();
        if !codes.contains(&code.as_str()) {
            codes.push(code.as_str());
        }
    }
    if has_body {
        by_status.insert(408, vec![ErrorCode::BadRequest.as_str()]);
    }
    let Some(answers) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for (status, codes) in by_status {
        // A handler's own words go first.
        answers.entry(status.to_string()).or_insert_with(|| refusal(status, &codes));
    }
}

/// The codes that come with what an operation takes.
fn shared(path: &str, has_body: bool, role: Option<&str>) -> Vec<ErrorCode> {
    // The head of any request may be refused.
    let mut codes = vec![ErrorCode::BadRequest];
    if path.starts_with("/api/") {
        codes.extend([ErrorCode::Unavailable, ErrorCode::Internal]);
    }
    if path.contains('{') {
        // An empty name makes it another path.
        codes.push(ErrorCode::NotFound);
    }
    if path.contains("{room}") {
        codes.extend([ErrorCode::BadRoomName, ErrorCode::RoomNotFound]);
    }
    if role.is_some() {
        codes.extend([ErrorCode::AuthRequired, ErrorCode::BadToken, ErrorCode::Banned]);
    }
    if matches!(role, Some("moderator" | "admin")) {
        codes.push(ErrorCode::Forbidden);
    }
    if has_body {
        codes.push(ErrorCode::ContentTooLong);
    }
    codes
}

fn refusal(status: u16, codes: &[&str]) -> Value {
    let named: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
    let schema = json!({
        "allOf": [
            { "$ref": "#/components/schemas/Error" },
            { "properties": { "code": { "enum": codes } } },
        ],
    });
    let content = json!({ "application/json": { "schema": schema } });
    let mut refusal = json!({ "description": named.join(", "), "content": content });
    let header = match status {
        401 => json!({ "WWW-Authenticate": { "required": true, "schema": { "type": "string" } } }),
        429 | 503 => json!({
            "Retry-After": { "required": true, "description": "Seconds", "schema": { "type": "integer", "minimum": 0 } },
        }),
        _ => return refusal,
    };
    refusal["headers"] = header;
    refusal
}
