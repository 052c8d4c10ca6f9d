//! What exactly is signed. Alipay has three forms: a request is signed with `sign_type` in it, a
//! notification (and the payer's way back) without it, and an answer as the very bytes it came in.

use std::collections::BTreeMap;

use url::form_urlencoded::{Serializer, byte_serialize};

use crate::error::NotificationError;

/// Names and values, by name.
pub(super) type Parameters = BTreeMap<String, String>;

/// What is signed of a request: everything that is not empty, by name, unescaped.
pub(super) fn of_request(parameters: &Parameters) -> String {
    joined(parameters, &["sign"])
}

/// What is signed of a notification.
pub(super) fn of_notification(parameters: &Parameters) -> String {
    joined(parameters, &["sign", "sign_type"])
}

fn joined(parameters: &Parameters, without: &[&str]) -> String {
    let signed = parameters
        .iter()
        .filter(|(name, value)| !value.is_empty() && !without.contains(&name.as_str()));
    let pairs: Vec<_> = signed.map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// Names and values as they go over the line: escaped like a form, the signature last.
pub(super) fn escaped(parameters: &Parameters, signature: &str) -> String {
    let mut form = Serializer::new(String::new());
    for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
        form.append_pair(name, value);
    }
    form.append_pair("sign", signature).finish()
}

/// One value, escaped like a form.
pub(super) fn escaped_value(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

/// Reads a form from its bytes. Two values of one name could be signed as one and read as the
/// other, so they are refused.
pub(super) fn read_form(body: &[u8]) -> Result<Parameters, NotificationError> {
    let mut parameters = Parameters::new();
    for part in body.split(|byte| *byte == b'&').filter(|part| !part.is_empty()) {
        let equals = part.iter().position(|byte| *byte == b'=');
        let (name, value) = part.split_at(equals.ok_or(NotificationError::Malformed)?);
        let (name, value) = (unescaped(name), unescaped(&value[1..]));
        let (Some(name), Some(value)) = (name, value) else {
            return Err(NotificationError::Malformed);
        };
        if parameters.insert(name, value).is_some() {
            return Err(NotificationError::Malformed);
        }
    }
    Ok(parameters)
}

/// `+` is a space and `%41` an A; anything else behind a `%` is a mistake.
fn unescaped(text: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [*rest.next()?, *rest.next()?].map(|d| char::from(d).to_digit(16));
                u8::try_from(digits[0]? * 16 + digits[1]?).ok()?
            }
            other => *other,
        });
    }
    String::from_utf8(bytes).ok()
}
