//! Refusals, as the API words them.

use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::call::Call;

pub(super) fn answer(
    status: u16,
    kind: &str,
    code: Option<&str>,
    message: &str,
    param: Option<&str>,
) -> Answer {
    let mut error = Map::new();
    error.insert("type".to_owned(), json!(kind));
    error.insert("message".to_owned(), json!(message));
    if let Some(code) = code {
        error.insert("code".to_owned(), json!(code));
        error.insert(
            "doc_url".to_owned(),
            json!(format!("https://stripe.com/docs/error-codes/{code}")),
        );
    }
    if let Some(param) = param {
        error.insert("param".to_owned(), json!(param));
    }
    Answer::json(status, json!({ "error": error }))
}

/// A parameter that will not do.
pub(super) fn invalid(code: &str, param: &str, message: &str) -> Answer {
    answer(400, "invalid_request_error", Some(code), message, Some(param))
}

pub(super) fn missing(param: &str) -> Answer {
    invalid("parameter_missing", param, &format!("Missing required param: {param}."))
}

/// Nothing has this id.
pub(super) fn no_such(what: &str, id: &str) -> Answer {
    let message = format!("No such {what}: '{id}'");
    answer(404, "invalid_request_error", Some("resource_missing"), &message, Some("id"))
}

pub(super) fn no_such_address(call: &Call) -> Answer {
    let message = format!("Unrecognized request URL ({}: {}).", call.method, call.path);
    answer(404, "invalid_request_error", None, &message, None)
}

/// A step that the state does not allow; with the truth inside.
pub(super) fn unexpected_state(message: &str, intent: Value) -> Answer {
    let code = "payment_intent_unexpected_state";
    let mut refusal = answer(400, "invalid_request_error", Some(code), message, None);
    if let crate::answer::Body::Json(value) = &mut refusal.body {
        value["error"]["payment_intent"] = intent;
    }
    refusal
}

/// Refuses what is not in the list: a parameter with a wrong name is never ignored.
pub(super) fn check_names(asked: &Value, prefix: &str, known: &[&str]) -> Result<(), Answer> {
    let names = asked.as_object().into_iter().flatten().map(|(name, _)| name);
    match names.into_iter().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let param = if prefix.is_empty() { name.clone() } else { format!("{prefix}[{name}]") };
            let message = format!("Received unknown parameter: {param}");
            Err(invalid("parameter_unknown", &param, &message))
        }
    }
}
