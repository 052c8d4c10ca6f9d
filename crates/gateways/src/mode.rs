//! Real money or play money.

use serde::Deserialize;
use url::Url;

/// Real money or play money. Said in the settings, and refused where the rest of them (the kind
/// of a key, the host) says otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Real money.
    Live,
    /// Play money.
    Test,
}

impl Mode {
    /// Whether it is play money.
    pub fn is_test(self) -> bool {
        self == Self::Test
    }

    /// What contradicts this mode, if the secret is one for play money (or for real) and the
    /// provider is at `base`: real money is not sent to this very machine.
    pub(crate) fn contradiction(self, key_is_for: Option<Self>, base: &Url) -> Option<String> {
        if key_is_for.is_some_and(|key| key != self) {
            let (key, mode) = if self.is_test() { ("real", "test") } else { ("play", "live") };
            return Some(format!("the key is for {key} money, the mode is {mode:?}"));
        }
        (self == Self::Live && base.scheme() == "http")
            .then(|| format!("the mode is \"live\" and {base} is on this machine"))
    }
}
