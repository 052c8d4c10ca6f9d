//! Where a page ended, as text that means nothing to whoever carries it.
//!
//! A cursor is base64url of one byte for the order, the sixteen bytes of the last product's id,
//! and what the order sorts by. It is a place, not a secret: a made-up one leads to another place
//! of the same list. One of another order is refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kernel::{ProductId, Uuid, limits};

use crate::list::Sort;

/// The last product of a page, in the order of the list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Place {
    pub(crate) product: ProductId,
    pub(crate) key: Key,
}

/// What the order sorts by, before the id decides.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Key {
    /// The id says when it was made.
    Newest,
    /// Minor units.
    Price(i64),
    /// The lower-case title.
    Title(String),
}

/// A lower-case title can be longer than the title: in a few letters of a few languages, thrice.
const TITLE_BYTES_MAX: usize = limits::TEXT_CHARS_MAX * 12;

pub(crate) fn write(sort: Sort, place: &Place) -> String {
    let mut bytes = vec![mark(sort)];
    bytes.extend_from_slice(place.product.0.as_bytes());
    match &place.key {
        Key::Newest => {}
        Key::Price(minor) => bytes.extend_from_slice(&minor.to_be_bytes()),
        Key::Title(key) => bytes.extend_from_slice(key.as_bytes()),
    }
    URL_SAFE_NO_PAD.encode(bytes)
}

/// `None` when no page of this order gives such a cursor.
pub(crate) fn read(sort: Sort, cursor: &str) -> Option<Place> {
    if cursor.len() > 4 * (17 + TITLE_BYTES_MAX) / 3 + 4 {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (first, rest) = bytes.split_first()?;
    if *first != mark(sort) {
        return None;
    }
    let (id, rest) = rest.split_at_checked(16)?;
    let key = match sort {
        Sort::Newest => rest.is_empty().then_some(Key::Newest)?,
        Sort::PriceUp | Sort::PriceDown => Key::Price(i64::from_be_bytes(rest.try_into().ok()?)),
        Sort::Title => {
            let text = std::str::from_utf8(rest).ok()?;
            // PostgreSQL keeps no NUL in a text, and no title has other control characters.
            (!text.chars().any(char::is_control)).then(|| Key::Title(text.to_owned()))?
        }
    };
    Some(Place { product: ProductId(Uuid::from_slice(id).ok()?), key })
}

fn mark(sort: Sort) -> u8 {
    match sort {
        Sort::Newest => b'n',
        Sort::PriceUp => b'p',
        Sort::PriceDown => b'q',
        Sort::Title => b't',
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn places() -> impl Strategy<Value = (Sort, Place)> {
        let key = prop_oneof![
            Just((Sort::Newest, Key::Newest)),
            any::<i64>().prop_map(|minor| (Sort::PriceUp, Key::Price(minor))),
            any::<i64>().prop_map(|minor| (Sort::PriceDown, Key::Price(minor))),
            "[^\\p{Cc}]{1,200}".prop_map(|text| (Sort::Title, Key::Title(text.to_lowercase()))),
        ];
        (any::<u128>(), key).prop_map(|(id, (sort, key))| {
            (sort, Place { product: ProductId(Uuid::from_u128(id)), key })
        })
    }

    proptest! {
        #[test]
        fn a_cursor_leads_back_to_its_place((sort, place) in places()) {
            let cursor = write(sort, &place);
            prop_assert_eq!(read(sort, &cursor), Some(place));
            for other in Sort::ALL.into_iter().filter(|other| *other != sort) {
                prop_assert_eq!(read(other, &cursor), None, "another order refuses it");
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            for sort in Sort::ALL {
                let _ = read(sort, &text);
            }
        }
    }

    #[test]
    fn malformed_ones_are_refused() {
        let place = Place { product: ProductId(Uuid::nil()), key: Key::Price(5) };
        let good = write(Sort::PriceUp, &place);
        let longer = format!("{good}AA");
        let with_nul = Place { key: Key::Title("a\0".into()), ..place };
        assert_eq!(read(Sort::Title, &write(Sort::Title, &with_nul)), None);
        for bad in ["", "!", "null", &good[1..], &good[..good.len() - 1], &longer] {
            assert_eq!(read(Sort::PriceUp, bad), None, "{bad:?}");
        }
    }
}
