//! The only room that knows HTTP.
//!
//! - [`api`]: the JSON API under `/api/v1`, described by the OpenAPI document it generates;
//! - [`shop`]: the pages a buyer sees;
//! - [`hooks`]: what payment gateways send;
//! - [`extract`] and [`answer`]: what handlers take and give;
//! - [`problem`]: the one table from refusals and faults to statuses;
//! - [`admission`]: who is let in when more come than can be served;
//! - [`serve`]: the server itself, with every timeout set.

pub mod admission;
pub mod answer;
pub mod api;
mod envelope;
pub mod extract;
mod health;
pub mod hooks;
mod kept;
mod limits;
pub mod problem;
pub mod request_id;
pub mod router;
pub mod serve;
pub mod shop;
mod source;
mod trail;
mod ways;

use std::path::PathBuf;
use std::sync::Arc;

use flows::Shop;
use identity::{Codes, Identity};
use ipnet::IpNet;
use jobs::Cashier;
use url::Url;

use kept::KeptAnswers;

pub use admission::Admission;
pub use limits::Limits;
pub use router::router;
pub use serve::serve;

/// What every handler may use. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    parts: Parts,
    kept_answers: KeptAnswers,
    counters: limits::Counters,
}

/// The parts of an [`App`].
pub struct Parts {
    /// The use cases.
    pub shop: Shop,
    /// Accounts, passwords, sessions.
    pub identity: Identity,
    /// One-time codes.
    pub codes: Codes,
    /// Payments under way.
    pub cashier: Cashier,
    /// Where buyers reach the shop; decides whether cookies are `Secure` and named `__Host-`.
    pub public_url: Url,
    /// Where pictures lie.
    pub media: PathBuf,
    /// Proxies whose word is taken for who is behind them.
    pub trusted_proxies: Vec<IpNet>,
    /// How often somebody may ask.
    pub limits: Limits,
}

impl App {
    /// An app of these parts.
    pub fn new(parts: Parts) -> Self {
        parts.identity.tokens.issued_by(parts.public_url.as_str());
        let counters = limits::Counters::new(&parts.limits, &parts.shop.env);
        Self(Arc::new(Inner { parts, kept_answers: KeptAnswers::new(), counters }))
    }

    pub(crate) fn counters(&self) -> &limits::Counters {
        &self.0.counters
    }

    pub(crate) fn kept_answers(&self) -> &KeptAnswers {
        &self.0.kept_answers
    }
}

impl std::ops::Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0.parts
    }
}
