//! What the demo shop sells, in the order it came in.

mod home;
mod table;

use super::draw;

/// A category; its parent stands before it.
pub(super) struct Category {
    pub(super) slug: &'static str,
    pub(super) title: &'static str,
    pub(super) parent: Option<&'static str>,
}

/// A product.
pub(super) struct Good {
    pub(super) slug: &'static str,
    pub(super) title: &'static str,
    pub(super) category: &'static str,
    /// Paragraphs, and at the end lines of the form "Material: stoneware".
    pub(super) description: &'static str,
    pub(super) items: &'static [Item],
    pub(super) pictures: &'static [Picture],
}

/// What a picture shows, and who draws it.
type Picture = (&'static str, fn() -> String);

/// What is bought of it.
pub(super) struct Item {
    pub(super) sku: &'static str,
    pub(super) options: &'static [(&'static str, &'static str)],
    /// Minor units.
    pub(super) price: i64,
    /// The price before, when it is reduced.
    pub(super) was: Option<i64>,
    pub(super) units: i64,
}

const fn item(
    sku: &'static str,
    options: &'static [(&'static str, &'static str)],
    price: i64,
    units: i64,
) -> Item {
    Item { sku, options, price, was: None, units }
}

const fn reduced(
    sku: &'static str,
    options: &'static [(&'static str, &'static str)],
    (price, was): (i64, i64),
    units: i64,
) -> Item {
    Item { sku, options, price, was: Some(was), units }
}

pub(super) const CATEGORIES: &[Category] = &[
    Category { slug: "tableware", title: "Tableware", parent: None },
    Category { slug: "kitchen", title: "Kitchen", parent: None },
    Category { slug: "textiles", title: "Textiles", parent: None },
    Category { slug: "light", title: "Light", parent: None },
    Category { slug: "desk", title: "Desk", parent: None },
    Category { slug: "cups-and-glasses", title: "Cups and glasses", parent: Some("tableware") },
    Category { slug: "bowls-and-plates", title: "Bowls and plates", parent: Some("tableware") },
    Category { slug: "pots-and-jugs", title: "Pots and jugs", parent: Some("tableware") },
    Category { slug: "living-room", title: "Living room", parent: Some("textiles") },
    Category { slug: "bath-and-kitchen", title: "Bath and kitchen", parent: Some("textiles") },
];

/// The oldest first: the last one is the newest in the shop.
pub(super) static GOODS: &[&Good] = &[
    &table::TUMBLERS,
    &home::NAPKINS,
    &home::CANDLES,
    &home::TOTE,
    &home::MILL,
    &table::ESPRESSO,
    &home::PENCILS,
    &home::JAR,
    &home::APRON,
    &table::PLATE,
    &home::CHAMBERSTICK,
    &home::BOARD,
    &home::TOWEL,
    &table::BREAKFAST_BOWL,
    &home::PENDANT,
    &table::SERVING_BOWL,
    &home::CUSHION,
    &home::PAN,
    &home::NOTEBOOK,
    &home::THROW,
    &table::JUG,
    &home::LAMP,
    &table::TEAPOT,
    &table::MUG,
];
