//! What of the money waits for staff, and a day's books.

use http::Method;
use kernel::AttemptId;
use serde_json::{Value, json};

use crate::shop::{TABLES, TestShop};

const CONCERNS: &str = "/api/v1/admin/concerns";
const ATTEND: &str = "/api/v1/admin/concerns/attend";
const DAY: &str = "/api/v1/admin/books/2027-01-14";

store::on_both_engines! { TABLES;
    async fn what_waits_for_a_person_is_listed_until_it_is_seen_to(db: TestDb) {
        let shop = TestShop::open(db).await;
        let owner = shop.owner().await;
        let variant = shop.product(&owner, "shirt", 1).await;
        let buyer = shop.buyer().await;
        let order = shop.order(&buyer, &variant, "sandbox").await;
        let path = format!("/api/v1/orders/{}/payments", order["id"].as_str().unwrap());
        let payment = shop.post(&path, &json!({})).by(&buyer).key("pay").expect(201).await.body;
        let list = || async { shop.get(CONCERNS).by(&owner).expect(200).await.body["items"].clone() };
        assert_eq!(list().await, json!([]));
        let id = payment["id"].as_str().unwrap();
        let attempt: AttemptId = id.parse().unwrap();
        let of = order["id"].as_str().unwrap().parse().unwrap();
        shop.shop.freeze_payment(of, attempt, "nobody knows".to_owned()).await.unwrap();
        let found = list().await;
        assert_eq!(found[0]["why"], "review");
        assert_eq!((&found[0]["payment_id"], &found[0]["order_id"]), (&json!(id), &order["id"]));
        assert_eq!(found[0]["matter"], "nobody knows; nothing happens to this payment by itself");
        let subject = &found[0]["subject"];
        let wish = json!({ "subject": subject, "note": "asked the bank" });
        for note in ["", "two\nlines"] {
            let wish = json!({ "subject": subject, "note": note });
            shop.post(ATTEND, &wish).by(&owner).key("a").refused(422, "validation").await;
        }
        shop.post(ATTEND, &wish).by(&owner).refused(400, "idempotency-key-missing").await;
        for key in ["a", "a", "b"] {
            let said = shop.post(ATTEND, &wish).by(&owner).key(key).expect(200).await.body;
            assert_eq!(said, json!({ "subject": subject }));
        }
        assert_eq!(list().await, json!([]));
    }

    async fn a_days_books_are_compared_and_mended(db: TestDb) {
        let shop = TestShop::open(db).await;
        let owner = shop.owner().await;
        let before = shop.everything().await;
        // The plain sandbox shows no books.
        let day = json!({ "day": "2027-01-14", "items": [] });
        assert_eq!(shop.get(DAY).by(&owner).expect(200).await.body, day);
        for wrong in ["2027-02-30", "yesterday", "2027-1-1", "00000000-0000-7000-8000-000000000000"] {
            let path = format!("/api/v1/admin/books/{wrong}");
            shop.get(&path).by(&owner).refused(404, "not-found").await;
            let mend = shop.post(format!("{path}/mend"), &json!({})).by(&owner).key("m");
            mend.refused(404, "not-found").await;
        }
        assert_eq!(shop.everything().await, before, "looking writes nothing");
        let mend = format!("{DAY}/mend");
        let mend = || shop.ask(Method::POST, &mend).by(&owner);
        mend().refused(400, "idempotency-key-missing").await;
        assert_eq!(mend().key("m").expect(200).await.body, day);
        assert_eq!(mend().key("m").expect(200).await.body, day);
    }

    async fn it_is_for_staff(db: TestDb) {
        let shop = TestShop::open(db).await;
        let buyer = shop.buyer().await;
        let mend = format!("{DAY}/mend");
        let asked: [(Method, &str, Value); 4] = [
            (Method::GET, CONCERNS, Value::Null),
            (Method::POST, ATTEND, json!({ "subject": "x", "note": "y" })),
            (Method::GET, DAY, Value::Null),
            (Method::POST, &mend, Value::Null),
        ];
        for (method, path, wish) in asked {
            let ask = || shop.ask(method.clone(), path).key("k").json(&wish);
            ask().by(&buyer).refused(403, "forbidden").await;
            ask().refused(401, "unauthorized").await;
        }
    }
}
