//! Codes by the API, from the first mail to another address.

use http::Method;
use serde_json::{Value, json};

use crate::shop::{Answer, PASSWORD, Person, TABLES, TestShop};

const MAIL: &str = "ada@example.org";
const PHONE: &str = "+41791234567";

/// Has a code sent; gives its id and its digits.
async fn code(shop: &TestShop, purpose: &str, login: &str) -> (Value, String) {
    let wish = json!({ "purpose": purpose, "login": login });
    let sent = shop.post("/api/v1/codes", &wish).expect(202).await;
    (sent.body["code_id"].clone(), shop.code(login).await)
}

async fn registered(shop: &TestShop, login: &str, password: Option<&str>) -> Person {
    let (id, code) = code(shop, "register", login).await;
    let mut form = json!({ "code_id": id, "code": code, "name": "Ada" });
    if let Some(password) = password {
        form["password"] = password.into();
    }
    let made = shop.post("/api/v1/accounts", &form).expect(201).await;
    let token = made.body["token"].as_str().unwrap().to_owned();
    Person { token, email: login.to_owned() }
}

/// Digits that are not these.
fn not(digits: &str) -> &'static str {
    if digits == "000000" { "000001" } else { "000000" }
}

fn told(answer: &Answer) -> Value {
    let mut body = answer.body.clone();
    body["code_id"] = Value::Null;
    body
}

