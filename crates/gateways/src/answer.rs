//! Answers in JSON, and what is made of those that cannot be used.

use serde::Deserialize;

use crate::error::GatewayError;

/// Reads an answer. One that breaks off or is no JSON leaves the outcome open; JSON that says
/// something else than the protocol allows is not trusted.
pub(crate) fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, GatewayError> {
    serde_json::from_slice(body).map_err(|error| {
        if error.is_data() {
            untrusted(&error.to_string())
        } else {
            GatewayError::Unknown(format!("the answer is not JSON: {error}"))
        }
    })
}

pub(crate) fn untrusted(what: &str) -> GatewayError {
    GatewayError::UntrustedAnswer(what.to_owned())
}

/// A mistake found on our side before anything was sent.
pub(crate) fn invalid(code: &str, param: &str) -> GatewayError {
    GatewayError::Invalid { code: code.to_owned(), param: Some(param.to_owned()) }
}
