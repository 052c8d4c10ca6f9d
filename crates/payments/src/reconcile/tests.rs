//! A day with a thousand payments and twelve planted differences: all twelve, and nothing else.

use kernel::{Currency, SignedDuration, Uuid};

use crate::refund::{Origin, RefundState};
use crate::state::AttemptState;

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

/// What differs, when neither side has any refunds to show.
fn payments_only(ours: &[Attempt], theirs: &[Statement], reach: Reach) -> Vec<Break> {
    let ours = Ours { attempts: ours.to_vec(), ..Ours::default() };
    let theirs = Theirs { payments: theirs.to_vec(), refunds: None };
    compare(&ours, &theirs, day(), reach)
}

fn named(found: &[Break]) -> Vec<String> {
    found.iter().map(|it| format!("{} {}", it.class, it.reference.as_ref().unwrap())).collect()
}

#[test]
fn twelve_planted_differences_are_named_and_nothing_else() {
    // A little before midnight and a little after are looked at, and not reported.
    let spread = |n: i64| -1800 + n * (DAY + 3600) / 1000;
    let (mut ours, mut theirs): (Vec<_>, Vec<_>) = (0..1000).map(|n| payment(n, spread(n))).unzip();
    assert_eq!(payments_only(&ours, &theirs, Reach::Payments), []);

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
    let found = payments_only(&ours, &theirs, Reach::Payments);
    assert_eq!(
        named(&found),
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
        let found = payments_only(&[attempt.clone()], &[said.clone()], Reach::Payments);
        assert_eq!(found, [], "{refunded}");
    }
    said.refunded = 401;
    assert_eq!(payments_only(&[attempt], &[said], Reach::Payments).len(), 1);
}

#[test]
fn a_bill_says_only_what_moved() {
    let (attempt, mut said) = payment(14, 10);
    said.refunded = 0;
    let ours = [attempt];
    let theirs = [said];
    assert_eq!(payments_only(&ours, &theirs, Reach::Movements), []);
    assert_eq!(payments_only(&ours, &theirs, Reach::Payments)[0].class, Class::Refund);
}

#[test]
fn two_payments_for_one_attempt_are_named_and_a_line_that_came_twice_is_not() {
    let (attempt, said) = payment(2, 10);
    let again = Statement { reference: "again".into(), ..said.clone() };
    let both = [said.clone(), said.clone(), again.clone()];
    let found = payments_only(std::slice::from_ref(&attempt), &both, Reach::Payments);
    assert_eq!(named(&found), ["duplicate again"]);
    let over = Statement { status: "canceled".into(), captured: 0, refunded: 0, ..again };
    let found = payments_only(&[attempt], &[over, said], Reach::Payments);
    assert_eq!(found, [], "what was declined before is no second payment");
}

#[test]
fn who_lists_by_the_other_id_is_understood() {
    let (mut attempt, mut said) = payment(1, 10);
    attempt.secondary = Some("other".into());
    said.reference = "other".into();
    assert_eq!(payments_only(&[attempt], &[said], Reach::Payments), []);
}

#[test]
fn what_was_not_booked_can_be_and_what_was_booked_wrongly_is_left_to_a_person() {
    let (mut attempt, said) = payment(1, 10);
    attempt.fee = None;
    let found = payments_only(&[attempt.clone()], std::slice::from_ref(&said), Reach::Payments);
    let kept = Some(Money::new(30, Currency::EUR));
    assert_eq!((found[0].class, found[0].fix, found[0].fee), (Class::Fee, Fix::BookFee, kept));
    attempt.fee = Some(31);
    let found = payments_only(&[attempt], &[said], Reach::Payments);
    assert_eq!((found[0].class, found[0].fix), (Class::Fee, Fix::LookThere));
}

/// A refund of a payment of the day before, as both sides have it.
fn refund(of: &Attempt, minor: i64, made: i64) -> (Refund, GivenBack) {
    let id = RefundId(Uuid::from_u128(u128::try_from(minor).unwrap()));
    let amount = Money::new(minor, Currency::EUR);
    let refund = Refund {
        id,
        attempt_id: of.id,
        order_id: of.order_id,
        amount,
        worth: minor,
        reason: "torn".into(),
        origin: Origin::Staff,
        state: RefundState::Succeeded,
        reference: Some(format!("r{minor}")),
        failure: None,
        actor: None,
        tries: 1,
        sent_at: Some(at(made)),
        due_at: None,
        created_at: at(made),
        updated_at: at(made + 5),
    };
    let said = GivenBack {
        name: format!("r{minor}"),
        refund_id: Some(id),
        attempt_id: None,
        payment: of.reference.clone(),
        status: "succeeded",
        amount,
        made_at: Some(at(made + 2)),
    };
    (refund, said)
}

/// What differs between these refunds of one old payment.
fn refunds_only(of: &Attempt, ours: &[Refund], theirs: &[GivenBack], reach: Reach) -> Vec<Break> {
    let attempts = vec![of.clone()];
    let ours = Ours { attempts, refunds: ours.to_vec(), disputes: Vec::new() };
    let theirs = Theirs { payments: Vec::new(), refunds: Some(theirs.to_vec()) };
    compare(&ours, &theirs, day(), reach)
}

