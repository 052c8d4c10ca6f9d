//! The people of the shop sign in.

use kernel::Clock as _;

use crate::chromium::Chromium;
use crate::shop::{OWNER, PASSWORD, TestShop};
use crate::tab::{Device, Tab};

async fn password(shop: &TestShop, tab: &Tab) {
    tab.visit(&format!("{}/login", shop.url)).await;
    tab.until(&["Sign in", "Password"]).await;
    tab.fill("login", OWNER).await;
    tab.fill("password", PASSWORD).await;
    go_on(tab).await;
}

/// Presses the button of the form: the head of the page has a link with the same words.
async fn go_on(tab: &Tab) {
    tab.look("document.querySelector('.auth button').click() ?? null").await;
}

/// What the app that was shown `secret` shows now.
fn shown(shop: &TestShop, secret: &str) -> String {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: Vec<u8> = secret
        .chars()
        .filter_map(|c| letters.find(c))
        .flat_map(|five| (0..5).rev().map(move |bit| u8::from(five >> bit & 1 == 1)))
        .collect();
    let bytes: Vec<u8> =
        bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |all, bit| all << 1 | bit)).collect();
    identity::totp_now(&bytes, shop.clock.now())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_sets_an_app_up_and_signs_in_with_it() {
    let browser = Chromium::start();
    for device in [Device::Desktop, Device::Phone] {
        let shop = TestShop::open().await;
        let tab = Tab::open(&browser, device).await;
        password(&shop, &tab).await;
        tab.until(&["Orders", "Second factor"]).await;
        tab.visit(&format!("{}/account/security", shop.url)).await;
        tab.until(&["Set up a second factor", "Authenticator app"]).await;
        tab.picture("security").await;
        tab.press("Set up an app").await;
        tab.until(&["scan this picture"]).await;
        tab.picture("security-app").await;
        let secret = tab.look("document.querySelector('.secret').textContent").await;
        let secret = secret.as_str().unwrap().to_owned();
        tab.fill("code", &shown(&shop, &secret)).await;
        tab.press("Take it into use").await;
        tab.until(&["Your recovery codes"]).await;
        tab.picture("security-codes").await;
        let code = tab.look("document.querySelector('.codes code').textContent").await;
        tab.follow(".panel a.primary").await;
        tab.until(&["Set up: at every sign-in", "10 left"]).await;
        tab.picture("security-set-up").await;

        tab.visit(&format!("{}/account", shop.url)).await;
        tab.until(&["Sign out"]).await;
        tab.press("Sign out").await;
        tab.until(&["Sign in"]).await;
        password(&shop, &tab).await;
        tab.until(&["One more step"]).await;
        tab.picture("second-step").await;
        shop.wait(1);
        tab.fill("code", &shown(&shop, &secret)).await;
        go_on(&tab).await;
        tab.until(&["Orders", "Second factor"]).await;

        tab.press("Sign out").await;
        tab.until(&["Sign in"]).await;
        password(&shop, &tab).await;
        tab.until(&["One more step"]).await;
        tab.fill("code", code.as_str().unwrap()).await;
        go_on(&tab).await;
        tab.until(&["Orders", "Second factor"]).await;
        tab.visit(&format!("{}/account/security", shop.url)).await;
        tab.until(&["9 left"]).await;
        shop.close().await;
    }
}
