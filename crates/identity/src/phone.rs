//! Telephone numbers as a person writes them and as they are compared: E.164.

/// Characters of a number with its spaces, dashes and brackets.
const CHARS_MAX: usize = 40;

/// The number in E.164 (`+41791234567`), or `None` when it is none that anybody could have. It has
/// to begin with `+` and its country's code: without one, it could be anybody's.
pub(crate) fn parse(text: &str) -> Option<String> {
    let text = text.trim();
    let plain = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '.' | '(' | ')' | '/');
    let rest = text.strip_prefix('+')?;
    if text.len() > CHARS_MAX || !rest.chars().all(plain) {
        return None;
    }
    let number = phonenumber::parse(None, text).ok().filter(phonenumber::PhoneNumber::is_valid)?;
    Some(number.format().mode(phonenumber::Mode::E164).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_others() {
        for (text, key) in [
            ("+41 79 123 45 67", "+41791234567"),
            (" +41-(79) 123.45.67 ", "+41791234567"),
            ("+7 (912) 345-67-89", "+79123456789"),
            ("+86 138 1234 5678", "+8613812345678"),
            ("+44 20 7946 0018", "+442079460018"),
        ] {
            assert_eq!(parse(text).as_deref(), Some(key), "{text}");
            assert_eq!(parse(key).as_deref(), Some(key), "{key} again");
        }
        for text in [
            "",
            "+",
            "079 123 45 67",
            "41791234567",
            "+4179",
            "+41791234567890123",
            "+41 79 123 45 67 ext 5",
            "+999123456789",
            "+41\u{a0}791234567",
            "+４１７９１２３４５６７",
            "++41791234567",
            "+41791234567\0",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
