//! Amounts as English readers write them, after the patterns of CLDR 48.

use std::fmt::{self, Write as _};

use askama::filters::HtmlSafe;
use kernel::{Currency, Money, Rate};

/// An amount on a page: it never breaks, and its digits stand under each other.
#[derive(Clone, Copy)]
pub(crate) struct Price(Money);

/// How an amount looks.
pub(crate) fn money(amount: Money) -> Price {
    Price(amount)
}

impl Price {
    /// Without markup, for a title.
    pub(crate) fn plain(self) -> String {
        let Self(Money { minor, currency }) = self;
        let digits = currency.digits();
        let scale = 10_u64.pow(digits);
        let (whole, part) = (minor.unsigned_abs() / scale, minor.unsigned_abs() % scale);
        let mut text = String::new();
        if minor < 0 {
            text.push('\u{2212}');
        }
        text.push_str(&symbol(currency));
        text.push_str(&grouped(whole));
        if digits > 0 {
            let width = digits as usize;
            let _ = write!(text, ".{part:0width$}");
        }
        text
    }
}

impl HtmlSafe for Price {}

/// What one unit of a currency costs in another: `€1 = ₽101.25`.
pub(crate) fn rate(of: Currency, rate: Rate, to: Currency) -> String {
    let text = rate.to_string();
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    let whole = grouped(whole.parse().unwrap_or_default());
    let digits = to.digits() as usize;
    let point = if part.is_empty() && digits == 0 { "" } else { "." };
    format!("{}1 = {}{whole}{point}{part:0<digits$}", symbol(of), symbol(to))
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, r#"<span class="money">{}</span>"#, self.plain())
    }
}

/// What stands before the digits. A code is followed by a space that does not break.
fn symbol(currency: Currency) -> String {
    match currency.code() {
        "EUR" => "€".into(),
        "USD" => "$".into(),
        "GBP" => "£".into(),
        "JPY" => "¥".into(),
        "CNY" => "CN¥".into(),
        "INR" => "₹".into(),
        "KRW" => "₩".into(),
        "RUB" => "₽".into(),
        code => format!("{code}\u{a0}"),
    }
}

/// Thousands apart by commas.
fn grouped(whole: u64) -> String {
    let digits = whole.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Reads what a person types into a price field, `25`, `25.50` or `25,5`, as minor units.
pub(crate) fn parse_amount(text: &str, currency: Currency) -> Option<i64> {
    let text = text.trim();
    let (whole, part) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let digits = currency.digits() as usize;
    let numeric = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !numeric(whole) || !numeric(part) || part.len() > digits {
        return None;
    }
    let padded = format!("{whole}{part:0<digits$}");
    padded.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_look_as_people_write_them() {
        let cases = [
            (9450, "EUR", "€94.50"),
            (18_900, "USD", "$189.00"),
            (1_560_000, "RUB", "₽15,600.00"),
            (26_800, "CNY", "CN¥268.00"),
            (1_234_567, "JPY", "¥1,234,567"),
            (1230, "KWD", "KWD\u{a0}1.230"),
            (0, "EUR", "€0.00"),
            (5, "EUR", "€0.05"),
            (-170_000, "EUR", "\u{2212}€1,700.00"),
            (100_000, "EUR", "€1,000.00"),
            (i64::MIN, "EUR", "\u{2212}€92,233,720,368,547,758.08"),
        ];
        for (minor, code, expected) in cases {
            let amount = Money::new(minor, code.parse().unwrap());
            assert_eq!(money(amount).plain(), expected);
            let html = money(amount).to_string();
            assert_eq!(html, format!(r#"<span class="money">{expected}</span>"#));
        }
    }

    #[test]
    fn p27_rates_look_as_people_write_them() {
        let cases = [
            ("EUR", "101.2500", "RUB", "€1 = ₽101.25"),
            ("EUR", "8.3", "CNY", "€1 = CN¥8.30"),
            ("EUR", "161", "JPY", "€1 = ¥161"),
            ("EUR", "161.4", "JPY", "€1 = ¥161.4"),
            ("USD", "15600", "VND", "$1 = VND\u{a0}15,600"),
            ("JPY", "0.00618", "EUR", "¥1 = €0.00618"),
        ];
        for (of, text, to, expected) in cases {
            let shown = rate(of.parse().unwrap(), text.parse().unwrap(), to.parse().unwrap());
            assert_eq!(shown, expected);
        }
    }

    #[test]
    fn amounts_are_read_as_people_type_them() {
        let cases = [
            ("25", Some(2500)),
            (" 25.5 ", Some(2550)),
            ("25,50", Some(2550)),
            ("0", Some(0)),
            ("007", Some(700)),
            ("", None),
            ("-5", None),
            ("25.505", None),
            ("1e3", None),
            ("1,000.00", None),
            ("99999999999999999999", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_amount(text, Currency::EUR), expected, "{text:?}");
        }
        assert_eq!(parse_amount("25", "JPY".parse().unwrap()), Some(25));
        assert_eq!(parse_amount("25.5", "JPY".parse().unwrap()), None);
    }
}
