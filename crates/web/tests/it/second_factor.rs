//! The second factor of the people of the shop.

use http::Method;
use identity::Role;
use kernel::SignedDuration;
use serde_json::{Value, json};

use crate::shop::{PASSWORD, TABLES, TestShop};

const SECOND: &str = "/api/v1/sessions/second";
const MINE: &str = "/api/v1/me/second-factor";

store::on_both_engines! { TABLES;
    async fn an_owner_without_one_does_one_thing(db: TestDb) {
        let shop = TestShop::open_strict(db).await;
        let owner = shop.owner().await;
        let orders = || shop.get("/api/v1/admin/orders").by(&owner);
        orders().refused(403, "second-factor-setup-required").await;
        let mine = shop.get(MINE).by(&owner).expect(200).await.body;
        let nothing = json!({
            "totp": false, "passkeys": 0, "recovery_codes": 0, "proved": false, "required": true,
        });
        assert_eq!(mine, nothing);
        let app = shop.set_up_app(&owner).await;
        assert_eq!(app.recovery_codes.len(), 10);
        orders().expect(200).await;
        let mine = shop.get(MINE).by(&owner).expect(200).await.body;
        assert_eq!((&mine["totp"], &mine["proved"]), (&json!(true), &json!(true)));
    }

    async fn a_session_from_before_the_factor_is_not_enough(db: TestDb) {
        let shop = TestShop::open_strict(db).await;
        let owner = shop.owner().await;
        let other = shop.again(&owner).await;
        shop.set_up_app(&owner).await;
        shop.clock.advance(SignedDuration::from_secs(2));
        let ask = shop.get("/api/v1/admin/orders").by(&other);
        ask.refused(403, "second-factor-required").await;
        // Nor can it change the factor: whoever stole it would make it theirs.
        let totp = format!("{MINE}/totp");
        let asks = [(Method::POST, totp.clone()), (Method::DELETE, totp.clone()),
            (Method::POST, format!("{MINE}/recovery-codes"))];
        for (method, path) in asks {
            shop.ask(method, path).by(&other).refused(403, "second-factor-required").await;
        }
        let confirm = shop.post(format!("{totp}/confirm"), &json!({ "code": "000000" }));
        confirm.by(&other).refused(403, "second-factor-required").await;
    }

    async fn a_sign_in_has_two_steps(db: TestDb) {
        let shop = TestShop::open_strict(db).await;
        let (owner, app) = shop.staff_with_app(Role::Owner).await;
        let form = json!({ "login": owner.email, "password": PASSWORD });
        let pending = shop.post("/api/v1/sessions", &form).expect(202).await.body;
        assert_eq!(pending["code"], "second-factor-required");
        assert_eq!(pending["ways"], json!(["totp", "recovery_code"]));
        assert_eq!(pending.get("token"), None);
        let login = &pending["login_id"];
        let step = |code: &str| {
            shop.post(SECOND, &json!({ "login_id": login, "totp": code }))
        };
        // The code that set it up is used up.
        step(&shop.shown(&app)).refused(422, "second-factor-wrong").await;
        shop.clock.advance(SignedDuration::from_secs(30));
        let session = step(&shop.shown(&app)).expect(201).await.body;
        assert_eq!(session["account"]["role"], "owner");
        let bearer = format!("Bearer {}", session["token"].as_str().unwrap());
        shop.get("/api/v1/admin/orders").header("authorization", &bearer).expect(200).await;
        // Completed once.
        step(&shop.shown(&app)).refused(401, "login-over").await;
        // And the code was taken once, whichever sign-in it comes with.
        let other = shop.first_step(&owner).await;
        let replay = json!({ "login_id": other, "totp": shop.shown(&app) });
        shop.post(SECOND, &replay).refused(422, "second-factor-wrong").await;
    }

    async fn one_code_sent_twice_at_once_opens_one_session(db: TestDb) {
        let shop = TestShop::open_strict(db).await;
        let (owner, app) = shop.staff_with_app(Role::Owner).await;
        shop.clock.advance(SignedDuration::from_secs(30));
        let code = shop.shown(&app);
        let mut tries = Vec::new();
        for _ in 0..8 {
            let login: kernel::Uuid = serde_json::from_value(shop.first_step(&owner).await).unwrap();
            let (identity, db, env) =
                (shop.identity.clone(), shop.shop.db.clone(), shop.shop.env.clone());
            let proof = identity::Proof::Totp(code.clone());
            tries.push(tokio::spawn(async move {
                identity.second_step(&db, &env, login, proof).await.is_ok()
            }));
        }
        let mut opened = 0;
        for tried in tries {
            opened += i32::from(tried.await.unwrap());
        }
        assert_eq!(opened, 1);
    }

    async fn tries_are_counted(db: TestDb) {
        let shop = TestShop::open_strict(db).await;
        let (owner, app) = shop.staff_with_app(Role::Owner).await;
        shop.clock.advance(SignedDuration::from_secs(30));
        let wrong = |login: &Value| {
            shop.post(SECOND, &json!({ "login_id": login, "totp": "12345" }))
        };
        for _ in 0..4 {
            let login = shop.first_step(&owner).await;
            for _ in 0..5 {
                wrong(&login).refused(422, "second-factor-wrong").await;
            }
            let right = json!({ "login_id": login, "totp": shop.shown(&app) });
            shop.post(SECOND, &right).refused(401, "login-over").await;
        }
        // Twenty wrong ones: now not even the right one is looked at, in a new login.
        let login = shop.first_step(&owner).await;
        let right = || json!({ "login_id": login, "totp": shop.shown(&app) });
        shop.post(SECOND, &right()).refused(429, "second-factor-blocked").await;
        shop.clock.advance(SignedDuration::from_mins(61));
        let login = shop.first_step(&owner).await;
        let right = json!({ "login_id": login, "totp": shop.shown(&app) });
        shop.post(SECOND, &right).expect(201).await;
        // A login that takes too long is over.
        let login = shop.first_step(&owner).await;
        shop.clock.advance(SignedDuration::from_mins(10));
        wrong(&login).refused(401, "login-over").await;
    }

    async fn recovery_codes_are_good_once(db: TestDb) {
        let shop = TestShop::open_strict(db).await;
        let (owner, app) = shop.staff_with_app(Role::Owner).await;
        let (_, others) = shop.staff_with_app(Role::Owner).await;
        let with = |code: &str| {
            let code = code.to_owned();
            let (shop, owner) = (&shop, &owner);
            async move {
                let login = shop.first_step(owner).await;
                let step = json!({ "login_id": login, "recovery_code": code });
                shop.post(SECOND, &step).send().await
            }
        };
        let plain = app.recovery_codes[0].replace('-', "").to_lowercase();
        let session = with(&plain).await;
        assert_eq!(session.status, 201, "{}", session.text);
        for used in [&app.recovery_codes[0], &others.recovery_codes[0], "", "AAAA-AAAA"] {
            assert_eq!(with(used).await.code(), "second-factor-wrong", "{used}");
        }
        let bearer = format!("Bearer {}", session.body["token"].as_str().unwrap());
        let mine = shop.get(MINE).header("authorization", &bearer).expect(200).await.body;
        assert_eq!(mine["recovery_codes"], 9);
        let renew = shop.ask(Method::POST, format!("{MINE}/recovery-codes"));
        let new = renew.header("authorization", &bearer).expect(201).await.body;
        assert_eq!(new["recovery_codes"].as_array().unwrap().len(), 10);
        assert_eq!(with(&app.recovery_codes[1]).await.code(), "second-factor-wrong");
        assert_eq!(with(new["recovery_codes"][0].as_str().unwrap()).await.status, 201);
        // The last factor stays, and nothing is kept as it was shown.
        let remove = shop.delete(format!("{MINE}/totp")).header("authorization", &bearer);
        remove.refused(409, "last-second-factor").await;
        let dump = shop.db.dump().await.unwrap();
        let dump = format!("{dump:?}");
        assert!(!dump.contains(&plain.to_uppercase()) && !dump.contains(&app.recovery_codes[1]));
    }

    async fn what_cannot_be_meant(db: TestDb) {
        let shop = TestShop::open_strict(db).await;
        let (owner, app) = shop.staff_with_app(Role::Owner).await;
        let login = shop.first_step(&owner).await;
        let both = json!({ "login_id": login, "totp": "1", "recovery_code": "2" });
        shop.post(SECOND, &both).refused(422, "validation").await;
        shop.post(SECOND, &json!({ "login_id": login })).refused(422, "validation").await;
        let confirm = shop.post(format!("{MINE}/totp/confirm"), &json!({ "code": shop.shown(&app) }));
        confirm.by(&owner).refused(409, "nothing-to-confirm").await;
        // A customer may have one too, and is asked for it then.
        let buyer = shop.buyer().await;
        shop.delete(format!("{MINE}/totp")).by(&buyer).refused(404, "second-factor-unknown").await;
        shop.set_up_app(&buyer).await;
        shop.first_step(&buyer).await;
        shop.delete(format!("{MINE}/totp")).by(&buyer).expect(204).await;
        shop.again(&buyer).await;
    }
}

