//! Amounts as an English reader expects them (CLDR `en`): `€1,234.50`, `CN¥268.00`, `RUB 15,600.00`.

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

#[cfg(test)]
mod tests {
    #[test]
    fn reads_as_it_should() {
        let cases = [
            (9_450, "EUR", "€94.50"),
            (18_900, "USD", "$189.00"),
            (26_800, "CNY", "CN¥268.00"),
            (1_560_000, "RUB", "RUB\u{a0}15,600.00"),
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
