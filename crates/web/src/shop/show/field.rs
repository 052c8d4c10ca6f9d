//! A field of a form: label above, hint under the label, the error beside both.

use askama::Template;
use askama::filters::HtmlSafe;

/// A text field, as it writes itself.
#[derive(Template)]
#[template(path = "parts/field.html")]
pub(crate) struct Field<'a> {
    name: &'a str,
    label: &'a str,
    kind: &'a str,
    autocomplete: &'a str,
    value: &'a str,
    hint: &'a str,
    wrong: Option<&'a str>,
    required: bool,
}

impl<'a> Field<'a> {
    /// A field that must be filled in.
    pub(crate) fn new(name: &'a str, label: &'a str) -> Self {
        Self {
            name,
            label,
            kind: "text",
            autocomplete: "off",
            value: "",
            hint: "",
            wrong: None,
            required: true,
        }
    }

    /// What kind of text: `email`, `password`, `tel`.
    pub(crate) fn kind(self, kind: &'a str) -> Self {
        Self { kind, ..self }
    }

    /// What a browser may fill in (HTML, 4.10.18.7).
    pub(crate) fn filled(self, autocomplete: &'a str) -> Self {
        Self { autocomplete, ..self }
    }

    /// What stands in it.
    pub(crate) fn value(self, value: &'a str) -> Self {
        Self { value, ..self }
    }

    /// What helps to fill it in.
    pub(crate) fn hint(self, hint: &'a str) -> Self {
        Self { hint, ..self }
    }

    /// What is not right about it.
    pub(crate) fn wrong(self, wrong: Option<&'a str>) -> Self {
        Self { wrong, ..self }
    }

    /// It may stay empty.
    pub(crate) fn optional(self) -> Self {
        Self { required: false, ..self }
    }

    /// The ids of what describes it.
    fn described_by(&self) -> String {
        let hint = (!self.hint.is_empty()).then(|| format!("{}-hint", self.name));
        let wrong = self.wrong.map(|_| format!("{}-wrong", self.name));
        hint.into_iter().chain(wrong).collect::<Vec<_>>().join(" ")
    }
}

impl HtmlSafe for Field<'_> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_escaped_and_described() {
        let field = Field::new("name", "Name")
            .value("\"><script>alert(1)</script>")
            .hint("As on the door")
            .wrong(Some("Too <long>"));
        let html = field.to_string();
        assert!(!html.contains("<script>") && !html.contains("<long>"), "{html}");
        assert!(html.contains(r#"aria-invalid="true""#), "{html}");
        assert!(html.contains(r#"aria-describedby="name-hint name-wrong""#), "{html}");
        let plain = Field::new("line2", "Flat").optional().to_string();
        assert!(!plain.contains("aria-invalid") && !plain.contains("required"), "{plain}");
        assert!(!plain.contains("aria-describedby"), "{plain}");
    }
}