store::on_both_engines! { TABLES;
    async fn the_pages_say_what_is_wrong(db: TestDb) {
        let shop = TestShop::open_strict(db).await;
        let (owner, app) = shop.staff_with_app(Role::Owner).await;
        let browser = crate::browser::Browser::new(&shop);
        let form = [("login", owner.email.as_str()), ("password", PASSWORD), ("next", "/account")];
        let page = browser.post("/login", &form).await;
        let login = page.says("One more step").field("login");
        let step = |code: String| {
            let (browser, login) = (&browser, login.clone());
            async move {
                let form = [("login", login.as_str()), ("code", code.as_str()), ("next", "/account")];
                browser.post("/login/second", &form).await
            }
        };
        let wrong = step(shop.shown(&app)).await;
        assert_eq!(wrong.status, 422);
        wrong.says("This is not right, or was used before.").does_not_say(PASSWORD);
        shop.clock.advance(SignedDuration::from_secs(30));
        assert_eq!(step(shop.shown(&app)).await.leads_to(), "/account");
        // Completed: begin again.
        assert_eq!(step(shop.shown(&app)).await.leads_to(), "/login?next=%2Faccount");
        let page = browser.see("/account/security").await;
        page.says("Set up: at every sign-in").says("10 left");
        let kept = browser.post("/account/security/app/remove", &[]).await;
        assert_eq!(kept.status, 422);
        kept.says("set up another before this one goes");
        let foreign = browser.post_from("cross-site", "/account/security/codes", &[]).await;
        assert_eq!(foreign.status, 403);
        let offered = browser.post("/account/security/app", &[]).await;
        offered.says("<svg class=\"qr\"").says("scan this picture");
        let wrong = browser.post("/account/security/app/confirm", &[("code", "000000")]).await;
        assert_eq!(wrong.status, 422);
        wrong.says("This is not right, or was used before.");
    }
}
