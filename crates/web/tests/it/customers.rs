//! Customers, as the people of the shop see them.

use http::Method;
use identity::Role;
use kernel::SignedDuration;
use serde_json::{Value, json};

use crate::shop::{PASSWORD, Person, TABLES, TestShop};

const CUSTOMERS: &str = "/api/v1/admin/customers";

async fn found(shop: &TestShop, by: &Person, search: &str) -> Vec<String> {
    let search: String = url::form_urlencoded::byte_serialize(search.as_bytes()).collect();
    let page = shop.get(format!("{CUSTOMERS}?search={search}")).by(by).expect(200).await.body;
    page["items"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap().into()).collect()
}

store::on_both_engines! { TABLES;
    async fn they_are_found_by_any_part(db: TestDb) {
        let shop = TestShop::open_strict(db).await;
        let (owner, _) = shop.staff_with_app(Role::Owner).await;
        for (login, name) in [
            ("Ada.Lovelace@example.org", "Ada Lovelace"),
            ("+41 79 123 45 67", "Zoë ÄRGER"),
            ("grace_hopper", "Grace 100% Hopper"),
        ] {
            let wish = json!({ "login": login, "name": name });
            let made = shop.post(CUSTOMERS, &wish).by(&owner).expect(201).await.body;
            assert_eq!(made["email_verified_at"], Value::Null);
            shop.clock.advance(SignedDuration::from_secs(1));
        }
        for (search, names) in [
            ("lovelace", vec!["Ada Lovelace"]),
            ("ADA.L", vec!["Ada Lovelace"]),
            ("a lov", vec!["Ada Lovelace"]),
            ("ärger", vec!["Zoë ÄRGER"]),
            ("079 123", vec!["Zoë ÄRGER"]),
            ("+41 (79) 12", vec!["Zoë ÄRGER"]),
            ("100%", vec!["Grace 100% Hopper"]),
            ("e_h", vec!["Grace 100% Hopper"]),
            ("%", vec!["Grace 100% Hopper"]),
            ("'; drop table accounts; --", vec![]),
            ("!", vec![]),
            // The owner is no customer.
            ("owner", vec![]),
            ("  ", vec!["Grace 100% Hopper", "Zoë ÄRGER", "Ada Lovelace"]),
        ] {
            assert_eq!(found(&shop, &owner, search).await, names, "{search}");
        }
        let long = "x".repeat(101);
        shop.get(format!("{CUSTOMERS}?search={long}")).by(&owner).refused(400, "parameter-invalid").await;
        shop.get(format!("{CUSTOMERS}?search=a%00")).by(&owner).refused(400, "parameter-invalid").await;
        // Page by page.
        let (mut names, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = shop.get(format!("{CUSTOMERS}?limit=2{cursor}")).by(&owner).expect(200).await.body;
            names.extend(page["items"].as_array().unwrap().iter().map(|it| it["name"].clone()));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(names, ["Grace 100% Hopper", "Zoë ÄRGER", "Ada Lovelace"]);
    }

    async fn they_are_changed_one_after_the_other(db: TestDb) {
        let shop = TestShop::open_strict(db).await;
        let (support, _) = shop.staff_with_app(Role::Support).await;
        let wish = json!({ "login": "ada@example.org", "name": "Ada" });
        let made = shop.post(CUSTOMERS, &wish).by(&support).expect(201).await.body;
        shop.post(CUSTOMERS, &wish).by(&support).refused(409, "login-taken").await;
        let path = format!("{CUSTOMERS}/{}", made["id"].as_str().unwrap());
        let rename = |version: &Value, name: &str| {
            shop.patch(&path, &json!({ "version": version, "name": name })).by(&support)
        };
        let changed = rename(&made["version"], "Ada L.").expect(200).await.body;
        assert_eq!(changed["name"], "Ada L.");
        let late = rename(&made["version"], "Ida").refused(409, "changed-meanwhile").await;
        assert_eq!(late.body["version"], changed["version"]);
        rename(&changed["version"], "").refused(422, "name-invalid").await;
        for extra in ["role", "id", "password_hash", "email", "disabled_at", "created_at"] {
            let mut wish = json!({ "version": changed["version"], "name": "Ada" });
            wish[extra] = json!("owner");
            shop.patch(&path, &wish).by(&support).refused(422, "validation").await;
            let mut wish = json!({ "login": "x@example.org", "name": "X" });
            wish[extra] = json!("owner");
            shop.post(CUSTOMERS, &wish).by(&support).refused(422, "validation").await;
        }
        assert_eq!(shop.get(&path).by(&support).expect(200).await.body, changed);
    }

    async fn they_are_shut_out_and_let_in(db: TestDb) {
        let shop = TestShop::open_strict(db).await;
        let (owner, _) = shop.staff_with_app(Role::Owner).await;
        let variant = shop.product(&owner, "shirt", 3).await;
        let buyer = shop.buyer().await;
        let order = shop.order(&buyer, &variant, "cash_on_delivery").await;
        let me = shop.get("/api/v1/me").by(&buyer).expect(200).await.body;
        let path = format!("{CUSTOMERS}/{}", me["id"].as_str().unwrap());
        let orders = shop.get(format!("{path}/orders?limit=1")).by(&owner).expect(200).await.body;
        assert_eq!(orders["items"][0]["id"], order["id"]);
        let kept = shop.get(format!("{path}/addresses")).by(&owner).expect(200).await.body;
        assert_eq!(kept["items"][0]["city"], "Berlin");
        let shut = shop.ask(Method::POST, format!("{path}/disable")).by(&owner).expect(200).await;
        assert!(shut.body["disabled_at"].is_string());
        shop.clock.advance(SignedDuration::from_secs(1));
        shop.get("/api/v1/me").by(&buyer).refused(401, "token-invalid").await;
        let form = json!({ "login": buyer.email, "password": PASSWORD });
        shop.post("/api/v1/sessions", &form).refused(401, "login-failed").await;
        shop.ask(Method::POST, format!("{path}/enable")).by(&owner).expect(200).await;
        shop.again(&buyer).await;
        // Nobody of the shop is a customer.
        let staff = shop.get("/api/v1/me").by(&owner).expect(200).await.body;
        let path = format!("{CUSTOMERS}/{}", staff["id"].as_str().unwrap());
        shop.ask(Method::POST, format!("{path}/disable")).by(&owner).refused(404, "not-found").await;
        // Looking is written down as well.
        let log = "/api/v1/admin/audit?action=GET+%2Fadmin%2Fcustomers%2F%7Bid%7D%2Forders";
        let log = shop.get(log).by(&owner).expect(200).await.body;
        assert_eq!(log["items"].as_array().unwrap().len(), 2, "begun and ended");
    }
}
