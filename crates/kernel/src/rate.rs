//! What one unit of a currency costs in another. Exact, in whole numbers throughout.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::money::{Currency, Money, MoneyError};

/// Digits after the point that a rate may have.
const DIGITS: u32 = 8;
/// Digits before it.
const WHOLE_DIGITS: u32 = 9;
/// Parts that one is counted in.
const ONE: i64 = 10_i64.pow(DIGITS);

/// How many units of another currency one unit of ours costs: above zero, with at most nine digits
/// before the point and eight after it. Which currencies it is between, its owner knows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(i64);

/// Why a rate cannot be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RateError {
    /// Not digits, or with a sign, an exponent, a comma.
    #[error("a rate is digits, such as \"101.25\"")]
    NotARate,
    /// Nothing at all.
    #[error("a rate must be above zero")]
    Zero,
    /// More digits than are kept.
    #[error("a rate has at most {WHOLE_DIGITS} digits before the point and {DIGITS} after it")]
    TooLong,
}

impl Rate {
    /// A rate as databases keep it: in hundred-millionths.
    ///
    /// # Errors
    /// For what is no rate.
    pub fn from_parts(parts: i64) -> Result<Self, RateError> {
        match parts {
            ..=0 => Err(RateError::Zero),
            _ if parts / ONE >= 10_i64.pow(WHOLE_DIGITS) => Err(RateError::TooLong),
            _ => Ok(Self(parts)),
        }
    }

    /// The rate in hundred-millionths.
    pub fn parts(self) -> i64 {
        self.0
    }

    /// What `money` costs in `currency`: rounded to the nearest minor unit, a half of one up.
    ///
    /// # Errors
    /// `TooSmall` for what comes to less than half of the smallest coin, and for nothing: what is
    /// worth something is never given away. `Overflow` for what cannot be counted.
    pub fn convert(self, money: Money, currency: Currency) -> Result<Money, MoneyError> {
        let (from, to) = (money.currency.digits(), currency.digits());
        let scale = |digits: u32| 10_i128.pow(digits);
        let above = i128::from(money.minor)
            .checked_mul(i128::from(self.0))
            .and_then(|it| it.checked_mul(scale(to.saturating_sub(from))))
            .ok_or(MoneyError::Overflow)?;
        let below = i128::from(ONE) * scale(from.saturating_sub(to));
        // Nothing below zero is paid, so that "up" is away from nothing.
        let nearest = above.checked_add(below / 2).ok_or(MoneyError::Overflow)? / below;
        if nearest <= 0 {
            return Err(MoneyError::TooSmall);
        }
        let minor = i64::try_from(nearest).map_err(|_| MoneyError::Overflow)?;
        Ok(Money::new(minor, currency))
    }
}

impl FromStr for Rate {
    type Err = RateError;
    /// Reads `101.2500`: no sign, no exponent, no spaces, no comma.
    fn from_str(text: &str) -> Result<Self, RateError> {
        let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
        if !plain(whole) || !plain(part) {
            return Err(RateError::NotARate);
        }
        if whole.len() > WHOLE_DIGITS as usize || part.len() > DIGITS as usize {
            return Err(RateError::TooLong);
        }
        let zeros = std::iter::repeat_n(b'0', DIGITS as usize - part.len());
        let digits = whole.bytes().chain(part.bytes()).chain(zeros);
        match digits.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')) {
            0 => Err(RateError::Zero),
            parts => Ok(Self(parts)),
        }
    }
}

impl fmt::Display for Rate {
    /// The shortest text that is read as the same rate: `101.25`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / ONE, self.0 % ONE);
        let part = format!("{part:0width$}", width = DIGITS as usize);
        match part.trim_end_matches('0') {
            "" => write!(f, "{whole}"),
            part => write!(f, "{whole}.{part}"),
        }
    }
}

impl fmt::Debug for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl utoipa::PartialSchema for Rate {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .description(Some("Units of the one currency for one of the other, decimal"))
            .examples([serde_json::json!("101.25")])
            .into()
    }
}

#[cfg(feature = "schema")]
impl utoipa::ToSchema for Rate {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rate(text: &str) -> Rate {
        text.parse().unwrap()
    }

    fn currency(code: &str) -> Currency {
        code.parse().unwrap()
    }

    #[test]
    fn p27_reads_digits_and_nothing_else() {
        for (text, shown) in [
            ("101.2500", "101.25"),
            ("8.31", "8.31"),
            ("1", "1"),
            ("007", "7"),
            ("0.00000001", "0.00000001"),
            ("999999999.99999999", "999999999.99999999"),
        ] {
            assert_eq!(rate(text).to_string(), shown);
        }
        for text in ["", ".", "1.", ".5", "-1", "+1", "1e3", "1,5", " 1", "1 ", "1.2.3", "१", "x"]
        {
            assert_eq!(text.parse::<Rate>(), Err(RateError::NotARate), "{text}");
        }
        for text in ["0", "0.0", "0.00000000"] {
            assert_eq!(text.parse::<Rate>(), Err(RateError::Zero), "{text}");
        }
        for text in ["1000000000", "0.000000001", "1.000000000"] {
            assert_eq!(text.parse::<Rate>(), Err(RateError::TooLong), "{text}");
        }
        for (parts, says) in
            [(0, RateError::Zero), (-1, RateError::Zero), (i64::MAX, RateError::TooLong)]
        {
            assert_eq!(Rate::from_parts(parts), Err(says));
        }
        assert_eq!(serde_json::to_string(&rate("101.250")).unwrap(), "\"101.25\"");
        assert!(serde_json::from_str::<Rate>("101.25").is_err(), "a float is no rate");
    }

