//! A shop life in which everything happens that may.

use flows::testing::{Town, in_roubles};
use flows::{CASH_ON_DELIVERY, Opening, Owner, Paying, RefundOf, RefundOfLine, RefundWish};
use identity::audit::{self, Entry};
use kernel::{AccountId, CartId, OrderId, SignedDuration, Timestamp, VariantId};
use orders::State;
use payments::{News, Notice, RefundState, Saw, Statement};
use store::Db;

/// What is left of it.
pub struct Life {
    /// The time at its end.
    pub now: Timestamp,
    /// The one cart that still holds something.
    pub cart: CartId,
    /// Until when.
    pub cart_hold_ends: Timestamp,
}

impl Life {
    /// Lives it.
    pub async fn of(db: &Db) -> Self {
        let town = Town::open(db, 101).await;
        let ada = town.customer().await;
        let goods = town.product(1000, &[50, 50]).await;
        let rare = town.product(9900, &[1]).await[0];
        good_lives(&town, ada, &goods).await;
        short_lives(&town, ada, goods[0]).await;
        late_money(&town, ada, goods[0], rare).await;
        double_money(&town, ada, goods[1]).await;
        two_stages(&town, ada, goods[0], rare).await;
        parts_go_back(&town, ada, goods[1]).await;
        abroad(&town, ada, goods[1]).await;
        cash(&town, ada, goods[0]).await;
        let key = town.key(town.staff, "adjust");
        let counted = town.shop.adjust_stock(town.staff, goods[0], -2, "broken".into(), key);
        counted.await.unwrap();
        notices(&town).await;
        handled(&town).await;
        logged(&town).await;
        town.wait(SignedDuration::from_mins(5));

        // What is still open at the end.
        let pending = town.buy(ada, goods[0], 2, "sandbox").await.unwrap().id;
        town.intend(ada, pending).await.unwrap();
        let claimed = town.buy(ada, goods[0], 1, "sandbox").await.unwrap().id;
        let claiming = reserved(&town, ada, claimed).await;
        town.say(&claiming, town.news(&claiming, Saw::Authorized(None))).await.unwrap();
        let unwanted = town.buy(ada, goods[0], 1, "sandbox").await.unwrap().id;
        let closing = reserved(&town, ada, unwanted).await;
        town.say(&closing, town.news(&closing, Saw::Waiting)).await.unwrap();
        town.cancel(ada, unwanted).await.unwrap();
        let bob = town.customer().await;
        town.add(bob, goods[0], 3).await.unwrap();
        town.add(bob, goods[1], 1).await.unwrap();
        town.shop.select_lines(Owner::Account(bob), Some(vec![goods[1]]), false).await.unwrap();
        let other = town.customer().await;
        town.add(other, goods[1], 1).await.unwrap();
        town.shop.clear_cart(Owner::Account(other)).await.unwrap();
        town.drain().await.unwrap();
        let cart = town.shop.cart(Owner::Account(bob)).await.unwrap();
        let cart_hold_ends = cart.lines[0].held_until.unwrap();
        // Both lines are of one cart; one is enough for what these tests ask.
        let change = flows::Change::Set(0);
        town.shop.set_line(Owner::Account(bob), goods[1], change).await.unwrap();
        Self { now: town.shop.env.now(), cart: cart.id.unwrap(), cart_hold_ends }
    }
}

async fn logged(town: &Town) {
    let (db, env) = (&town.shop.db, &town.shop.env);
    for number in 0..4 {
        let entry = Entry::noted(env, Some(town.staff.into()), "tried", number.to_string());
        audit::write(db, env, entry.with("number", number)).await.unwrap();
    }
}

async fn paid(town: &Town, who: AccountId, variant: VariantId) -> OrderId {
    let order = town.buy(who, variant, 1, "sandbox").await.unwrap().id;
    town.pay(who, order).await.unwrap();
    order
}

async fn good_lives(town: &Town, ada: AccountId, goods: &[VariantId]) {
    for variant in goods {
        town.add(ada, *variant, 2).await.unwrap();
    }
    let basket = town.order_cart(ada, "sandbox").await.unwrap().id;
    town.pay(ada, basket).await.unwrap();
    let road = [State::Packed, State::Shipped, State::Delivered];
    for steps in 0..=road.len() {
        let cash = town.buy(ada, goods[0], 1, CASH_ON_DELIVERY).await.unwrap().id;
        let order = paid(town, ada, goods[1]).await;
        for to in &road[..steps] {
            town.advance(cash, *to).await.unwrap();
            town.advance(order, *to).await.unwrap();
        }
    }
}

