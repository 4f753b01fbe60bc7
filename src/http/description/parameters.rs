//! The parameters in paths: each name means the same in all of them.

use serde_json::{Map, Value, json};

/// Adds the parameters that a path names.
pub(super) fn add(path: &str, operation: &mut Map<String, Value>) {
    let names = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let mut all: Vec<Value> = names.map(parameter).collect();
    let own = operation.remove("parameters");
    all.extend(own.as_ref().and_then(Value::as_array).into_iter().flatten().cloned().map(without_null));
    if !all.is_empty() {
        operation.insert("parameters".to_owned(), all.into());
    }
}

/// A query or a header has no word for null: what is null in the code is absent there.
fn without_null(mut parameter: Value) -> Value {
    let schema = &mut parameter["schema"];
    if let Some(names) = schema["type"].as_array() {
        schema["type"] = names.iter().find(|name| *name != "null").cloned().unwrap_or_default();
    }
    if parameter["name"] == "Idempotency-Key" {
        parameter["schema"]["format"] = json!("nonce");
    }
    parameter
}

fn parameter(name: &str) -> Value {
    let (description, schema) = match name {
        "room" => ("The id of a room", json!({ "type": "string", "format": "room-id" })),
        "user" => ("The id of a user", json!({ "type": "string", "format": "user-id" })),
        "seq" => ("The number of a message", json!({ "type": "integer", "format": "uint64", "minimum": 0 })),
        "emoji" => (
            "One emoji of Unicode's RGI set",
            json!({ "type": "string", "format": "emoji", "example": "👍" }),
        ),
        "name" => ("The name of the file", json!({ "type": "string", "minLength": 1 })),
        _ => ("The id", json!({ "type": "string", "minLength": 1 })),
    };
    json!({ "name": name, "in": "path", "required": true, "description": description, "schema": schema })
}
