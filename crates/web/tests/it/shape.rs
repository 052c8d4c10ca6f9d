//! Compares every answer with what the document says of it.

use http::Method;
use serde_json::Value;

use crate::shop::Answer;

/// The answer's status is documented, and its body has the documented shape.
pub fn check(document: &Value, method: &Method, path: &str, answer: &Answer) {
    let path = path.split('?').next().unwrap();
    let Some((template, item)) = find(document, path) else { return };
    let operation = &item[method.as_str().to_lowercase()];
    if operation.is_null() {
        return;
    }
    let status = answer.status.as_str();
    let response = &operation["responses"][status];
    assert!(!response.is_null(), "{method} {template} does not document {status}: {}", answer.text);
    if answer.text.is_empty() {
        assert!(response["content"].is_null(), "{method} {template} {status} has a body");
        return;
    }
    let kind = answer.header("content-type").split(';').next().unwrap().to_owned();
    let content = &response["content"][&kind];
    assert!(!content.is_null(), "{method} {template} {status} does not document {kind}");
    if status < "400" && kind == "application/json" {
        conforms(document, &content["schema"], &answer.body, "");
    }
}

/// The path of the document that `path` is one of.
pub fn find<'a>(document: &'a Value, path: &str) -> Option<(&'a str, &'a Value)> {
    let parts: Vec<&str> = path.split('/').collect();
    let mut found: Vec<_> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(template, _)| {
            let template: Vec<&str> = template.split('/').collect();
            template.len() == parts.len()
                && template.iter().zip(&parts).all(|(t, p)| t.starts_with('{') || t == p)
        })
        .map(|(template, item)| (template.as_str(), item))
        .collect();
    found.sort_by_key(|(template, _)| template.matches('{').count());
    found.first().copied()
}

fn conforms(document: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let pointer = name.strip_prefix('#').unwrap();
        let schema = document.pointer(pointer).unwrap_or_else(|| panic!("no {name}"));
        return conforms(document, schema, value, at);
    }
    if let Some(all) = schema["allOf"].as_array() {
        let mut merged = serde_json::Map::new();
        for part in all {
            collect(document, part, &mut merged);
        }
        return object(document, &Value::Object(merged), value, at);
    }
    if let Some(one) = schema["oneOf"].as_array() {
        let null = |schema: &&Value| schema["type"] == "null";
        if value.is_null() {
            assert!(one.iter().any(|schema| null(&schema)), "{at} is null");
            return;
        }
        let schema = one.iter().find(|schema| !null(schema)).unwrap();
        return conforms(document, schema, value, at);
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().map(|kind| kind.as_str().unwrap()).collect(),
        other => panic!("{at}: {other} is no type: {schema}"),
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    assert!(kinds.contains(&kind), "{at} is {kind}, not {kinds:?}");
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                conforms(document, &schema["items"], item, &format!("{at}[{index}]"));
            }
        }
        Value::Object(_) => object(document, schema, value, at),
        _ => {}
    }
}

fn collect(document: &Value, schema: &Value, into: &mut serde_json::Map<String, Value>) {
    let schema = match schema["$ref"].as_str() {
        Some(name) => document.pointer(name.strip_prefix('#').unwrap()).unwrap(),
        None => schema,
    };
    let properties = schema["properties"].as_object().unwrap().clone();
    let all = into.entry("properties").or_insert_with(|| serde_json::json!({}));
    all.as_object_mut().unwrap().extend(properties);
}

fn object(document: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(items) = schema.get("additionalProperties").filter(|items| items.is_object()) {
        for (name, value) in value.as_object().unwrap() {
            conforms(document, items, value, &format!("{at}.{name}"));
        }
        return;
    }
    // Whatever somebody's data are.
    let Some(properties) = schema["properties"].as_object() else { return };
    let value = value.as_object().unwrap_or_else(|| panic!("{at} is no object"));
    for name in properties.keys() {
        assert!(value.contains_key(name), "{at}.{name} is documented, but not there");
    }
    for (name, value) in value {
        let schema = properties.get(name);
        let schema = schema.unwrap_or_else(|| panic!("{at}.{name} is not documented"));
        conforms(document, schema, value, &format!("{at}.{name}"));
    }
}
