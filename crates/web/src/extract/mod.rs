//! What handlers take from a request. Everything that is not as it should be ends here, in a
//! precise problem and before anything is written.

mod body;
mod caller;
mod device;
mod explain;
mod key;
mod payer;
mod perhaps;
mod query;
mod staff;

pub use body::{Body, Json, MaybeJson, object, objects, present};
pub use caller::{Caller, Credential};
pub use device::From;
pub use key::{IdempotencyKey, OptionalKey};
pub use payer::Paying;
pub use perhaps::Perhaps;
pub use query::{Query, Segment, cursor, id, unknown_parameter};
pub use staff::{Staff, may};
