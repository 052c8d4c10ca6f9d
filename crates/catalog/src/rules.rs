//! What names, codes and prices may look like. Pure.
//!
//! Whatever passes can be stored by both engines: PostgreSQL keeps no NUL in a text.

use std::collections::BTreeMap;

use kernel::{Money, limits};

/// Characters of a slug.
pub const SLUG_CHARS_MAX: usize = 100;
/// Characters of a stock-keeping unit.
pub const SKU_CHARS_MAX: usize = 64;
/// Options of a variant: colour, size and a few more.
pub const OPTIONS_MAX: usize = 10;
/// The dearest price in minor units. The longest possible order still fits 64 bits.
pub const PRICE_MINOR_MAX: i64 = 100_000_000_000;

/// What is wrong with a value, for people.
pub(crate) type Problem = String;

/// Words of lower-case letters and digits with single hyphens between: it stands in addresses.
pub(crate) fn is_slug(text: &str) -> bool {
    text.len() <= SLUG_CHARS_MAX
        && text.split('-').all(|word| {
            !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        })
}

pub(crate) fn slug(text: &str) -> Result<(), Problem> {
    if is_slug(text) {
        return Ok(());
    }
    Err(format!(
        "must be lower-case letters and digits with single hyphens between, such as \
         linen-shirt, and no longer than {SLUG_CHARS_MAX}"
    ))
}

pub(crate) fn sku(text: &str) -> Result<(), Problem> {
    let fits = !text.is_empty() && text.len() <= SKU_CHARS_MAX;
    if fits && text.bytes().all(|b| b.is_ascii_graphic()) {
        return Ok(());
    }
    Err(format!("must be 1 to {SKU_CHARS_MAX} letters, digits and signs of ASCII, without spaces"))
}

/// One line for people, such as a title: trimmed, and free of control characters.
pub(crate) fn line(text: &str) -> Result<&str, Problem> {
    let text = text.trim();
    let chars = text.chars().count();
    if chars == 0 {
        return Err("must not be empty".into());
    }
    if chars > limits::TEXT_CHARS_MAX {
        return Err(format!("must be at most {} characters long", limits::TEXT_CHARS_MAX));
    }
    if text.chars().any(char::is_control) {
        return Err("must be one line without control characters".into());
    }
    Ok(text)
}

/// Text of several lines, perhaps none.
pub(crate) fn prose(text: &str, chars_max: usize) -> Result<(), Problem> {
    if text.chars().count() > chars_max {
        return Err(format!("must be at most {chars_max} characters long"));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err("must not contain control characters".into());
    }
    Ok(())
}

pub(crate) fn options(options: &BTreeMap<String, String>) -> Result<(), Problem> {
    if options.len() > OPTIONS_MAX {
        return Err(format!("must be at most {OPTIONS_MAX}"));
    }
    for (name, value) in options {
        for text in [name, value] {
            let trimmed = line(text).map_err(|problem| format!("`{name}` {problem}"))?;
            if trimmed.len() != text.len() {
                return Err(format!("`{name}` must not begin or end with a space"));
            }
        }
    }
    Ok(())
}

pub(crate) fn price(price: Money) -> Result<(), Problem> {
    if (0..=PRICE_MINOR_MAX).contains(&price.minor) {
        return Ok(());
    }
    Err(format!("must be from 0 to {PRICE_MINOR_MAX} minor units"))
}

/// The price before a reduction: of the same currency, and no lower than what is asked now.
pub(crate) fn list_price(list_price: Money, price_now: Money) -> Result<(), Problem> {
    price(list_price)?;
    if list_price.currency != price_now.currency {
        return Err(format!("must be in {}, as the price is", price_now.currency));
    }
    if list_price.minor < price_now.minor {
        return Err("must not be below the price".into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use kernel::Currency;

    use super::*;

    #[test]
    fn slugs() {
        for good in ["a", "linen-shirt", "2-in-1", &"a".repeat(SLUG_CHARS_MAX)] {
            assert!(is_slug(good), "{good}");
        }
        let long = "a".repeat(SLUG_CHARS_MAX + 1);
        for bad in ["", "-", "a-", "-a", "a--b", "Shirt", "b a", "süd", "a\0b", "a/b", &long] {
            assert!(!is_slug(bad), "{bad:?}");
        }
    }

    #[test]
    fn lines_and_prose() {
        assert_eq!(line("  Linen shirt "), Ok("Linen shirt"));
        assert_eq!(line(&"ж".repeat(limits::TEXT_CHARS_MAX)).map(str::len), Ok(400));
        for bad in ["", "  ", "two\nlines", "nul\0", &"x".repeat(limits::TEXT_CHARS_MAX + 1)] {
            assert!(line(bad).is_err(), "{bad:?}");
        }
        assert!(prose("two\nlines", 20).is_ok());
        assert!(prose("nul\0", 20).is_err());
        assert!(prose("abc", 2).is_err());
    }

    #[test]
    fn the_longest_order_of_the_dearest_things_adds_up() {
        let lines = i64::try_from(limits::LINES_MAX).unwrap();
        let line = PRICE_MINOR_MAX.checked_mul(limits::LINE_QUANTITY_MAX);
        assert!(line.and_then(|line| line.checked_mul(lines)).is_some());
    }

    #[test]
    fn prices() {
        let eur = |minor| Money::new(minor, Currency::EUR);
        assert!(price(eur(0)).is_ok());
        assert!(price(eur(-1)).is_err());
        assert!(price(eur(PRICE_MINOR_MAX + 1)).is_err());
        assert!(list_price(eur(100), eur(100)).is_ok());
        assert!(list_price(eur(99), eur(100)).is_err());
        assert!(list_price(Money::new(200, Currency::USD), eur(100)).is_err());
    }
}
