//! How things look on a page: small types that write themselves as safe HTML.

mod field;
mod icon;
mod money;
mod time;
mod words;

pub(crate) use field::Field;
pub(crate) use icon::Icon;
pub(crate) use money::{Price, money, parse_amount, rate};
pub(crate) use time::{Time, clock, moment, span};
pub(crate) use words::{Badge, Prose, count, prose, sentence};
