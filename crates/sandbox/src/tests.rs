//! The sandbox through its public face: HTTP.

mod delivery;
mod faults;
mod page;
mod plain_payments;
mod plain_refunds;
mod restart;
mod town;
