//! Words: counts, sentences, states and descriptions.

use orders::State;

use super::Icon;

/// `1 item`, `2 items`.
pub(crate) fn count(number: i64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// A refusal's words as a sentence: `not enough in stock` becomes `Not enough in stock.`
pub(crate) fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    let Some(first) = chars.next() else { return String::new() };
    let mut text: String = first.to_uppercase().chain(chars).collect();
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}

/// A state in a word, with its icon and its tone.
#[derive(Clone, Copy)]
pub(crate) struct Badge {
    pub(crate) word: &'static str,
    pub(crate) icon: Icon,
    /// `ok`, `warn`, `info` or `neutral`.
    pub(crate) tone: &'static str,
}

impl Badge {
    pub(crate) fn of(state: State) -> Self {
        let (word, icon, tone) = match state {
            State::Pending => ("Unpaid", Icon::Clock, "warn"),
            State::CashDue => ("Cash on delivery", Icon::Cash, "neutral"),
            State::Paid => ("Paid", Icon::Check, "ok"),
            State::Packed => ("Packed", Icon::Box, "info"),
            State::Shipped => ("Shipped", Icon::Truck, "info"),
            State::Delivered => ("Delivered", Icon::Parcel, "ok"),
            State::Expired => ("Not paid in time", Icon::Ban, "neutral"),
            State::Cancelled => ("Cancelled", Icon::Ban, "neutral"),
            State::Refunded => ("Refunded", Icon::Refund, "neutral"),
        };
        Self { word, icon, tone }
    }
}

/// A description taken apart.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Prose {
    /// Its paragraphs.
    pub(crate) paragraphs: Vec<String>,
    /// The lines of its last block, when all of them say `Name: value`.
    pub(crate) features: Vec<(String, String)>,
}

/// Takes a description apart: blocks are parted by empty lines.
pub(crate) fn prose(text: &str) -> Prose {
    let text = text.replace("\r\n", "\n");
    let blocks = text.split("\n\n").map(str::trim).filter(|block| !block.is_empty());
    let mut paragraphs: Vec<String> = blocks.map(str::to_owned).collect();
    let features = paragraphs.last().and_then(|last| features(last)).unwrap_or_default();
    if !features.is_empty() {
        paragraphs.pop();
    }
    Prose { paragraphs, features }
}

fn features(block: &str) -> Option<Vec<(String, String)>> {
    let pairs: Option<Vec<_>> = block
        .lines()
        .map(|line| {
            let (name, value) = line.split_once(": ")?;
            let (name, value) = (name.trim(), value.trim());
            let short = !name.is_empty() && name.chars().count() <= 30 && !name.contains('.');
            (short && !value.is_empty()).then(|| (name.to_owned(), value.to_owned()))
        })
        .collect();
    pairs.filter(|pairs| pairs.len() >= 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_are_right() {
        assert_eq!(count(1, "item", "items"), "1 item");
        assert_eq!(count(0, "item", "items"), "0 items");
        assert_eq!(count(21, "item", "items"), "21 items");
    }

    #[test]
    fn refusals_become_sentences() {
        assert_eq!(sentence("not enough in stock"), "Not enough in stock.");
        assert_eq!(sentence("done."), "Done.");
        assert_eq!(sentence("ärgerlich"), "Ärgerlich.");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn a_description_is_paragraphs_and_features() {
        let text = "First line\nof one.\r\n\r\nSecond.\n\nMaterial: oak: oiled\nHeight: 9 cm\n";
        let parts = prose(text);
        assert_eq!(parts.paragraphs, ["First line\nof one.", "Second."]);
        let features = [("Material", "oak: oiled"), ("Height", "9 cm")];
        assert_eq!(parts.features, features.map(|(a, b)| (a.to_owned(), b.to_owned())));
    }

    #[test]
    fn prose_with_a_colon_is_no_feature() {
        for text in ["Note: one line only", "It pours: no drip.\nAnd then some", "", "\n\n"] {
            assert_eq!(prose(text).features, [], "{text:?}");
        }
    }
}
