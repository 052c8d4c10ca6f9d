//! The life of payments and refunds, with the real sandbox at the other end.

use std::time::Duration;

use kernel::{AttemptId, Money, RefundId, SignedDuration};
use serde_json::json;

use super::{PATIENCE, PRICE, Town, line, payment, refund_of, request};
use crate::error::{Advice, GatewayError};
use crate::observation::{CancelReason, RemoteRefundStatus, RemoteStatus};
use crate::port::Gateway as _;
use crate::request::{Confirmation, IdempotencyKey, RefundRef};

#[tokio::test]
async fn opens_a_payment_and_sees_it_paid() {
    let town = Town::found().await;
    let (attempt, made) = town.open().await;
    assert_eq!(made.observation.status, RemoteStatus::AwaitingPayer);
    assert_eq!((made.observation.amount, made.observation.captured.minor), (PRICE, 0));
    assert!(made.observation.test);
    let id = made.observation.gateway_id.clone().unwrap();
    let Confirmation::Redirect { url, valid_until } = &made.confirmation else {
        panic!("a page for the payer: {:?}", made.confirmation)
    };
    assert_eq!(url.as_str(), format!("{}/pay/{id}", town.sandbox.base_url()));
    assert_eq!(*valid_until, town.env.now() + SignedDuration::from_mins(15));

    town.force(&made, "pay").await;
    let by_id = town.gateway.fetch(&Town::known(&made), PATIENCE).await.unwrap();
    let by_attempt = town.gateway.fetch(&payment(attempt, None), PATIENCE).await.unwrap();
    assert_eq!(by_id, by_attempt);
    assert_eq!(by_id.status, RemoteStatus::Captured);
    assert_eq!((by_id.captured, by_id.refunded), (PRICE, Some(Money { minor: 0, ..PRICE })));
    let method = by_id.method.unwrap();
    assert_eq!((method.kind.as_str(), method.last4.as_deref()), ("card", Some("4242")));

    let key = IdempotencyKey::create(attempt);
    let again = town.gateway.create(&request(attempt, &town.env), &key, PATIENCE).await.unwrap();
    assert_eq!(again, made, "the same key tells what was answered then");
    assert_eq!(town.book().await.len(), 1);
}

#[tokio::test]
async fn knows_every_way_a_payment_ends() {
    let town = Town::found().await;
    for (end, reason) in [("decline", CancelReason::Declined), ("expire", CancelReason::Expired)] {
        let (_, made) = town.open().await;
        town.force(&made, end).await;
        let seen = town.gateway.fetch(&Town::known(&made), PATIENCE).await.unwrap();
        assert_eq!(seen.status, RemoteStatus::Canceled { reason });
    }
    for with_id in [true, false] {
        let (attempt, made) = town.open().await;
        let known = if with_id { Town::known(&made) } else { payment(attempt, None) };
        let key = IdempotencyKey::void(attempt);
        let seen = town.gateway.void(&known, &key, PATIENCE).await.unwrap();
        assert_eq!(seen.status, RemoteStatus::Canceled { reason: CancelReason::Voided });
    }
    let (_, made) = town.open().await;
    town.clock.advance(SignedDuration::from_mins(15));
    let seen = town.gateway.fetch(&Town::known(&made), PATIENCE).await.unwrap();
    assert_eq!(seen.status, RemoteStatus::Canceled { reason: CancelReason::Expired });
    town.force(&made, "pay").await;
    let seen = town.gateway.fetch(&Town::known(&made), PATIENCE).await.unwrap();
    assert_eq!(seen.status, RemoteStatus::Captured, "a late success");
}

#[tokio::test]
async fn tells_absent_from_forgotten() {
    let town = Town::found().await;
    let attempt: AttemptId = town.env.id();
    let absent = town.gateway.fetch(&payment(attempt, None), PATIENCE).await.unwrap();
    assert_eq!((absent.status, absent.amount), (RemoteStatus::Absent, PRICE));
    let key = IdempotencyKey::void(attempt);
    let absent = town.gateway.void(&payment(attempt, None), &key, PATIENCE).await.unwrap();
    assert_eq!(absent.status, RemoteStatus::Absent);
    let forgotten = town.gateway.fetch(&payment(attempt, Some("pay_no/../x")), PATIENCE).await;
    assert_eq!(forgotten, Err(GatewayError::NotFound));
}

#[tokio::test]
async fn calling_off_a_paid_payment_brings_the_truth() {
    let town = Town::found().await;
    let (attempt, made) = town.open().await;
    town.force(&made, "pay").await;
    let key = IdempotencyKey::void(attempt);
    let refused = town.gateway.void(&Town::known(&made), &key, PATIENCE).await.unwrap_err();
    let GatewayError::WrongState(Some(truth)) = refused else { panic!("{refused}") };
    assert_eq!((truth.status, truth.captured), (RemoteStatus::Captured, PRICE));
}

