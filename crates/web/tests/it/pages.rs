//! The pages a buyer sees, from the first look to the last receipt, without a script.

use flows::Settings;
use kernel::SignedDuration;
use serde_json::json;

use crate::browser::{Browser, Page};
use crate::shop::{PASSWORD, TABLES, TestShop};

/// A shop with `units` of one thing; gives the variant's id.
async fn shirts(shop: &TestShop, units: i64) -> String {
    let owner = shop.owner().await;
    shop.product(&owner, "shirt", units).await
}

async fn add(browser: &Browser<'_>, variant: &str, quantity: &str) -> Page {
    let fields = [("variant", variant), ("quantity", quantity), ("back", "/p/shirt?v=SKU-shirt")];
    browser.post("/cart/add", &fields).await
}

async fn register(browser: &Browser<'_>, email: &str, next: &str) -> Page {
    let fields = [("name", "Ada"), ("login", email), ("password", PASSWORD), ("next", next)];
    browser.post("/register", &fields).await
}

async fn give_address(browser: &Browser<'_>, path: &str) -> Page {
    let fields = [
        ("name", "Ada"),
        ("line1", "12 St James's Square"),
        ("line2", ""),
        ("city", "London"),
        ("postcode", "SW1Y 4JH"),
        ("country", "GB"),
        ("phone", ""),
    ];
    browser.post(path, &fields).await
}

/// Somebody with an address who looks at the preview of one shirt; gives the quote.
async fn at_preview(browser: &Browser<'_>, variant: &str, email: &str) -> String {
    add(browser, variant, "1").await;
    register(browser, email, "/checkout").await;
    let preview = give_address(browser, "/checkout/details").await.leads_to();
    browser.see(&preview).await.field("quote")
}

