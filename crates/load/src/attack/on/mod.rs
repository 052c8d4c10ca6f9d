//! The attacks, a file for each group. A new one is a line in its group's table; a new group is a
//! file and a line here.

mod bodies;
mod cost;
mod doors;
mod fields;
mod frames;
mod keys;
mod money;
mod notices;
mod pages;
mod people;
mod prices;
mod protocol;
mod slowness;
mod stock;
mod strangers;
mod words;

// What every group works with.
use super::ask::{Answer, Ask, Tally};
use super::case::{Attack, Sheet};
use super::kit::{Goods, Kit, Round};

/// All attacks, in the order of their numbers.
pub fn all() -> Vec<&'static Attack> {
    let groups = [
        stock::ATTACKS,
        prices::ATTACKS,
        keys::ATTACKS,
        money::ATTACKS,
        notices::ATTACKS,
        doors::ATTACKS,
        strangers::ATTACKS,
        people::ATTACKS,
        pages::ATTACKS,
        fields::ATTACKS,
        words::ATTACKS,
        bodies::ATTACKS,
        protocol::ATTACKS,
        slowness::ATTACKS,
        frames::ATTACKS,
        cost::ATTACKS,
    ];
    let mut all: Vec<&Attack> = groups.into_iter().flatten().collect();
    all.sort_by_key(|attack| attack.id);
    all
}
