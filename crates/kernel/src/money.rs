//! Money as whole minor units of one currency. No floating point anywhere.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// An ISO 4217 code the shop trades in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Euro.
    pub const EUR: Self = Self(*b"EUR");
    /// US dollar.
    pub const USD: Self = Self(*b"USD");
    /// Russian rouble.
    pub const RUB: Self = Self(*b"RUB");
    /// Chinese yuan.
    pub const CNY: Self = Self(*b"CNY");

    /// The three letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// Digits after the decimal point (ISO 4217 "minor unit"): 2 for most, 0 and 3 for a few.
    pub fn digits(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG"
            | b"RWF" | b"UGX" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            _ => 2,
        }
    }
}

impl FromStr for Currency {
    type Err = MoneyError;
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        match text.as_bytes() {
            [a, b, c] if [a, b, c].iter().all(|x| x.is_ascii_uppercase()) => Ok(Self([*a, *b, *c])),
            _ => Err(MoneyError::NotACurrency),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl utoipa::PartialSchema for Currency {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .description(Some("ISO 4217 code"))
            .examples([serde_json::json!("EUR")])
            .into()
    }
}

#[cfg(feature = "schema")]
impl utoipa::ToSchema for Currency {}

/// An amount: `minor` units of `currency` (cents, kopecks, yen).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// Whole minor units; 1299 is 12.99 in a currency of two digits.
    pub minor: i64,
    /// The currency they are of.
    pub currency: Currency,
}

/// Why an amount cannot be computed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MoneyError {
    /// The result does not fit 64 bits.
    #[error("the amount is too large")]
    Overflow,
    /// It comes to less than half of the currency's smallest coin.
    #[error("the amount is too small")]
    TooSmall,
    /// Two currencies met.
    #[error("amounts of different currencies cannot be added")]
    MixedCurrencies,
    /// Not digits, with as many after the point as the currency has, or fewer.
    #[error(
        "an amount is digits, such as 12.50, with no more after the point than the currency has"
    )]
    NotAnAmount,
    /// Not three capital letters.
    #[error("a currency is three capital letters, such as EUR")]
    NotACurrency,
}

impl Money {
    /// `minor` units of `currency`.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in `currency`.
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// Reads `1234.50`: digits, and after a point at least one and at most as many as the currency
    /// has. No sign, no exponent, no spaces, no comma, nothing that a float would take as well.
    pub fn parse_decimal(text: &str, currency: Currency) -> Result<Self, MoneyError> {
        let digits = currency.digits() as usize;
        let (whole, part) = match text.split_once('.') {
            Some((whole, part)) if (1..=digits).contains(&part.len()) => (whole, part),
            None => (text, ""),
            Some(_) => return Err(MoneyError::NotAnAmount),
        };
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !plain(whole) || !plain(part) {
            return Err(MoneyError::NotAnAmount);
        }
        let zeros = std::iter::repeat_n(b'0', digits - part.len());
        let mut minor = 0_i64;
        for digit in whole.bytes().chain(part.bytes()).chain(zeros) {
            let next = minor.checked_mul(10).and_then(|it| it.checked_add(i64::from(digit - b'0')));
            minor = next.ok_or(MoneyError::Overflow)?;
        }
        Ok(Self { minor, currency })
    }

    /// The sum; refuses another currency and overflow.
    pub fn plus(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::MixedCurrencies);
        }
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }

    /// The amount `quantity` times; refuses overflow.
    pub fn times(self, quantity: i64) -> Result<Self, MoneyError> {
        let minor = self.minor.checked_mul(quantity).ok_or(MoneyError::Overflow)?;
        Ok(Self { minor, ..self })
    }
}

impl fmt::Display for Money {
    /// Plain and exact: `1234.50 EUR`, `500 JPY`. Pages format for people elsewhere.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.currency.digits();
        let sign = if self.minor < 0 { "-" } else { "" };
        let scale = 10_u64.pow(digits);
        let (whole, part) = (self.minor.unsigned_abs() / scale, self.minor.unsigned_abs() % scale);
        if digits == 0 {
            write!(f, "{sign}{whole} {}", self.currency)
        } else {
            let width = digits as usize;
            write!(f, "{sign}{whole}.{part:0width$} {}", self.currency)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shows_every_number_of_digits() {
        let cases = [
            (Money::new(123_450, Currency::RUB), "1234.50 RUB"),
            (Money::new(1, Currency::EUR), "0.01 EUR"),
            (Money::new(-5, Currency::EUR), "-0.05 EUR"),
            (Money::new(500, "JPY".parse().unwrap()), "500 JPY"),
            (Money::new(1230, "KWD".parse().unwrap()), "1.230 KWD"),
            (Money::new(i64::MIN, Currency::EUR), "-92233720368547758.08 EUR"),
        ];
        for (money, text) in cases {
            assert_eq!(money.to_string(), text);
        }
    }

    #[test]
    fn reads_every_number_of_digits_and_nothing_else() {
        let (yen, dinar) = ("JPY".parse().unwrap(), "KWD".parse().unwrap());
        for (text, currency, minor) in [
            ("1234.50", Currency::RUB, 123_450),
            ("1234.5", Currency::RUB, 123_450),
            ("0.01", Currency::EUR, 1),
            ("007", Currency::EUR, 700),
            ("500", yen, 500),
            ("1.230", dinar, 1230),
            ("92233720368547758.07", Currency::EUR, i64::MAX),
        ] {
            assert_eq!(Money::parse_decimal(text, currency), Ok(Money::new(minor, currency)));
        }
        for text in
            ["", ".", "1.", ".5", "-1", "+1", "1e3", "1,50", " 1", "1 ", "1.234", "0x1", "१"]
        {
            let read = Money::parse_decimal(text, Currency::EUR);
            assert_eq!(read, Err(MoneyError::NotAnAmount), "{text}");
        }
        assert_eq!(Money::parse_decimal("1.0", yen), Err(MoneyError::NotAnAmount));
        let far = Money::parse_decimal("92233720368547758.08", Currency::EUR);
        assert_eq!(far, Err(MoneyError::Overflow));
    }

    #[test]
    fn refuses_what_would_wrap_or_mix() {
        let max = Money::new(i64::MAX, Currency::EUR);
        assert_eq!(max.plus(Money::new(1, Currency::EUR)), Err(MoneyError::Overflow));
        assert_eq!(max.times(2), Err(MoneyError::Overflow));
        assert_eq!(max.plus(Money::zero(Currency::USD)), Err(MoneyError::MixedCurrencies));
        assert!("eur".parse::<Currency>().is_err());
        assert!("EURO".parse::<Currency>().is_err());
    }

    proptest! {
        #[test]
        fn what_is_shown_is_read(minor in 0..=i64::MAX, code in "EUR|JPY|KWD") {
            let money = Money::new(minor, code.parse().unwrap());
            let text = money.to_string();
            let amount = text.split(' ').next().unwrap();
            prop_assert_eq!(Money::parse_decimal(amount, money.currency), Ok(money));
        }

        #[test]
        fn json_keeps_the_amount(minor: i64) {
            let money = Money::new(minor, Currency::CNY);
            let text = serde_json::to_string(&money).unwrap();
            prop_assert_eq!(serde_json::from_str::<Money>(&text).unwrap(), money);
        }
    }
}
