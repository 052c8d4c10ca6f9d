//! What somebody signs in with: an e-mail address, a telephone number, or a name.

use serde::{Deserialize, Serialize};
use store::{FromColumn, Param, Value};

use crate::{email, phone};

/// Characters of a name.
const NAME_CHARS: std::ops::RangeInclusive<usize> = 3..=40;

/// The kinds of login.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoginKind {
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// A name that its owner chose.
    Username,
}

impl LoginKind {
    /// The word in the database and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Username => "username",
        }
    }
}

impl Param for LoginKind {
    fn value(&self) -> Value<'_> {
        Value::Text(self.as_str())
    }
}

impl FromColumn for LoginKind {
    fn from_value(value: Value<'_>) -> Option<Self> {
        [Self::Email, Self::Phone, Self::Username]
            .into_iter()
            .find(|kind| value == Value::Text(kind.as_str()))
    }
}

/// A login that could be somebody's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Login {
    /// What it is.
    pub kind: LoginKind,
    /// As it was written, without the spaces around it; a number in E.164.
    pub text: String,
    /// As it is compared. An address has an `@`, a number begins with `+`, a name has neither.
    pub key: String,
}

impl Login {
    /// The login, or `None` for what is none. A telephone number has its country's code.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.contains('@') {
            let email::Email { text, key } = email::parse(text)?;
            return Some(Self { kind: LoginKind::Email, text, key });
        }
        if text.starts_with('+') {
            let number = phone::parse(text)?;
            return Some(Self { kind: LoginKind::Phone, text: number.clone(), key: number });
        }
        // Latin letters only: those of other alphabets that look the same would be other names.
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let begins = text.starts_with(|c: char| c.is_ascii_alphabetic());
        let fits = NAME_CHARS.contains(&text.len()) && begins && text.chars().all(plain);
        fits.then(|| Self {
            kind: LoginKind::Username,
            text: text.to_owned(),
            key: text.to_ascii_lowercase(),
        })
    }

    /// Whether something can be sent there.
    pub fn can_be_written_to(&self) -> bool {
        self.kind != LoginKind::Username
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_type() {
        use LoginKind::{Email, Phone, Username};
        for (text, kind, key) in [
            (" Ada@Example.org ", Email, "ada@example.org"),
            ("+41 79 123 45 67", Phone, "+41791234567"),
            ("Opply", Username, "opply"),
            ("ada.l-9_", Username, "ada.l-9_"),
        ] {
            let login = Login::parse(text).unwrap();
            assert_eq!((login.kind, &*login.key), (kind, key), "{text}");
            assert_eq!(Login::parse(&login.text), Some(login));
        }
        let long = "a".repeat(41);
        for text in ["", "ab", "9lives", "аda", "ada byron", "079 123 45 67", "a\0da", &long] {
            assert_eq!(Login::parse(text), None, "{text:?}");
        }
    }
}
