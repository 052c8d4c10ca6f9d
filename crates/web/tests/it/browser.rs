//! A browser as far as the pages need one: it keeps cookies, sends forms, and follows when told.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;

use axum::body::Body;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use crate::shop::TestShop;

pub struct Browser<'a> {
    shop: &'a TestShop,
    cookies: Mutex<BTreeMap<String, String>>,
}

/// A page as it came.
#[derive(Debug)]
pub struct Page {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub html: String,
}

impl Page {
    /// Where it sends the browser.
    pub fn leads_to(&self) -> String {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{self:?}");
        self.headers[header::LOCATION].to_str().unwrap().to_owned()
    }

    /// Fails with the whole page when it does not say so.
    pub fn says(&self, words: &str) -> &Self {
        assert!(self.html.contains(words), "{words:?} is not in {}", self.html);
        self
    }

    pub fn does_not_say(&self, words: &str) -> &Self {
        assert!(!self.html.contains(words), "{words:?} is in {}", self.html);
        self
    }

    /// The value of a hidden field.
    pub fn field(&self, name: &str) -> String {
        let start = format!(r#"name="{name}" value=""#);
        let rest = self.html.split_once(&start).unwrap_or_else(|| panic!("no {name} in {self:?}"));
        rest.1.split('"').next().unwrap().replace("&#38;", "&")
    }
}

impl<'a> Browser<'a> {
    pub fn new(shop: &'a TestShop) -> Self {
        Self { shop, cookies: Mutex::default() }
    }

    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap().get(name).cloned()
    }

    pub async fn get(&self, path: &str) -> Page {
        self.send(Method::GET, path, "same-origin", Body::empty()).await
    }

    /// The page, which must be there.
    pub async fn see(&self, path: &str) -> Page {
        let page = self.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {page:?}");
        page
    }

    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.post_from("same-origin", path, fields).await
    }

    /// A form that was sent from a page of `site`.
    pub async fn post_from(&self, site: &str, path: &str, fields: &[(&str, &str)]) -> Page {
        let form = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
        let form: Vec<String> = form.collect();
        self.send(Method::POST, path, site, Body::from(form.join("&"))).await
    }

    async fn send(&self, method: Method, path: &str, site: &str, body: Body) -> Page {
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().unwrap();
        let headers = request.headers_mut();
        headers.insert("host", HeaderValue::from_static("127.0.0.1:9"));
        headers.insert("sec-fetch-site", site.parse().unwrap());
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        );
        let cookies = self.cookies.lock().unwrap().clone();
        let cookies: Vec<String> = cookies.iter().map(|(k, v)| format!("{k}={v}")).collect();
        if !cookies.is_empty() {
            headers.insert(header::COOKIE, cookies.join("; ").parse().unwrap());
        }
        let answer = self.shop.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = answer.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        self.keep(&parts.headers);
        let html = String::from_utf8_lossy(&bytes).into_owned();
        let page = Page { status: parts.status, headers: parts.headers, html };
        look(path, &page);
        page
    }

    fn keep(&self, headers: &HeaderMap) {
        let mut cookies = self.cookies.lock().unwrap();
        for set in headers.get_all(header::SET_COOKIE) {
            let set = set.to_str().unwrap();
            let (name, rest) = set.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax"), "{set}");
            if set.contains("Max-Age=0;") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

/// What holds for every page.
fn look(path: &str, page: &Page) {
    assert!(page.headers.contains_key("x-request-id"), "{path}");
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    assert!(page.headers.contains_key(header::CACHE_CONTROL), "{path}");
    if !page.html.starts_with("<!doctype html>") {
        return;
    }
    for forbidden in ["<script", "style=\"", "onclick", "javascript:"] {
        assert!(!page.html.contains(forbidden), "{path} has {forbidden}: {}", page.html);
    }
    assert_eq!(page.html.matches("<h1").count(), 1, "{path}: {}", page.html);
    let mut ids: Vec<&str> = page.html.split(" id=\"").skip(1).collect();
    for id in &mut ids {
        *id = id.split('"').next().unwrap();
    }
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "{path} has an id twice: {}", page.html);
}

fn encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        let _ = write!(encoded, "%{byte:02x}");
    }
    encoded
}
