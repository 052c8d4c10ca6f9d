//! Who goes on next: decided by dice, or by a script that says each choice.

use std::sync::{Arc, Mutex, PoisonError};

use crate::dice::Dice;

/// Chooses among tasks that can go on.
pub trait Chooser: Send {
    /// Which of `among` (two or more), counted from 0.
    fn choose(&mut self, among: usize) -> usize;
}

impl Chooser for Dice {
    fn choose(&mut self, among: usize) -> usize {
        self.below(among)
    }
}

/// The first one always: tasks go on in the order in which they became able to.
pub struct InTurn;

impl Chooser for InTurn {
    fn choose(&mut self, _: usize) -> usize {
        0
    }
}

/// Choices said beforehand, and the first one wherever the script is at its end. It notes between
/// how many it had to choose, which is what it takes to go through every order of events:
///
/// ```
/// # use sim::{Chooser, Script};
/// let mut script = Script::default();
/// let mut seen = Vec::new();
/// loop {
///     let mut chooser = script.clone();
///     seen.push((chooser.choose(2), chooser.choose(3)));
///     let Some(next) = script.next() else { break };
///     script = next;
/// }
/// assert_eq!(seen, [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]);
/// ```
#[derive(Clone, Default, Debug)]
pub struct Script {
    choices: Vec<usize>,
    taken: Arc<Mutex<Vec<(usize, usize)>>>,
}

impl Script {
    /// A script of these choices.
    pub fn of(choices: Vec<usize>) -> Self {
        Self { choices, taken: Arc::default() }
    }

    /// What was chosen so far, each with how many there were to choose from. Clones share it.
    pub fn taken(&self) -> Vec<(usize, usize)> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The script that comes after this one once it has been run, depth first; none after the
    /// last.
    pub fn next(&self) -> Option<Self> {
        let mut taken = self.taken();
        while let Some((chosen, among)) = taken.pop() {
            if chosen + 1 < among {
                let mut choices: Vec<usize> = taken.iter().map(|(chosen, _)| *chosen).collect();
                choices.push(chosen + 1);
                return Some(Self::of(choices));
            }
        }
        None
    }
}

impl Chooser for Script {
    fn choose(&mut self, among: usize) -> usize {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let chosen = self.choices.get(taken.len()).copied().unwrap_or(0).min(among - 1);
        taken.push((chosen, among));
        chosen
    }
}
