//! The shop's published contract, as far as a customer and an owner need it here.

use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::{Method, Request, StatusCode};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cli::Payment;
use crate::client::{Answer, Call, Connection};

static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
static JSON: HeaderValue = HeaderValue::from_static("application/json");
static SHOP: HeaderValue = HeaderValue::from_static("localhost");

/// `Authorization: Bearer …`, ready made.
#[derive(Clone, Debug)]
pub struct Token(HeaderValue);

impl Token {
    /// From the token text of a session.
    pub fn new(text: &str) -> anyhow::Result<Self> {
        let mut value = HeaderValue::from_str(&format!("Bearer {text}"))
            .context("the token does not fit into a header")?;
        value.set_sensitive(true);
        Ok(Self(value))
    }

    /// As it stands in the header.
    pub fn value(&self) -> &HeaderValue {
        &self.0
    }
}

/// A request with a JSON body, or none when the body is empty.
pub fn call(method: Method, path: &str, token: Option<&Token>, body: Bytes) -> Call {
    let has_body = !body.is_empty();
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    // Paths are made here from ids and slugs the shop gave; one that does not parse is a broken
    // contract and is answered 404 by the shop, where it is counted.
    *request.uri_mut() = path.parse().unwrap_or_default();
    let headers = request.headers_mut();
    headers.insert(HOST, SHOP.clone());
    if let Some(Token(value)) = token {
        headers.insert(AUTHORIZATION, value.clone());
    }
    if has_body {
        headers.insert(CONTENT_TYPE, JSON.clone());
    }
    request
}

/// A GET.
pub fn get(path: &str, token: Option<&Token>) -> Call {
    call(Method::GET, path, token, Bytes::new())
}

/// A POST of JSON.
pub fn post(path: &str, token: &Token, body: &impl Serialize) -> Call {
    call(Method::POST, path, Some(token), encoded(body))
}

/// JSON bytes of a value that always has some.
pub fn encoded(body: &impl Serialize) -> Bytes {
    // Only maps with keys that are not text fail here; the bodies of this file have none.
    Bytes::from(serde_json::to_vec(body).unwrap_or_default())
}

/// The same call with an `Idempotency-Key`.
pub fn with_key(mut call: Call, key: u128) -> Call {
    if let Ok(value) = HeaderValue::from_str(&format!("{key:032x}")) {
        call.headers_mut().insert(IDEMPOTENCY_KEY.clone(), value);
    }
    call
}

/// The path of an order.
pub fn order_path(id: Uuid) -> String {
    format!("/api/v1/orders/{id}")
}

/// The path of a product page.
pub fn product_path(slug: &str) -> String {
    format!("/api/v1/products/{slug}")
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(tag = "source", rename_all = "snake_case")]
pub enum QuoteFor {
    Cart { address_id: Uuid },
    BuyNow { variant_id: Uuid, quantity: u32, address_id: Uuid },
}

/// `POST /checkout/quote`.
pub fn quote(token: &Token, of: QuoteFor) -> Call {
    post("/api/v1/checkout/quote", token, &of)
}

/// `POST /orders`.
pub fn place(token: &Token, quote: &str, payment: Payment) -> Call {
    #[derive(Serialize)]
    struct Body<'a> {
        quote: &'a str,
        payment_method: &'a str,
    }
    post("/api/v1/orders", token, &Body { quote, payment_method: payment.name() })
}

/// `POST /cart/lines`.
pub fn add_to_cart(token: &Token, variant_id: Uuid, quantity: u32) -> Call {
    #[derive(Serialize)]
    struct Body {
        variant_id: Uuid,
        quantity: u32,
    }
    post("/api/v1/cart/lines", token, &Body { variant_id, quantity })
}

/// `PATCH /cart/lines/{variant_id}`.
pub fn change_cart(token: &Token, variant_id: Uuid, change: i32) -> Call {
    let path = format!("/api/v1/cart/lines/{variant_id}");
    call(Method::PATCH, &path, Some(token), encoded(&json!({ "change": change })))
}

/// `DELETE /cart`.
pub fn clear_cart(token: &Token) -> Call {
    call(Method::DELETE, "/api/v1/cart", Some(token), Bytes::new())
}

