//! Who asks, and what there is to be asked about.

use http::Method;
use identity::Role;
use serde_json::{Value, json};

use super::{NOTHING, Object, Wish};
use crate::shop::{Ask, Person, TestShop, address, product};

pub(super) struct Stage {
    pub(super) shop: TestShop,
    /// One of each role.
    pub(super) people: Vec<(Role, Person)>,
    pub(super) somebody: Person,
    pub(super) owner: Person,
    pub(super) variant: String,
    /// What the buyers have in their carts.
    pub(super) in_carts: String,
    pub(super) number: std::cell::Cell<u32>,
}

impl Stage {
    pub(super) async fn set(db: store::testing::TestDb) -> Self {
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

    pub(super) fn next(&self) -> u32 {
        self.number.set(self.number.get() + 1);
        self.number.get()
    }

    /// An order: of the caller's where they ask for their own, of a buyer's for staff.
    pub(super) async fn order(&self, caller: &Person, object: Object, method: &str) -> String {
        let whose = match object {
            Object::Own => caller,
            Object::Foreign => &self.somebody,
            Object::Missing => return NOTHING.to_owned(),
        };
        let order = self.shop.order(whose, &self.variant, method).await;
        order["id"].as_str().unwrap().to_owned()
    }

    pub(super) async fn address(&self, whose: &Person) -> Value {
        let kept = self.shop.get("/api/v1/me/addresses").by(whose).expect(200).await;
        kept.body["items"][0]["id"].clone()
    }

    pub(super) async fn fill_cart(&self, whose: &Person) {
        let line = json!({ "variant_id": self.in_carts, "quantity": 1 });
        self.shop.post("/api/v1/cart/lines", &line).by(whose).expect(200).await;
    }

    /// A wish that can be granted, made anew for each asking.
    pub(super) async fn wish(
        &self,
        method: &Method,
        path: &str,
        caller: &Person,
        object: Object,
    ) -> Wish {
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
    pub(super) async fn key(&self, by: &Person, scopes: &[&str]) -> (String, Person) {
        let wish = json!({ "name": "for tests", "scopes": scopes });
        let made = self.shop.post("/api/v1/admin/api-keys", &wish).by(by).expect(201).await.body;
        let token = made["secret"].as_str().unwrap().to_owned();
        (made["key"]["id"].as_str().unwrap().to_owned(), Person { token, email: String::new() })
    }

    /// The id of an account of this role.
    pub(super) async fn somebody_new(&self, role: Role) -> String {
        let person = self.shop.staff(role).await;
        let me = self.shop.get("/api/v1/me").by(&person).expect(200).await.body;
        me["id"].as_str().unwrap().to_owned()
    }

    /// An order whose cash is due.
    pub(super) async fn delivered(&self, object: Object) -> String {
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

    pub(super) fn ask(&self, method: &Method, wish: &Wish) -> Ask<'_> {
        let ask = self.shop.ask(method.clone(), &wish.path);
        let placing = wish.path == "/api/v1/orders";
        let ask = if placing { ask } else { ask.key(&format!("k-{}", self.next())) };
        if wish.body.is_null() { ask } else { ask.json(&wish.body) }
    }
}