    #[test]
    fn p27_converts_to_the_nearest_coin_and_a_half_up() {
        for (minor, from, at, to, gives) in [
            (10_104, "EUR", "101.25", "RUB", 1_023_030),
            // 12.5, 13.5, 12.4996 kopecks.
            (1, "EUR", "12.5", "RUB", 13),
            (1, "EUR", "13.5", "RUB", 14),
            (1, "EUR", "12.4996", "RUB", 12),
            (1, "EUR", "0.5", "RUB", 1),
            // Yen have no smaller coin, dinars have a thousand.
            (1490, "EUR", "161.4", "JPY", 2405),
            (50, "EUR", "1", "JPY", 1),
            (500, "JPY", "0.0062", "EUR", 310),
            (1490, "EUR", "0.3321", "KWD", 4948),
            (4948, "KWD", "3.0112", "EUR", 1490),
            (500, "JPY", "0.00206", "KWD", 1030),
            (1030, "KWD", "485.1", "JPY", 500),
            (i64::MAX, "EUR", "1", "RUB", i64::MAX),
        ] {
            let money = Money::new(minor, currency(from));
            let got = rate(at).convert(money, currency(to));
            assert_eq!(got, Ok(Money::new(gives, currency(to))), "{money} at {at}");
        }
    }

    #[test]
    fn p27_refuses_what_comes_to_nothing_or_cannot_be_counted() {
        for (minor, from, at, to, says) in [
            (49, "EUR", "1", "JPY", MoneyError::TooSmall),
            (1, "EUR", "0.49999999", "RUB", MoneyError::TooSmall),
            (0, "EUR", "100", "RUB", MoneyError::TooSmall),
            (-1000, "EUR", "100", "RUB", MoneyError::TooSmall),
            (i64::MAX, "EUR", "1.1", "RUB", MoneyError::Overflow),
            (i64::MAX, "JPY", "999999999", "KWD", MoneyError::Overflow),
        ] {
            let money = Money::new(minor, currency(from));
            assert_eq!(rate(at).convert(money, currency(to)), Err(says), "{money} at {at}");
        }
    }

    fn any_rate() -> impl Strategy<Value = Rate> {
        (1_i64..=99_999_999_999_999_999).prop_map(Rate)
    }

    proptest! {
        #[test]
        fn p27_what_is_shown_is_read(rate in any_rate()) {
            prop_assert_eq!(rate.to_string().parse(), Ok(rate));
            prop_assert_eq!(Rate::from_parts(rate.parts()), Ok(rate));
            let json = serde_json::to_string(&rate).unwrap();
            prop_assert_eq!(serde_json::from_str::<Rate>(&json).unwrap(), rate);
        }

        /// No further from the exact sum than half a coin, told with a division the other way.
        #[test]
        fn p27_is_never_further_off_than_half_a_coin(
            minor in 1_i64..=1_000_000_000_000,
            rate in (1_i64..=1_000_000_000_000_000).prop_map(Rate),
            from in "EUR|JPY|KWD",
            to in "RUB|KRW|BHD",
        ) {
            let (from, to) = (currency(&from), currency(&to));
            let exact = i128::from(minor) * i128::from(rate.0) * 10_i128.pow(to.digits());
            let coin = i128::from(ONE) * 10_i128.pow(from.digits());
            match rate.convert(Money::new(minor, from), to) {
                Ok(got) => {
                    prop_assert_eq!(got.currency, to);
                    let off = i128::from(got.minor) * coin - exact;
                    prop_assert!(-coin < 2 * off && 2 * off <= coin, "{} is {} off", got, off);
                }
                Err(MoneyError::TooSmall) => prop_assert!(2 * exact < coin),
                Err(MoneyError::Overflow) => {
                    prop_assert!(2 * exact + coin > 2 * coin * i128::from(i64::MAX));
                }
                Err(other) => prop_assert!(false, "{}", other),
            }
        }

        #[test]
        fn p27_more_never_costs_less(
            minor in 1_i64..=1_000_000_000,
            more in 0_i64..=1_000_000_000,
            rate in (1_i64..=100_000_000_000_000).prop_map(Rate),
        ) {
            let cost = |minor| {
                let cost = rate.convert(Money::new(minor, Currency::EUR), Currency::RUB);
                cost.map_or(0, |cost| cost.minor)
            };
            prop_assert!(cost(minor) <= cost(minor + more));
        }
    }
}
