//! The people of the shop: asked to join, made something else, shut out.

use http::Method;
use identity::Role;
use kernel::SignedDuration;
use serde_json::{Value, json};

use crate::shop::{PASSWORD, Person, TABLES, TestShop};

const PEOPLE: &str = "/api/v1/admin/people";
const INVITATIONS: &str = "/api/v1/admin/invitations";
const ACCEPT: &str = "/api/v1/invitations/accept";

async fn invite(shop: &TestShop, by: &Person, login: &str, role: &str) -> String {
    let wish = json!({ "login": login, "role": role });
    let made = shop.post(INVITATIONS, &wish).by(by).expect(201).await.body;
    made["token"].as_str().unwrap().to_owned()
}

fn accepted(token: &str) -> Value {
    json!({ "token": token, "name": "Grace", "password": PASSWORD })
}

async fn id(shop: &TestShop, person: &Person) -> String {
    let me = shop.get("/api/v1/me").by(person).expect(200).await.body;
    me["id"].as_str().unwrap().to_owned()
}

store::on_both_engines! { TABLES;
    async fn an_invitation_makes_a_member_once(db: TestDb) {
        let shop = TestShop::open_strict(db).await;
        let (owner, _) = shop.staff_with_app(Role::Owner).await;
        let old = invite(&shop, &owner, "Grace@Example.org", "support").await;
        let token = invite(&shop, &owner, "grace@example.org", "manager").await;
        let dump = format!("{:?}", shop.db.dump().await.unwrap());
        assert!(!dump.contains(&token), "the token is kept");
        let open = shop.get(INVITATIONS).by(&owner).expect(200).await.body;
        assert_eq!(open["items"].as_array().unwrap().len(), 1);
        // The one before it is over.
        shop.post(ACCEPT, &accepted(&old)).refused(410, "invitation-over").await;
        shop.post(ACCEPT, &json!({ "token": token })).refused(422, "invitation-needs-an-account").await;
        let short = json!({ "token": token, "name": "Grace", "password": "short" });
        shop.post(ACCEPT, &short).refused(422, "password-too-short").await;
        let more = json!({ "token": token, "name": "G", "password": PASSWORD, "role": "owner" });
        shop.post(ACCEPT, &more).refused(422, "validation").await;
        let made = shop.post(ACCEPT, &accepted(&token)).expect(200).await.body;
        assert_eq!((&made["role"], &made["email"]), (&json!("manager"), &json!("grace@example.org")));
        shop.post(ACCEPT, &accepted(&token)).refused(410, "invitation-over").await;
        let grace = Person { token: String::new(), email: "grace@example.org".into() };
        let grace = shop.again(&grace).await;
        shop.get(PEOPLE).by(&grace).refused(403, "second-factor-setup-required").await;
        shop.set_up_app(&grace).await;
        let all = shop.get(PEOPLE).by(&grace).expect(200).await.body;
        assert_eq!(all["items"].as_array().unwrap().len(), 2);
        let again = json!({ "login": "grace@example.org", "role": "support" });
        shop.post(INVITATIONS, &again).by(&owner).refused(409, "already-staff").await;
    }

    async fn an_invited_account_accepts_itself(db: TestDb) {
        let shop = TestShop::open_strict(db).await;
        let (owner, _) = shop.staff_with_app(Role::Owner).await;
        let ada = shop.buyer().await;
        let eve = shop.buyer().await;
        let token = invite(&shop, &owner, &ada.email, "warehouse").await;
        // Who found the token is not who was invited.
        for ask in [shop.post(ACCEPT, &accepted(&token)), shop.post(ACCEPT, &json!({ "token": token })).by(&eve)] {
            ask.refused(403, "invitation-for-an-account").await;
        }
        let made = shop.post(ACCEPT, &json!({ "token": token })).by(&ada).expect(200).await.body;
        assert_eq!(made["role"], "warehouse");
        // The session of the customer they were is over.
        shop.clock.advance(SignedDuration::from_secs(2));
        shop.get("/api/v1/me").by(&ada).refused(401, "token-invalid").await;
    }

    async fn an_invitation_ends(db: TestDb) {
        let shop = TestShop::open_strict(db).await;
        let (owner, _) = shop.staff_with_app(Role::Owner).await;
        let (manager, _) = shop.staff_with_app(Role::Manager).await;
        let above = json!({ "login": "x@example.org", "role": "owner" });
        shop.post(INVITATIONS, &above).by(&manager).refused(403, "more-than-yours").await;
        let none = json!({ "login": "x@example.org", "role": "customer" });
        shop.post(INVITATIONS, &none).by(&owner).refused(403, "more-than-yours").await;
        for login in ["grace", "not an address", "+1", ""] {
            let wish = json!({ "login": login, "role": "support" });
            shop.post(INVITATIONS, &wish).by(&owner).refused(422, "login-invalid").await;
        }
        let late = invite(&shop, &owner, "late@example.org", "support").await;
        let taken = invite(&shop, &owner, "taken@example.org", "support").await;
        let lost = invite(&shop, &manager, "lost@example.org", "manager").await;
        let open = shop.get(INVITATIONS).by(&owner).expect(200).await.body;
        let taken_id = open["items"].as_array().unwrap().iter()
            .find(|it| it["login"] == "taken@example.org").unwrap()["id"].clone();
        let path = format!("{INVITATIONS}/{}", taken_id.as_str().unwrap());
        shop.delete(&path).by(&owner).expect(204).await;
        shop.delete(&path).by(&owner).refused(404, "not-found").await;
        shop.post(ACCEPT, &accepted(&taken)).refused(410, "invitation-over").await;
        // What was promised by somebody who may no longer promise it.
        shop.make_role(&manager, Role::Support).await;
        shop.post(ACCEPT, &accepted(&lost)).refused(403, "more-than-yours").await;
        shop.clock.advance(SignedDuration::from_hours(7 * 24));
        shop.post(ACCEPT, &accepted(&late)).refused(410, "invitation-over").await;
    }

    async fn who_loses_a_role_is_out_at_once(db: TestDb) {
        let shop = TestShop::open_strict(db).await;
        let (owner, _) = shop.staff_with_app(Role::Owner).await;
        let (packer, _) = shop.staff_with_app(Role::Warehouse).await;
        let path = format!("{PEOPLE}/{}", id(&shop, &packer).await);
        shop.patch(&path, &json!({ "role": "support" })).by(&owner).expect(204).await;
        shop.clock.advance(SignedDuration::from_secs(1));
        shop.get("/api/v1/me").by(&packer).refused(401, "token-invalid").await;
        shop.ask(Method::POST, format!("{path}/disable")).by(&owner).expect(200).await;
        let form = json!({ "login": packer.email, "password": PASSWORD });
        shop.post("/api/v1/sessions", &form).refused(401, "login-failed").await;
        shop.ask(Method::POST, format!("{path}/enable")).by(&owner).expect(200).await;
        shop.first_step(&packer).await;
        // Somebody lost their telephone.
        let reset = shop.ask(Method::POST, format!("{path}/reset-second-factor")).by(&owner);
        assert_eq!(reset.expect(200).await.body["second_factor"], json!([]));
        shop.again(&packer).await;
        shop.patch(&path, &json!({ "role": "root" })).by(&owner).refused(422, "validation").await;
        // Customers are not made staff here.
        let buyer = shop.buyer().await;
        let path = format!("{PEOPLE}/{}", id(&shop, &buyer).await);
        shop.patch(&path, &json!({ "role": "owner" })).by(&owner).refused(404, "not-found").await;
    }

    async fn the_last_owner_stays(db: TestDb) {
        let shop = TestShop::open_strict(db).await;
        let (owner, _) = shop.staff_with_app(Role::Owner).await;
        let mine = format!("{PEOPLE}/{}", id(&shop, &owner).await);
        let demote = || shop.patch(&mine, &json!({ "role": "manager" })).by(&owner);
        demote().refused(409, "last-owner").await;
        shop.ask(Method::POST, format!("{mine}/disable")).by(&owner).refused(409, "last-owner").await;
        // One who is shut out does not count.
        let (other, _) = shop.staff_with_app(Role::Owner).await;
        let others = format!("{PEOPLE}/{}", id(&shop, &other).await);
        shop.ask(Method::POST, format!("{others}/disable")).by(&owner).expect(200).await;
        demote().refused(409, "last-owner").await;
        shop.ask(Method::POST, format!("{others}/enable")).by(&owner).expect(200).await;
        demote().expect(204).await;
    }

    async fn two_owners_cannot_leave_at_once(db: TestDb) {
        let shop = TestShop::open_strict(db).await;
        for _ in 0..6 {
            let (one, _) = shop.staff_with_app(Role::Owner).await;
            let (two, _) = shop.staff_with_app(Role::Owner).await;
            let (a, b) = (id(&shop, &one).await, id(&shop, &two).await);
            let leave = |who: String, ends: bool| {
                let (db, env) = (shop.shop.db.clone(), shop.shop.env.clone());
                let of = kernel::AccountId(who.parse().unwrap());
                tokio::spawn(async move {
                    db.write(move |tx| {
                        if ends {
                            identity::people::disable(tx, &env, of, of)
                        } else {
                            identity::people::change_role(tx, &env, of, of, Role::Support)
                        }
                    })
                    .await
                    .is_ok()
                })
            };
            let (first, second) = (leave(a.clone(), true), leave(b.clone(), false));
            let left = [first.await.unwrap(), second.await.unwrap()];
            assert_eq!(left.iter().filter(|it| **it).count(), 1, "{left:?}");
            // For the next round nobody is an owner.
            shop.db.raw("update accounts set role = 'support'").await.unwrap();
        }
    }
}
