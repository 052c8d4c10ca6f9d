//! The router in process, on both engines, with a clock that stands and dice that a seed decides.

#![allow(missing_docs, reason = "tests are read, not called")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::too_many_lines,
    reason = "a test that cannot go on ends, and a table of cases is as long as it is"
)]

mod abroad;
mod admission;
mod audit;
mod authenticator;
mod bad_bodies;
mod bad_days;
mod bad_input;
mod between;
mod browser;
mod catalogue;
mod code_pages;
mod codes;
mod concerns;
mod customers;
mod document;
mod headers;
mod kept;
mod keys;
mod letters;
mod line;
mod matrix;
mod orders;
mod pages;
mod payment;
mod people;
mod personal;
mod purchase;
mod second_factor;
mod shape;
mod shop;
mod staff;
mod together;
mod tokens;
mod wire;