/// What of a quote is needed to order it.
#[derive(Debug, Deserialize)]
pub struct Quote {
    pub token: String,
    pub total: Money,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Money {
    pub minor: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Order {
    pub id: Uuid,
    pub number: String,
    pub state: String,
    pub total: Money,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Product {
    pub slug: String,
    pub variants: Vec<Variant>,
}

#[derive(Clone, Debug, Deserialize)]
pub struct Variant {
    pub id: Uuid,
    pub available: i64,
}

#[derive(Debug, Deserialize)]
pub struct ProductPage {
    pub items: Vec<IgnoredAny>,
    pub next_cursor: Option<String>,
}

/// The code of a problem answer: the last part of its `type`.
pub fn problem_code(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Problem {
        r#type: String,
    }
    let problem: Problem = serde_json::from_slice(body).ok()?;
    problem.r#type.rsplit('/').next().map(str::to_owned)
}

/// One line that says all there is to know about an unexpected answer.
pub fn in_full(what: &str, answer: &Answer) -> String {
    let id = answer.request_id.as_ref().and_then(|id| id.to_str().ok()).unwrap_or("none");
    let body = String::from_utf8_lossy(&answer.body);
    let shown: String = body.chars().take(800).collect();
    format!("{what}: {} (request id {id}) {shown}", answer.status)
}

/// Whoever is turned away with 503 comes back so often before giving up.
pub const COMEBACKS_MAX: u32 = 20;
/// And waits no longer than this, whatever `Retry-After` says: a test has an end.
const RETRY_WAIT_MAX: Duration = Duration::from_secs(5);

/// Waits as long as a busy shop says before it is asked again, but not for ever.
pub async fn until_told(seconds: Option<u64>) {
    let wait = Duration::from_secs(seconds.unwrap_or(1)).min(RETRY_WAIT_MAX);
    tokio::time::sleep(wait).await;
}

/// Sends and reads an answer that must have this status; used where nothing is measured. Whoever
/// is told to come back later does.
pub async fn expect<T: DeserializeOwned>(
    connection: &mut Connection,
    what: &str,
    call: Call,
    status: StatusCode,
) -> anyhow::Result<T> {
    let mut answer = connection.send(call.clone()).await.with_context(|| what.to_owned())?;
    for _ in 0..COMEBACKS_MAX {
        if answer.status != StatusCode::SERVICE_UNAVAILABLE {
            break;
        }
        until_told(answer.retry_after).await;
        answer = connection.send(call.clone()).await.with_context(|| what.to_owned())?;
    }
    if answer.status != status {
        bail!("{}", in_full(what, &answer));
    }
    serde_json::from_slice(&answer.body)
        .with_context(|| in_full(&format!("{what}: the answer is not what was agreed"), &answer))
}

#[derive(Deserialize)]
struct SessionAnswer {
    token: String,
}

/// Logs in.
pub async fn log_in(
    connection: &mut Connection,
    login: &str,
    password: &str,
) -> anyhow::Result<Token> {
    let body = encoded(&json!({ "login": login, "password": password }));
    let call = call(Method::POST, "/api/v1/sessions", None, body);
    let what = format!("logging in as {login}");
    let session: SessionAnswer = expect(connection, &what, call, StatusCode::CREATED).await?;
    Token::new(&session.token)
}

/// A new customer with an address.
pub async fn register(
    connection: &mut Connection,
    email: &str,
    password: &str,
) -> anyhow::Result<(Token, Uuid)> {
    #[derive(Deserialize)]
    struct Address {
        id: Uuid,
    }
    let body = encoded(&json!({ "login": email, "password": password, "name": "Load Buyer" }));
    let call = call(Method::POST, "/api/v1/accounts", None, body);
    let session: SessionAnswer =
        expect(connection, "registering an account", call, StatusCode::CREATED).await?;
    let token = Token::new(&session.token)?;
    let address: Value = json!({
        "name": "Load Buyer", "line1": "1 Long Street", "city": "Berlin",
        "postcode": "10115", "country": "DE", "default": true,
    });
    let call = post("/api/v1/me/addresses", &token, &address);
    let address: Address =
        expect(connection, "saving an address", call, StatusCode::CREATED).await?;
    Ok((token, address.id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_named_by_its_type() {
        let body = br#"{"type":"/problems/out-of-stock","title":"t","status":409}"#;
        assert_eq!(problem_code(body).as_deref(), Some("out-of-stock"));
        assert_eq!(problem_code(b"oops"), None);
    }

    #[test]
    fn bodies_are_those_of_the_contract() {
        let id = Uuid::from_u128(7);
        let text = |body: &QuoteFor| String::from_utf8(encoded(body).to_vec()).unwrap();
        assert_eq!(
            text(&QuoteFor::BuyNow { variant_id: id, quantity: 1, address_id: id }),
            format!(
                r#"{{"source":"buy_now","variant_id":"{id}","quantity":1,"address_id":"{id}"}}"#
            )
        );
        assert_eq!(
            text(&QuoteFor::Cart { address_id: id }),
            format!(r#"{{"source":"cart","address_id":"{id}"}}"#)
        );
    }

    #[test]
    fn a_token_is_not_shown_by_debug() {
        let token = Token::new("very-secret").unwrap();
        assert!(!format!("{token:?}").contains("secret"));
        assert!(Token::new("two\nlines").is_err());
    }
}
