//! A purchase with each way to pay, what becomes of a refusal, and of money that comes too late.

use crate::chromium::Chromium;
use crate::shop::TestShop;
use crate::tab::{Device, Tab};

/// Something of which the demo shop has plenty.
const MUG: &str = "/products";

/// Somebody who has put something into the cart, signed up, and looks at the preview.
async fn at_checkout(shop: &TestShop, tab: &Tab, name: &str) {
    tab.visit(&format!("{}{MUG}", shop.url)).await;
    tab.until(&[]).await;
    let first = tab.look("document.querySelector('.card a').getAttribute('href')").await;
    tab.visit(&format!("{}{}", shop.url, first.as_str().unwrap())).await;
    tab.until(&["Add to cart"]).await;
    tab.press("Add to cart").await;
    tab.until(&["In your cart."]).await;
    tab.visit(&format!("{}/register?next=/checkout", shop.url)).await;
    tab.until(&["Make an account"]).await;
    tab.fill("name", name).await;
    tab.fill("email", &format!("{}@example.org", name.to_lowercase())).await;
    tab.fill("password", "correct horse battery").await;
    tab.press("Make the account").await;
    tab.until(&["Street and number"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn first_look() {
    let shop = TestShop::open(&["checkout.currency=CNY"]).await;
    let browser = Chromium::start();
    for device in [Device::Desktop, Device::Phone] {
        let tab = Tab::open(&browser, device).await;
        at_checkout(&shop, &tab, "Ada").await;
        tab.picture("details").await;
    }
    shop.close().await;
}
