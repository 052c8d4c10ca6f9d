//! A shorter life that breaks the same rule: acts are left out and troubles switched off while
//! it still does.

use std::sync::Arc;

use crate::life::Life;
use crate::town::Town;
use crate::trouble::Trouble;

/// Other orders of the same events that are tried, since leaving something out changes the order
/// of everything after it.
const VARIATIONS: u64 = 6;

/// The shortest life found. `tried` hears of each step towards it.
pub fn shrink(life: &Life, town: &Arc<Town>, mut tried: impl FnMut(&Life)) -> Life {
    let rules = |life: &Life| {
        life.live(town, false).violations.into_iter().map(|found| found.rule).collect::<Vec<_>>()
    };
    let wanted = rules(life);
    if wanted.is_empty() {
        return life.clone();
    }
    let still = |life: &Life| {
        (0..VARIATIONS)
            .map(|variation| Life { variation, ..life.clone() })
            .find(|life| rules(life).iter().any(|rule| wanted.contains(rule)))
    };
    let mut best = life.clone();
    loop {
        let before = best.clone();
        for trouble in Trouble::ALL {
            let mut shorter = best.clone();
            if shorter.off.insert(*trouble)
                && let Some(found) = still(&shorter)
            {
                best = found;
                tried(&best);
            }
        }
        // Many acts at once first, then one by one.
        let mut width = best.plan().len().div_ceil(2);
        while width > 0 {
            let acts: Vec<usize> = best.plan().iter().map(|act| act.number).collect();
            for chunk in acts.chunks(width) {
                let mut shorter = best.clone();
                shorter.left_out.extend(chunk);
                if let Some(found) = still(&shorter) {
                    best = found;
                    tried(&best);
                }
            }
            width /= 2;
        }
        if best == before {
            return best;
        }
    }
}