async fn short_lives(town: &Town, ada: AccountId, shirt: VariantId) {
    let unpaid = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
    town.cancel(ada, unpaid).await.unwrap();
    let cash = town.buy(ada, shirt, 1, CASH_ON_DELIVERY).await.unwrap().id;
    town.cancel(ada, cash).await.unwrap();
    let waits_for_refund = paid(town, ada, shirt).await;
    town.cancel(ada, waits_for_refund).await.unwrap();
    let refunded = paid(town, ada, shirt).await;
    town.cancel(ada, refunded).await.unwrap();
    town.end_refunds(refunded, RefundState::Succeeded).await.unwrap();
    let packed = paid(town, ada, shirt).await;
    town.advance(packed, State::Packed).await.unwrap();
    let key = town.key(town.staff, "cancel");
    town.shop.cancel_for_shop(town.staff, packed, Some("torn".into()), key).await.unwrap();
}

async fn late_money(town: &Town, ada: AccountId, shirt: VariantId, rare: VariantId) {
    let late = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
    let late_paying = town.intend(ada, late).await.unwrap();
    let called_off = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
    let called_off_paying = town.intend(ada, called_off).await.unwrap();
    let gone = town.buy(ada, rare, 1, "sandbox").await.unwrap().id;
    let gone_paying = town.intend(ada, gone).await.unwrap();
    let dead = town.buy(ada, shirt, 2, "sandbox").await.unwrap().id;
    town.wait(SignedDuration::from_mins(31));
    town.sweep().await.unwrap();
    town.buy(ada, rare, 1, CASH_ON_DELIVERY).await.unwrap();
    for paying in [&late_paying, &called_off_paying, &gone_paying] {
        town.captured(paying).await.unwrap();
    }
    // Paid late, and called off after all.
    town.cancel(ada, called_off).await.unwrap();
    town.end_refunds(called_off, RefundState::Succeeded).await.unwrap();
    town.end_refunds(gone, RefundState::Succeeded).await.unwrap();
    let states = [(late, State::Paid), (called_off, State::Refunded), (gone, State::Expired)];
    for (order, wanted) in states.into_iter().chain([(dead, State::Expired)]) {
        assert_eq!(town.order(order).await.state, wanted);
    }
}

async fn double_money(town: &Town, ada: AccountId, shirt: VariantId) {
    let order = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
    let first = town.intend(ada, order).await.unwrap();
    let left = town.news(&first, Saw::Canceled("left".into()));
    town.say(&first, left).await.unwrap();
    let second = town.intend(ada, order).await.unwrap();
    town.say(&second, town.news(&second, Saw::Waiting)).await.unwrap();
    town.captured(&second).await.unwrap();
    town.captured(&first).await.unwrap();
    let doubtful = town.buy(ada, shirt, 1, "sandbox").await.unwrap().id;
    let paying = town.intend(ada, doubtful).await.unwrap();
    let mut lie = town.news(&paying, Saw::Captured);
    lie.amount.minor += 1;
    town.say(&paying, lie).await.unwrap();
    town.cancel(ada, doubtful).await.unwrap();
}

async fn reserved(town: &Town, who: AccountId, order: OrderId) -> Paying {
    let opening = Opening { two_stage: true, ..Opening::at("sandbox") };
    town.intend_at(who, order, opening).await.unwrap()
}

