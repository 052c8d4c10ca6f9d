//! The one way out: an HTTP client with the same manners for every provider.
//!
//! `https`, or `http` to this very machine; certificates always checked; no redirects; no proxy
//! taken from the environment; a limit on time and on the size of the answer; nothing retried
//! here, because only the caller knows what may be sent twice.

use std::error::Error as _;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::fmt::rfc2822::DateTimeParser;
use kernel::{SignedDuration, Timestamp};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderValue, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Response, redirect};
use rustls::{ClientConfig, RootCertStore, crypto};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;
use url::{Host, Url};

use crate::breaker::Breaker;
use crate::error::{GatewayError, SetupError};
use crate::secret::Secret;

const CONNECT_WITHIN: Duration = Duration::from_secs(3);
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// A bill of a busy day is longer than an answer.
const FILE_BYTES_MAX: usize = 32 * 1024 * 1024;

/// Calls that one provider gets at one time: a storm of ours must not become one of theirs.
const CALLS_AT_ONCE: usize = 128;
/// A call waits for its turn this part of its time, and is not sent after that.
const WAITS_A: u32 = 4;

/// A client of one provider.
pub(crate) struct HttpClient {
    inner: reqwest::Client,
    base: Url,
    turns: Semaphore,
    breaker: Breaker,
}

/// One request.
pub(crate) struct Call<'a> {
    pub method: Method,
    /// Below the base address; each segment is escaped.
    pub path: &'a [&'a str],
    /// Escaped the way forms are.
    pub query: &'a [(&'a str, &'a str)],
    pub auth: Auth<'a>,
    pub headers: &'a [(&'static str, &'a str)],
    pub body: Body,
    pub within: Duration,
}

/// How we say who we are.
#[derive(Clone, Copy)]
pub(crate) enum Auth<'a> {
    /// Not in a header.
    None,
    Bearer(&'a Secret),
    /// A name and a secret.
    Basic(&'a str, &'a Secret),
}

pub(crate) enum Body {
    None,
    Json(Vec<u8>),
    /// Escaped already.
    Form(String),
}

impl<'a> Call<'a> {
    /// A `GET` of `path`.
    pub fn get(path: &'a [&'a str], auth: Auth<'a>, within: Duration) -> Self {
        let (query, headers, body) = (&[][..], &[][..], Body::None);
        Self { method: Method::GET, path, query, auth, headers, body, within }
    }

    /// A `POST` to `path`.
    pub fn post(path: &'a [&'a str], auth: Auth<'a>, body: Body, within: Duration) -> Self {
        Self { method: Method::POST, body, ..Self::get(path, auth, within) }
    }
}

impl Auth<'_> {
    fn header(self) -> Result<Option<HeaderValue>, GatewayError> {
        let text = match self {
            Self::None => return Ok(None),
            Self::Bearer(secret) => format!("Bearer {}", secret.reveal()),
            Self::Basic(name, secret) => {
                format!("Basic {}", STANDARD.encode(format!("{name}:{}", secret.reveal())))
            }
        };
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| GatewayError::NotSent("the secret does not fit a header".to_owned()))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

/// A complete answer of any status.
pub(crate) struct Answer {
    pub status: u16,
    pub retry_after: Option<Duration>,
    /// Their clock, to the second.
    pub date: Option<Timestamp>,
    pub body: Vec<u8>,
}

