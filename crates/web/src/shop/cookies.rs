//! The two cookies of the shop: who is signed in, and whose cart this is.
//!
//! Over HTTPS both carry the `__Host-` prefix (RFC 6265bis, 4.1.3.2): no other host and no plain
//! connection can set them.

use http::{HeaderMap, HeaderValue, header};
use identity::LASTS_FOR_MAX;
use kernel::SignedDuration;

/// A cookie of ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cookie {
    /// The token of a session, the same as the API's.
    Session,
    /// The token of a visitor's cart.
    Cart,
}

/// How long a visitor's cart is remembered.
const CART_LASTS: SignedDuration = SignedDuration::from_hours(30 * 24);

impl Cookie {
    fn name(self, secure: bool) -> &'static str {
        match (self, secure) {
            (Self::Session, true) => "__Host-hf_s",
            (Self::Session, false) => "hf_s",
            (Self::Cart, true) => "__Host-hf_c",
            (Self::Cart, false) => "hf_c",
        }
    }

    /// Its value in a request, if there is exactly one that could be a token.
    pub(crate) fn read(self, headers: &HeaderMap, secure: bool) -> Option<String> {
        let name = self.name(secure);
        let mut found = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| value);
        let value = found.next()?;
        let token = value.len() <= 100
            && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        (found.next().is_none() && token && !value.is_empty()).then(|| value.to_owned())
    }

    /// The header that sets it.
    pub(crate) fn set(self, value: &str, secure: bool) -> HeaderValue {
        let lasts = match self {
            Self::Session => LASTS_FOR_MAX,
            Self::Cart => CART_LASTS,
        };
        self.header(value, lasts.as_secs(), secure)
    }

    /// The header that takes it away.
    pub(crate) fn clear(self, secure: bool) -> HeaderValue {
        self.header("", 0, secure)
    }

    fn header(self, value: &str, seconds: i64, secure: bool) -> HeaderValue {
        let name = self.name(secure);
        let flag = if secure { "; Secure" } else { "" };
        let text =
            format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{flag}");
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
    }
}

/// Whether a request carries any cookie that looks like one of ours. Told without reading it: it
/// may be forged.
pub(crate) fn any_of_ours(headers: &HeaderMap) -> bool {
    let ours = |pair: &[u8]| {
        let name = pair.trim_ascii_start();
        let name = name.strip_prefix(b"__Host-").unwrap_or(name);
        name.starts_with(b"hf_s=") || name.starts_with(b"hf_c=")
    };
    let values = headers.get_all(header::COOKIE).iter();
    values.flat_map(|value| value.as_bytes().split(|byte| *byte == b';')).any(ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(cookies: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(header::COOKIE, cookie.parse().unwrap());
        }
        headers
    }

    #[test]
    fn flags_are_all_there() {
        let set = Cookie::Session.set("abc", true);
        assert_eq!(set, "__Host-hf_s=abc; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax; Secure");
        let set = Cookie::Cart.set("abc", false);
        assert_eq!(set, "hf_c=abc; Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax");
        let gone = Cookie::Session.clear(false);
        assert_eq!(gone, "hf_s=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax");
    }

    #[test]
    fn one_plain_value_is_read() {
        let read = |cookies: &[&str]| Cookie::Session.read(&request(cookies), false);
        assert_eq!(read(&["a=b; hf_s=tok_en-1; c=d"]).as_deref(), Some("tok_en-1"));
        assert_eq!(read(&["a=b", "hf_s=x"]).as_deref(), Some("x"));
        assert_eq!(read(&["hf_s=x; hf_s=y"]), None, "somebody else set one of them");
        for bad in ["", "hf_s=", "hf_s=a b", "hf_s=a\"", "xhf_s=a", "hf_c=a"] {
            assert_eq!(read(&[bad]), None, "{bad:?}");
        }
        assert_eq!(read(&[&format!("hf_s={}", "a".repeat(101))]), None);
        let secure = Cookie::Session.read(&request(&["hf_s=plain; __Host-hf_s=good"]), true);
        assert_eq!(secure.as_deref(), Some("good"), "a plain one does not count over HTTPS");
    }
}
