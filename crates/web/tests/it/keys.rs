//! Keys of the API.

use identity::Role;
use kernel::SignedDuration;
use serde_json::json;

use crate::shop::{Person, TABLES, TestShop};

const KEYS: &str = "/api/v1/admin/api-keys";
const ORDERS: &str = "/api/v1/admin/orders";

store::on_both_engines! { TABLES;
    async fn a_key_is_shown_once_and_revoked(db: TestDb) {
        let shop = TestShop::open_strict(db).await;
        let (owner, _) = shop.staff_with_app(Role::Owner).await;
        let wish = json!({ "name": "scanner", "scopes": ["move-orders", "see-orders"] });
        let made = shop.post(KEYS, &wish).by(&owner).expect(201).await.body;
        let token = made["secret"].as_str().unwrap().to_owned();
        assert!(token.starts_with("hf_") && token.len() == 46, "{token}");
        assert_eq!(made["key"]["scopes"], json!(["see-orders", "move-orders"]));
        let key = Person { token: token.clone(), email: String::new() };
        shop.get(ORDERS).by(&key).expect(200).await;
        let list = shop.get(KEYS).by(&owner).expect(200).await;
        assert!(!list.text.contains(&token[3..]), "{}", list.text);
        assert!(list.body["items"][0]["last_used_at"].is_string());
        let dump = format!("{:?}", shop.db.dump().await.unwrap());
        assert!(!dump.contains(&token[3..]), "the secret is kept");
        for bad in ["hf_", "hf_x", &token[..45], &format!("{token}x"), &token.to_uppercase()] {
            let bad = Person { token: bad.to_owned(), email: String::new() };
            shop.get(ORDERS).by(&bad).refused(401, "token-invalid").await;
        }
        let path = format!("{KEYS}/{}", made["key"]["id"].as_str().unwrap());
        for _ in 0..2 {
            shop.delete(&path).by(&owner).expect(204).await;
        }
        shop.get(ORDERS).by(&key).refused(401, "token-invalid").await;
    }

    async fn a_key_may_no_more_than_its_maker(db: TestDb) {
        let shop = TestShop::open_strict(db).await;
        let (manager, _) = shop.staff_with_app(Role::Manager).await;
        let cases = [
            (json!({ "name": "k", "scopes": ["export-audit"] }), 403, "more-than-yours"),
            (json!({ "name": "k", "scopes": ["manage-keys"] }), 422, "key-invalid"),
            (json!({ "name": "k", "scopes": ["invite-people"] }), 422, "key-invalid"),
            (json!({ "name": "k", "scopes": [] }), 422, "key-invalid"),
            (json!({ "name": " ", "scopes": ["see-orders"] }), 422, "key-invalid"),
            (json!({ "name": "k", "scopes": ["root"] }), 422, "validation"),
            (
                json!({ "name": "k", "scopes": ["see-orders"], "expires_at": "2020-01-01T00:00:00Z" }),
                422, "key-invalid",
            ),
            (json!({ "name": "k", "scopes": ["see-orders"], "role": "owner" }), 422, "validation"),
        ];
        for (wish, status, code) in cases {
            shop.post(KEYS, &wish).by(&manager).refused(status, code).await;
        }
        let wish = json!({
            "name": "k", "scopes": ["see-orders", "see-books"], "expires_at": "2027-01-15T09:00:00Z",
        });
        let made = shop.post(KEYS, &wish).by(&manager).expect(201).await.body;
        let key = Person { token: made["secret"].as_str().unwrap().into(), email: String::new() };
        let books = "/api/v1/admin/ledger/balances";
        shop.get(books).by(&key).expect(200).await;
        // What its maker may no longer do, the key may no longer do, at once.
        shop.make_role(&manager, Role::Support).await;
        shop.get(books).by(&key).refused(403, "forbidden").await;
        shop.get(ORDERS).by(&key).expect(200).await;
        shop.clock.advance(SignedDuration::from_hours(1));
        shop.get(ORDERS).by(&key).refused(401, "token-invalid").await;
    }
}