impl Answer {
    /// How far our clock is ahead of theirs.
    pub fn clock_ahead(&self, now: Timestamp) -> Option<SignedDuration> {
        Some(now.duration_since(self.date?))
    }
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
        Ok(Self { inner, base, turns: Semaphore::new(CALLS_AT_ONCE), breaker: Breaker::default() })
    }

    async fn turn(&self, within: Duration) -> Result<SemaphorePermit<'_>, GatewayError> {
        let turn = tokio::time::timeout(within / WAITS_A, self.turns.acquire()).await;
        let busy = || GatewayError::NotSent("too many calls are under way there".to_owned());
        turn.ok().and_then(Result::ok).ok_or_else(busy)
    }

    /// Sends `call` when it is its turn, and reads the answer to its end.
    pub async fn send(&self, call: Call<'_>) -> Result<Answer, GatewayError> {
        let _turn = self.turn(call.within).await?;
        if !self.breaker.lets_through(Instant::now()) {
            let why = "it has not answered lately, and is left alone for some seconds";
            return Err(GatewayError::NotSent(why.to_owned()));
        }
        let mut url = self.base.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(call.path);
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(call.query);
        }
        let mut request = self.inner.request(call.method, url).timeout(call.within);
        if let Some(value) = call.auth.header()? {
            request = request.header(AUTHORIZATION, value);
        }
        for (name, value) in call.headers {
            request = request.header(*name, *value);
        }
        request = match call.body {
            Body::None => request,
            Body::Json(json) => request.header(CONTENT_TYPE, "application/json").body(json),
            Body::Form(form) => request.header(CONTENT_TYPE, FORM).body(form),
        };
        let answer = exchange(request, ANSWER_BYTES_MAX).await;
        // A proxy before a provider that is down answers for it.
        let silent = |answer: &Answer| matches!(answer.status, 502..=504);
        self.breaker.heard(Instant::now(), answer.as_ref().is_ok_and(|answer| !silent(answer)));
        answer
    }

    /// Fetches a file from an address they gave us, without telling who we are.
    pub async fn download(&self, url: Url, within: Duration) -> Result<Answer, GatewayError> {
        if let Err(why) = check_address(&url) {
            let why = format!("a file at an address we do not go to: {why}");
            return Err(GatewayError::UntrustedAnswer(why));
        }
        let _turn = self.turn(within).await?;
        exchange(self.inner.get(url).timeout(within), FILE_BYTES_MAX).await
    }

    /// Where the provider is.
    pub fn base(&self) -> &Url {
        &self.base
    }
}

const FORM: &str = "application/x-www-form-urlencoded;charset=utf-8";

async fn exchange(request: RequestBuilder, bytes_max: usize) -> Result<Answer, GatewayError> {
    let response = request.send().await.map_err(sort)?;
    let status = response.status().as_u16();
    let retry_after = retry_after(&response);
    let date = date(&response);
    Ok(Answer { status, retry_after, date, body: read(response, bytes_max).await? })
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

async fn read(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, GatewayError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|e| {
        // The request has arrived: whatever breaks now leaves the outcome open.
        GatewayError::Unknown(chain(&e.without_url()))
    })? {
        if body.len() + chunk.len() > bytes_max {
            let megabytes = bytes_max / (1024 * 1024);
            return Err(GatewayError::Unknown(format!("the answer is over {megabytes} MB")));
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

fn date(response: &Response) -> Option<Timestamp> {
    let text = response.headers().get(DATE)?.to_str().ok()?;
    DateTimeParser::new().parse_timestamp(text).ok()
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
    use futures_util::StreamExt as _;
    use futures_util::stream::FuturesUnordered;

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

    #[tokio::test]
    async fn p30_a_provider_gets_only_so_many_calls_at_once() {
        let (listener, base) = crate::testing::line::listen().await;
        let client = HttpClient::new(&base).unwrap();
        let long = Duration::from_secs(30);
        let call = |within| client.send(Call::get(&["x"], Auth::None, within));
        // They take every call and answer none.
        let (mut taken, mut storm) = (Vec::new(), FuturesUnordered::new());
        storm.extend((0..CALLS_AT_ONCE).map(|_| call(long)));
        while taken.len() < CALLS_AT_ONCE {
            tokio::select! {
                ended = storm.next() => panic!("{:?}", ended.map(|it| it.map(|it| it.status))),
                line = listener.accept() => taken.push(line.unwrap()),
            }
        }
        let more = call(Duration::from_millis(200)).await;
        assert!(matches!(more, Err(GatewayError::NotSent(_))), "one too many, and not sent");
        // One has ended: there is room again.
        drop(taken.pop());
        assert!(storm.next().await.unwrap().is_err());
        let next = call(long);
        tokio::select! {
            _ = next => panic!("nobody answers"),
            line = listener.accept() => drop(line.unwrap()),
        }
    }

    #[tokio::test]
    async fn p29_a_dead_provider_is_not_called_for_ever() {
        let base = crate::testing::line::nobody().await;
        let client = HttpClient::new(&base).unwrap();
        let call = || client.send(Call::get(&["x"], Auth::None, Duration::from_secs(5)));
        let mut said = Vec::new();
        while said.len() < 11 {
            let Err(GatewayError::NotSent(why)) = call().await else { panic!("nobody is there") };
            said.push(why);
        }
        let alone: Vec<bool> = said.iter().map(|why| why.contains("left alone")).collect();
        assert_eq!(alone, [vec![false; 10], vec![true]].concat(), "{said:?}");
    }
}
