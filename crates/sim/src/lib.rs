//! Lives of a shop, each repeated exactly by its seed.
//!
//! The real use cases, the real checkout lane and the real jobs run on the real store, whose
//! database is in memory. What is not real is what a seed has to decide: which task goes on next
//! ([`Executor`]), what time it is ([`WorldClock`]), and what becomes of each call that leaves the
//! process ([`Doors`]).

mod chooser;
mod dice;
mod doors;
mod executor;
pub mod model;
mod process;
pub mod real;
#[cfg(test)]
mod tests;
mod time;

pub use chooser::{Chooser, InTurn, Script};
pub use dice::Dice;
pub use doors::{Doors, Fate, Fates, Port, Side};
pub use executor::{Executor, Group, Step, Work};
pub use process::{Door, Gone, Process, Site};
pub use time::WorldClock;
