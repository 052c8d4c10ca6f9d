//! The sandbox through its public face: HTTP.

mod alipay;
mod delivery;
mod faults;
mod merchant;
mod page;
mod plain_payments;
mod plain_refunds;
mod restart;
mod stripe;
mod town;
mod world;
mod yookassa;
