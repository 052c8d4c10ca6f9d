//! Codes by the pages, without a script.

use kernel::SignedDuration;

use crate::browser::{Browser, Page};
use crate::shop::{PASSWORD, TABLES, TestShop};

const MAIL: &str = "ada@example.org";
const PHONE: &str = "+41 79 123 45 67";
const NUMBER: &str = "+41791234567";

/// Fills in the page of a code; gives what came of it.
async fn type_in(browser: &Browser<'_>, place: &str, fields: &[(&str, &str)]) -> Page {
    let path = place.split('?').next().unwrap();
    let mut all = vec![("next", "/cart")];
    all.extend_from_slice(fields);
    browser.post(path, &all).await
}

async fn registered(shop: &TestShop, login: &str, key: &str) {
    let browser = Browser::new(shop);
    let place = browser.post("/register", &[("login", login)]).await.leads_to();
    let code = shop.code(key).await;
    type_in(&browser, &place, &[("code", &code), ("name", "Ada")]).await.leads_to();
}

store::on_both_engines! { TABLES;
    async fn an_account_with_a_code_and_in_again(db: TestDb) {
        let shop = TestShop::open_confirming(db).await;
        for (login, key, masked) in [(MAIL, MAIL, "a•••@example.org"), (PHONE, NUMBER, "+41 ••• 67")] {
            let browser = Browser::new(&shop);
            browser.see("/register").await.says("Send me a code").does_not_say("Password");
            let wrong = browser.post("/register", &[("login", "ada")]).await;
            assert_eq!(wrong.status, 422);
            let place = browser.post("/register", &[("login", login), ("next", "/cart")]).await.leads_to();
            let page = browser.see(&place).await;
            page.says(masked).says("one-time-code").says("numeric").says("wait-30").says("/cart");
            let code = shop.code(key).await;
            let other = if code == "000000" { "000001" } else { "000000" };
            let wrong = type_in(&browser, &place, &[("code", other), ("name", "Ada")]).await;
            assert_eq!(wrong.status, 422);
            wrong.says("you have 4 more tries").says("Error: ").says(r#"value="Ada""#);
            let short = type_in(&browser, &place, &[("code", &code), ("name", "Ada"), ("password", "x")]).await;
            short.says("at least");
            let spaced = format!("{} {}", &code[..3], &code[3..]);
            let made = type_in(&browser, &place, &[("code", &spaced), ("name", "Ada")]).await;
            assert_eq!(made.leads_to(), "/cart");
            browser.see("/account").await.says("Ada").says(key);
            let over = browser.get(&place).await;
            assert_eq!(over.status, 410);
            over.says("can no longer be used").says("/register?next=%2Fcart");

            shop.clock.advance(SignedDuration::from_secs(1));
            let again = Browser::new(&shop);
            again.see("/login").await.says("Send me a code instead").says("Forgotten your password?");
            let fields = [("login", login), ("password", ""), ("next", "/cart")];
            let place = again.post("/login/code", &fields).await.leads_to();
            again.see(&place).await.says("If you have an account with us");
            let code = shop.code(key).await;
            assert_eq!(type_in(&again, &place, &[("code", &code)]).await.leads_to(), "/cart");
            again.see("/account").await.says("Ada");
        }
        shop.settle().await;
    }

    async fn sent_again_and_too_often(db: TestDb) {
        let shop = TestShop::open_confirming(db).await;
        let browser = Browser::new(&shop);
        let place = browser.post("/register", &[("login", MAIL)]).await.leads_to();
        let again = format!("{}/resend", place.split('?').next().unwrap());
        let soon = browser.post(&again, &[]).await;
        assert_eq!(soon.status, 429);
        soon.says("can be sent in 30 seconds");
        shop.clock.advance(SignedDuration::from_secs(31));
        browser.see(&place).await.says("wait-0").says("Send it again");
        assert!(browser.post(&again, &[]).await.leads_to().starts_with("/code/"));
        browser.see(&place).await.says("wait-60");
        for _ in 0..4 {
            browser.post("/register", &[("login", MAIL)]).await.leads_to();
        }
        let refused = browser.post("/register", &[("login", MAIL)]).await;
        refused.says("The next one can be sent in 60 minutes");
        assert_eq!(browser.get("/code/x").await.status, 404);
        shop.settle().await;
    }

    async fn a_forgotten_password_by_the_pages(db: TestDb) {
        let shop = TestShop::open_confirming(db).await;
        registered(&shop, MAIL, MAIL).await;
        shop.clock.advance(SignedDuration::from_secs(1));
        let browser = Browser::new(&shop);
        browser.see("/forgotten?next=%2Fcart").await.says("Send me a code");
        let place = browser.post("/forgotten", &[("login", MAIL), ("next", "/cart")]).await.leads_to();
        browser.see(&place).await.says("New password");
        let code = shop.code(MAIL).await;
        let fields = [("code", &*code), ("password", PASSWORD)];
        let login = type_in(&browser, &place, &fields).await.leads_to();
        assert_eq!(login, "/login?reset=1&next=%2Fcart");
        browser.see(&login).await.says("Your new password is set");
        let fields = [("login", MAIL), ("password", PASSWORD), ("next", "/cart")];
        assert_eq!(browser.post("/login", &fields).await.leads_to(), "/cart");
        // Nobody learns who has an account.
        let unknown = browser.post("/forgotten", &[("login", "eve@example.org")]).await.leads_to();
        browser.see(&unknown).await.says("If you have an account with us");
        shop.settle().await;
    }

    async fn ways_in_are_changed(db: TestDb) {
        let shop = TestShop::open_confirming(db).await;
        let browser = Browser::new(&shop);
        let place = browser.post("/register", &[("login", MAIL)]).await.leads_to();
        let code = shop.code(MAIL).await;
        let fields = [("code", &*code), ("name", "Ada"), ("password", PASSWORD)];
        type_in(&browser, &place, &fields).await.leads_to();
        browser.see("/account/ways-in").await.says(MAIL).says("Confirmed").says("None yet");
        for (way, field, bad, says) in [
            ("email", "email", NUMBER, "Enter an e-mail address"),
            ("phone", "phone", "079", "Enter a number with its country"),
            ("username", "username", "9", "A name has 3 to 40"),
            ("password", "new", "x", "at least"),
        ] {
            let wrong = browser.post(&format!("/account/ways-in/{way}"), &[(field, bad)]).await;
            assert_eq!(wrong.status, 422, "{way}");
            wrong.says(says);
        }
        let place = browser.post("/account/ways-in/phone", &[("phone", PHONE)]).await.leads_to();
        browser.see(&place).await.says("Confirm your number");
        let code = shop.code(NUMBER).await;
        let stranger = Browser::new(&shop);
        assert!(type_in(&stranger, &place, &[("code", &code)]).await.leads_to().starts_with("/login"));
        let done = type_in(&browser, &place, &[("code", &code)]).await.leads_to();
        browser.see(&done).await.says("Confirmed: you sign in with it").says(NUMBER);
        assert!(shop.letter(MAIL).await.subject.contains("was changed"), "the address is told");
        let name = browser.post("/account/ways-in/username", &[("username", "ada")]).await.leads_to();
        browser.see(&name).await.says("Your name is changed.");
        let fields = [("current", PASSWORD), ("new", "a very different password")];
        let done = browser.post("/account/ways-in/password", &fields).await.leads_to();
        browser.see(&done).await.says("Your password is changed");
        shop.settle().await;
    }
}
