//! A request, and the answer that has been looked at.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use kernel::Uuid;
use serde_json::Value;
use tower::ServiceExt as _;

use super::{Person, TestShop};
use crate::shape;

/// An answer that has been looked at.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Value,
    pub text: String,
}

pub struct Ask<'a> {
    pub(super) shop: &'a TestShop,
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

impl Ask<'_> {
    pub fn by(self, person: &Person) -> Self {
        let bearer = format!("Bearer {}", person.token);
        self.header("authorization", &bearer)
    }

    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
        self.headers.append(HeaderName::from_static(name), value);
        self
    }

    pub fn without(mut self, name: &'static str) -> Self {
        self.headers.remove(HeaderName::from_static(name));
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.bytes(serde_json::to_vec(body).unwrap())
    }

    /// A body as it is, said to be JSON.
    pub fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header("content-type", "application/json")
    }

    async fn sent(self) -> Answer {
        let mut request = Request::new(Body::from(self.body));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.path.parse().unwrap();
        *request.headers_mut() = self.headers;
        let answer = self.shop.router.clone().oneshot(request).await.unwrap();
        read(answer).await
    }

    /// Sends, and takes any answer: gateways are answered in words of their own.
    pub async fn look_away(self) -> (StatusCode, String) {
        let answer = self.sent().await;
        (answer.status, answer.text)
    }

    /// Sends, for what stands in the head only: pages are not for programs.
    pub async fn look_at_head(self) -> Answer {
        self.sent().await
    }

    pub async fn send(self) -> Answer {
        let (shop, method, path) = (self.shop, self.method.clone(), self.path.clone());
        let answer = self.sent().await;
        look(&answer, &path);
        if method != Method::HEAD {
            shape::check(&shop.document, &method, &path, &answer);
        }
        answer
    }

    /// Sends, and fails with the whole answer when it is another.
    pub async fn expect(self, status: u16) -> Answer {
        let what = format!("{} {}", self.method, self.path);
        let answer = self.send().await;
        assert_eq!(answer.status.as_u16(), status, "{what}: {}", answer.text);
        answer
    }

    /// Sends, and expects this problem.
    pub async fn refused(self, status: u16, code: &str) -> Answer {
        let what = format!("{} {}", self.method, self.path);
        let answer = self.send().await;
        let got = (answer.status.as_u16(), answer.code());
        assert_eq!(got, (status, code), "{what}: {}", answer.text);
        answer
    }
}

impl Answer {
    /// The code of a problem; empty for what is none.
    pub fn code(&self) -> &str {
        let kind = self.body["type"].as_str().unwrap_or_default();
        kind.strip_prefix("/problems/").unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

async fn read(answer: Response) -> Answer {
    let (parts, body) = answer.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    Answer { status: parts.status, headers: parts.headers, body, text }
}

/// What is true of every answer.
fn look(answer: &Answer, path: &str) {
    let id: Uuid = answer.header("x-request-id").parse().expect("a request id");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(!answer.header("referrer-policy").is_empty(), "{path}");
    let policy = answer.header("content-security-policy");
    assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
    let status = answer.status;
    if !answer.text.is_empty() {
        assert!(answer.headers.contains_key(header::CONTENT_TYPE), "{path}");
    }
    if status.is_client_error() || status.is_server_error() {
        let kind = answer.header("content-type");
        assert!(kind.starts_with("application/problem+json"), "{path}: {kind} {}", answer.text);
        let known = web::problem::catalogue();
        let known = known.iter().find(|(code, ..)| *code == answer.code());
        let (_, listed, _) = known.unwrap_or_else(|| panic!("{} is not listed", answer.text));
        assert_eq!(*listed, status.as_u16(), "{}", answer.text);
        assert_eq!(answer.body["status"], status.as_u16());
        assert_eq!(answer.body["instance"], format!("urn:uuid:{id}"));
        for member in ["title", "detail"] {
            assert!(answer.body[member].as_str().is_some_and(|it| !it.is_empty()), "{member}");
        }
        assert_eq!(answer.header("cache-control"), "no-store");
        let asks = answer.headers.contains_key(header::WWW_AUTHENTICATE);
        assert_eq!(asks, status == StatusCode::UNAUTHORIZED);
    }
}
