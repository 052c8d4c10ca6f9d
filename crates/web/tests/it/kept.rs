//! Answers that are kept are never older than they may be.

use kernel::{Currency, Money, SignedDuration};
use serde_json::json;
use store::testing::TestDb;
use store::{Db, EngineKind, Options};

use crate::shop::{TABLES, TestShop};

async fn price(shop: &TestShop, path: &str) -> i64 {
    let body = shop.get(path).expect(200).await.body;
    let of = if path.contains('?') { &body["items"][0] } else { &body["variants"][0] };
    of["price"]["minor"].as_i64().unwrap()
}

store::on_both_engines! { TABLES;
    async fn what_is_written_here_is_seen_at_once(db: TestDb) {
        let shop = TestShop::open(db).await;
        let owner = shop.owner().await;
        let variant = shop.product(&owner, "shirt", 3).await;
        let paths = ["/api/v1/products?limit=1", "/api/v1/products/shirt"];
        for minor in [100, 200, 300] {
            let wish = json!({ "price": { "minor": minor, "currency": "EUR" } });
            let path = format!("/api/v1/admin/variants/{variant}");
            shop.patch(path, &wish).by(&owner).expect(200).await;
            for path in paths {
                assert_eq!(price(&shop, path).await, minor);
                assert_eq!(price(&shop, path).await, minor, "and again");
            }
        }
        let buyer = shop.buyer().await;
        for left in [2, 1, 0] {
            shop.order(&buyer, &variant, "sandbox").await;
            let list = shop.get(paths[0]).expect(200).await.body;
            assert_eq!(list["items"][0]["available"], left);
        }
        shop.clock.advance(SignedDuration::from_mins(31));
        shop.settle().await;
        let list = shop.get(paths[0]).expect(200).await.body;
        assert_eq!(list["items"][0]["available"], 3, "expiry is seen as well");
        shop.get("/api/v1/products/mug").refused(404, "not-found").await;
        shop.product(&owner, "mug", 1).await;
        shop.get("/api/v1/products/mug").expect(200).await;
    }
}

#[tokio::test]
async fn what_another_process_writes_is_seen_within_a_second() {
    let shop = TestShop::open(TestDb::new(EngineKind::Postgres, TABLES)).await;
    let owner = shop.owner().await;
    let variant = shop.product(&owner, "shirt", 3).await.parse().unwrap();
    let path = "/api/v1/products/shirt";
    assert_eq!(price(&shop, path).await, 1299);
    let options = Options { connections: 1, ..Options::new(shop.db.url.clone()) };
    let there = tokio::task::spawn_blocking(move || Db::open(&options, TABLES).unwrap());
    let there = there.await.unwrap();
    let new = Money::new(999, Currency::EUR);
    there.write(move |tx| catalog::set_price(tx, variant, new)).await.unwrap();
    shop.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(price(&shop, path).await, 999);
}