/// Money that is reserved first: taken, let go, refused when it was to be taken, late.
async fn two_stages(town: &Town, ada: AccountId, shirt: VariantId, rare: VariantId) {
    let say = async |paying: &Paying, saw| {
        town.say(paying, town.news(paying, saw)).await.unwrap();
    };
    let buy = async |variant| town.buy(ada, variant, 1, "sandbox").await.unwrap().id;
    let taken = buy(shirt).await;
    let paying = reserved(town, ada, taken).await;
    let elsewhere = town.intend_at(ada, taken, Opening::at("other")).await.unwrap();
    say(&elsewhere, Saw::Processing).await;
    say(&paying, Saw::Authorized(None)).await;
    say(&elsewhere, Saw::Authorized(None)).await;
    say(&paying, Saw::Captured).await;
    say(&elsewhere, Saw::Canceled("voided".into())).await;
    let lost = buy(shirt).await;
    let paying = reserved(town, ada, lost).await;
    say(&paying, Saw::Authorized(None)).await;
    say(&paying, Saw::Canceled("expired on capture".into())).await;
    let (late, gone) = (buy(shirt).await, buy(shirt).await);
    let (late_paying, gone_paying) =
        (reserved(town, ada, late).await, reserved(town, ada, gone).await);
    town.wait(SignedDuration::from_mins(31));
    town.sweep().await.unwrap();
    say(&late_paying, Saw::Authorized(None)).await;
    assert_eq!(town.order(late).await.state, State::Pending, "it came back for the money");
    say(&late_paying, Saw::Captured).await;
    let scarce = town.stock(shirt).await.available();
    let reason = "stolen".into();
    let key = town.key(town.staff, "adjust");
    town.shop.adjust_stock(town.staff, shirt, -scarce, reason, key).await.unwrap();
    say(&gone_paying, Saw::Authorized(None)).await;
    say(&gone_paying, Saw::Canceled("voided".into())).await;
    let key = town.key(town.staff, "adjust");
    let back = "found".into();
    town.shop.adjust_stock(town.staff, shirt, scarce, back, key).await.unwrap();
    let states = [(taken, State::Paid), (late, State::Paid), (gone, State::Expired)];
    for (order, wanted) in states {
        assert_eq!(town.order(order).await.state, wanted);
    }
    assert_eq!(town.stock(rare).await.on_hand, 0);
}

/// Refunds of lines and amounts, one that fails, one in the gateway's own books, and what the
/// gateway's list says of it.
async fn parts_go_back(town: &Town, ada: AccountId, shirt: VariantId) {
    let refund = async |order, of| {
        let wish = RefundWish { of, reason: "torn".into() };
        let key = town.key(town.staff, "refund");
        town.shop.refund(town.staff, order, wish, key).await.unwrap();
    };
    let line =
        |quantity, restock| RefundOf::Lines(vec![RefundOfLine { position: 1, quantity, restock }]);
    let order = town.buy(ada, shirt, 3, "sandbox").await.unwrap().id;
    let paid = town.intend(ada, order).await.unwrap();
    town.captured(&paid).await.unwrap();
    refund(order, line(1, true)).await;
    town.end_refunds(order, RefundState::Succeeded).await.unwrap();
    refund(order, RefundOf::Amount(100)).await;
    town.end_refunds(order, RefundState::Failed).await.unwrap();
    refund(order, line(1, false)).await;
    let elsewhere = News { refunded: 1300, ..town.news(&paid, Saw::Captured) };
    town.say(&paid, elsewhere).await.unwrap();
    let all = paid_for(town, ada, shirt).await;
    refund(all.order_id, RefundOf::Rest { restock: true }).await;
    town.end_refunds(all.order_id, RefundState::Pending).await.unwrap();
    town.end_refunds(all.order_id, RefundState::Succeeded).await.unwrap();
    assert_eq!(town.order(all.order_id).await.state, State::Refunded);
    let kept = paid_for(town, ada, shirt).await;
    let other = paid_for(town, ada, shirt).await;
    listed(town, &[(&paid, 1300), (&all, all.amount.minor), (&kept, 0), (&other, 0)]).await;
}

