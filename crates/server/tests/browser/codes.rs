//! Signing up by mail and by telephone, and a forgotten password: letters leave by SMTP and HTTP.

use crate::chromium::Chromium;
use crate::postbox::Postbox;
use crate::shop::TestShop;
use crate::tab::{Device, Tab};

const MAIL: &str = "ada@example.org";

struct Town {
    shop: TestShop,
    mail: Postbox,
    sms: Postbox,
}

impl Town {
    async fn open() -> Self {
        let mail = Postbox::smtp(Vec::new()).await;
        let sms = Postbox::http(Vec::new()).await;
        let set = [
            "accounts.confirm=true".to_owned(),
            format!("mail.url=smtp://{}", mail.address),
            format!("sms.url=http://{}/send", sms.address),
        ];
        Self { shop: TestShop::open_set(&set).await, mail, sms }
    }

    /// The digits of the newest mail, of `count` with a code.
    async fn mailed(&self, count: usize) -> String {
        let letter = self.mail.newest("is your code for", count).await;
        letter.split_once("Subject: ").unwrap().1[..6].to_owned()
    }

    /// The digits of the newest SMS.
    async fn texted(&self) -> String {
        let letter = self.sms.newest("text=", 1).await;
        assert!(letter.contains("to=%2B41791234567&"), "{letter}");
        letter.split_once("text=").unwrap().1[..6].to_owned()
    }

    async fn sign_up_by_mail(&self, tab: &Tab) {
        tab.visit(&format!("{}/register", self.shop.url)).await;
        tab.until(&["Make an account", "Send me a code"]).await;
        tab.picture("register").await;
        tab.fill("login", MAIL).await;
        tab.press("Send me a code").await;
        tab.until(&["We have sent a code to a•••@example.org"]).await;
        tab.picture("register-code").await;
        tab.fill("code", &self.mailed(1).await).await;
        tab.fill("name", "Ada").await;
        tab.press("Make the account").await;
        tab.until(&["Ada", MAIL, "No orders yet."]).await;
        tab.picture("registered").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_up_by_mail() {
    for device in [Device::Desktop, Device::Phone] {
        let (town, browser) = (Town::open().await, Chromium::start());
        let tab = Tab::open(&browser, device).await;
        town.sign_up_by_mail(&tab).await;
        tab.press("How you sign in").await;
        tab.until(&["Telephone", "Confirmed"]).await;
        tab.picture("ways-in").await;
        town.shop.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_up_by_telephone() {
    let (town, browser) = (Town::open().await, Chromium::start());
    let tab = Tab::open(&browser, Device::Phone).await;
    tab.visit(&format!("{}/register", town.shop.url)).await;
    tab.until(&["Make an account"]).await;
    tab.fill("login", "+41 79 123 45 67").await;
    tab.press("Send me a code").await;
    tab.until(&["We have sent a code to +41 ••• 67"]).await;
    tab.picture("register-code-phone").await;
    let digits = town.texted().await;
    tab.fill("name", "Ada").await;
    tab.fill("code", &digits).await;
    tab.press("Make the account").await;
    tab.until(&["Ada", "+41791234567"]).await;
    town.shop.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forgotten_password() {
    for device in [Device::Desktop, Device::Phone] {
        let (town, browser) = (Town::open().await, Chromium::start());
        town.sign_up_by_mail(&Tab::open(&browser, device).await).await;
        let tab = Tab::open(&browser, device).await;
        tab.visit(&format!("{}/login", town.shop.url)).await;
        tab.until(&["Sign in", "Send me a code instead"]).await;
        tab.picture("login").await;
        tab.press("Forgotten your password?").await;
        tab.until(&["We send you a code"]).await;
        tab.picture("forgotten").await;
        tab.fill("login", MAIL).await;
        tab.press("Send me a code").await;
        tab.until(&["a code is on its way to a•••@example.org"]).await;
        tab.picture("forgotten-code").await;
        tab.fill("code", &town.mailed(2).await).await;
        tab.fill("password", "correct horse battery").await;
        tab.press("Set the password").await;
        tab.until(&["Your new password is set."]).await;
        tab.picture("forgotten-done").await;
        tab.fill("login", MAIL).await;
        tab.fill("password", "correct horse battery").await;
        tab.submit("password").await;
        tab.until(&["Ada", MAIL]).await;
        town.shop.close().await;
    }
}
