//! SMS by a provider that takes HTTP: which one, the configuration says.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, redirect};
use rustls_platform_verifier::BuilderVerifierExt as _;
use url::{Host, Url};

use super::carrier::{Carrier, Message, NotCarried};

const CONNECT_WITHIN: Duration = Duration::from_secs(3);
const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// How a provider wants to be asked. `{to}` and `{text}` stand for the number and the words, in the
/// address and in the body; they are escaped as each of them needs it.
#[derive(Clone, Debug)]
pub struct SmsSettings {
    /// Where.
    pub url: String,
    /// `POST`, `GET`, …
    pub method: String,
    /// What stands above: credentials, and what kind of body it is.
    pub headers: BTreeMap<String, String>,
    /// The body; empty for none.
    pub body: String,
}

/// Why SMS cannot be sent with these settings.
#[derive(Debug, thiserror::Error)]
pub enum SmsInvalid {
    /// The address.
    #[error("it takes the address of a provider: https, or http to this very machine")]
    Url,
    /// The method.
    #[error("`{0}` is not an HTTP method")]
    Method(String),
    /// A header. Its value is not repeated: it may be a secret.
    #[error("the header {0} cannot be sent")]
    Header(String),
    /// Nothing says where the number or the words go.
    #[error("neither the address nor the body says {0}")]
    Placeholder(&'static str),
    /// The library.
    #[error("no secure connection can be made: {0}")]
    Tls(String),
}

/// Carries messages to an SMS provider.
pub struct HttpSms {
    client: Client,
    method: Method,
    url: String,
    headers: HeaderMap,
    body: String,
    kind: Kind,
}

/// What words have to be escaped for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Json,
    Form,
    Plain,
}

impl HttpSms {
    /// Connects when there is something to carry.
    pub fn new(settings: &SmsSettings) -> Result<Self, SmsInvalid> {
        let place = filled(&settings.url, Kind::Form, "0", "0");
        let place = Url::parse(&place).map_err(|_| SmsInvalid::Url)?;
        let here = match place.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => return Err(SmsInvalid::Url),
        };
        if place.scheme() != "https" && !(here && place.scheme() == "http") {
            return Err(SmsInvalid::Url);
        }
        for name in ["{to}", "{text}"] {
            if !settings.url.contains(name) && !settings.body.contains(name) {
                return Err(SmsInvalid::Placeholder(name));
            }
        }
        let method = Method::from_bytes(settings.method.as_bytes())
            .map_err(|_| SmsInvalid::Method(settings.method.clone()))?;
        let headers = headers(&settings.headers)?;
        let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = match kind.unwrap_or_default() {
            kind if kind.contains("json") => Kind::Json,
            kind if kind.contains("form-urlencoded") => Kind::Form,
            _ => Kind::Plain,
        };
        let (url, body) = (settings.url.clone(), settings.body.clone());
        Ok(Self { client: client()?, method, url, headers, body, kind })
    }
}

#[async_trait]
impl Carrier for HttpSms {
    async fn carry(&self, message: &Message) -> Result<(), NotCarried> {
        let Message { to, text, .. } = message;
        let url = filled(&self.url, Kind::Form, to, text);
        let mut request = self.client.request(self.method.clone(), url);
        request = request.headers(self.headers.clone());
        if !self.body.is_empty() {
            request = request.body(filled(&self.body, self.kind, to, text));
        }
        let answer = request.send().await.map_err(|error| {
            let why = if error.is_timeout() { "did not answer" } else { "could not be reached" };
            NotCarried::Later(format!("the SMS provider {why}"))
        })?;
        match answer.status().as_u16() {
            200..=299 => Ok(()),
            // About the credentials and the pace, not about this message.
            status @ (401 | 402 | 403 | 408 | 425 | 429 | 500..=599) => {
                Err(NotCarried::Later(format!("the SMS provider put it off: {status}")))
            }
            status => Err(NotCarried::Never(format!("the SMS provider refused it: {status}"))),
        }
    }
}

fn client() -> Result<Client, SmsInvalid> {
    let broken = |error: &dyn std::error::Error| SmsInvalid::Tls(error.to_string());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| broken(&error))?
        .with_platform_verifier()
        .map_err(|error| broken(&error))?
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_WITHIN)
        .timeout(ANSWER_WITHIN)
        .user_agent(concat!("holdfast/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| broken(&error))
}

fn headers(named: &BTreeMap<String, String>) -> Result<HeaderMap, SmsInvalid> {
    let mut headers = HeaderMap::new();
    for (name, value) in named {
        let unfit = || SmsInvalid::Header(name.clone());
        let mut value = HeaderValue::from_str(value).map_err(|_| unfit())?;
        value.set_sensitive(true);
        headers.insert(HeaderName::from_bytes(name.as_bytes()).map_err(|_| unfit())?, value);
    }
    Ok(headers)
}

/// `template` with number and words in their places; what they say is not looked through again.
fn filled(template: &str, kind: Kind, to: &str, text: &str) -> String {
    let escaped = |words: &str| match kind {
        Kind::Json => {
            let quoted = serde_json::Value::from(words).to_string();
            quoted[1..quoted.len() - 1].to_owned()
        }
        Kind::Form => url::form_urlencoded::byte_serialize(words.as_bytes()).collect(),
        Kind::Plain => words.to_owned(),
    };
    let parts = template.split("{to}").map(|part| part.replace("{text}", &escaped(text)));
    parts.collect::<Vec<_>>().join(&escaped(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_cannot_leave_their_place() {
        let text = "a \"b\" & {to}\n";
        let json = filled(r#"{"to":"{to}","body":"{text}"}"#, Kind::Json, "+41", text);
        assert_eq!(json, r#"{"to":"+41","body":"a \"b\" & {to}\n"}"#);
        let form = filled("To={to}&Body={text}", Kind::Form, "+41", text);
        assert_eq!(form, "To=%2B41&Body=a+%22b%22+%26+%7Bto%7D%0A");
        assert_eq!(filled("{to}: {text}", Kind::Plain, "+41", "hi"), "+41: hi");
    }

    #[test]
    fn settings_that_cannot_work_are_named() {
        let settings = |url: &str, body: &str| SmsSettings {
            url: url.into(),
            method: "POST".into(),
            headers: BTreeMap::new(),
            body: body.into(),
        };
        for (url, body, why) in [
            ("nonsense", "{to}{text}", "the address of a provider"),
            ("http://sms.example/", "{to}{text}", "http to this very machine"),
            ("https://sms.example/", "{to}", "says {text}"),
            ("https://sms.example/?t={text}", "", "says {to}"),
        ] {
            let error = HttpSms::new(&settings(url, body)).err().map(|error| error.to_string());
            assert!(error.as_ref().is_some_and(|it| it.contains(why)), "{url}: {error:?}");
        }
        assert!(HttpSms::new(&settings("https://sms.example/{to}?t={text}", "")).is_ok());
    }
}
