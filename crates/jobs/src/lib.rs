//! What happens after a commit, or at a time: calls to payment gateways, looks into what they
//! sent, expiry, and the relay of events.
//!
//! Nothing here decides: gateways are asked, and what they say goes to `flows`.

mod cashier;
mod relay;
mod schedule;

pub use cashier::{CannotCompare, Cashier, Charge, Compared, Offer, Started};
pub use relay::{Consumer, Journal};
pub use schedule::Jobs;
