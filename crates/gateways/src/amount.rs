//! Amounts as providers write them, made from whole minor units and back. Reading is strict: what
//! could be meant in two ways is not an amount.

use kernel::{Currency, Money};

use crate::error::GatewayError;

/// `1234.50`: all digits of the currency, always.
pub(crate) fn decimal(money: Money) -> Result<String, GatewayError> {
    if money.minor <= 0 {
        return Err(not_payable());
    }
    let digits = money.currency.digits();
    let scale = 10_i64.pow(digits);
    let (whole, part) = (money.minor / scale, money.minor % scale);
    let width = digits as usize;
    Ok(if digits == 0 { whole.to_string() } else { format!("{whole}.{part:0width$}") })
}

/// Reads `1234.50`, `1234.5` or `1234` of a currency with two digits; no sign, no exponent, no
/// spaces, no more digits than the currency has.
pub(crate) fn read_decimal(text: &str, currency: Currency) -> Option<Money> {
    let digits = currency.digits() as usize;
    let (whole, part) = match text.split_once('.') {
        Some((whole, part)) if (1..=digits).contains(&part.len()) => (whole, part),
        Some(_) => return None,
        None => (text, ""),
    };
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(part) {
        return None;
    }
    let minor = format!("{whole}{part:0<digits$}").parse().ok()?;
    Some(Money::new(minor, currency))
}

fn not_payable() -> GatewayError {
    GatewayError::Invalid { code: "an amount of nothing".to_owned(), param: Some("amount".into()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(minor: i64, code: &str) -> Money {
        Money::new(minor, code.parse().unwrap())
    }

    #[test]
    fn writes_all_digits_of_a_currency() {
        for (money, text) in [
            (of(123_450, "RUB"), "1234.50"),
            (of(100, "CNY"), "1.00"),
            (of(1, "RUB"), "0.01"),
            (of(500, "JPY"), "500"),
            (of(1230, "KWD"), "1.230"),
            (of(i64::MAX, "EUR"), "92233720368547758.07"),
        ] {
            assert_eq!(decimal(money).unwrap(), text);
            assert_eq!(read_decimal(text, money.currency), Some(money));
        }
        assert!(decimal(of(0, "RUB")).is_err());
        assert!(decimal(of(-1, "RUB")).is_err());
    }

    #[test]
    fn reads_nothing_that_could_be_meant_in_two_ways() {
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "1.234",
            "1e3",
            "1,50",
            "-1",
            "+1",
            " 1",
            "1 ",
            "1_000",
            "0x10",
            "１",
            "1.5.0",
            "NaN",
            "inf",
            "99999999999999999999",
            "92233720368547758.08",
            "1.-1",
        ] {
            assert_eq!(read_decimal(text, Currency::RUB), None, "{text}");
        }
        assert_eq!(read_decimal("1234", Currency::RUB), Some(of(123_400, "RUB")));
        assert_eq!(read_decimal("1.5", Currency::RUB), Some(of(150, "RUB")));
        assert_eq!(read_decimal("0.00", Currency::RUB), Some(of(0, "RUB")));
        assert_eq!(read_decimal("1.0", "JPY".parse().unwrap()), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(
            minor in 1_i64..,
            code in prop::sample::select(vec!["RUB", "CNY", "EUR", "JPY", "KWD"]),
        ) {
            let money = of(minor, code);
            prop_assert_eq!(read_decimal(&decimal(money).unwrap(), money.currency), Some(money));
        }

        #[test]
        fn what_is_no_amount_is_refused_and_nothing_breaks(text in "\\PC{0,24}") {
            if let Some(money) = read_decimal(&text, Currency::RUB) {
                prop_assert!(money.minor >= 0);
            }
        }
    }
}
