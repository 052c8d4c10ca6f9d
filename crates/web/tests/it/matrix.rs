//! Every operation of the API, by everybody, on what is theirs, somebody else's and not there.
//! The operations are those of the document: one without a row here fails.

use http::Method;
use identity::{Permission, Role};
use serde_json::{Value, json};

use crate::shop::{Answer, Ask, Person, TABLES, TestShop, address, product};

const NOTHING: &str = "00000000-0000-7000-8000-000000000000";

/// Who an operation is for.
#[derive(Clone, Copy, PartialEq, Debug)]
enum For {
    Anybody,
    /// Whoever has signed in, for what is their own.
    Owner,
    /// Whoever has it.
    Staff(Permission),
}

/// What is asked about.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Object {
    /// The caller's, or for staff what is there.
    Own,
    Foreign,
    Missing,
}

/// What is sent.
struct Wish {
    path: String,
    body: Value,
}

/// Who it is for, what comes of it where it may be done (0: it depends), and what it may be asked
/// about.
struct Row {
    of: For,
    done: u16,
    objects: &'static [Object],
}

const JUST: &[Object] = &[Object::Own];
/// What belongs to one person.
const THEIRS: &[Object] = &[Object::Own, Object::Foreign, Object::Missing];
/// What belongs to one person, where one's own would end what asks.
const NOT_THEIRS: &[Object] = &[Object::Foreign, Object::Missing];
/// What belongs to the shop.
const SHOPS: &[Object] = &[Object::Own, Object::Missing];

