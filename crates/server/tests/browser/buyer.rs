//! Somebody who buys, from the product's page to the button.

use crate::chromium::Chromium;
use crate::shop::TestShop;
use crate::tab::{Device, Tab};

pub struct Buyer<'a> {
    pub tab: Tab,
    shop: &'a TestShop,
    name: String,
}

impl<'a> Buyer<'a> {
    pub async fn new(shop: &'a TestShop, browser: &Chromium, name: &str, device: Device) -> Self {
        Self { tab: Tab::open(browser, device).await, shop, name: name.to_owned() }
    }

    /// Puts something into the cart, signs up, gives an address, and looks at the preview.
    pub async fn check_out(&self, good: &str, units: u32) {
        let tab = &self.tab;
        tab.visit(&format!("{}/p/{good}", self.shop.url)).await;
        tab.until(&["Add to cart"]).await;
        tab.fill("quantity", &units.to_string()).await;
        tab.press("Add to cart").await;
        tab.until(&["In your cart."]).await;
        tab.visit(&format!("{}/register?next=/checkout", self.shop.url)).await;
        tab.until(&["Make an account"]).await;
        tab.fill("name", &self.name).await;
        tab.fill("login", &format!("{}@example.org", self.name.to_lowercase())).await;
        tab.fill("password", "correct horse battery").await;
        tab.press("Make the account").await;
        self.give_address().await;
        tab.until(&["Check and pay"]).await;
    }

    /// Says where it goes.
    pub async fn give_address(&self) {
        let tab = &self.tab;
        tab.until(&["Street and number"]).await;
        tab.fill("line1", "12 Long Lane").await;
        tab.fill("postcode", "3011").await;
        tab.fill("city", "Bern").await;
        tab.choose("country", "CH").await;
        tab.press("Deliver to this address").await;
    }

    /// Chooses how to pay, and presses the button.
    pub async fn pay_with(&self, way: &str) {
        self.tab.press(way).await;
        self.tab.press("Pay ").await;
    }

    /// Presses a button of the provider's page and comes back.
    pub async fn at(&self, provider: &str, button: &str) {
        self.tab.until(&[provider, "played by this sandbox"]).await;
        self.tab.press(button).await;
    }
}
