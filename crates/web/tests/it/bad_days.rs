//! Days on which the storage is full, or does not answer.

use serde_json::{Value, json};
use store::EngineKind;
use store::testing::TestDb;

use crate::shop::{Person, TABLES, TestShop};

async fn wish(shop: &TestShop, buyer: &Person, variant: &str) -> Value {
    let quote = shop.quote(buyer, variant, 1).await;
    json!({ "quote": quote["token"], "payment_method": "cash_on_delivery" })
}

#[tokio::test]
async fn a_full_disk_stops_writing_and_nothing_else() {
    let shop = TestShop::open(TestDb::new(EngineKind::Sqlite, TABLES)).await;
    let owner = shop.owner().await;
    let variant = shop.product(&owner, "shirt", 1000).await;
    let buyer = shop.buyer().await;
    // Fewer pages than there are: no further one is given.
    shop.db.db.limit_pages(1).await.unwrap();
    let mut placed = 0;
    let refused = loop {
        let wish = wish(&shop, &buyer, &variant).await;
        let answer = shop.post("/api/v1/orders", &wish).by(&buyer).send().await;
        if answer.status != 201 {
            answer_is(&answer, 503, "storage-full");
            break wish;
        }
        placed += 1;
        assert!(placed < 1000, "the disk is never full");
    };
    let before = shop.everything().await;
    let again = shop.post("/api/v1/orders", &refused).by(&buyer);
    again.refused(503, "storage-full").await;
    assert_eq!(shop.everything().await, before, "nothing was written");
    assert_eq!(shop.stock("shirt").await, (1000 - placed, placed), "reading goes on");
    shop.get("/readyz").expect(200).await;

    shop.db.db.limit_pages(1_000_000).await.unwrap();
    shop.post("/api/v1/orders", &refused).by(&buyer).expect(201).await;
    assert_eq!(shop.stock("shirt").await, (999 - placed, placed + 1));
    shop.settle().await;
}

fn answer_is(answer: &crate::shop::Answer, status: u16, code: &str) {
    assert_eq!((answer.status.as_u16(), answer.code()), (status, code), "{}", answer.text);
}

store::on_both_engines! { TABLES;
    async fn a_lost_answer_is_found_again(db: TestDb) {
        let shop = TestShop::open(db).await;
        let owner = shop.owner().await;
        let variant = shop.product(&owner, "shirt", 5).await;
        let buyer = shop.buyer().await;
        let wish = wish(&shop, &buyer, &variant).await;
        shop.db.injector.lose_next_answer();
        let lost = shop.post("/api/v1/orders", &wish).by(&buyer).send().await;
        answer_is(&lost, 503, "storage-unavailable");
        assert_eq!(shop.stock("shirt").await, (4, 1), "it had happened");
        let found = shop.post("/api/v1/orders", &wish).by(&buyer).expect(200).await;
        assert_eq!(found.header("idempotent-replayed"), "true");
        assert_eq!(shop.stock("shirt").await, (4, 1));
        shop.settle().await;
    }

    async fn a_break_at_any_statement_leaves_nothing_behind(db: TestDb) {
        let shop = TestShop::open(db).await;
        let owner = shop.owner().await;
        let variant = shop.product(&owner, "shirt", 5).await;
        let buyer = shop.buyer().await;
        let wish = wish(&shop, &buyer, &variant).await;
        let before = shop.everything().await;
        for nth in 1.. {
            shop.db.injector.fail_statement(nth);
            let answer = shop.post("/api/v1/orders", &wish).by(&buyer).send().await;
            let waiting = shop.db.injector.calm();
            if answer.status == 201 {
                assert!(waiting && nth > 3, "statement {nth}");
                break;
            }
            answer_is(&answer, 503, "storage-unavailable");
            assert_eq!(shop.everything().await, before, "statement {nth}");
        }
        assert_eq!(shop.stock("shirt").await, (4, 1));
        shop.settle().await;
    }
}