#[expect(clippy::match_same_arms, reason = "an operation has its own line")]
fn row(method: &Method, path: &str) -> Option<Row> {
    use For::{Anybody, Owner, Staff};
    use Permission as P;
    let (of, done, objects) = match (method.as_str(), path.strip_prefix("/api/v1")?) {
        ("POST", "/accounts" | "/guests" | "/sessions") => (Anybody, 201, JUST),
        ("POST", "/codes") => (Anybody, 202, JUST),
        ("POST", "/codes/{id}/resend" | "/password-resets") => (Anybody, 410, JUST),
        ("POST", "/sessions/refresh") => (Anybody, 401, JUST),
        ("GET", "/sessions") => (Owner, 200, JUST),
        ("DELETE", "/sessions") => (Owner, 204, JUST),
        ("DELETE", "/sessions/{session}") => (Owner, 204, NOT_THEIRS),
        ("PATCH", "/me") => (Owner, 204, JUST),
        // Customers send a password with it; the people of the shop stay.
        ("DELETE", "/me") => (Owner, 0, JUST),
        ("POST", "/me/export") => (Owner, 202, JUST),
        ("GET", "/me/export") => (Owner, 0, JUST),
        ("GET", "/me/consents") => (Owner, 200, JUST),
        ("POST", "/me/consents") => (Owner, 201, JUST),
        ("PUT", "/me/password") => (Owner, 204, JUST),
        ("PUT", "/me/logins/email" | "/me/logins/phone") => (Owner, 410, JUST),
        ("PUT", "/me/logins/username") => (Owner, 0, JUST),
        ("PATCH", "/me/addresses/{id}") => (Owner, 200, THEIRS),
        ("DELETE", "/me/addresses/{id}") => (Owner, 204, THEIRS),
        ("GET", "/admin/orders/{id}") => (Staff(P::SeeOrders), 200, SHOPS),
        ("GET", "/products" | "/categories") => (Anybody, 200, JUST),
        ("GET", "/products/{slug}") => (Anybody, 200, SHOPS),
        ("DELETE", "/sessions/current") => (Owner, 204, JUST),
        ("GET", "/me" | "/me/addresses" | "/orders" | "/cart") => (Owner, 200, JUST),
        ("POST", "/me/addresses") => (Owner, 201, JUST),
        ("POST", "/cart/lines") => (Owner, 200, SHOPS),
        ("PATCH" | "DELETE", "/cart/lines/{variant_id}") => (Owner, 200, THEIRS),
        ("DELETE", "/cart") => (Owner, 200, JUST),
        ("POST", "/cart/extend") => (Owner, 200, JUST),
        ("POST", "/checkout/quote") => (Owner, 200, THEIRS),
        ("POST", "/orders") => (Owner, 201, JUST),
        ("GET", "/orders/{id}") => (Owner, 200, THEIRS),
        ("POST", "/orders/{id}/cancel") => (Owner, 200, THEIRS),
        ("POST", "/orders/{id}/payments") => (Owner, 201, THEIRS),
        ("POST", "/admin/products") => (Staff(P::EditCatalog), 201, JUST),
        ("PATCH", "/admin/variants/{id}") => (Staff(P::ChangePrices), 200, SHOPS),
        ("POST", "/admin/stock-adjustments") => (Staff(P::AdjustStock), 200, SHOPS),
        ("GET", "/admin/orders") => (Staff(P::SeeOrders), 200, JUST),
        ("GET", "/admin/orders/{id}/refunds") => (Staff(P::SeeOrders), 200, SHOPS),
        ("POST", "/admin/orders/{id}/advance") => (Staff(P::MoveOrders), 200, SHOPS),
        ("POST", "/admin/orders/{id}/refunds") => (Staff(P::RefundOrders), 409, SHOPS),
        ("POST", "/admin/orders/{id}/cash") => (Staff(P::RecordCash), 200, SHOPS),
        ("POST", "/admin/orders/{id}/cancel") => (Staff(P::CancelOrders), 200, SHOPS),
        ("GET", "/admin/ledger/balances") => (Staff(P::SeeBooks), 200, JUST),
        ("GET", "/admin/books/{day}") => (Staff(P::SeeBooks), 200, SHOPS),
        ("POST", "/admin/books/{day}/mend") => (Staff(P::MendBooks), 200, SHOPS),
        ("GET", "/admin/concerns" | "/admin/notices") => (Staff(P::SeeConcerns), 200, JUST),
        ("POST", "/admin/concerns/attend") => (Staff(P::AttendConcerns), 200, JUST),
        ("GET", "/admin/customers") => (Staff(P::SeeCustomers), 200, JUST),
        ("POST", "/admin/customers") => (Staff(P::EditCustomers), 201, JUST),
        (
            "GET",
            "/admin/customers/{id}"
            | "/admin/customers/{id}/orders"
            | "/admin/customers/{id}/addresses",
        ) => (Staff(P::SeeCustomers), 200, THEIRS),
        ("PATCH", "/admin/customers/{id}") => (Staff(P::EditCustomers), 200, THEIRS),
        ("POST", "/admin/customers/{id}/disable" | "/admin/customers/{id}/enable") => {
            (Staff(P::DisableCustomers), 200, THEIRS)
        }
        ("GET", "/admin/people" | "/admin/invitations") => (Staff(P::SeePeople), 200, JUST),
        ("PATCH", "/admin/people/{id}") => (Staff(P::ManagePeople), 204, THEIRS),
        (
            "POST",
            "/admin/people/{id}/disable"
            | "/admin/people/{id}/enable"
            | "/admin/people/{id}/reset-second-factor",
        ) => (Staff(P::ManagePeople), 200, THEIRS),
        ("POST", "/admin/invitations") => (Staff(P::InvitePeople), 201, JUST),
        ("DELETE", "/admin/invitations/{id}") => (Staff(P::InvitePeople), 204, SHOPS),
        ("POST", "/invitations/accept") => (Anybody, 410, JUST),
        ("GET", "/admin/api-keys") => (Staff(P::ManageKeys), 200, JUST),
        ("POST", "/admin/api-keys") => (Staff(P::ManageKeys), 201, JUST),
        ("DELETE", "/admin/api-keys/{id}") => (Staff(P::ManageKeys), 204, SHOPS),
        ("GET", "/admin/audit") => (Staff(P::SeeAudit), 200, JUST),
        ("GET", "/admin/audit/export") => (Staff(P::ExportAudit), 200, JUST),
        ("GET", "/me/second-factor") => (Owner, 200, JUST),
        // What it comes to depends on what is there: the stories of the second factor say.
        ("POST", "/sessions/second") => (Anybody, 401, JUST),
        ("POST", "/me/second-factor/totp") => (Owner, 201, JUST),
        ("POST", "/me/second-factor/totp/confirm") => (Owner, 422, JUST),
        ("DELETE", "/me/second-factor/totp") => (Owner, 0, JUST),
        ("POST", "/me/second-factor/recovery-codes") => (Owner, 0, JUST),
        ("POST", "/admin/notices/{id}/replay") => (Staff(P::AttendConcerns), 409, JUST),
        _ => return None,
    };
    Some(Row { of, done, objects })
}

