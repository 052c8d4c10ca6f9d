//! What happens after a commit, or at a time: calls to payment gateways, looks into what they
//! sent, expiry, and the relay of events.
//!
//! Nothing here decides: gateways are asked, and what they say goes to `flows`.

mod books;
mod cashier;
mod relay;
mod schedule;

pub use books::{CannotCompare, Compared, Progress, compare_day, day_of};
pub use cashier::{Cashier, Charge, Mended, Offer, Started};
pub use relay::{Consumer, Journal};
pub use schedule::Jobs;
