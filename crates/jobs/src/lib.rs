//! What happens after a commit, or at a time: calls to payment gateways, looks into what they
//! sent, expiry, the relay of events, and the post.
//!
//! Nothing here decides: gateways are asked, and what they say goes to `flows`.

mod books;
mod cashier;
pub mod post;
mod relay;
mod schedule;

pub use books::{CannotCompare, Compared, Progress, compare_day, day_of};
pub use cashier::{Cashier, Charge, Mended, Offer, Started};
pub use post::Post;
pub use relay::{Consumer, Journal};
pub use schedule::Jobs;
