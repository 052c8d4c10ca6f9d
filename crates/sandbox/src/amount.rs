//! Amounts as an English reader expects them (CLDR `en`): `€1,234.50`, `CN¥268.00`, `₽15,600.00`.

use std::fmt::Write as _;

/// No line break between a letter code and the number.
const NO_BREAK: char = '\u{a0}';

/// `minor` units of the currency with this ISO code.
pub(crate) fn show(minor: i64, code: &str) -> String {
    let digits = code.parse::<kernel::Currency>().map_or(2, kernel::Currency::digits);
    let scale = 10_u64.pow(digits);
    let (whole, part) = (minor.unsigned_abs() / scale, minor.unsigned_abs() % scale);
    let mut text = if minor < 0 { "\u{2212}".to_owned() } else { String::new() };
    match code {
        "EUR" => text.push('€'),
        "USD" => text.push('$'),
        "GBP" => text.push('£'),
        "JPY" => text.push('¥'),
        "CNY" => text.push_str("CN¥"),
        "RUB" => text.push('₽'),
        _ => {
            text.push_str(code);
            text.push(NO_BREAK);
        }
    }
    let plain = whole.to_string();
    for (at, digit) in plain.chars().enumerate() {
        if at > 0 && (plain.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if digits > 0 {
        let width = digits as usize;
        let _ = write!(text, ".{part:0width$}");
    }
    text
}

/// Hundredths as `1234.50`, the way two of the providers write money.
pub(crate) fn decimal(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let whole = hundredths.unsigned_abs();
    format!("{sign}{}.{:02}", whole / 100, whole % 100)
}

/// Reads `1234.50`, `1234.5` or `1234`; anything else is no amount.
pub(crate) fn hundredths(text: &str) -> Option<i64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 2 {
        return None;
    }
    let part: i64 = format!("{part:0<2}").parse().ok()?;
    whole.parse::<i64>().ok()?.checked_mul(100)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    #[test]
    fn decimals_are_read_strictly_and_written_fully() {
        for (text, minor) in
            [("1234.50", 123_450), ("1.00", 100), ("0.01", 1), ("7", 700), ("7.5", 750)]
        {
            assert_eq!(super::hundredths(text), Some(minor), "{text}");
        }
        for text in ["", ".5", "1.", "1,50", "-1", "1e3", "1.234", " 1", "99999999999999999999"] {
            assert_eq!(super::hundredths(text), None, "{text}");
        }
        assert_eq!((super::decimal(123_450), super::decimal(1)), ("1234.50".into(), "0.01".into()));
    }

    #[test]
    fn reads_as_it_should() {
        let cases = [
            (9_450, "EUR", "€94.50"),
            (18_900, "USD", "$189.00"),
            (26_800, "CNY", "CN¥268.00"),
            (1_560_000, "RUB", "₽15,600.00"),
            (500, "JPY", "¥500"),
            (1_230, "KWD", "KWD\u{a0}1.230"),
            (12_345_678_900, "EUR", "€123,456,789.00"),
            (100, "EUR", "€1.00"),
            (1, "EUR", "€0.01"),
            (-5, "EUR", "\u{2212}€0.05"),
        ];
        for (minor, code, text) in cases {
            assert_eq!(super::show(minor, code), text);
        }
    }
}
