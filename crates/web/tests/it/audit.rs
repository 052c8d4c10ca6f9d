//! What the audit log says.

use identity::Role;
use serde_json::{Value, json};

use crate::shop::{PASSWORD, Person, TABLES, TestShop};

const AUDIT: &str = "/api/v1/admin/audit";

async fn lines(shop: &TestShop, by: &Person, filter: &str) -> Vec<Value> {
    let page = shop.get(format!("{AUDIT}?limit=500{filter}")).by(by).expect(200).await.body;
    page["items"].as_array().unwrap().clone()
}

store::on_both_engines! { TABLES;
    async fn an_operation_is_written_down_before_and_after(db: TestDb) {
        let shop = TestShop::open_strict(db).await;
        let (owner, _) = shop.staff_with_app(Role::Owner).await;
        let variant = shop.product(&owner, "shirt", 3).await;
        let adjust = "/api/v1/admin/stock-adjustments";
        let wish = json!({ "variant_id": variant, "delta": -1, "reason": "torn" });
        shop.post(adjust, &wish).by(&owner).key("a").expect(200).await;
        let wish = json!({ "variant_id": variant, "delta": -9, "reason": "torn" });
        shop.post(adjust, &wish).by(&owner).key("b").refused(409, "out-of-stock").await;
        let found = lines(&shop, &owner, "&action=POST+%2Fadmin%2Fstock-adjustments").await;
        let said: Vec<_> = found.iter().map(|it| (it["stage"].as_str().unwrap(), it["outcome"].as_str().unwrap())).collect();
        assert_eq!(said, [("ended", "out-of-stock"), ("begun", ""), ("ended", "done"), ("begun", "")]);
        assert_eq!(found[2]["operation"], found[3]["operation"]);
        assert_ne!(found[1]["operation"], found[3]["operation"]);
        assert_eq!(found[2]["facts"]["delta"], -1);
        assert_eq!(found[2]["facts"]["reason"], "torn");
        let all = lines(&shop, &owner, "").await;
        let newest = i64::try_from(all.len()).unwrap();
        for (line, seq) in all.iter().rev().zip(1..) {
            assert_eq!(line["seq"], seq);
        }
        for pair in all.windows(2) {
            assert_eq!(pair[0]["previous"], pair[1]["hash"]);
        }
        assert_eq!((&all.last().unwrap()["previous"], all[0]["seq"].as_i64()), (&json!(""), Some(newest)));
        // Page by page it is the same.
        let (mut paged, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = shop.get(format!("{AUDIT}?limit=3{cursor}")).by(&owner).expect(200).await.body;
            paged.extend(page["items"].as_array().unwrap().clone());
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(paged, all);
        for bad in ["limit=0", "limit=501"] {
            shop.get(format!("{AUDIT}?{bad}")).by(&owner).refused(400, "limit-invalid").await;
        }
        shop.get(format!("{AUDIT}?cursor=x")).by(&owner).refused(400, "cursor-invalid").await;
        let file = shop.get(format!("{AUDIT}/export")).by(&owner).look_away().await.1;
        let exported: Vec<Value> = file.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(exported.len(), all.len() + 1, "and that it was taken out");
        assert!(exported.iter().zip(all.iter().rev()).all(|(a, b)| a == b));
        let rest = shop.get(format!("{AUDIT}/export?after={newest}")).by(&owner).look_away().await.1;
        assert_eq!(rest.lines().count(), 3);
    }

    async fn who_was_denied_and_who_signed_in(db: TestDb) {
        let shop = TestShop::open_strict(db).await;
        let (owner, _) = shop.staff_with_app(Role::Owner).await;
        let (packer, _) = shop.staff_with_app(Role::Warehouse).await;
        shop.get("/api/v1/admin/ledger/balances").by(&packer).refused(403, "forbidden").await;
        let form = json!({ "login": packer.email, "password": "not this one" });
        shop.post("/api/v1/sessions", &form).refused(401, "login-failed").await;
        let buyer = shop.buyer().await;
        shop.get("/api/v1/admin/orders").by(&buyer).refused(403, "forbidden").await;
        let form = json!({ "login": buyer.email, "password": "not this one" });
        shop.post("/api/v1/sessions", &form).refused(401, "login-failed").await;
        let failed = |all: &[Value]| {
            all.iter().filter(|it| it["action"] == "sign-in" && it["outcome"] == "login-failed").count()
        };
        // Nobody waits for that line to be written.
        let mut all = Vec::new();
        for _ in 0..200 {
            all = lines(&shop, &owner, "").await;
            if failed(&all) > 0 {
                break;
            }
            tokio::task::yield_now().await;
        }
        assert_eq!(failed(&all), 1, "of the people of the shop only");
        let denied: Vec<_> = all.iter().filter(|it| it["outcome"] == "forbidden").collect();
        assert_eq!(denied.len(), 1, "{denied:?}");
        assert_eq!(denied[0]["action"], "GET /admin/ledger/balances");
        for event in ["sign-in", "second-factor-set-up"] {
            let found = all.iter().filter(|it| it["action"] == event && it["outcome"] == "done");
            assert_eq!(found.count(), 2, "{event}");
        }
        let text = serde_json::to_string(&all).unwrap();
        assert!(!text.contains(PASSWORD) && !text.contains("not this one"));
    }

    async fn nothing_is_done_unlogged(db: TestDb) {
        let shop = TestShop::open(db).await;
        let owner = shop.owner().await;
        let variant = shop.product(&owner, "shirt", 3).await;
        shop.get(AUDIT).by(&owner).expect(200).await;
        let adjust = json!({ "variant_id": variant, "delta": 1, "reason": "found" });
        for nth in 1..40 {
            let stock = shop.stock("shirt").await;
            let before = lines(&shop, &owner, "").await.len();
            shop.db.injector.fail_statement(nth);
            let ask = shop.post("/api/v1/admin/stock-adjustments", &adjust).by(&owner);
            let answer = ask.key(&format!("k{nth}")).send().await;
            let reached = !shop.db.injector.calm();
            let after = lines(&shop, &owner, "").await.len();
            if shop.stock("shirt").await != stock {
                assert!(after > before, "statement {nth}: done, and not written down");
            }
            if !reached {
                assert_eq!(answer.status, 200, "{}", answer.text);
                assert!(nth > 10, "{nth}");
                return;
            }
        }
        panic!("an operation never ends");
    }
}