#[test]
fn p10_refunds_of_older_payments_are_compared_on_their_own_day() {
    let (old, _) = payment(1, -3 * DAY);
    let (ours, theirs) = refund(&old, 400, 10);
    for reach in [Reach::Payments, Reach::Movements] {
        let alone = |it: Option<&Refund>, said: Option<&GivenBack>| {
            let (it, said) = (it.into_iter().cloned(), said.into_iter().cloned());
            refunds_only(&old, &it.collect::<Vec<_>>(), &said.collect::<Vec<_>>(), reach)
        };
        assert_eq!(alone(Some(&ours), Some(&theirs)), []);

        let stranger = GivenBack { refund_id: None, name: "theirs".into(), ..theirs.clone() };
        let found = alone(None, Some(&stranger));
        let fix = if reach == Reach::Payments { Fix::AskAgain } else { Fix::BookRefund };
        assert_eq!(named(&found), ["refund p1"]);
        assert_eq!((found[0].fix, found[0].given_back.as_ref()), (fix, Some(&stranger)));

        let found = alone(Some(&ours), None);
        assert_eq!((found[0].class, found[0].fix), (Class::Refund, Fix::LookThere));
        assert_eq!(found[0].refund_id, Some(ours.id));

        let other = GivenBack { amount: Money::new(399, Currency::EUR), ..theirs.clone() };
        assert_eq!(alone(Some(&ours), Some(&other))[0].fix, Fix::LookThere);

        let tomorrow = GivenBack { made_at: Some(at(DAY + 60)), ..stranger };
        assert_eq!(alone(None, Some(&tomorrow)), [], "that is the next day's");
    }
}

#[test]
fn p11_a_refund_that_ended_otherwise_there_is_asked_about_again() {
    let (old, _) = payment(1, -3 * DAY);
    let (ours, theirs) = refund(&old, 400, 10);
    let mut found = Vec::new();
    for state in RefundState::ALL {
        for status in ["pending", "succeeded", "failed"] {
            let ours = Refund { state, ..ours.clone() };
            let theirs = GivenBack { status, ..theirs.clone() };
            let breaks = refunds_only(&old, &[ours], &[theirs], Reach::Payments);
            assert!(breaks.iter().all(|it| it.fix == Fix::AskAgain), "{state:?} {status}");
            found.extend(breaks.iter().map(|_| format!("{} {status}", state.as_str())));
        }
    }
    assert_eq!(
        found,
        [
            "reserved succeeded",
            "reserved failed",
            "sent succeeded",
            "sent failed",
            "pending succeeded",
            "pending failed",
            "succeeded failed",
            "failed succeeded",
        ]
    );
}

#[test]
fn p10_what_went_back_under_no_name_covers_as_much_and_no_more() {
    let (old, _) = payment(1, -3 * DAY);
    let (ours, _) = refund(&old, 700, 100);
    let ours = Refund { origin: Origin::External, reference: None, sent_at: None, ..ours };
    let theirs =
        |minor: i64, made: i64| GivenBack { refund_id: None, ..refund(&old, minor, made).1 };
    let found = |theirs: &[GivenBack]| {
        refunds_only(&old, std::slice::from_ref(&ours), theirs, Reach::Payments).len()
    };
    assert_eq!(found(&[theirs(300, 10), theirs(400, 20)]), 0, "seen as one sum");
    assert_eq!(found(&[theirs(300, 10), theirs(400, 20), theirs(1, 30)]), 1, "and a cent more");
    assert_eq!(found(&[theirs(300, 5000)]), 1, "nobody hears of it before it is done");
}

#[test]
fn p28_what_a_bank_took_back_is_not_looked_for_among_refunds() {
    let (mut attempt, said) = payment(1, 10);
    let (lost, _) = refund(&attempt, 1001, 20);
    let lost = Refund { origin: Origin::External, reference: Some("du_1".into()), ..lost };
    attempt.refunded = 1001;
    let dispute = Dispute {
        gateway: "sandbox".into(),
        reference: "du_1".into(),
        attempt_id: attempt.id,
        order_id: attempt.order_id,
        state: DisputeState::Lost,
        amount: Money::new(1001, Currency::EUR),
        reason: "fraudulent".into(),
        opened_at: at(15),
        updated_at: at(20),
        due_at: None,
    };
    let mut ours = Ours { attempts: vec![attempt], refunds: vec![lost], disputes: vec![dispute] };
    let theirs = Theirs { payments: vec![said], refunds: Some(Vec::new()) };
    assert_eq!(compare(&ours, &theirs, day(), Reach::Payments), []);
    ours.disputes.clear();
    assert_eq!(named(&compare(&ours, &theirs, day(), Reach::Payments)), ["refund p1"]);
}

#[test]
fn every_difference_says_what_to_do() {
    for fix in Fix::ALL {
        assert!(fix.says().len() > 20);
    }
}