#[tokio::test]
async fn gives_money_back_once_and_never_too_much() {
    let town = Town::found().await;
    let (attempt, made) = town.open().await;
    let refund: RefundId = town.env.id();
    let part = Money { minor: 4000, ..PRICE };
    let (ask, _) = refund_of(&Town::known(&made), refund, part);
    let key = IdempotencyKey::refund(refund);
    let early = town.gateway.refund(&ask, &key, PATIENCE).await.unwrap_err();
    assert!(matches!(early, GatewayError::WrongState(Some(_))), "{early}");

    town.force(&made, "pay").await;
    let refund: RefundId = town.env.id();
    let (ask, by_us) = refund_of(&payment(attempt, None), refund, part);
    let absent = town.gateway.fetch_refund(&by_us, PATIENCE).await.unwrap();
    assert_eq!(absent.status, RemoteRefundStatus::Absent);

    let key = IdempotencyKey::refund(refund);
    let done = town.gateway.refund(&ask, &key, PATIENCE).await.unwrap();
    assert_eq!((&done.status, done.amount), (&RemoteRefundStatus::Succeeded, part));
    assert_eq!(town.gateway.refund(&ask, &key, PATIENCE).await.unwrap(), done);
    assert_eq!(town.gateway.fetch_refund(&by_us, PATIENCE).await.unwrap(), done);
    let by_them = RefundRef { gateway_id: done.gateway_id.clone(), ..by_us };
    assert_eq!(town.gateway.fetch_refund(&by_them, PATIENCE).await.unwrap(), done);

    let rest: RefundId = town.env.id();
    let (too_much, _) = refund_of(&Town::known(&made), rest, PRICE);
    let key = IdempotencyKey::refund(rest);
    let refused = town.gateway.refund(&too_much, &key, PATIENCE).await.unwrap_err();
    assert_eq!(refused, GatewayError::Declined { reason: "refund_exceeds_captured".to_owned() });
    assert_eq!((refused.outcome_known(), refused.advice()), (true, Advice::NewKey));
    let seen = town.gateway.fetch(&Town::known(&made), PATIENCE).await.unwrap();
    assert_eq!((seen.captured, seen.refunded), (PRICE, Some(part)));
}

#[tokio::test]
async fn a_key_used_for_something_else_is_a_conflict() {
    let town = Town::found().await;
    let (attempt, _) = town.open().await;
    let mut other = request(attempt, &town.env);
    other.amount.minor += 1;
    let key = IdempotencyKey::create(attempt);
    let refused = town.gateway.create(&other, &key, PATIENCE).await.unwrap_err();
    assert_eq!((refused.clone(), refused.advice()), (GatewayError::Conflict, Advice::Alarm));
}

#[tokio::test]
async fn an_unclear_create_is_cleared_up_with_the_same_key() {
    for fault in ["commit_then_drop", "commit_then_500", "truncated", "error_500"] {
        let town = Town::found().await;
        town.fault(json!({ "op": "create", "fault": fault })).await;
        let attempt: AttemptId = town.env.id();
        let (request, key) = (request(attempt, &town.env), IdempotencyKey::create(attempt));
        let unclear = town.gateway.create(&request, &key, PATIENCE).await.unwrap_err();
        assert!(matches!(unclear, GatewayError::Unknown(_)), "{fault}: {unclear}");
        assert!(!unclear.outcome_known());
        assert_eq!(unclear.advice(), Advice::SameKey { after: None });
        let made = town.gateway.create(&request, &key, PATIENCE).await.unwrap();
        assert_eq!(made.observation.status, RemoteStatus::AwaitingPayer, "{fault}");
        assert_eq!(town.book().await.len(), 1, "{fault}");
    }
}

#[tokio::test]
async fn a_silent_line_and_a_dead_one_are_told_apart() {
    let (env, _) = super::env();
    let attempt: AttemptId = env.id();
    let (request, key) = (request(attempt, &env), IdempotencyKey::create(attempt));

    let silent = super::gateway(&line::silent().await, &env);
    let short = Duration::from_millis(50);
    let unclear = silent.create(&request, &key, short).await.unwrap_err();
    assert!(matches!(unclear, GatewayError::Unknown(_)), "{unclear}");

    let dead = super::gateway(&line::nobody().await, &env);
    let not_sent = dead.create(&request, &key, PATIENCE).await.unwrap_err();
    assert!(matches!(not_sent, GatewayError::NotSent(_)), "{not_sent}");
    assert!(not_sent.outcome_known());
}

#[tokio::test]
async fn asked_for_fewer_calls_it_says_how_long_to_wait() {
    let town = Town::found().await;
    let (_, made) = town.open().await;
    town.fault(json!({ "op": "fetch", "fault": "error_429" })).await;
    let limited = town.gateway.fetch(&Town::known(&made), PATIENCE).await.unwrap_err();
    let after = Some(Duration::from_secs(1));
    assert_eq!(
        (limited.clone(), limited.advice()),
        (GatewayError::RateLimited { after }, Advice::SameKey { after })
    );
}

#[tokio::test]
async fn a_wrong_sum_is_told_as_it_is_for_the_caller_to_compare() {
    let town = Town::found().await;
    let (_, made) = town.open().await;
    town.force(&made, "pay").await;
    town.fault(json!({ "op": "fetch", "fault": "wrong_amount" })).await;
    let seen = town.gateway.fetch(&Town::known(&made), PATIENCE).await.unwrap();
    assert_eq!(seen.amount.minor, PRICE.minor + 1);
    town.fault(json!({ "op": "fetch", "fault": "wrong_currency" })).await;
    let seen = town.gateway.fetch(&Town::known(&made), PATIENCE).await.unwrap();
    assert_ne!(seen.amount.currency, PRICE.currency);
}
