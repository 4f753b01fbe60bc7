//! The parameters in paths: each name means the same in all of them.

use serde_json::{Map, Value, json};

/// Adds the parameters that a path names.
pub(super) fn add(path: &str, operation: &mut Map<String, Value>) {
    let names = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let mut all: Vec<Value> = names.map(parameter).collect();
    let own = operation.remove("parameters");
    all.extend(own.as_ref().and_then(Value::as_array).into_iter().flatten().cloned());
    if !all.is_empty() {
        operation.insert("parameters".to_owned(), all.into());
    }
}

fn parameter(name: &str) -> Value {
    let (description, schema) = match name {
        "room" => ("The id of a room", json!({ "type": "string", "minLength": 1 })),
        "user" => ("The id of a user", json!({ "type": "string", "minLength": 1, "maxLength": 64 })),
        "seq" => ("The number of a message", json!({ "type": "integer", "format": "int64", "minimum": 0 })),
        "emoji" => {
            ("One emoji of Unicode's RGI set", json!({ "type": "string", "minLength": 1, "example": "👍" }))
        }
        "name" => ("The name of the file", json!({ "type": "string", "minLength": 1 })),
        _ => ("The id", json!({ "type": "string", "minLength": 1 })),
    };
    json!({ "name": name, "in": "path", "required": true, "description": description, "schema": schema })
}
