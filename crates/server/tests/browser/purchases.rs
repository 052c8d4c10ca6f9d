//! A purchase with each way to pay, what becomes of a refusal, and of money that comes too late.

use serde_json::{Value, json};

use crate::buyer::Buyer;
use crate::chromium::Chromium;
use crate::shop::TestShop;
use crate::tab::Device;

const DEVICES: [(Device, &str); 2] = [(Device::Desktop, "Ada"), (Device::Phone, "Bea")];

/// A payment in the sandbox's book: who has it, what was taken of it and what was given back.
fn moved(payment: &Value) -> (&str, i64, i64) {
    let minor = |name: &str| payment[name].as_i64().unwrap();
    (payment["gateway"].as_str().unwrap(), minor("captured_minor"), minor("refunded_minor"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_whose_bank_asks_first() {
    let shop = TestShop::open().await;
    let browser = Chromium::start();
    for (device, name) in DEVICES {
        let buyer = Buyer::new(&shop, &browser, name, device).await;
        let tab = &buyer.tab;
        buyer.check_out("pepper-mill", 1).await;
        let text = tab.until(&["Card", "YooKassa", "Alipay", "Cash on delivery"]).await;
        assert!(!text.contains("Test card"), "the plain sandbox stands back: {text}");
        tab.picture("checkout").await;
        buyer.pay_with("Card").await;
        tab.until(&["Stripe", "played by this sandbox", "€56.90"]).await;
        tab.picture("stripe").await;
        tab.press("Pay, and let the bank ask me").await;
        tab.until(&["Your bank asks: is it you?"]).await;
        tab.picture("stripe-bank").await;
        tab.press("It is me").await;
        tab.until(&["Your payment has arrived.", "Visa ending in 4242 through Stripe"]).await;
        tab.picture("card-paid").await;
        assert_eq!(moved(shop.book().await.last().unwrap()), ("stripe", 5690, 0));
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn yookassa() {
    let shop = TestShop::open().await;
    let browser = Chromium::start();
    for (device, name) in DEVICES {
        let buyer = Buyer::new(&shop, &browser, name, device).await;
        buyer.check_out("pepper-mill", 1).await;
        buyer.pay_with("YooKassa").await;
        buyer.tab.until(&["YooKassa", "played by this sandbox"]).await;
        buyer.tab.picture("yookassa").await;
        buyer.tab.press("Pay ").await;
        let words = ["Your payment has arrived.", "Mastercard ending in 4477 through YooKassa"];
        buyer.tab.until(&words).await;
        buyer.tab.picture("yookassa-paid").await;
        assert_eq!(moved(shop.book().await.last().unwrap()), ("yookassa", 576_113, 0));
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn alipay_has_a_page_for_phones() {
    let shop = TestShop::open().await;
    let browser = Chromium::start();
    for (device, name) in DEVICES {
        let buyer = Buyer::new(&shop, &browser, name, device).await;
        buyer.check_out("pepper-mill", 1).await;
        buyer.pay_with("Alipay").await;
        buyer.tab.until(&["Alipay", "played by this sandbox"]).await;
        let narrow = buyer.tab.look("document.body.classList.contains('narrow')").await;
        assert_eq!(narrow, json!(device == Device::Phone), "{device:?}");
        buyer.tab.picture("alipay").await;
        buyer.tab.press("Pay ").await;
        buyer.tab.until(&["Your payment has arrived.", "by Alipay"]).await;
        buyer.tab.picture("alipay-paid").await;
        assert_eq!(moved(shop.book().await.last().unwrap()), ("alipay", 47_227, 0));
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cash_on_delivery() {
    let shop = TestShop::open().await;
    let browser = Chromium::start();
    for (device, name) in DEVICES {
        let buyer = Buyer::new(&shop, &browser, name, device).await;
        buyer.check_out("pepper-mill", 1).await;
        buyer.tab.press("Cash on delivery").await;
        buyer.tab.press("Place the order").await;
        buyer.tab.until(&["Thank you, we have your order", "To pay the courier"]).await;
        buyer.tab.picture("cash-placed").await;
    }
    assert!(shop.book().await.is_empty(), "no provider has heard of it");
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_decline_and_then_another_way() {
    let shop = TestShop::open().await;
    let browser = Chromium::start();
    for (device, name) in DEVICES {
        let buyer = Buyer::new(&shop, &browser, name, device).await;
        let tab = &buyer.tab;
        buyer.check_out("pepper-mill", 1).await;
        buyer.pay_with("YooKassa").await;
        tab.until(&["YooKassa", "played by this sandbox"]).await;
        tab.press("Decline payment").await;
        tab.choose("reason", "insufficient_funds").await;
        tab.picture("yookassa-declining").await;
        tab.press("Decline with this reason").await;
        let why = "The bank says that there is not enough money.";
        tab.until(&["The payment did not go through", why, "No money was taken."]).await;
        tab.picture("declined").await;
        shop.wait(1);
        buyer.pay_with("Card").await;
        // Nothing is decided on this page: the payer comes back with empty hands.
        buyer.at("Stripe", "Leave without paying").await;
        tab.until(&["Waiting for Stripe", "Check again"]).await;
        tab.picture("waiting").await;
        tab.press("Pay another way").await;
        tab.until(&["Only one payment is ever taken."]).await;
        tab.picture("waiting-other-ways").await;
        tab.press("See the order").await;
        tab.until(&["We are waiting for your payment", "Pay another way"]).await;
        tab.picture("unpaid").await;
        tab.press("Pay another way").await;
        tab.until(&["How do you want to pay?"]).await;
        tab.picture("another-way").await;
        buyer.pay_with("Card").await;
        buyer.at("Stripe", "Pay ").await;
        let text = tab.until(&["Your payment has arrived.", "Visa ending in 4242"]).await;
        assert!(text.contains(&format!("YooKassa: {why} No money was taken.")), "{text}");
        tab.picture("paid-after-a-decline").await;
        let book = shop.book().await;
        let [.., declined, paid] = book.as_slice() else { panic!("{book:?}") };
        assert_eq!([moved(declined), moved(paid)], [("yookassa", 0, 0), ("stripe", 5690, 0)]);
    }
    shop.close().await;
}

/// Somebody leaves a payment open until the order has ended and the last pieces are sold.
async fn too_late<'a>(
    shop: &'a TestShop,
    browser: &Chromium,
    (device, name): (Device, &str),
    way: &str,
) -> (Buyer<'a>, String) {
    let late = Buyer::new(shop, browser, name, device).await;
    late.check_out("iron-pan", 2).await;
    late.pay_with(way).await;
    late.tab.until(&[way, "played by this sandbox"]).await;
    let page = late.tab.address().await;
    shop.wait(31);
    late.tab.visit(&format!("{}/account", shop.url)).await;
    late.tab.reload_until(&["Not paid in time"]).await;
    let quick = Buyer::new(shop, browser, &format!("Quick{name}"), Device::Desktop).await;
    quick.check_out("iron-pan", 1).await;
    quick.tab.press("Cash on delivery").await;
    quick.tab.press("Place the order").await;
    quick.tab.until(&["Thank you, we have your order"]).await;
    (late, page)
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_comes_too_late_is_paid_back() {
    for buyer in DEVICES {
        let shop = TestShop::open().await;
        let browser = Chromium::start();
        let (late, _) = too_late(&shop, &browser, buyer, "Alipay").await;
        // Their page says that its time is over; their bank was slower than that.
        let trade = shop.book().await.last().unwrap()["id"].as_str().unwrap().to_owned();
        shop.wait(1);
        shop.provider(&format!("alipay/{trade}/pay")).await;
        late.tab.follow(".order-number a").await;
        let words = ["This order was not paid in time", "Payment came too late", "Money paid back"];
        late.tab.reload_until(&words).await;
        late.tab.picture("late-paid-back").await;
        assert_eq!(moved(shop.book().await.last().unwrap()), ("alipay", 135_207, 135_207));
        shop.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_was_only_reserved_is_let_go() {
    for buyer in DEVICES {
        let shop = TestShop::open().await;
        let browser = Chromium::start();
        let (late, page) = too_late(&shop, &browser, buyer, "YooKassa").await;
        shop.wait(1);
        late.tab.visit(&page).await;
        late.at("YooKassa", "Pay ").await;
        late.tab.until(&["This order was not paid in time"]).await;
        late.tab.reload_until(&["Payment came too late", "it was only reserved"]).await;
        late.tab.picture("late-let-go").await;
        assert_eq!(moved(shop.book().await.last().unwrap()), ("yookassa", 0, 0));
        shop.close().await;
    }
}