store::on_both_engines! { TABLES;
    async fn an_account_by_mail_and_by_telephone(db: TestDb) {
        let shop = TestShop::open_confirming(db).await;
        for login in [MAIL, PHONE] {
            let person = registered(&shop, login, None).await;
            let me = shop.get("/api/v1/me").by(&person).expect(200).await.body;
            let field = if login == MAIL { "email" } else { "phone" };
            assert_eq!(me[field], login);
            assert!(me[format!("{field}_verified_at")].is_string(), "{me}");
            shop.clock.advance(kernel::SignedDuration::from_secs(1));
            let (id, code) = code(&shop, "sign_in", login).await;
            let proof = json!({ "code_id": id, "code": code });
            let session = shop.post("/api/v1/sessions", &proof).expect(201).await;
            assert_eq!(session.body["account"]["id"], me["id"]);
            shop.post("/api/v1/sessions", &proof).refused(410, "code-over").await;
        }
        let sms = shop.letters.newest(PHONE);
        assert!(sms.text.contains("@127.0.0.1 #"), "a telephone can fill it in: {}", sms.text);
        shop.settle().await;
    }

    async fn nobody_gets_in_without_a_code(db: TestDb) {
        let shop = TestShop::open_confirming(db).await;
        let form = json!({ "login": MAIL, "password": PASSWORD, "name": "Ada" });
        shop.post("/api/v1/accounts", &form).refused(422, "code-required").await;
        let (id, code) = code(&shop, "register", MAIL).await;
        let good = json!({ "code_id": id, "code": code, "name": "Ada" });
        for (name, value, status, refusal) in [
            ("code", json!(not(&code)), 422, "code-wrong"),
            ("code", json!("12345"), 422, "code-invalid"),
            ("code", json!(""), 422, "code-invalid"),
            ("code_id", json!("0192f0c1-0000-7000-8000-000000000000"), 410, "code-over"),
            ("code_id", json!("x"), 410, "code-over"),
            ("name", json!(""), 422, "name-invalid"),
            ("password", json!("short"), 422, "password-too-short"),
            ("login", json!(MAIL), 422, "validation"),
            ("role", json!("owner"), 422, "validation"),
        ] {
            let mut form = good.clone();
            form[name] = value;
            let answer = shop.post("/api/v1/accounts", &form).refused(status, refusal).await;
            if refusal == "code-wrong" {
                assert_eq!(answer.body["left"], 4);
            }
        }
        for missing in ["code", "code_id"] {
            let mut form = good.clone();
            form.as_object_mut().unwrap().remove(missing);
            shop.post("/api/v1/accounts", &form).refused(422, "validation").await;
        }
        shop.post("/api/v1/accounts", &good).expect(201).await;
        shop.settle().await;
    }

    async fn a_known_login_is_answered_as_an_unknown_one(db: TestDb) {
        let shop = TestShop::open_confirming(db).await;
        registered(&shop, MAIL, Some(PASSWORD)).await;
        let before = shop.letters.all().len();
        for purpose in ["sign_in", "reset", "register"] {
            let ask = async |login| {
                let wish = json!({ "purpose": purpose, "login": login });
                shop.post("/api/v1/codes", &wish).expect(202).await
            };
            assert_eq!(told(&ask(MAIL).await), told(&ask("axa@example.org").await), "{purpose}");
            shop.clock.advance(kernel::SignedDuration::from_secs(1));
        }
        shop.settle().await;
        let letters = shop.letters.all().split_off(before);
        let mut told: Vec<_> = letters.iter().map(|it| (&*it.to, &it.subject[..7])).collect();
        told.sort_unstable();
        assert_eq!(told.len(), 4, "{told:?}");
        assert_eq!(told.iter().filter(|(to, _)| *to == MAIL).count(), 3);
        assert!(told.contains(&(MAIL, "You alr")), "{told:?}");
        shop.post("/api/v1/codes", &json!({ "purpose": "sign_in", "login": "ada" }))
            .refused(422, "login-unreachable").await;
        shop.post("/api/v1/codes", &json!({ "purpose": "sign_in", "login": "@" }))
            .refused(422, "login-invalid").await;
    }

    async fn too_many_and_too_soon(db: TestDb) {
        let shop = TestShop::open_confirming(db).await;
        let wish = json!({ "purpose": "register", "login": MAIL });
        let sent = shop.post("/api/v1/codes", &wish).expect(202).await.body;
        assert_eq!(sent["sent_to"], "a•••@example.org");
        let again = format!("/api/v1/codes/{}/resend", sent["code_id"].as_str().unwrap());
        let soon = shop.ask(Method::POST, &*again).refused(429, "too-many-codes").await;
        assert_eq!(soon.header("retry-after"), "30");
        shop.clock.advance(kernel::SignedDuration::from_secs(30));
        let resent = shop.ask(Method::POST, &*again).expect(202).await.body;
        assert_eq!(resent["expires_at"], sent["expires_at"]);
        assert_ne!(resent["resend_at"], sent["resend_at"]);
        shop.settle().await;
        let [first, second] = &shop.letters.all()[..] else { panic!("two letters") };
        assert_eq!(first.subject, second.subject, "the same code");
        assert_ne!(first.id, second.id);
        for _ in 1..5 {
            shop.post("/api/v1/codes", &wish).expect(202).await;
        }
        let refused = shop.post("/api/v1/codes", &wish).refused(429, "too-many-codes").await;
        assert_eq!(refused.header("retry-after"), "3570");
        assert_eq!(refused.body["retry_after"], 3570);
        shop.ask(Method::POST, "/api/v1/codes/x/resend").refused(404, "not-found").await;
        let unknown = "/api/v1/codes/0192f0c1-0000-7000-8000-000000000000/resend";
        shop.ask(Method::POST, unknown).refused(410, "code-over").await;
    }

    async fn a_forgotten_password(db: TestDb) {
        let shop = TestShop::open_confirming(db).await;
        let person = registered(&shop, MAIL, Some(PASSWORD)).await;
        let fresh = "a very different password";
        let form = json!({ "code_id": "x", "code": "000000", "password": fresh });
        shop.post("/api/v1/password-resets", &form).refused(410, "code-over").await;
        shop.clock.advance(kernel::SignedDuration::from_secs(1));
        let (sign_in, other) = code(&shop, "sign_in", MAIL).await;
        let form = json!({ "code_id": sign_in, "code": other, "password": fresh });
        shop.post("/api/v1/password-resets", &form).refused(410, "code-over").await;
        shop.clock.advance(kernel::SignedDuration::from_secs(1));
        let (id, code) = code(&shop, "reset", MAIL).await;
        let form = json!({ "code_id": id, "code": code, "password": fresh });
        shop.post("/api/v1/password-resets", &form).expect(204).await;
        shop.post("/api/v1/password-resets", &form).refused(410, "code-over").await;
        shop.get("/api/v1/me").by(&person).refused(401, "token-invalid").await;
        let old = json!({ "login": MAIL, "password": PASSWORD });
        shop.post("/api/v1/sessions", &old).refused(401, "login-failed").await;
        shop.post("/api/v1/sessions", &json!({ "login": MAIL, "password": fresh })).expect(201).await;
        assert_eq!(shop.letter(MAIL).await.subject, "Your password at The Shop was changed");
    }

    async fn another_password_address_number_and_name(db: TestDb) {
        let shop = TestShop::open_confirming(db).await;
        let ada = registered(&shop, MAIL, Some(PASSWORD)).await;
        let eve = registered(&shop, "eve@example.org", None).await;
        let fresh = "a very different password";
        let change = |current: &str| json!({ "current": current, "new": fresh });
        shop.put("/api/v1/me/password", &change("wrong")).by(&ada).refused(422, "password-wrong").await;
        shop.put("/api/v1/me/password", &change("wrong")).by(&eve).refused(409, "no-password").await;
        shop.put("/api/v1/me/password", &change(PASSWORD)).by(&ada).expect(204).await;
        shop.get("/api/v1/me").by(&ada).expect(200).await;

        let wish = json!({ "purpose": "change_login", "login": "ada@new.example" });
        shop.post("/api/v1/codes", &wish).refused(401, "unauthorized").await;
        let sent = shop.post("/api/v1/codes", &wish).by(&ada).expect(202).await.body;
        let digits = shop.code("ada@new.example").await;
        let proof = json!({ "code_id": sent["code_id"], "code": digits });
        shop.put("/api/v1/me/logins/email", &proof).by(&eve).refused(410, "code-over").await;
        shop.put("/api/v1/me/logins/phone", &proof).by(&ada).refused(410, "code-over").await;
        let me = shop.put("/api/v1/me/logins/email", &proof).by(&ada).expect(200).await.body;
        assert_eq!(me["email"], "ada@new.example");
        let told = shop.letter(MAIL).await;
        assert!(told.text.contains("a•••@new.example"), "the old address is told: {told:?}");

        let name = json!({ "username": "ada" });
        shop.put("/api/v1/me/logins/username", &name).by(&ada).expect(204).await;
        shop.put("/api/v1/me/logins/username", &name).by(&eve).refused(409, "login-taken").await;
        let signed = json!({ "login": "ADA", "password": fresh });
        shop.post("/api/v1/sessions", &signed).expect(201).await;
        shop.settle().await;
    }

    async fn a_letter_is_carried_again_when_nobody_noted_it(db: TestDb) {
        let shop = TestShop::open_confirming(db).await;
        let wish = json!({ "purpose": "register", "login": MAIL });
        shop.post("/api/v1/codes", &wish).expect(202).await;
        // It is carried, and the process dies before it is noted.
        shop.db.injector.fail_statement(2);
        shop.jobs.carry_letters().await.unwrap_err();
        shop.db.injector.calm();
        shop.settle().await;
        let [first, second] = &shop.letters.all()[..] else { panic!("twice") };
        assert_eq!((&first.id, &first.text), (&second.id, &second.text), "the same one");
        shop.clock.advance(kernel::SignedDuration::from_hours(1));
        shop.settle().await;
        assert_eq!(shop.letters.all().len(), 2);
    }
}
