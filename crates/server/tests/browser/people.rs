//! Buying without an account, and what people may do with what is known of them.

use crate::buyer::Buyer;
use crate::chromium::Chromium;
use crate::shop::TestShop;
use crate::tab::{Device, Tab};

const DEVICES: [(Device, &str); 2] = [(Device::Desktop, "Gus"), (Device::Phone, "Gil")];

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_comes_back_by_the_link() {
    let shop = TestShop::open().await;
    let browser = Chromium::start();
    for (device, name) in DEVICES {
        let buyer = Buyer::new(&shop, &browser, name, device).await;
        let tab = &buyer.tab;
        tab.visit(&format!("{}/p/pepper-mill", shop.url)).await;
        tab.until(&["Add to cart"]).await;
        tab.press("Add to cart").await;
        tab.until(&["In your cart."]).await;
        tab.visit(&format!("{}/checkout", shop.url)).await;
        tab.until(&["Sign in", "Go on as a guest"]).await;
        tab.picture("sign-in-or-guest").await;
        tab.press("Go on as a guest").await;
        tab.until(&["No password, no account."]).await;
        tab.picture("guest").await;
        tab.fill("name", name).await;
        tab.fill("contact", "+41 79 123 45 67").await;
        tab.press("Go on").await;
        buyer.give_address().await;
        tab.until(&["Check and pay"]).await;
        tab.press("Cash on delivery").await;
        tab.press("Place the order").await;
        tab.until(&["Thank you, we have your order", "Without signing in"]).await;
        tab.picture("guest-order").await;
        let link = tab.look("document.querySelector('#link ~ p a').href").await;
        let other = Tab::open(&browser, device).await;
        other.visit(link.as_str().unwrap()).await;
        let text = other.until(&["12 Long Lane"]).await;
        assert!(!text.contains("Cancel the order"), "{text}");
        other.picture("guest-order-by-link").await;
    }
    shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_and_a_farewell() {
    let shop = TestShop::open().await;
    let browser = Chromium::start();
    for (device, name) in DEVICES {
        let buyer = Buyer::new(&shop, &browser, name, device).await;
        let tab = &buyer.tab;
        buyer.check_out("pepper-mill", 1).await;
        tab.visit(&format!("{}/account", shop.url)).await;
        tab.until(&["Orders", "Addresses", "Your data"]).await;
        tab.picture("account").await;
        tab.press("Your data").await;
        tab.until(&["A copy of everything"]).await;
        tab.picture("your-data").await;
        tab.press("Make a copy").await;
        tab.until(&["Your copy is"]).await;
        tab.reload_until(&["Your copy is ready"]).await;
        tab.picture("your-data-ready").await;
        tab.press("Delete the account").await;
        tab.until(&["Delete the account?"]).await;
        tab.fill("password", "not this one").await;
        tab.press("Delete the account").await;
        tab.until(&["There is a problem"]).await;
        tab.picture("farewell-wrong").await;
        tab.fill("password", "correct horse battery").await;
        tab.press("Delete the account").await;
        tab.until(&["You are signed out"]).await;
        tab.picture("farewell").await;
    }
    shop.close().await;
}
