//! Where to go on after signing in. It comes from the address, so anybody may have written it:
//! only places of this shop are taken.

/// The longest that is taken.
const BYTES_MAX: usize = 600;

/// The path, if it is one below this shop and nothing else.
pub(crate) fn local(path: &str) -> Option<&str> {
    let mut bytes = path.bytes();
    let below = bytes.next() == Some(b'/') && bytes.next() != Some(b'/');
    // Browsers read `\` as `/` and leave out tabs and line ends: none of them may stand here.
    let plain = path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    (below && plain && path.len() <= BYTES_MAX).then_some(path)
}

/// The path, or the account when it leads elsewhere or back to signing in.
pub(crate) fn or_account(path: Option<&str>) -> &str {
    let fine = path.and_then(local).filter(|path| {
        let name = path.split(['?', '#']).next().unwrap_or_default();
        !matches!(name, "/login" | "/register" | "/guest" | "/logout" | "/forgotten")
    });
    fine.unwrap_or("/account")
}

/// The path with a parameter more.
pub(crate) fn with(path: &str, name: &str, value: impl std::fmt::Display) -> String {
    let (path, fragment) = path.split_once('#').unwrap_or((path, ""));
    let joint = if path.contains('?') { '&' } else { '?' };
    let fragment = if fragment.is_empty() { String::new() } else { format!("#{fragment}") };
    format!("{path}{joint}{name}={value}{fragment}")
}

/// `text` as the value of a parameter.
pub(crate) fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_places_of_this_shop_are_taken() {
        for good in ["/", "/cart", "/checkout?buy=1&q=2", "/p/mug#top", "/a//b"] {
            assert_eq!(local(good), Some(good), "{good}");
        }
        let long = format!("/{}", "a".repeat(BYTES_MAX));
        let bad = [
            "",
            "cart",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/a b",
            "/ä",
            " /cart",
            "/a\\b",
            &long,
        ];
        for path in bad {
            assert_eq!(local(path), None, "{path:?}");
        }
        assert_eq!(or_account(Some("//evil.example")), "/account");
        assert_eq!(or_account(Some("/login?next=/login")), "/account");
        assert_eq!(or_account(Some("/cart")), "/cart");
        assert_eq!(or_account(None), "/account");
    }

    #[test]
    fn a_parameter_is_added_where_it_belongs() {
        assert_eq!(with("/cart", "moved", 2), "/cart?moved=2");
        assert_eq!(with("/checkout?q=1#pay", "moved", 2), "/checkout?q=1&moved=2#pay");
        assert_eq!(encoded("/checkout?q=1&b=2"), "%2Fcheckout%3Fq%3D1%26b%3D2");
    }
}
