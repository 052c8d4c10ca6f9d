//! Lives of a shop, each repeated exactly by its seed.
//!
//! The real use cases, the real checkout lane and the real jobs run on the real store, whose
//! database is in memory. What is not real is what a seed has to decide: which task goes on next
//! ([`Executor`]), what time it is ([`WorldClock`]), and what becomes of each call that leaves the
//! process ([`Doors`]).

mod bank;
mod chooser;
mod dice;
mod doors;
mod executor;
mod explore;
mod life;
pub mod model;
pub mod panics;
mod process;
pub mod real;
mod shrink;
mod sql;
#[cfg(test)]
mod tests;
mod time;
mod town;
mod trace;
mod trouble;
mod witness;

pub use bank::{Bank, Lie, Payment, Stands, Teller};
pub use chooser::{Chooser, InTurn, Script};
pub use dice::Dice;
pub use doors::{Doors, Fate, Fates, Port, Side};
pub use executor::{Executor, Group, Step, Work};
pub use explore::{Explore, Tally};
pub use life::{Act, Life, Outcome, What};
pub use process::{Door, Gone, Process, Site};
pub use shrink::shrink;
pub use time::WorldClock;
pub use town::{Good, Town, rates};
pub use trace::{Trace, hash_of};
pub use trouble::{Trouble, Troubles};
pub use witness::{Violation, Witness};
