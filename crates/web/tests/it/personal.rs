//! What people may do with what the shop knows of them, and buying without an account.

use kernel::SignedDuration;
use serde_json::json;

use crate::browser::Browser;
use crate::shop::{PASSWORD, Person, TABLES, TestShop, address};

/// A guest by the API.
async fn guest(shop: &TestShop, contact: &str) -> Person {
    let made = shop.post("/api/v1/guests", &json!({ "name": "Gus", "contact": contact }));
    let made = made.expect(201).await.body;
    assert_eq!(made["account"]["contact"], contact);
    Person { token: made["token"].as_str().unwrap().to_owned(), email: contact.to_owned() }
}

store::on_both_engines! { TABLES;
    async fn a_guest_buys_and_comes_back_by_the_link(db: TestDb) {
        let shop = TestShop::open(db).await;
        let owner = shop.owner().await;
        let shirt = shop.product(&owner, "shirt", 5).await;
        // Somebody's login is a fine contact, and opens nothing of theirs.
        let ada = shop.buyer().await;
        let gus = guest(&shop, &ada.email).await;
        let wrong = shop.post("/api/v1/guests", &json!({ "name": "Gus", "contact": "gus" }));
        assert_eq!(wrong.expect(422).await.code(), "contact-invalid");
        shop.post("/api/v1/me/addresses", &address()).by(&gus).expect(201).await;
        let order = shop.order(&gus, &shirt, "cash_on_delivery").await;
        let path = format!("/api/v1/orders/{}", order["id"].as_str().unwrap());
        shop.get(&path).by(&ada).expect(404).await;
        let link = shop.get(&path).by(&gus).expect(200).await.body["link"].clone();
        let link = link.as_str().unwrap().replace("http://127.0.0.1:9", "");
        let number = order["number"].as_str().unwrap();
        let stranger = Browser::new(&shop);
        let page = stranger.see(&link).await;
        page.says(number).says("1 Long Street");
        for hidden in ["Cancel the order", "/cancel", "this link"] {
            page.does_not_say(hidden);
        }
        let (place, key) = link.split_once("?key=").unwrap();
        for wrong in ["", "x", &key[1..], &format!("{key}A"), &key.to_lowercase()] {
            let page = stranger.get(&format!("{place}?key={wrong}")).await;
            assert!(page.leads_to().starts_with("/login"), "{wrong}");
        }
        let other = shop.order(&gus, &shirt, "cash_on_delivery").await;
        let elsewhere = format!("/o/{}?key={key}", other["id"].as_str().unwrap());
        assert!(stranger.get(&elsewhere).await.leads_to().starts_with("/login"), "one order only");
        // Nobody signs in as a guest.
        for password in ["", PASSWORD] {
            let form = json!({ "login": gus.email, "password": password });
            let who = shop.post("/api/v1/sessions", &form).send().await;
            assert!(who.status == 401 || who.body["account"]["contact"].is_null());
        }
    }

    async fn a_visitor_goes_on_as_a_guest(db: TestDb) {
        let shop = TestShop::open(db).await;
        let owner = shop.owner().await;
        let shirt = shop.product(&owner, "shirt", 5).await;
        let browser = Browser::new(&shop);
        let fields = [("variant", &*shirt), ("quantity", "2"), ("back", "/p/shirt")];
        browser.post("/cart/add", &fields).await;
        let login = browser.get("/checkout").await.leads_to();
        browser.see(&login).await.says("/guest?next=%2Fcheckout");
        browser.see("/guest?next=/checkout").await.says("No password, no account.");
        let fields = |contact| [("name", "Gus"), ("contact", contact), ("next", "/checkout")];
        let page = browser.post("/guest", &fields("gus")).await;
        assert_eq!(page.status, 422);
        page.says("There is a problem").says("Gus");
        let next = browser.post("/guest", &fields("+41 79 123 45 67")).await.leads_to();
        assert_eq!(next, "/checkout?moved=2", "the cart came along");
        browser.see("/account").await.says("+41791234567");
    }

    async fn a_copy_and_being_forgotten(db: TestDb) {
        let shop = TestShop::open(db).await;
        let owner = shop.owner().await;
        let shirt = shop.product(&owner, "shirt", 5).await;
        let ada = shop.buyer().await;
        let order = shop.order(&ada, &shirt, "cash_on_delivery").await;
        shop.get("/api/v1/me/export").by(&ada).expect(404).await;
        let asked = shop.ask(http::Method::POST, "/api/v1/me/export").by(&ada).expect(202).await;
        assert_eq!(asked.body["state"], "waiting");
        shop.get("/api/v1/me/export").by(&ada).expect(202).await;
        shop.settle().await;
        let copy = shop.get("/api/v1/me/export").by(&ada).expect(200).await.body;
        assert_eq!(copy["data"]["account"]["email"], *ada.email);
        assert_eq!(copy["data"]["orders"][0]["number"], order["number"]);
        assert_eq!(copy["data"]["orders"][0]["address"]["line1"], "1 Long Street");

        let erase = |body: serde_json::Value| {
            shop.ask(http::Method::DELETE, "/api/v1/me").by(&ada).json(&body)
        };
        for body in [json!({}), json!({ "password": "another one" })] {
            assert_eq!(erase(body).expect(422).await.code(), "password-wrong");
        }
        let staff = shop.ask(http::Method::DELETE, "/api/v1/me").by(&owner);
        assert_eq!(staff.expect(409).await.code(), "staff-account");
        shop.get("/api/v1/me").by(&ada).expect(200).await;
        let going = erase(json!({ "password": PASSWORD })).expect(202).await;
        assert_eq!(going.body["state"], "waiting");
        shop.get("/api/v1/me").by(&ada).expect(401).await;
        let login = json!({ "login": ada.email, "password": PASSWORD });
        shop.post("/api/v1/sessions", &login).expect(401).await;
        // The order is still on its way: her address is needed until it has come.
        shop.clock.advance(SignedDuration::from_hours(1));
        shop.settle().await;
        let path = format!("/api/v1/admin/orders/{}", order["id"].as_str().unwrap());
        let seen = shop.get(&path).by(&owner).expect(200).await.body;
        assert_eq!(seen["address"]["line1"], "1 Long Street");
        for to in ["packed", "shipped", "delivered"] {
            let step = shop.post(format!("{path}/advance"), &json!({ "to": to })).by(&owner);
            step.key(to).expect(200).await;
        }
        shop.clock.advance(SignedDuration::from_hours(1));
        shop.settle().await;
        let form = json!({ "login": ada.email, "password": PASSWORD, "name": "Another" });
        let anew = shop.post("/api/v1/accounts", &form).expect(201).await.body;
        assert_ne!(anew["account"]["id"], copy["data"]["account"]["id"], "the login is free");
        let seen = shop.get(&path).by(&owner).expect(200).await.body;
        assert_eq!(seen["total"], order["total"], "the books stay");
    }

    async fn what_people_agreed_to(db: TestDb) {
        let shop = TestShop::open(db).await;
        let ada = shop.person().await;
        let say = |purpose: &str, given: bool, wording: &str| {
            let form = json!({ "purpose": purpose, "given": given, "wording": wording });
            shop.post("/api/v1/me/consents", &form).by(&ada)
        };
        say("newsletter", true, "Write to me.").expect(201).await;
        say("newsletter", false, "Write to me.").expect(201).await;
        assert_eq!(say("News!", true, "x").expect(422).await.code(), "purpose-invalid");
        assert_eq!(say("news", true, " ").expect(422).await.code(), "wording-invalid");
        let kept = shop.get("/api/v1/me/consents").by(&ada).expect(200).await.body;
        let given: Vec<_> = kept["items"].as_array().unwrap().iter().map(|it| &it["given"]).collect();
        assert_eq!(given, [false, true], "the newest first, and nothing overwritten");
        let other = shop.person().await;
        let none = shop.get("/api/v1/me/consents").by(&other).expect(200).await.body;
        assert_eq!(none["items"], json!([]));
    }

    async fn a_name_and_addresses_are_changed_by_their_owner(db: TestDb) {
        let shop = TestShop::open(db).await;
        let (ada, bob) = (shop.buyer().await, shop.buyer().await);
        shop.patch("/api/v1/me", &json!({ "name": "Ada King" })).by(&ada).expect(204).await;
        let me = shop.get("/api/v1/me").by(&ada).expect(200).await.body;
        assert_eq!(me["name"], "Ada King");
        let mass = json!({ "name": "Ada", "role": "owner" });
        shop.patch("/api/v1/me", &mass).by(&ada).expect(422).await;
        let second = shop.post("/api/v1/me/addresses", &address()).by(&ada).expect(201).await.body;
        let path = format!("/api/v1/me/addresses/{}", second["id"].as_str().unwrap());
        let first = json!({ "default": true });
        let foreign = shop.patch(&path, &first).by(&bob).expect(404).await;
        let missing = "/api/v1/me/addresses/01890000-0000-7000-8000-000000000000";
        let missing = shop.patch(missing, &first).by(&bob).expect(404).await;
        assert_eq!(foreign.code(), missing.code());
        shop.patch(&path, &json!({ "default": false })).by(&ada).expect(422).await;
        let changed = shop.patch(&path, &first).by(&ada).expect(200).await.body;
        assert_eq!(changed["default"], true);
        let all = shop.get("/api/v1/me/addresses").by(&ada).expect(200).await.body;
        assert_eq!(all["items"][0]["id"], second["id"]);
        assert_eq!(all["items"][1]["default"], false);
        // The one that was used last comes next.
        let owner = shop.owner().await;
        let shirt = shop.product(&owner, "shirt", 5).await;
        let third = shop.post("/api/v1/me/addresses", &address()).by(&ada).expect(201).await.body;
        let order_of = || async {
            let all = shop.get("/api/v1/me/addresses").by(&ada).expect(200).await.body;
            all["items"].as_array().unwrap().iter().map(|it| it["id"].clone()).collect::<Vec<_>>()
        };
        let before = order_of().await;
        assert_eq!([&before[0], &before[1]], [&second["id"], &third["id"]]);
        shop.clock.advance(SignedDuration::from_secs(1));
        let wish = json!({
            "source": "buy_now", "variant_id": shirt, "quantity": 1, "address_id": before[2],
        });
        let quote = shop.post("/api/v1/checkout/quote", &wish).by(&ada).expect(200).await.body;
        let wish = json!({ "quote": quote["token"], "payment_method": "cash_on_delivery" });
        shop.post("/api/v1/orders", &wish).by(&ada).expect(201).await;
        let [first, other, last] = <[_; 3]>::try_from(before).unwrap();
        assert_eq!(order_of().await, [first, last, other]);
        shop.delete(&path).by(&bob).expect(404).await;
        shop.delete(&path).by(&ada).expect(204).await;
        shop.delete(&path).by(&ada).expect(404).await;
    }

    async fn the_pages_copy_and_forget(db: TestDb) {
        let shop = TestShop::open(db).await;
        let browser = Browser::new(&shop);
        let fields = [("name", "Ada"), ("login", "ada@example.org"), ("password", PASSWORD)];
        browser.post("/register", &fields).await.leads_to();
        browser.see("/account").await.says("/account/data");
        browser.see("/account/data").await.says("Make a copy").says("Delete the account");
        let waiting = browser.get("/account/data/everything.json").await.leads_to();
        assert_eq!(waiting, "/account/data", "nobody asked");
        assert_eq!(browser.post("/account/data", &[]).await.leads_to(), "/account/data");
        browser.see("/account/data").await.says("It takes a moment");
        shop.settle().await;
        browser.see("/account/data").await.says("Your copy is ready");
        browser.get("/account/data/everything.json").await.says("ada@example.org");
        browser.see("/account/delete").await.says("It cannot be taken back.");
        let wrong = browser.post("/account/delete", &[("password", "another one")]).await;
        assert_eq!(wrong.status, 422);
        let gone = browser.post("/account/delete", &[("password", PASSWORD)]).await.leads_to();
        browser.see(&gone).await.says("You are signed out");
        assert!(browser.cookie("hf_s").is_none());
        assert!(browser.get("/account").await.leads_to().starts_with("/login"));
        shop.clock.advance(SignedDuration::from_hours(1));
        shop.settle().await;
        let contents = shop.db.contents().await;
        assert!(!contents.contains("ada@example.org"), "nothing is left");
    }
}
