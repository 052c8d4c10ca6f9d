//! Things for the table.

use super::{Good, draw, item, reduced};

pub(super) static MUG: Good = Good {
    slug: "stoneware-mug",
    title: "Stoneware mug",
    category: "cups-and-glasses",
    description: "A mug with room for a whole hand in its handle and for a proper breakfast \
        coffee in its belly. Thrown in Portugal, glazed by dipping, so that each one ends its \
        glaze a little differently above the bare foot.\n\n\
        The foot is ground smooth and leaves no marks on wood.\n\n\
        Material: stoneware, matt glaze\n\
        Holds: 0.35 l\n\
        Height: 9.5 cm\n\
        Care: dishwasher and microwave",
    items: &[
        item("MUG-SAG", &[("Colour", "Sage")], 1900, 42),
        item("MUG-OAT", &[("Colour", "Oat")], 1900, 36),
        item("MUG-INK", &[("Colour", "Ink")], 1900, 2),
    ],
    pictures: &[
        ("A sage green mug with a bare clay foot", draw::mug),
        ("Three mugs: ink blue, sage green and oat", draw::mugs),
    ],
};

pub(super) static ESPRESSO: Good = Good {
    slug: "espresso-cups",
    title: "Espresso cups, set of two",
    category: "cups-and-glasses",
    description: "Small, thick-walled and heavy for their size: they keep an espresso warm for \
        as long as an espresso lasts. Each stands on its own saucer.\n\n\
        Material: stoneware\n\
        Holds: 80 ml\n\
        In the box: 2 cups, 2 saucers\n\
        Care: dishwasher",
    items: &[
        item("ESP-CHK", &[("Colour", "Chalk")], 2800, 18),
        item("ESP-INK", &[("Colour", "Ink")], 2800, 11),
    ],
    pictures: &[("An ink blue and a chalk white cup of espresso on their saucers", draw::espresso)],
};

pub(super) static TUMBLERS: Good = Good {
    slug: "tumblers",
    title: "Tumblers, set of four",
    category: "cups-and-glasses",
    description: "Plain glasses for water, juice and the last of the wine. Pressed from recycled \
        glass, with a base thick enough to forgive a hard table.\n\n\
        Material: recycled glass\n\
        Holds: 0.28 l\n\
        In the box: 4 glasses\n\
        Care: dishwasher",
    items: &[item("TUM-4", &[], 2400, 60)],
    pictures: &[("Three glasses, half full of water", draw::tumblers)],
};

pub(super) static TEAPOT: Good = Good {
    slug: "teapot",
    title: "Teapot, 0.9 l",
    category: "pots-and-jugs",
    description: "It pours without a drip: the spout is cut by hand and tested with water before \
        it is fired. The oak handle stays cool, and the strainer behind the spout holds back all \
        but the finest leaves.\n\n\
        Material: stoneware, oak\n\
        Holds: 0.9 l, about four cups\n\
        Care: by hand",
    items: &[item("TEA-RUS", &[("Colour", "Rust")], 6400, 9)],
    pictures: &[("A round rust red teapot with an oak handle", draw::teapot)],
};

pub(super) static JUG: Good = Good {
    slug: "chalk-jug",
    title: "Chalk jug",
    category: "pots-and-jugs",
    description: "A jug for milk in the morning and for three branches from the garden in the \
        afternoon. The inside is glazed, the outside is left as dry to the touch as chalk.\n\n\
        Material: stoneware\n\
        Holds: 1.2 l\n\
        Height: 24 cm\n\
        Care: dishwasher",
    items: &[item("JUG-CHK", &[], 4200, 14)],
    pictures: &[("A white jug with three green branches in it", draw::jug)],
};

pub(super) static SERVING_BOWL: Good = Good {
    slug: "serving-bowl",
    title: "Serving bowl",
    category: "bowls-and-plates",
    description: "The bowl in the middle of the table. Wide enough to toss a salad in without \
        losing half of it, and good-looking enough to hold fruit for the rest of the week.\n\n\
        Material: stoneware, glossy glaze\n\
        Across: 24 cm or 31 cm\n\
        Care: dishwasher",
    items: &[
        reduced("SRV-S", &[("Size", "24 cm")], (3400, 3900), 12),
        reduced("SRV-L", &[("Size", "31 cm")], (4900, 5800), 3),
    ],
    pictures: &[("A wide sea green bowl with yellow fruit", draw::bowl)],
};

pub(super) static BREAKFAST_BOWL: Good = Good {
    slug: "breakfast-bowl",
    title: "Breakfast bowl",
    category: "bowls-and-plates",
    description: "For porridge, soup and noodles. The wall is straight, so the last spoonful is \
        as easy as the first, and six of them stand in the space of two.\n\n\
        Material: stoneware, matt glaze\n\
        Holds: 0.6 l\n\
        Across: 15 cm\n\
        Care: dishwasher and microwave",
    items: &[
        item("BRK-SAG", &[("Colour", "Sage")], 1600, 30),
        item("BRK-CLY", &[("Colour", "Clay")], 1600, 25),
        item("BRK-OAT", &[("Colour", "Oat")], 1600, 0),
    ],
    pictures: &[("A stack of three bowls: sage, clay and oat", draw::bowls)],
};

pub(super) static PLATE: Good = Good {
    slug: "dinner-plate",
    title: "Dinner plate",
    category: "bowls-and-plates",
    description: "A flat plate with a low edge that keeps the sauce where it belongs. The rim is \
        left without glaze: a thin brown line, different on every plate.\n\n\
        Material: stoneware\n\
        Across: 26 cm\n\
        Care: dishwasher and microwave",
    items: &[item("PLT-CHK", &[], 2200, 48)],
    pictures: &[("A white plate on a folded green cloth, seen from above", draw::plate)],
};
