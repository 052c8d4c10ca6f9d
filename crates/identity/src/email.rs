//! E-mail addresses as a person writes them and as they are compared.

use email_address::{EmailAddress, Options};

/// Bytes of an address (RFC 5321, 4.5.3.1.3, less the angle brackets).
const BYTES_MAX: usize = 254;

/// An address that mail could be sent to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Email {
    /// As it was written, without the spaces around it.
    pub(crate) text: String,
    /// As it is compared.
    pub(crate) key: String,
}

/// The address, or `None` when it is none: a name, a mailbox without a domain, `<a@b.c>`.
pub(crate) fn parse(text: &str) -> Option<Email> {
    let text = text.trim();
    let options =
        Options::default().without_display_text().without_domain_literal().with_required_tld();
    let strange = |c: char| c.is_control() || c.is_whitespace();
    if text.len() > BYTES_MAX || text.chars().any(strange) {
        return None;
    }
    EmailAddress::parse_with_options(text, options).ok()?;
    Some(Email { text: text.to_owned(), key: key(text) })
}

/// What two writings of one address have in common. The part before the `@` could mean different
/// mailboxes in capitals (RFC 5321, 2.4); nobody's mail works that way, and people's telephones
/// write the first letter large.
fn key(text: &str) -> String {
    text.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses_and_others() {
        let ada = parse("  Ada.Lovelace+shop@Example.ORG ").unwrap();
        assert_eq!(ada.text, "Ada.Lovelace+shop@Example.ORG");
        assert_eq!(ada.key, "ada.lovelace+shop@example.org");
        assert!(parse("почта@пример.рф").is_some());
        let long = format!("{}@example.org", "a".repeat(300));
        let bad = [
            "",
            "ada",
            "@example.org",
            "ada@",
            "ada@host",
            "ada@@example.org",
            "a b@example.org",
            "Ada <ada@example.org>",
            "<ada@example.org>",
            "ada@[127.0.0.1]",
            "ada@example.org\0",
            "\"a b\"@example.org",
            "ada@exa\nmple.org",
            "ada@-.org",
            &long,
        ];
        for text in bad {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn comparing_twice_compares_the_same(text in ".{0,60}") {
            prop_assert_eq!(key(&key(&text)), key(&text));
        }

        #[test]
        fn what_is_kept_can_be_parsed_again(text in "[ ]{0,2}[A-Za-z0-9.+]{1,20}@[A-Za-z0-9]{1,9}\\.[a-zA-Z]{2,5}[ ]{0,2}") {
            if let Some(email) = parse(&text) {
                prop_assert_eq!(parse(&email.text), Some(email.clone()));
                prop_assert_eq!(parse(&email.text.to_uppercase()).map(|e| e.key), Some(email.key));
            }
        }
    }
}