store::on_both_engines! { TABLES;
    async fn an_address_that_does_not_take_this_is_still_a_page(db: TestDb) {
        let shop = TestShop::open(db).await;
        let page = Browser::new(&shop).post("/", &[]).await;
        assert_eq!(page.status, 405);
        page.says("<html").says("That did not work");
        assert!(page.headers.contains_key("allow"), "{page:?}");
    }

    async fn a_visitor_becomes_a_buyer_and_pays_in_cash(db: TestDb) {
        let shop = TestShop::open(db).await;
        let variant = shirts(&shop, 5).await;
        let browser = Browser::new(&shop);
        browser.see("/").await.says("The shirt").says("€12.99");
        browser.see("/products").await.says("/p/shirt");
        browser.see("/p/shirt").await.says("In stock").says("Add to cart");
        let added = add(&browser, &variant, "2").await.leads_to();
        assert_eq!(added, "/p/shirt?v=SKU-shirt&added=1");
        browser.see(&added).await.says("In your cart.").says("Only 3 left");
        assert!(browser.cookie("hf_c").is_some_and(|token| token.len() >= 22));
        browser.see("/cart").await.says("Cart, 2 items").says("€25.98").says("€30.88");

        let login = browser.get("/checkout").await.leads_to();
        assert_eq!(login, "/login?next=%2Fcheckout");
        browser.see(&login).await.says(r#"name="next" value="/checkout""#);
        let next = register(&browser, "ada@example.org", "/checkout").await.leads_to();
        assert_eq!(next, "/checkout?moved=2");
        assert!(browser.cookie("hf_c").is_none(), "the cart is the account's now");
        let details = browser.get("/checkout").await.leads_to();
        assert_eq!(details, "/checkout/details");
        browser.see("/checkout/details?moved=2").await.says("We added 2 items from this device.");
        let preview = give_address(&browser, &details).await.leads_to();
        let page = browser.see(&preview).await;
        page.says("St James&#39;s Square").says("United Kingdom").says("€30.88").says("held for");

        let fields = [("quote", &*page.field("quote")), ("method", "cash_on_delivery")];
        let placed = browser.post("/checkout", &fields).await.leads_to();
        let again = browser.post("/checkout", &fields).await.leads_to();
        assert_eq!(placed, again, "pressing twice leads to the same order");
        let order = browser.see(&placed).await;
        order.says("Thank you, we have your order").says("To pay the courier").says("€30.88");
        browser.see("/account").await.says("Cash on delivery").says("€30.88");
        browser.see("/cart").await.says("Your cart is empty");
        assert_eq!(shop.stock("shirt").await, (3, 2));
        shop.settle().await;

        let other = Browser::new(&shop);
        register(&other, "eve@example.org", "/account").await;
        assert_eq!(other.get(&placed).await.status, 404, "somebody else's looks like none");
    }

    async fn p15_the_payment_page_is_not_believed(db: TestDb) {
        let shop = TestShop::open(db).await;
        let variant = shirts(&shop, 1).await;
        let browser = Browser::new(&shop);
        let quote = at_preview(&browser, &variant, "ada@example.org").await;
        let fields = [("quote", &*quote), ("method", "sandbox")];
        let go = browser.post("/checkout", &fields).await.leads_to();
        assert!(go.starts_with("/pay/") && go.ends_with("/go"), "{go}");
        let page = browser.see(&go).await;
        let url = page.html.split_once("content=\"0; url=").unwrap().1;
        let url = url.split('"').next().unwrap().to_owned();
        let back = go.replace("/go", "/return");
        let lie = format!("{back}?status=succeeded&paid=true");
        browser.see(&lie).await.says("Waiting for Test card").says("Check again");

        shop.at_the_sandbox(&url, "decline").await;
        let failed = browser.see(&back).await;
        failed.says("The payment did not go through").says("No money was taken.");
        let pay = back.replace("/return", "");
        let key = failed.field("key");
        let retry = browser.post(&pay, &[("key", &key)]).await.leads_to();
        assert_eq!(retry, go);
        assert_eq!(browser.post(&pay, &[("key", &key)]).await.leads_to(), go, "twice is once");
        let page = browser.see(&go).await;
        let url = page.html.split_once("content=\"0; url=").unwrap().1;
        let url = url.split('"').next().unwrap().to_owned();
        shop.at_the_sandbox(&url, "pay").await;
        let order = browser.get(&back).await.leads_to();
        let page = browser.see(&order).await;
        page.says("Your payment has arrived.").says("Payment received");
        page.says("Payment did not go through");
        assert_eq!(shop.stock("shirt").await, (0, 1));

        let order = order.replace("?thanks=1", "");
        let key = browser.see(&format!("{order}/cancel")).await.field("key");
        browser.post(&format!("{order}/cancel"), &[("key", &key)]).await.leads_to();
        shop.settle().await;
        browser.see(&order).await.says("cancelled").says("€17.89");
        assert_eq!(shop.stock("shirt").await, (1, 0));
        assert_eq!(browser.get(&go).await.leads_to(), order, "there is nothing to pay");
    }

    async fn a_changed_price_is_shown_and_asks_for_a_new_press(db: TestDb) {
        let shop = TestShop::open(db).await;
        let owner = shop.owner().await;
        let variant = shop.product(&owner, "shirt", 5).await;
        let browser = Browser::new(&shop);
        let quote = at_preview(&browser, &variant, "ada@example.org").await;
        let price = json!({ "price": { "minor": 1499, "currency": "EUR" } });
        let path = format!("/api/v1/admin/variants/{variant}");
        shop.patch(path, &price).by(&owner).expect(200).await;
        let fields = [("quote", &*quote), ("method", "cash_on_delivery")];
        let refused = browser.post("/checkout", &fields).await;
        assert_eq!(refused.status, 409);
        refused.says("has a new price:").says("€12.99").says("€14.99");
        refused.says("€17.89").says("€19.89").says("press the button once more");
        assert_eq!(shop.stock("shirt").await.1, 0, "nothing was placed");
        let quote = refused.field("quote");
        let fields = [("quote", &*quote), ("method", "cash_on_delivery")];
        let placed = browser.post("/checkout", &fields).await.leads_to();
        browser.see(&placed).await.says("€19.89");
        shop.settle().await;
    }

    async fn an_old_preview_is_made_again(db: TestDb) {
        let shop = TestShop::open(db).await;
        let variant = shirts(&shop, 5).await;
        let browser = Browser::new(&shop);
        let quote = at_preview(&browser, &variant, "ada@example.org").await;
        shop.clock.advance(SignedDuration::from_mins(20));
        shop.settle().await;
        let fields = [("quote", &*quote), ("method", "sandbox")];
        let refused = browser.post("/checkout", &fields).await;
        assert_eq!(refused.status, 409);
        refused.says("Nothing you see here is different.").says("Your hold ended.");
        let held = browser.post("/cart/extend", &[("next", "/checkout")]).await.leads_to();
        browser.see(&held).await.says("held for <strong>15 minutes");
    }

    async fn buying_now_leaves_the_cart_alone(db: TestDb) {
        let shop = TestShop::open(db).await;
        let owner = shop.owner().await;
        let shirt = shop.product(&owner, "shirt", 5).await;
        let sock = shop.product(&owner, "sock", 5).await;
        let browser = Browser::new(&shop);
        add(&browser, &shirt, "2").await;
        register(&browser, "ada@example.org", "/account").await;
        let fields = [("variant", &*sock), ("quantity", "3"), ("buy", "1")];
        let checkout = browser.post("/cart/add", &fields).await.leads_to();
        assert_eq!(checkout, format!("/checkout?buy={sock}&q=3"));
        let details = browser.get(&checkout).await.leads_to();
        let preview = give_address(&browser, &details).await.leads_to();
        let page = browser.see(&preview).await;
        page.says("3 × The sock, plain").does_not_say("The shirt");
        let fields = [("quote", &*page.field("quote")), ("method", "cash_on_delivery")];
        browser.post("/checkout", &fields).await.leads_to();
        browser.see("/cart").await.says("Cart, 2 items").says("The shirt, plain");
        shop.settle().await;
    }

    async fn no_more_than_there_is(db: TestDb) {
        let shop = TestShop::open(db).await;
        let variant = shirts(&shop, 2).await;
        let (first, second) = (Browser::new(&shop), Browser::new(&shop));
        let short = add(&first, &variant, "3").await.leads_to();
        assert_eq!(short, format!("/cart?short={variant}"));
        first.see(&short).await.says("Only 2 left. We kept 2.").says("Cart, 2 items");
        let gone = add(&second, &variant, "1").await.leads_to();
        second.see(&gone).await.says("Somebody was faster.").says("in someone’s checkout");
        let line = format!("/cart/lines/{variant}");
        assert_eq!(first.post(&line, &[("by", "-1")]).await.leads_to(), "/cart");
        first.see("/cart").await.says("aria-label=\"Cart, 1 item\"");
        assert_eq!(first.post(&line, &[("select", "false")]).await.leads_to(), "/cart");
        first.see("/cart").await.says("Select what you want to buy now.");
        assert_eq!(first.post("/cart/select", &[("select", "true")]).await.leads_to(), "/cart");
        first.see("/cart").await.says("Check out 1 item<");
        first.see("/cart/clear").await.says("Clear the cart?");
        assert_eq!(first.post("/cart/clear", &[]).await.leads_to(), "/cart");
        first.see("/cart").await.says("Your cart is empty");
        assert_eq!(first.post(&line, &[("remove", "1")]).await.leads_to(), "/cart", "gone already");
        second.see("/p/shirt").await.says("Only 2 left");
    }

    async fn forms_of_other_sites_do_nothing(db: TestDb) {
        let shop = TestShop::open(db).await;
        let variant = shirts(&shop, 2).await;
        let browser = Browser::new(&shop);
        register(&browser, "ada@example.org", "/account").await;
        let before = shop.everything().await;
        let fields = [("variant", &*variant), ("quantity", "1")];
        for site in ["cross-site", "same-site"] {
            for path in ["/cart/add", "/logout", "/checkout", "/cart/clear", "/account/addresses/new"] {
                let refused = browser.post_from(site, path, &fields).await;
                assert_eq!(refused.status, 403, "{path}");
                refused.says("sent by another site");
            }
        }
        assert_eq!(shop.everything().await, before);
        browser.see("/account").await.says("ada@example.org");
    }

    async fn what_people_write_is_never_markup(db: TestDb) {
        let shop = TestShop::open(db).await;
        let owner = shop.owner().await;
        let mut form = crate::shop::product("odd", 5);
        form["title"] = json!("<script>alert(1)</script> & \"co\"");
        form["description"] = json!("<img src=x onerror=alert(1)>\n\nA: <b>\nB: &amp;");
        shop.post("/api/v1/admin/products", &form).by(&owner).expect(201).await;
        let browser = Browser::new(&shop);
        for path in ["/", "/products", "/p/odd", "/p/odd?v=%3Cscript%3E"] {
            let page = browser.see(path).await;
            page.says("&#60;script&#62;alert(1)").does_not_say("<img src=x").does_not_say("<b>");
        }
        let bad = [("name", "<i>"), ("login", "\"><script>"), ("password", "x"), ("next", "/")];
        let page = browser.post("/register", &bad).await;
        assert_eq!(page.status, 422);
        page.says("Error: ").says("There is a problem").does_not_say("<i>");
        page.does_not_say(r#"value="x""#);
    }

    async fn signing_in_leads_only_into_the_shop(db: TestDb) {
        let shop = TestShop::open(db).await;
        let browser = Browser::new(&shop);
        for next in ["//evil.example", "https://evil.example", "/\\evil.example"] {
            let page = browser.see(&format!("/login?next={}", next.replace('\\', "%5C"))).await;
            page.says(r#"name="next" value="/account""#);
        }
        let first = register(&browser, "ada@example.org", "//evil.example").await.leads_to();
        assert_eq!(first, "/account");
        browser.post("/logout", &[]).await.leads_to();
        assert!(browser.cookie("hf_s").is_none());
        assert_eq!(browser.get("/account").await.leads_to(), "/login?next=%2Faccount");
        let sign_in = |password: &'static str| {
            let fields = [("login", "ada@example.org"), ("password", password), ("next", "/cart")];
            let browser = &browser;
            async move { browser.post("/login", &fields).await }
        };
        let wrong = sign_in("not the password").await;
        assert_eq!(wrong.status, 422);
        wrong.says("The login or the password is not right.");
        assert_eq!(sign_in(PASSWORD).await.leads_to(), "/cart");
        assert_eq!(browser.get("/login").await.leads_to(), "/account", "signed in already");
    }

    async fn what_is_not_there_has_a_page(db: TestDb) {
        let shop = TestShop::open(db).await;
        let browser = Browser::new(&shop);
        register(&browser, "ada@example.org", "/account").await;
        let nowhere = [
            "/nowhere", "/p/nothing", "/c/nothing", "/o/nothing", "/pay/x/go", "/media/shop.db",
            "/media/..%2Fshop.db", "/assets/shop.css", "/o/01890000-0000-7000-8000-000000000000",
        ];
        for path in nowhere {
            let page = browser.get(path).await;
            assert_eq!(page.status, 404, "{path}");
            page.says("We cannot find this page");
        }
        browser.see("/").await.says("Opening soon");
        browser.see("/products?sort=odd&from=x").await.says("Write a price like 25");
        let odd = browser.get("/products?at=odd").await.leads_to();
        assert_eq!(odd, "/products");
        let home = browser.see("/").await;
        let css = home.html.split_once("rel=\"stylesheet\" href=\"").unwrap().1;
        let css = browser.see(css.split('"').next().unwrap()).await;
        assert!(css.headers["cache-control"].to_str().unwrap().contains("immutable"));
        assert_eq!(home.headers["cache-control"], "private, no-cache");
        assert_eq!(browser.see("/cart").await.headers["cache-control"], "no-store");
    }

    async fn cookies_are_locked_to_the_host_over_https(db: TestDb) {
        let settings = Settings::default();
        let shop = TestShop::open_with(db, settings, "https://shop.example/").await;
        let variant = shirts(&shop, 2).await;
        let browser = Browser::new(&shop);
        let added = add(&browser, &variant, "1").await;
        let set = added.headers["set-cookie"].to_str().unwrap().to_owned();
        assert!(set.starts_with("__Host-hf_c=") && set.ends_with("; Secure"), "{set}");
        assert!(set.contains("; Path=/;") && !set.contains("Domain"), "{set}");
        register(&browser, "ada@example.org", "/account").await;
        assert!(browser.cookie("__Host-hf_s").is_some());
        browser.see("/account").await.says("ada@example.org");
    }
}
