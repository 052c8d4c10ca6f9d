//! One line of text for people: a name, a street. Pure.
//!
//! Whatever passes can be stored by both engines: PostgreSQL keeps no NUL in a text.

/// The line without the spaces around it, or what is wrong with it.
pub(crate) fn line(text: &str, chars_max: usize) -> Result<&str, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("must not be empty".into());
    }
    if text.chars().count() > chars_max {
        return Err(format!("must be at most {chars_max} characters long"));
    }
    if text.chars().any(char::is_control) {
        return Err("must be one line without control characters".into());
    }
    Ok(text)
}

/// As [`line`], where a form may leave the field blank.
pub(crate) fn optional(text: Option<&str>, chars_max: usize) -> Result<Option<&str>, String> {
    text.filter(|text| !text.trim().is_empty()).map(|text| line(text, chars_max)).transpose()
}
