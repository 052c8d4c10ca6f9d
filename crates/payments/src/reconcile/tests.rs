//! A day with a thousand payments and twelve planted differences: all twelve, and nothing else.

use kernel::{Currency, SignedDuration, Uuid};

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap() + SignedDuration::from_secs(second)
}

const DAY: i64 = 86_400;

fn day() -> Span {
    Span { from: at(0), to: at(DAY) }
}

/// The nth payment of the day, as both sides have it.
fn payment(n: i64, made: i64) -> (Attempt, Statement) {
    let id = AttemptId(Uuid::from_u128(u128::try_from(n).unwrap() + 1));
    let captured = if n % 10 == 9 { 0 } else { 1000 + n };
    let refunded = if n % 7 == 0 { captured / 2 } else { 0 };
    let attempt = Attempt {
        id,
        order_id: OrderId(Uuid::from_u128(1)),
        gateway: "sandbox".into(),
        state: if captured > 0 { AttemptState::Captured } else { AttemptState::Canceled },
        amount: Money::new(1000 + n, Currency::EUR),
        pays: Money::new(1000 + n, Currency::EUR),
        rate: None,
        tax: 0,
        two_stage: false,
        details: "{}".into(),
        deadline: at(made),
        payable_until: at(made),
        reference: Some(format!("p{n}")),
        secondary: None,
        redirect_url: None,
        method: None,
        review: None,
        reason: None,
        orphan: false,
        unwanted: false,
        captured,
        reserved: 0,
        refunded,
        worth_back: refunded,
        fee: Some(30),
        observations: 1,
        last_saw: None,
        created_at: at(made),
        updated_at: at(made),
        since: at(made),
        poll_at: None,
        polls: 0,
    };
    let said = Statement {
        gateway: "sandbox".into(),
        reference: format!("p{n}"),
        attempt_id: Some(id).filter(|_| n % 2 == 0),
        status: if captured > 0 { "captured" } else { "canceled" }.into(),
        amount: 1000 + n,
        currency: Currency::EUR,
        captured,
        refunded,
        fee: Some(30),
        made_at: Some(at(made + 2)),
        seen_at: at(DAY),
    };
    (attempt, said)
}

#[test]
fn twelve_planted_differences_are_named_and_nothing_else() {
    // A little before midnight and a little after are looked at, and not reported.
    let spread = |n: i64| -1800 + n * (DAY + 3600) / 1000;
    let (mut ours, mut theirs): (Vec<_>, Vec<_>) = (0..1000).map(|n| payment(n, spread(n))).unzip();
    assert_eq!(compare(&ours, &theirs, day(), Reach::Payments), []);

    theirs[100].attempt_id = None;
    theirs[100].reference = "stranger".into();
    ours[100].captured = 0;
    ours[100].refunded = 0;
    ours[100].state = AttemptState::Canceled;
    theirs[101].reference = "another".into();
    theirs[102].captured -= 1;
    theirs[103].amount += 1;
    theirs[103].captured += 1;
    theirs[104].currency = Currency::USD;
    theirs[106].status = "canceled".into();
    ours[107].captured = 0;
    ours[107].refunded = 0;
    ours[107].state = AttemptState::AwaitingPayer;
    theirs[109].status = "authorized".into();
    theirs[110].refunded += 5;
    theirs[112].refunded -= 5;
    theirs[113].fee = Some(31);
    let found = compare(&ours, &theirs, day(), Reach::Payments);
    let found: Vec<_> =
        found.iter().map(|it| format!("{} {}", it.class, it.reference.as_ref().unwrap())).collect();
    assert_eq!(
        found,
        [
            "missing_local another",
            "missing_local stranger",
            "missing_remote p101",
            "amount p102",
            "amount p103",
            "currency p104",
            "status p106",
            "status p107",
            "status p109",
            "refund p110",
            "refund p112",
            "fee p113",
        ]
    );
}

#[test]
fn a_refund_on_its_way_is_no_difference() {
    let (mut attempt, mut said) = payment(1, 10);
    attempt.reserved = 400;
    for refunded in [0, 400] {
        said.refunded = refunded;
        let found = compare(&[attempt.clone()], &[said.clone()], day(), Reach::Payments);
        assert_eq!(found, [], "{refunded}");
    }
    said.refunded = 401;
    assert_eq!(compare(&[attempt], &[said], day(), Reach::Payments).len(), 1);
}

#[test]
fn a_bill_says_only_what_moved() {
    let (attempt, mut said) = payment(14, 10);
    said.refunded = 0;
    let ours = [attempt];
    let theirs = [said];
    assert_eq!(compare(&ours, &theirs, day(), Reach::Movements), []);
    assert_eq!(compare(&ours, &theirs, day(), Reach::Payments)[0].class, Class::Refund);
}

#[test]
fn every_difference_says_what_to_do() {
    for fix in [Fix::AskAgain, Fix::LookThere, Fix::BookFee] {
        assert!(fix.says().len() > 20);
    }
}