struct Stage {
    shop: TestShop,
    /// One of each role.
    people: Vec<(Role, Person)>,
    somebody: Person,
    owner: Person,
    variant: String,
    /// What the buyers have in their carts.
    in_carts: String,
    number: std::cell::Cell<u32>,
}

impl Stage {
    async fn set(db: store::testing::TestDb) -> Self {
        let shop = TestShop::open_strict(db).await;
        let (owner, _) = shop.staff_with_app(Role::Owner).await;
        let variant = shop.product(&owner, "shirt", 900).await;
        let in_carts = shop.product(&owner, "mug", 900).await;
        let mut people = Vec::new();
        for role in Role::ALL {
            let person = match role {
                Role::Customer => shop.person().await,
                _ => shop.staff_with_app(role).await.0,
            };
            shop.post("/api/v1/me/addresses", &address()).by(&person).expect(201).await;
            people.push((role, person));
        }
        let somebody = shop.buyer().await;
        let number = std::cell::Cell::new(0);
        Self { shop, people, somebody, owner, variant, in_carts, number }
    }

    fn next(&self) -> u32 {
        self.number.set(self.number.get() + 1);
        self.number.get()
    }

    /// An order: of the caller's where they ask for their own, of a buyer's for staff.
    async fn order(&self, caller: &Person, object: Object, method: &str) -> String {
        let whose = match object {
            Object::Own => caller,
            Object::Foreign => &self.somebody,
            Object::Missing => return NOTHING.to_owned(),
        };
        let order = self.shop.order(whose, &self.variant, method).await;
        order["id"].as_str().unwrap().to_owned()
    }

    async fn address(&self, whose: &Person) -> Value {
        let kept = self.shop.get("/api/v1/me/addresses").by(whose).expect(200).await;
        kept.body["items"][0]["id"].clone()
    }

    async fn fill_cart(&self, whose: &Person) {
        let line = json!({ "variant_id": self.in_carts, "quantity": 1 });
        self.shop.post("/api/v1/cart/lines", &line).by(whose).expect(200).await;
    }

