//! The values that the server takes, beyond what annotations say: the lengths of texts by their format, the range of numbers,
//! and rules about several fields of a body.

use serde_json::{Map, Value, json};

use crate::config::Config;

/// Completes the schemas of a description.
pub(super) fn add(document: &mut Value, config: &Config) {
    add_rules(&mut document["components"]["schemas"], config);
    constrain(document, config);
}

/// The rules that no annotation of a type can express.
fn add_rules(schemas: &mut Value, config: &Config) {
    schemas["MessageBody"]["anyOf"] = json!([
        { "required": ["content"], "properties": { "content": { "type": "string", "minLength": 1 } } },
        { "required": ["files"], "properties": { "files": { "minItems": 1 } } },
    ]);
    schemas["NewSchedule"]["oneOf"] = json!([
        { "required": ["every_s"], "properties": { "every_s": { "type": "integer" }, "at": { "type": "null" } } },
        { "required": ["at"], "properties": { "at": { "type": "string" }, "every_s": { "type": "null" } } },
    ]);
    for target in ["NewTarget", "TargetJson"] {
        schemas[target]["oneOf"][0] = json!({ "const": "all", "description": "Every user" });
    }
    // A target that names both is refused.
    schemas["NewTarget"]["oneOf"][1]["properties"]["room_id"] = json!({ "type": "null" });
    schemas["NewTarget"]["oneOf"][2]["properties"]["user_id"] = json!({ "type": "null" });
    // The name of a part stands in a head.
    schemas["UploadForm"]["propertyNames"] = json!({ "pattern": "^[^\\u0000-\\u001f\\u007f]*$" });
    schemas["MessageBody"]["properties"]["mentions"]["items"]["format"] = json!("user-id");
    schemas["MessageBody"]["properties"]["files"]["items"]["format"] = json!("uuid");
    schemas["NewNotification"]["properties"]["ttl_s"]["maximum"] =
        json!(config.notifications.max_ttl.as_secs());
}

/// Adds to each schema what its format, or its type, implies.
fn constrain(value: &mut Value, config: &Config) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| constrain(value, config)),
        Value::Object(fields) => {
            let implied = implied(fields, config);
            for (name, bound) in implied.as_object().into_iter().flatten() {
                fields.entry(name).or_insert_with(|| bound.clone());
            }
            fields.values_mut().for_each(|value| constrain(value, config));
        }
        _ => {}
    }
}

fn implied(schema: &mut Map<String, Value>, config: &Config) -> Value {
    let is_unsigned = schema.get("minimum").is_some_and(Value::is_u64);
    if is_unsigned && has_type(schema, "integer") {
        if schema.get("format").is_some_and(|format| format == "int64") {
            schema.insert("format".to_owned(), json!("uint64"));
        }
        return json!({ "maximum": u64::MAX });
    }
    let limits = &config.limits;
    match schema.get("format").and_then(Value::as_str) {
        Some("room-id" | "emoji") => json!({ "minLength": 1 }),
        Some("user-id") => json!({ "minLength": 1, "maxLength": 64 }),
        Some("username") => json!({ "minLength": 1, "maxLength": limits.username_chars }),
        Some("room-title") => json!({ "minLength": 1, "maxLength": limits.room_name_chars }),
        Some("message") => json!({ "maxLength": limits.content_chars }),
        Some("line") => json!({ "maxLength": 200 }),
        Some("nonce") => json!({ "pattern": "^[!-~]+$", "minLength": 1, "maxLength": 128 }),
        Some("new-password") => json!({ "minLength": 8, "maxLength": 256 }),
        _ => Value::Null,
    }
}

fn has_type(schema: &Map<String, Value>, name: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(only)) => only == name,
        Some(Value::Array(names)) => names.iter().any(|one| one == name),
        _ => false,
    }
}
