//! Notices are looked into at one time: each waits for its gateway, and one after the other they
//! would come in faster than they are settled.

use std::sync::Arc;
use std::time::Duration;

use flows::Settings;
use gateways::Gateway;
use serde_json::json;
use tokio::sync::Barrier;
use tokio::time::timeout;

use crate::between::Between;
use crate::shop::{SANDBOX_SECRET, TABLES, TestShop};

/// Longer than anything here takes.
const LOST: Duration = Duration::from_secs(20);

store::on_both_engines! { TABLES;
    async fn notices_do_not_wait_for_each_other(db: TestDb) {
        let count = 8;
        let meet = |inner| -> Arc<dyn Gateway> {
            Arc::new(Between { everybody: Barrier::new(count), ..Between::here(inner) })
        };
        let shop = TestShop::open_with_gateway(db, Settings::default(), meet).await;
        let owner = shop.owner().await;
        let variant = shop.product(&owner, "shirt", 50).await;
        let buyer = shop.buyer().await;
        let mut orders = Vec::new();
        for number in 0..count {
            let order = shop.order(&buyer, &variant, "sandbox").await;
            let order = format!("/api/v1/orders/{}", order["id"].as_str().unwrap());
            let begin = shop.post(format!("{order}/payments"), &json!({})).by(&buyer);
            let begun = begin.key(&format!("pay-{number}")).expect(201).await.body;
            let page = begun["redirect_url"].as_str().unwrap();
            shop.at_the_sandbox(page, "pay").await;
            let notice = json!({
                "id": format!("evt_{number}"), "type": "payment.succeeded",
                "payment_id": page.rsplit('/').next(), "reference": begun["id"],
                "created_at": "2027-01-15T08:00:00Z",
            });
            let now = shop.shop.env.now().as_second();
            let signature = sandbox::sign(SANDBOX_SECRET, now, &notice.to_string());
            let hook = shop.post("/hooks/sandbox", &notice);
            hook.header("sandbox-signature", &signature).expect(200).await;
            orders.push(order);
        }
        let settled = timeout(LOST, shop.settle()).await;
        settled.expect("one notice waits for another");
        for order in orders {
            assert_eq!(shop.get(&order).by(&buyer).expect(200).await.body["state"], "paid");
        }
    }
}
