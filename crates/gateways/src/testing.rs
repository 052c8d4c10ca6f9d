//! What tests of all gateways use.

pub(crate) mod line;
