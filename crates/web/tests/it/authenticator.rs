//! People with an authenticator app.

use http::Method;
use identity::Role;
use serde_json::{Value, json};

use crate::shop::{PASSWORD, Person, TestShop};

/// Somebody's authenticator app.
pub struct Authenticator {
    pub secret: Vec<u8>,
    pub recovery_codes: Vec<String>,
}

/// RFC 4648, 6.
fn base32(text: &str) -> Vec<u8> {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bit = |five: usize, at: usize| u8::from(five >> at & 1 == 1);
    let five = |c: char| letters.find(c).unwrap();
    let bits: Vec<u8> =
        text.chars().flat_map(|c| (0..5).rev().map(move |at| bit(five(c), at))).collect();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |all, bit| all << 1 | bit)).collect()
}

impl TestShop {
    /// Somebody new of this role, with an authenticator app; gives its secret too.
    pub async fn staff_with_app(&self, role: Role) -> (Person, Authenticator) {
        let person = self.staff(role).await;
        let app = self.set_up_app(&person).await;
        (person, app)
    }

    /// Sets an authenticator app up.
    pub async fn set_up_app(&self, person: &Person) -> Authenticator {
        let path = "/api/v1/me/second-factor/totp";
        let offered = self.ask(Method::POST, path).by(person).expect(201).await.body;
        let secret = base32(offered["secret"].as_str().unwrap());
        let mut app = Authenticator { secret, recovery_codes: Vec::new() };
        let code = json!({ "code": self.shown(&app) });
        let confirm = self.post(format!("{path}/confirm"), &code).by(person);
        let codes = confirm.expect(200).await.body["recovery_codes"].clone();
        app.recovery_codes = serde_json::from_value(codes).unwrap();
        app
    }

    /// What the app shows now.
    pub fn shown(&self, app: &Authenticator) -> String {
        identity::totp_now(&app.secret, self.shop.env.now())
    }

    /// The first step of somebody's sign-in; gives what the second names it by.
    pub async fn first_step(&self, person: &Person) -> Value {
        let form = json!({ "login": person.email, "password": PASSWORD });
        self.post("/api/v1/sessions", &form).expect(202).await.body["login_id"].clone()
    }
}
