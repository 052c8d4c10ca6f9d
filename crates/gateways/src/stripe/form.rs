//! Forms as Stripe reads them: names with brackets, in the order they were written.

use std::fmt::Display;

use url::form_urlencoded::Serializer;

#[derive(Default)]
pub(super) struct Form(String);

impl Form {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn with(self, name: &str, value: impl Display) -> Self {
        Self(Serializer::new(self.0).append_pair(name, &value.to_string()).finish())
    }

    /// Leaves out what is not there.
    pub fn with_some(self, name: &str, value: Option<impl Display>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub fn finish(self) -> String {
        self.0
    }
}
