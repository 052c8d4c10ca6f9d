//! Every operation of the API, by everybody, on what is theirs, somebody else's and not there.
//! The operations are those of the document: one without a row here fails.

mod stage;

use http::Method;
use identity::{Permission, Role};
use serde_json::Value;

use crate::shop::{Answer, TABLES};
use stage::Stage;

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
