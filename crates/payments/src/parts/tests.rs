//! Parts that add up, whatever their order.

use kernel::{AttemptId, Currency, Money, OrderId, Timestamp, Uuid};
use proptest::prelude::*;

use super::*;
use crate::state::AttemptState;

/// A payment of `amount` at the gateway for `pays` of an order, captured.
fn paid(amount: i64, pays: i64) -> Attempt {
    let meant = crate::Meant {
        id: AttemptId(Uuid::nil()),
        order: OrderId(Uuid::nil()),
        gateway: "sandbox".into(),
        amount: Money::new(amount, Currency::RUB),
        pays: Money::new(pays, Currency::EUR),
        rate: Some("1".parse().unwrap()),
        tax: 0,
        two_stage: false,
        details: "{}".into(),
        deadline: Timestamp::UNIX_EPOCH,
        poll_at: Timestamp::UNIX_EPOCH,
    };
    let mut till = crate::Till::default();
    till.intend(meant, Timestamp::UNIX_EPOCH);
    let attempt = till.attempt(AttemptId(Uuid::nil())).unwrap().clone();
    Attempt { state: AttemptState::Captured, captured: amount, ..attempt }
}

fn take(attempt: &mut Attempt, part: Part) -> i64 {
    attempt.reserved += part.amount;
    attempt.worth_back += part.worth;
    part.amount
}

#[test]
fn p27_three_thirds_are_the_whole() {
    let mut attempt = paid(1_023_030, 10_104);
    let third = |attempt: &mut Attempt| {
        let part = attempt.part_worth(3368).unwrap();
        take(attempt, part)
    };
    let thirds = [third(&mut attempt), third(&mut attempt), third(&mut attempt)];
    assert_eq!(thirds, [341_010, 341_010, 341_010]);
    let mut attempt = paid(1000, 3);
    let coin = |attempt: &mut Attempt| {
        let part = attempt.part_worth(1).unwrap();
        take(attempt, part)
    };
    let coins = [coin(&mut attempt), coin(&mut attempt), coin(&mut attempt)];
    assert_eq!(coins, [333, 333, 334], "the last takes the remainder");
    assert_eq!((attempt.left(), attempt.worth_left()), (0, 0));
    assert_eq!(attempt.part_worth(1), None);
}

#[test]
fn p27_what_is_less_than_their_smallest_coin_is_not_given_back() {
    let mut attempt = paid(3, 300);
    assert_eq!(attempt.part_worth(99), None, "the payer's coin is worth a hundred of ours");
    assert_eq!(attempt.part_worth(0), None);
    assert_eq!(attempt.part_worth(301), None, "more than is left");
    let part = attempt.part_worth(299).unwrap();
    assert_eq!(part, Part { amount: 2, worth: 299 });
    take(&mut attempt, part);
    assert_eq!(attempt.part_worth(1), Some(Part { amount: 1, worth: 1 }), "what is left goes");
}

#[test]
fn p27_a_coin_of_theirs_may_be_worth_nothing_here() {
    let mut attempt = paid(1000, 3);
    for worth in [0, 0, 0] {
        let part = attempt.part_of(100).unwrap();
        assert_eq!(part, Part { amount: 100, worth });
        take(&mut attempt, part);
    }
    assert_eq!(attempt.part_of(100), Some(Part { amount: 100, worth: 1 }));
    assert_eq!(attempt.part_of(5000), Some(Part { amount: 700, worth: 3 }), "all that is left");
    assert_eq!(attempt.part_of(0), None);
}

/// What happens to a payment: staff give so much of what is left of the order back, somebody gives
/// back money at the gateway, a refund of staff fails; all in hundredths.
#[derive(Clone, Copy, Debug)]
enum Step {
    Worth(i64),
    Outside(i64),
    Fails(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_i64..=100).prop_map(Step::Worth),
        (0_i64..=100).prop_map(Step::Outside),
        (0_usize..8).prop_map(Step::Fails),
    ]
}

proptest! {
    #[test]
    fn p27_parts_are_all_of_one_when_they_are_all_of_the_other(
        amount in prop_oneof![1_i64..=50, 1_i64..=10_000_000],
        pays in prop_oneof![1_i64..=50, 1_i64..=10_000_000],
        steps in proptest::collection::vec(step(), 0..30),
    ) {
        let mut attempt = paid(amount, pays);
        let mut given: Vec<Part> = Vec::new();
        for step in steps {
            match step {
                Step::Worth(percent) => {
                    let worth = (attempt.worth_left() * percent + 99) / 100;
                    if let Some(part) = attempt.part_worth(worth) {
                        prop_assert!(part.amount > 0 && part.worth == worth);
                        take(&mut attempt, part);
                        given.push(part);
                    }
                }
                Step::Outside(percent) => {
                    let asked = (attempt.left() * percent + 99) / 100;
                    if let Some(part) = attempt.part_of(asked) {
                        prop_assert!(part.worth >= 0 && part.amount == asked);
                        take(&mut attempt, part);
                    }
                }
                Step::Fails(which) if which < given.len() => {
                    let part = given.remove(which);
                    attempt.reserved -= part.amount;
                    attempt.worth_back -= part.worth;
                }
                Step::Fails(_) => {}
            }
            prop_assert!(attempt.left() >= 0 && attempt.worth_left() >= 0);
            prop_assert_eq!(attempt.left() == 0, attempt.worth_left() == 0);
        }
        if attempt.left() > 0 {
            let left = attempt.left();
            let rest = attempt.part_worth(attempt.worth_left());
            prop_assert_eq!(rest.map(|part| part.amount), Some(left), "the rest is all of it");
        }
    }

    #[test]
    fn p27_in_one_currency_a_part_is_itself(
        total in 1_i64..=10_000_000,
        parts in proptest::collection::vec(1_i64..=10_000, 0..10),
    ) {
        let mut attempt = paid(total, total);
        for wanted in parts {
            let fits = wanted <= attempt.left();
            let part = attempt.part_worth(wanted);
            prop_assert_eq!(part, fits.then_some(Part { amount: wanted, worth: wanted }));
            if let Some(part) = part {
                prop_assert_eq!(attempt.part_of(wanted), Some(part));
                take(&mut attempt, part);
            }
        }
    }
}
