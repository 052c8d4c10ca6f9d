//! The one way out: an HTTP client with the same manners for every provider.
//!
//! `https`, or `http` to this very machine; certificates always checked; no redirects; no proxy
//! taken from the environment; a limit on time and on the size of the answer; nothing retried
//! here, because only the caller knows what may be sent twice.

use std::error::Error as _;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response, redirect};
use rustls::{ClientConfig, RootCertStore, crypto};
use rustls_platform_verifier::BuilderVerifierExt as _;
use url::{Host, Url};

use crate::error::{GatewayError, SetupError};
use crate::secret::Secret;

const CONNECT_WITHIN: Duration = Duration::from_secs(3);
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// A client of one provider.
pub(crate) struct HttpClient {
    inner: reqwest::Client,
    base: Url,
}

/// One request.
pub(crate) struct Call<'a> {
    pub method: Method,
    /// Below the base address; each segment is escaped.
    pub path: &'a [&'a str],
    pub query: &'a [(&'a str, &'a str)],
    pub bearer: &'a Secret,
    pub idempotency_key: Option<&'a str>,
    pub json: Option<Vec<u8>>,
    pub within: Duration,
}

/// A complete answer of any status.
pub(crate) struct Answer {
    pub status: u16,
    pub retry_after: Option<Duration>,
    pub body: Vec<u8>,
}

impl HttpClient {
    /// A client for the provider at `base`.
    pub fn new(base: &str) -> Result<Self, SetupError> {
        let bad = |why| SetupError::BadUrl { url: base.to_owned(), why };
        let base = Url::parse(base).map_err(|_| bad("it is not a URL"))?;
        check_address(&base).map_err(bad)?;
        if base.query().is_some() || base.fragment().is_some() {
            return Err(bad("it must end with the path"));
        }
        let inner = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(&base)?)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .connect_timeout(CONNECT_WITHIN)
            .user_agent(concat!("holdfast/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|e| SetupError::Tls(chain(&e)))?;
        Ok(Self { inner, base })
    }

    /// Sends `call` and reads the answer to its end.
    pub async fn send(&self, call: Call<'_>) -> Result<Answer, GatewayError> {
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(call.path);
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(call.query);
        }
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", call.bearer.reveal()))
            .map_err(|_| GatewayError::NotSent("the secret does not fit a header".to_owned()))?;
        bearer.set_sensitive(true);
        let mut request =
            self.inner.request(call.method, url).timeout(call.within).header(AUTHORIZATION, bearer);
        if let Some(key) = call.idempotency_key {
            request = request.header("Idempotency-Key", key);
        }
        if let Some(json) = call.json {
            request = request.header(CONTENT_TYPE, "application/json").body(json);
        }
        let response = request.send().await.map_err(sort)?;
        let status = response.status().as_u16();
        let retry_after = retry_after(&response);
        Ok(Answer { status, retry_after, body: read(response).await? })
    }
}

/// Whether we would send money talk, or a payer, to `url`; if not, why.
pub(crate) fn check_address(url: &Url) -> Result<(), &'static str> {
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it must not carry a user name or password");
    }
    match (url.scheme(), url.host()) {
        ("https", Some(_)) => Ok(()),
        ("http", Some(Host::Ipv4(ip))) if ip.is_loopback() => Ok(()),
        ("http", Some(Host::Ipv6(ip))) if ip.is_loopback() => Ok(()),
        ("http", _) => Err("plain http is for 127.0.0.1 and [::1] only; use https"),
        _ => Err("it must begin with https://"),
    }
}

/// TLS by rustls with ring. The system's root certificates are read only where they can be of
/// use, so that a shop with a local sandbox starts fast, also on a machine that has none.
fn tls(base: &Url) -> Result<ClientConfig, SetupError> {
    let failed = |e: rustls::Error| SetupError::Tls(e.to_string());
    let config = ClientConfig::builder_with_provider(crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .map_err(failed)?;
    Ok(if base.scheme() == "https" {
        config.with_platform_verifier().map_err(failed)?.with_no_client_auth()
    } else {
        config.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
    })
}

/// Before or after the request left: the difference between "try again" and "find out first".
fn sort(error: reqwest::Error) -> GatewayError {
    let error = error.without_url();
    if error.is_connect() || error.is_builder() {
        GatewayError::NotSent(chain(&error))
    } else {
        GatewayError::Unknown(chain(&error))
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, GatewayError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| {
        // The request has arrived: whatever breaks now leaves the outcome open.
        GatewayError::Unknown(chain(&e.without_url()))
    })? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(GatewayError::Unknown("the answer is longer than 1 MB".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Seconds only: the date form would need their clock to agree with ours.
fn retry_after(response: &Response) -> Option<Duration> {
    let value = response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    value.parse().ok().map(Duration::from_secs)
}

/// An error with its causes in one line.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_https_and_this_machine_only() {
        let good = [
            "https://api.example.com",
            "https://api.example.com/v3/",
            "http://127.0.0.1:8081",
            "http://127.9.9.9",
            "http://[::1]:8081",
        ];
        for url in good {
            assert_eq!(check_address(&url.parse().unwrap()), Ok(()), "{url}");
        }
        let bad = [
            "http://example.com",
            "http://localhost:8081",
            "http://10.0.0.1",
            "http://0.0.0.0",
            "http://127.0.0.1.example.com",
            "http://127.0.0.1@example.com",
            "https://user:pw@example.com",
            "ftp://127.0.0.1",
            "javascript:alert(1)",
            "file:///etc/passwd",
        ];
        for url in bad {
            assert!(check_address(&url.parse().unwrap()).is_err(), "{url}");
        }
    }

    #[test]
    fn a_base_address_that_cannot_be_used_is_refused_with_a_reason() {
        let reason = |url: &str| HttpClient::new(url).err().map(|e| e.to_string());
        let said = reason("http://example.com").unwrap();
        assert!(said.contains("127.0.0.1") && said.contains("http://example.com"), "{said}");
        assert!(reason("nonsense").unwrap().contains("not a URL"));
        assert!(reason("https://example.com/?a=b").unwrap().contains("end with the path"));
        assert_eq!(reason("http://127.0.0.1:1"), None);
    }
}
