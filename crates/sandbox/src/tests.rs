//! The sandbox through its public face: HTTP.

mod delivery;
mod faults;
mod page;
mod payments;
mod refunds;
mod restart;
mod town;