    /// A wish that can be granted, made anew for each asking.
    async fn wish(&self, method: &Method, path: &str, caller: &Person, object: Object) -> Wish {
        let there = object != Object::Missing;
        let mut id = NOTHING.to_owned();
        let variant = if there { self.variant.as_str() } else { NOTHING };
        let bare = path.strip_prefix("/api/v1").unwrap();
        let body = match (method.as_str(), bare) {
            ("POST", "/accounts") => {
                let login = format!("new-{}@example.org", self.next());
                json!({ "login": login, "password": crate::shop::PASSWORD, "name": "New" })
            }
            ("POST", "/sessions") => {
                json!({ "login": self.somebody.email, "password": crate::shop::PASSWORD })
            }
            ("GET", "/products/{slug}") => {
                id = String::from(if there { "shirt" } else { "nothing" });
                Value::Null
            }
            ("POST", "/guests") => json!({ "name": "Gus", "contact": "gus@example.org" }),
            ("POST", "/codes") => {
                json!({ "purpose": "sign_in", "login": format!("code-{}@example.org", self.next()) })
            }
            ("POST", "/password-resets") => {
                let password = crate::shop::PASSWORD;
                json!({ "code_id": NOTHING, "code": "000000", "password": password })
            }
            ("POST", "/sessions/refresh") => json!({ "refresh_token": "nothing" }),
            ("DELETE", "/sessions/{session}") => {
                if there {
                    let all =
                        self.shop.get("/api/v1/sessions").by(&self.somebody).expect(200).await;
                    id = String::from(all.body["items"][0]["id"].as_str().unwrap());
                }
                Value::Null
            }
            ("PATCH", "/me") => json!({ "name": "A Person" }),
            ("POST", "/me/consents") => {
                json!({ "purpose": "news", "given": true, "wording": "Write to me." })
            }
            ("PUT", "/me/password") => {
                json!({ "current": crate::shop::PASSWORD, "new": crate::shop::PASSWORD })
            }
            ("PUT", "/me/logins/email" | "/me/logins/phone") => {
                json!({ "code_id": NOTHING, "code": "000000" })
            }
            ("PUT", "/me/logins/username") => {
                json!({ "username": format!("name-{}", self.next()) })
            }
            ("PATCH" | "DELETE", "/me/addresses/{id}") => {
                let whose = if object == Object::Foreign { &self.somebody } else { caller };
                if there {
                    let path = "/api/v1/me/addresses";
                    let kept = self.shop.post(path, &address()).by(whose).expect(201).await;
                    id = String::from(kept.body["id"].as_str().unwrap());
                }
                if *method == Method::PATCH { json!({ "default": true }) } else { Value::Null }
            }
            ("GET", "/admin/orders/{id}") => {
                id = self.order(&self.somebody, object, "cash_on_delivery").await;
                Value::Null
            }
            ("POST", "/me/addresses") => address(),
            ("POST", "/cart/lines") => json!({ "variant_id": variant, "quantity": 1 }),
            ("PATCH" | "DELETE", "/cart/lines/{variant_id}") => {
                self.shop.delete("/api/v1/cart").by(caller).send().await;
                match object {
                    Object::Own => self.fill_cart(caller).await,
                    Object::Foreign => self.fill_cart(&self.somebody).await,
                    Object::Missing => {}
                }
                id = if there { self.in_carts.clone() } else { NOTHING.to_owned() };
                json!({ "quantity": 2 })
            }
            ("POST", "/cart/extend") => {
                self.fill_cart(caller).await;
                Value::Null
            }
            ("POST", "/checkout/quote") => {
                let address = match object {
                    Object::Own => self.address(caller).await,
                    Object::Foreign => self.address(&self.somebody).await,
                    Object::Missing => json!(NOTHING),
                };
                json!({
                    "source": "buy_now", "variant_id": self.variant, "quantity": 1,
                    "address_id": address,
                })
            }
            ("POST", "/orders") => {
                let quote = self.shop.quote(caller, &self.variant, 1).await;
                json!({ "quote": quote["token"], "payment_method": "cash_on_delivery" })
            }
            ("GET", "/orders/{id}") | ("POST", "/orders/{id}/cancel") => {
                id = self.order(caller, object, "cash_on_delivery").await;
                json!({})
            }
            ("POST", "/orders/{id}/payments") => {
                id = self.order(caller, object, "sandbox").await;
                json!({})
            }
            ("POST", "/admin/products") => product(&format!("thing-{}", self.next()), 1),
            ("PATCH", "/admin/variants/{id}") => {
                id = String::from(variant);
                json!({ "price": { "minor": 1299, "currency": "EUR" } })
            }
            ("POST", "/admin/stock-adjustments") => {
                json!({ "variant_id": variant, "delta": 1, "reason": "found" })
            }
            (_, "/admin/orders/{id}/refunds") => {
                id = self.order(&self.somebody, object, "sandbox").await;
                json!({ "reason": "torn" })
            }
            ("POST", "/admin/orders/{id}/advance") => {
                id = self.order(&self.somebody, object, "cash_on_delivery").await;
                json!({ "to": "packed" })
            }
            ("POST", "/admin/orders/{id}/cash") => {
                id = self.delivered(object).await;
                json!({ "received": true })
            }
            ("POST", "/admin/orders/{id}/cancel") => {
                id = self.order(&self.somebody, object, "cash_on_delivery").await;
                json!({ "reason": "no longer made" })
            }
            (_, "/admin/books/{day}" | "/admin/books/{day}/mend") => {
                id = String::from(if there { "2027-01-14" } else { "2027-02-30" });
                Value::Null
            }
            ("POST", "/admin/concerns/attend") => json!({ "subject": "x", "note": "y" }),
            ("POST", "/admin/customers") => {
                json!({ "login": format!("made-{}@example.org", self.next()), "name": "Made" })
            }
            // Whoever works here is no customer, and no customer works here.
            (_, path) if path.starts_with("/admin/customers/{id}") => {
                id = match object {
                    Object::Own => self.somebody_new(Role::Customer).await,
                    Object::Foreign => self.somebody_new(Role::Support).await,
                    Object::Missing => id,
                };
                if *method == Method::PATCH {
                    json!({ "version": 1, "name": "Ada" })
                } else {
                    Value::Null
                }
            }
            (_, path) if path.starts_with("/admin/people/{id}") => {
                id = match object {
                    Object::Own => self.somebody_new(Role::Support).await,
                    Object::Foreign => self.somebody_new(Role::Customer).await,
                    Object::Missing => id,
                };
                if *method == Method::PATCH { json!({ "role": "warehouse" }) } else { Value::Null }
            }
            ("POST", "/admin/invitations") => {
                json!({ "login": format!("asked-{}@example.org", self.next()), "role": "support" })
            }
            ("DELETE", "/admin/invitations/{id}") => {
                if there {
                    let login = format!("asked-{}@example.org", self.next());
                    let wish = json!({ "login": login, "role": "support" });
                    let path = "/api/v1/admin/invitations";
                    let made = self.shop.post(path, &wish).by(&self.owner).expect(201).await.body;
                    id = String::from(made["invitation"]["id"].as_str().unwrap());
                }
                Value::Null
            }
            ("POST", "/invitations/accept") => json!({ "token": "nothing" }),
            ("POST", "/admin/api-keys") => json!({ "name": "scanner", "scopes": ["see-orders"] }),
            ("DELETE", "/admin/api-keys/{id}") => {
                if there {
                    id = self.key(&self.owner, &["see-orders"]).await.0;
                }
                Value::Null
            }
            ("POST", "/sessions/second") => json!({ "login_id": NOTHING, "totp": "000000" }),
            ("POST", "/me/second-factor/totp/confirm") => {
                let path = "/api/v1/me/second-factor/totp";
                self.shop.ask(Method::POST, path).by(caller).send().await;
                json!({ "code": "nothing" })
            }
            _ => Value::Null,
        };
        let parts = path.split('/').map(|part| if part.starts_with('{') { &id } else { part });
        Wish { path: parts.collect::<Vec<_>>().join("/"), body }
    }

