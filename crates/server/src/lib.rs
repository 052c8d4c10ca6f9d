//! The binary's inside: command line, configuration, wiring. The only room that names concrete
//! gateways and reads configuration.

mod beside;
pub mod cli;
mod commands;
pub mod config;
pub mod demo;
pub mod gateways;
pub mod post;
pub mod running;

pub use commands::run;
