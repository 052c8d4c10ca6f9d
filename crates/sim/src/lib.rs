//! Deterministic simulation of the shop, and the model it is compared with.

pub mod model;
pub mod real;