    /// A key of the API: its id and its secret.
    async fn key(&self, by: &Person, scopes: &[&str]) -> (String, Person) {
        let wish = json!({ "name": "for tests", "scopes": scopes });
        let made = self.shop.post("/api/v1/admin/api-keys", &wish).by(by).expect(201).await.body;
        let token = made["secret"].as_str().unwrap().to_owned();
        (made["key"]["id"].as_str().unwrap().to_owned(), Person { token, email: String::new() })
    }

    /// The id of an account of this role.
    async fn somebody_new(&self, role: Role) -> String {
        let person = self.shop.staff(role).await;
        let me = self.shop.get("/api/v1/me").by(&person).expect(200).await.body;
        me["id"].as_str().unwrap().to_owned()
    }

    /// An order whose cash is due.
    async fn delivered(&self, object: Object) -> String {
        let id = self.order(&self.somebody, object, "cash_on_delivery").await;
        for to in ["packed", "shipped", "delivered"] {
            let path = format!("/api/v1/admin/orders/{id}/advance");
            let step = self
                .shop
                .post(path, &json!({ "to": to }))
                .by(&self.owner)
                .key(&format!("{to}-{id}"));
            if object != Object::Missing {
                step.expect(200).await;
            }
        }
        id
    }

    fn ask(&self, method: &Method, wish: &Wish) -> Ask<'_> {
        let ask = self.shop.ask(method.clone(), &wish.path);
        let placing = wish.path == "/api/v1/orders";
        let ask = if placing { ask } else { ask.key(&format!("k-{}", self.next())) };
        if wish.body.is_null() { ask } else { ask.json(&wish.body) }
    }
}

/// What an answer says, without what differs from one request to the next.
fn said(answer: &Answer) -> (u16, Value) {
    let mut body = answer.body.clone();
    if let Some(body) = body.as_object_mut() {
        body.remove("instance");
    }
    (answer.status.as_u16(), body)
}