/// Orders paid in another currency than the shop's: kept, given back in parts, by us and
/// elsewhere, and in whole; and money of that kind that nobody wanted.
async fn abroad(town: &Town, ada: AccountId, shirt: VariantId) {
    let buy = async || town.buy(ada, shirt, 2, "sandbox").await.unwrap().id;
    let paid = async |order| {
        let paying = town.intend_at(ada, order, in_roubles()).await.unwrap();
        town.captured(&paying).await.unwrap();
        paying
    };
    let refund = async |order, of| {
        let wish = RefundWish { of, reason: "torn".into() };
        let key = town.key(town.staff, "refund");
        town.shop.refund(town.staff, order, wish, key).await.unwrap();
    };
    let kept = buy().await;
    paid(kept).await;
    let parts = buy().await;
    let paying = paid(parts).await;
    refund(parts, RefundOf::Amount(333)).await;
    town.end_refunds(parts, RefundState::Succeeded).await.unwrap();
    let elsewhere = News { refunded: 50_001, ..town.news(&paying, Saw::Captured) };
    town.say(&paying, elsewhere).await.unwrap();
    refund(parts, RefundOf::Amount(1)).await;
    let whole = buy().await;
    paid(whole).await;
    refund(whole, RefundOf::Amount(1)).await;
    town.end_refunds(whole, RefundState::Failed).await.unwrap();
    refund(whole, RefundOf::Rest { restock: true }).await;
    town.end_refunds(whole, RefundState::Succeeded).await.unwrap();
    assert_eq!(town.order(whole).await.state, State::Refunded);
    let twice = buy().await;
    let first = town.intend_at(ada, twice, in_roubles()).await.unwrap();
    let second = town.intend_at(ada, twice, Opening::at("other")).await.unwrap();
    town.captured(&second).await.unwrap();
    town.captured(&first).await.unwrap();
    let waits = buy().await;
    town.intend_at(ada, waits, in_roubles()).await.unwrap();
    town.cancel(ada, waits).await.unwrap();
}

async fn paid_for(town: &Town, who: AccountId, variant: VariantId) -> Paying {
    let order = town.buy(who, variant, 1, "sandbox").await.unwrap().id;
    let paying = town.intend(who, order).await.unwrap();
    town.captured(&paying).await.unwrap();
    paying
}

/// What a gateway's list says: captured, and so much of it gone back.
async fn listed(town: &Town, payments: &[(&Paying, i64)]) {
    let now = town.shop.env.now();
    for (paying, refunded) in payments {
        let said = Statement {
            gateway: "sandbox".into(),
            reference: format!("pay_{}", paying.attempt_id),
            attempt_id: Some(paying.attempt_id),
            status: "captured".into(),
            amount: paying.amount.minor,
            currency: paying.amount.currency,
            captured: paying.amount.minor,
            refunded: *refunded,
            fee: None,
            made_at: Some(now),
            seen_at: now,
        };
        let kept = town.shop.db.write(move |tx| payments::keep_statement(tx, &said, false));
        kept.await.unwrap();
    }
}

/// Cash that came, before the goods and with them, and cash that was refused.
async fn cash(town: &Town, ada: AccountId, shirt: VariantId) {
    for (road, received) in [
        (&[][..], true),
        (&[State::Packed, State::Shipped, State::Delivered][..], true),
        (&[State::Packed, State::Shipped][..], false),
    ] {
        let order = town.buy(ada, shirt, 1, CASH_ON_DELIVERY).await.unwrap().id;
        for to in road {
            town.advance(order, *to).await.unwrap();
        }
        let key = town.key(town.staff, "cash");
        town.shop.cash(town.staff, order, received, key).await.unwrap();
    }
}

async fn notices(town: &Town) {
    let now = town.shop.env.now();
    let notice = |number: u32| Notice {
        kind: payments::NoticeKind::Payment,
        payment: None,
        refund_id: None,
        id: town.shop.env.id(),
        gateway: "sandbox".into(),
        dedupe_key: format!("notice {number}"),
        reference: Some("pay_1".into()),
        attempt_id: None,
        body: "{}".into(),
        headers: "{}".into(),
        source: None,
        received_at: now,
    };
    let (read, waiting) = (notice(1), notice(2));
    let again = now + SignedDuration::from_hours(1);
    let kept = town.shop.db.write(move |tx| {
        payments::receive(tx, &read)?;
        payments::notice_handled(tx, read.id, "settled", now)?;
        payments::receive(tx, &waiting)?;
        // The gateway was mute; the notice is looked into again in an hour.
        payments::notice_failed(tx, waiting.id, again)
    });
    kept.await.unwrap();
}

/// A consumer that notes what it has handled, and an event that was put aside.
async fn handled(town: &Town) {
    let now = town.shop.env.now();
    let due = town.shop.db.read(move |read| store::outbox::due(read, now, 2)).await.unwrap();
    let noted = town.shop.db.write(move |tx| {
        store::outbox::handled(tx, &due[0], "mail", now)?;
        store::outbox::handled(tx, &due[0], "journal", now)?;
        store::outbox::failed(tx, &due[1], now, Some("nobody could read it"))
    });
    noted.await.unwrap();
}
