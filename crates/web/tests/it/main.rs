//! The router in process, on both engines, with a clock that stands and dice that a seed decides.

#![allow(missing_docs, reason = "tests")]

mod bad_input;
mod catalogue;
mod document;
mod headers;
mod orders;
mod payment;
mod purchase;
mod shop;
mod shape;
mod staff;
mod wire;
