//! What a request tells of whoever begins to pay.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::extract::FromRequestParts;
use gateways::{Channel, Payer};
use http::request::Parts;
use http::{HeaderMap, HeaderName, header};

use crate::{App, source};

/// Browsers that send it say by it what they are; its absence says nothing.
static MOBILE_HINT: HeaderName = HeaderName::from_static("sec-ch-ua-mobile");

/// Longer than any language's name.
const LOCALE_BYTES_MAX: usize = 35;

/// Whoever begins to pay.
pub struct Paying(pub Payer);

impl FromRequestParts<App> for Paying {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<SocketAddr>().map(SocketAddr::ip);
        let headers = &parts.headers;
        Ok(Self(Payer {
            channel: channel(headers),
            client_ip: peer.and_then(|peer| source::of(peer, headers, &app.trusted_proxies)),
            locale: locale(headers),
        }))
    }
}

/// A phone says so, in one of two ways. A tablet's screen is wide.
fn channel(headers: &HeaderMap) -> Channel {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let phone = match text(&MOBILE_HINT) {
        Some("?1") => true,
        Some("?0") => false,
        _ => text(&header::USER_AGENT).is_some_and(|agent| agent.contains("Mobi")),
    };
    if phone { Channel::Mobile } else { Channel::Desktop }
}

/// The language that the browser puts first.
fn locale(headers: &HeaderMap) -> String {
    let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let first = wanted.unwrap_or_default().split([',', ';']).next().unwrap_or_default().trim();
    let is_one = first.starts_with(|first: char| first.is_ascii_alphabetic())
        && first.len() <= LOCALE_BYTES_MAX
        && first.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if is_one { first.to_owned() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let lines = lines.iter();
        lines
            .map(|&(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    const IPHONE: &str = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) \
        AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";
    const DESKTOP: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 \
        (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36";

    #[test]
    fn a_phone_is_known_by_its_hint_and_else_by_its_name() {
        for (lines, told) in [
            (&[][..], Channel::Desktop),
            (&[("user-agent", DESKTOP)], Channel::Desktop),
            (&[("user-agent", IPHONE)], Channel::Mobile),
            (&[("user-agent", DESKTOP), ("sec-ch-ua-mobile", "?1")], Channel::Mobile),
            (&[("user-agent", IPHONE), ("sec-ch-ua-mobile", "?0")], Channel::Desktop),
            (&[("user-agent", IPHONE), ("sec-ch-ua-mobile", "yes")], Channel::Mobile),
        ] {
            assert_eq!(channel(&headers(lines)), told, "{lines:?}");
        }
    }

    #[test]
    fn a_language_is_the_first_one_or_none() {
        for (told, language) in [
            ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
            ("ru", "ru"),
            ("ru;q=1", "ru"),
            ("*", ""),
            ("", ""),
            ("<script>", ""),
            ("1", ""),
            ("abcdefghij-abcdefghij-abcdefghij-abcdefghij", ""),
        ] {
            assert_eq!(locale(&headers(&[("accept-language", told)])), language, "{told}");
        }
        assert_eq!(locale(&HeaderMap::new()), "");
    }
}
