//! A secret that does not show itself.

use std::fmt;

use serde::Deserialize;
use subtle::ConstantTimeEq as _;

/// A shared secret. Neither `Debug` nor a log line shows it, and it has no `Display`.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Keeps `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, for a header or a key.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether it is something that can stand in a header: letters, digits and ASCII signs.
    pub(crate) fn is_plain(&self) -> bool {
        !self.0.is_empty() && self.0.bytes().all(|byte| byte.is_ascii_graphic())
    }

    /// Whether `text` is the secret. How long it takes tells nothing but the length.
    pub(crate) fn is(&self, text: &str) -> bool {
        self.0.as_bytes().ct_eq(text.as_bytes()).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}