store::on_both_engines! { TABLES;
    async fn a_key_may_what_its_scopes_say(db: TestDb) {
        let stage = Stage::set(db).await;
        let buyer = stage.somebody.clone();
        let every = || Permission::ALL.iter().copied().filter(|it| it.is_for_keys());
        for (path, method) in crate::document::operations_of_the_document() {
            let what = format!("{method} {path}");
            let row = row(&method, &path).unwrap_or_else(|| panic!("{what} has no row"));
            let (with, without): (Vec<_>, Vec<_>) =
                every().partition(|scope| row.of == For::Staff(*scope));
            let words = |scopes: Vec<Permission>| {
                scopes.into_iter().map(Permission::as_str).collect::<Vec<_>>()
            };
            let (without, with) = (words(without), words(with));
            let wish = stage.wish(&method, &path, &buyer, Object::Own).await;
            let (_, key) = stage.key(&stage.owner, &without).await;
            let answer = stage.ask(&method, &wish).by(&key).send().await;
            let told = (answer.status.as_u16(), answer.code());
            match row.of {
                For::Anybody => {}
                // A key is nobody's session.
                For::Owner => assert_eq!(told, (401, "token-invalid"), "{what}"),
                For::Staff(_) => assert_eq!(told, (403, "forbidden"), "{what}"),
            }
            if !with.is_empty() {
                let (_, key) = stage.key(&stage.owner, &with).await;
                let wish = stage.wish(&method, &path, &buyer, Object::Own).await;
                let answer = stage.ask(&method, &wish).by(&key).send().await;
                assert_eq!(answer.status.as_u16(), row.done, "{what}: {}", answer.text);
            }
        }
    }

    async fn everybody_gets_what_the_table_says(db: TestDb) {
        let stage = Stage::set(db).await;
        let mut asked = 0;
        for (path, method) in crate::document::operations_of_the_document() {
            let what = format!("{method} {path}");
            let row = row(&method, &path).unwrap_or_else(|| panic!("{what} has no row"));
            for (role, person) in &stage.people {
                let mut not_there = Vec::new();
                for object in row.objects {
                    let wish = stage.wish(&method, &path, person, *object).await;
                    let nobody = stage.ask(&method, &wish).send().await;
                    let wish = match row.of {
                        For::Anybody => stage.wish(&method, &path, person, *object).await,
                        _ => wish,
                    };
                    // Signing out is asked by a session of its own.
                    let all = method == Method::DELETE && path.ends_with("/sessions");
                    let out = all || path.ends_with("/sessions/current");
                    let person = match (out, role) {
                        (true, Role::Customer) if all => stage.shop.person().await,
                        (true, Role::Customer) => stage.shop.again(person).await,
                        (true, role) => stage.shop.staff_with_app(*role).await.0,
                        _ => person.clone(),
                    };
                    let answer = stage.ask(&method, &wish).by(&person).send().await;
                    let what = format!("{what} by {role:?} on {object:?}: {}", answer.text);
                    asked += 2;
                    if row.of == For::Anybody {
                        assert_eq!(nobody.status, answer.status, "{what}");
                    } else {
                        let none = (nobody.status.as_u16(), nobody.code());
                        assert_eq!(none, (401, "unauthorized"), "{what}");
                    }
                    let may = match row.of {
                        For::Anybody | For::Owner => true,
                        For::Staff(permission) => role.may(permission),
                    };
                    if !may {
                        assert_eq!((answer.status.as_u16(), answer.code()), (403, "forbidden"), "{what}");
                    } else if row.done == 0 {
                        let status = answer.status.as_u16();
                        assert!(!matches!(status, 401 | 403 | 500..), "{what}");
                    } else if *object == Object::Own {
                        assert_eq!(answer.status.as_u16(), row.done, "{what}");
                    } else {
                        assert_eq!(answer.status.as_u16(), 404, "{what}");
                        not_there.push(said(&answer));
                    }
                }
                not_there.dedup();
                assert!(not_there.len() <= 1, "{what}: foreign and missing differ: {not_there:?}");
            }
        }
        assert!(asked > 300, "{asked} askings");
    }
}
