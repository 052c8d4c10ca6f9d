//! Things for the kitchen, the room and the desk.

use super::{Good, draw, item, reduced};

pub(super) static BOARD: Good = Good {
    slug: "oak-board",
    title: "Oak chopping board",
    category: "kitchen",
    description: "Cut from one plank, not glued from many. Oak is hard enough to last and soft \
        enough to be kind to a knife. Oil it twice a year and it will outlive the kitchen.\n\n\
        Material: European oak, oiled\n\
        Thickness: 2.2 cm\n\
        Care: by hand, dry standing",
    items: &[
        item("BRD-S", &[("Size", "Small, 30 × 16 cm")], 2600, 20),
        item("BRD-M", &[("Size", "Medium, 38 × 22 cm")], 3800, 16),
        item("BRD-L", &[("Size", "Large, 46 × 28 cm")], 5400, 7),
    ],
    pictures: &[
        ("An oak board with a handle, leaning on a wall", draw::board),
        ("Three boards of different sizes", draw::boards),
    ],
};

pub(super) static PAN: Good = Good {
    slug: "iron-pan",
    title: "Forged iron pan",
    category: "kitchen",
    description: "Iron needs a little patience and pays it back with fried eggs that slide. It \
        comes seasoned, works on every hob, in the oven and over a fire, and gets better with \
        each year.\n\n\
        Material: forged iron, seasoned with linseed oil\n\
        Across: 24 cm\n\
        Weight: 1.4 kg\n\
        Care: hot water, no soap",
    items: &[item("PAN-24", &[], 7900, 2)],
    pictures: &[("A black iron pan with two fried eggs, seen from above", draw::pan)],
};

pub(super) static MILL: Good = Good {
    slug: "pepper-mill",
    title: "Pepper mill",
    category: "kitchen",
    description: "Turned from a single piece of walnut around a steel grinder that goes from \
        dust to gravel with a twist of the knob. Repaired free of charge, for ever.\n\n\
        Material: walnut, brass, steel\n\
        Height: 22 cm",
    items: &[item("MIL-WAL", &[], 5200, 13)],
    pictures: &[("A walnut pepper mill with a brass ring", draw::mill)],
};

pub(super) static JAR: Good = Good {
    slug: "storage-jar",
    title: "Storage jar with cork",
    category: "kitchen",
    description: "What can be seen gets used. Mouth-blown glass with a cork that closes tight \
        enough for coffee and tea.\n\n\
        Material: glass, cork\n\
        Care: glass in the dishwasher, cork by hand",
    items: &[
        item("JAR-05", &[("Holds", "0.5 l")], 1400, 40),
        item("JAR-10", &[("Holds", "1 l")], 1800, 28),
        item("JAR-20", &[("Holds", "2 l")], 2300, 15),
    ],
    pictures: &[
        ("A glass jar of red lentils with a cork", draw::jar),
        ("Three jars of different sizes, filled", draw::jars),
    ],
};

pub(super) static NAPKINS: Good = Good {
    slug: "linen-napkins",
    title: "Linen napkins, set of four",
    category: "bath-and-kitchen",
    description: "Washed linen that needs no iron and no occasion. The four colours are dyed in \
        one bath after the other and go together because of it.\n\n\
        Material: linen\n\
        Size: 42 × 42 cm\n\
        Care: 60 °C",
    items: &[item("NAP-4", &[], 3200, 24)],
    pictures: &[("Four folded linen napkins: oat, rose, green and blue", draw::napkins)],
};

pub(super) static THROW: Good = Good {
    slug: "wool-throw",
    title: "Wool throw",
    category: "living-room",
    description: "Woven in Donegal on a loom that is older than the weaver. Warm without being \
        heavy, and long enough to cover feet and shoulders at the same time.\n\n\
        Material: pure new wool\n\
        Size: 140 × 190 cm\n\
        Care: wool wash, cold",
    items: &[item("THR-CLY", &[("Colour", "Clay")], 11_900, 6)],
    pictures: &[("A clay coloured throw with white and blue stripes on a rail", draw::throw)],
};

pub(super) static CUSHION: Good = Good {
    slug: "linen-cushion",
    title: "Linen cushion",
    category: "living-room",
    description: "Heavy linen on both sides, a hidden zip and a feather filling that keeps its \
        shape when it is sat upon, leaned on and thrown.\n\n\
        Material: linen, filled with feathers\n\
        Size: 50 × 50 cm\n\
        Care: cover at 40 °C",
    items: &[
        item("CSH-MUS", &[("Colour", "Mustard")], 4500, 10),
        item("CSH-INK", &[("Colour", "Ink")], 4500, 8),
        item("CSH-ROS", &[("Colour", "Rose")], 4500, 0),
    ],
    pictures: &[
        ("A mustard yellow cushion", draw::cushion),
        ("An ink blue and a rose coloured cushion", draw::cushions),
    ],
};

pub(super) static TOWEL: Good = Good {
    slug: "waffle-towel",
    title: "Waffle towel",
    category: "bath-and-kitchen",
    description: "The waffle weave drinks more than terry does and dries in half the time. Soft \
        from the first wash, softer after the tenth.\n\n\
        Material: cotton and linen\n\
        Hand: 50 × 90 cm\n\
        Bath: 90 × 150 cm\n\
        Care: 60 °C",
    items: &[
        item("TWL-H-SEA", &[("Colour", "Sea"), ("Size", "Hand")], 1800, 26),
        item("TWL-B-SEA", &[("Colour", "Sea"), ("Size", "Bath")], 3900, 12),
        item("TWL-H-CHK", &[("Colour", "Chalk"), ("Size", "Hand")], 1800, 31),
        item("TWL-B-CHK", &[("Colour", "Chalk"), ("Size", "Bath")], 3900, 0),
        item("TWL-H-CLY", &[("Colour", "Clay"), ("Size", "Hand")], 1800, 3),
        item("TWL-B-CLY", &[("Colour", "Clay"), ("Size", "Bath")], 3900, 9),
    ],
    pictures: &[("A stack of three folded towels: clay, chalk and sea", draw::towels)],
};

pub(super) static APRON: Good = Good {
    slug: "cotton-apron",
    title: "Cotton apron",
    category: "bath-and-kitchen",
    description: "Sailcloth that stands up to flour, fat and paint. The straps are long enough \
        to be tied in front, and the pocket has room for a cloth on one side and a spoon on the \
        other.\n\n\
        Material: organic cotton\n\
        Size: one size\n\
        Care: 60 °C",
    items: &[item("APR-INK", &[], 4400, 0)],
    pictures: &[("An ink blue apron with a pocket, on a peg", draw::apron)],
};

pub(super) static LAMP: Good = Good {
    slug: "mushroom-lamp",
    title: "Mushroom lamp",
    category: "light",
    description: "A small lamp that lights the table and not the room. The shade is spun from one \
        sheet of steel; touch the brass knob to choose between bright, warm and hardly there.\n\n\
        Material: steel, powder-coated; brass\n\
        Height: 34 cm\n\
        Light: 480 lm, 2700 K, replaceable\n\
        Cable: 1.8 m, cotton",
    items: &[item("LMP-RUS", &[("Colour", "Rust")], 12_900, 5)],
    pictures: &[("A rust red lamp with a dome for a shade, lit", draw::lamp)],
};

pub(super) static PENDANT: Good = Good {
    slug: "paper-pendant",
    title: "Paper pendant",
    category: "light",
    description: "Rice paper on a bamboo spiral: it weighs less than a letter and turns a bare \
        bulb into a moon. Folds flat for the next move.\n\n\
        Material: rice paper, bamboo\n\
        Socket: E27, cable sold with it\n\
        Assembly: two minutes, no tools",
    items: &[
        item("PND-40", &[("Size", "40 cm")], 3600, 22),
        item("PND-60", &[("Size", "60 cm")], 5200, 3),
    ],
    pictures: &[("A round paper lamp on a cord, lit", draw::pendant)],
};

pub(super) static CANDLES: Good = Good {
    slug: "beeswax-candles",
    title: "Beeswax candles, set of four",
    category: "light",
    description: "Dipped eighteen times, one layer after the other, in wax from a beekeeper two \
        villages away. They burn for seven hours and smell of honey before they are lit.\n\n\
        Material: beeswax, cotton\n\
        Length: 25 cm\n\
        Burns: 7 hours each",
    items: &[reduced("CND-4", &[], (1950, 2400), 44)],
    pictures: &[("Four candles of yellow wax in a paper band", draw::candles)],
};

pub(super) static CHAMBERSTICK: Good = Good {
    slug: "brass-chamberstick",
    title: "Brass chamberstick",
    category: "light",
    description: "The candle one can walk with. The dish catches the wax, the ring takes a \
        finger, and the brass darkens where it is held most.\n\n\
        Material: brass, unlacquered\n\
        Across: 15 cm\n\
        Fits: candles of 2.2 cm",
    items: &[item("CHB-BRS", &[], 3900, 12)],
    pictures: &[("A burning candle in a brass dish with a ring", draw::chamberstick)],
};

pub(super) static NOTEBOOK: Good = Good {
    slug: "cloth-notebook",
    title: "Clothbound notebook",
    category: "desk",
    description: "It lies flat on every page, because it is sewn and not glued. The paper takes \
        ink without a shadow on the other side; the elastic outlasts the pages.\n\n\
        Pages: 192, 100 g/m²\n\
        Size: 14 × 20 cm\n\
        Binding: sewn, cloth over board",
    items: &[
        item("NTB-SEA-L", &[("Colour", "Sea"), ("Pages", "Lined")], 1700, 35),
        item("NTB-SEA-P", &[("Colour", "Sea"), ("Pages", "Plain")], 1700, 18),
        item("NTB-RUS-L", &[("Colour", "Rust"), ("Pages", "Lined")], 1700, 27),
        item("NTB-RUS-P", &[("Colour", "Rust"), ("Pages", "Plain")], 1700, 0),
        item("NTB-OAT-L", &[("Colour", "Oat"), ("Pages", "Lined")], 1700, 21),
        item("NTB-OAT-P", &[("Colour", "Oat"), ("Pages", "Plain")], 1700, 16),
    ],
    pictures: &[
        ("A sea green notebook and a pencil, seen from above", draw::notebook),
        ("Three notebooks: rust, oat and ink", draw::notebooks),
    ],
};

pub(super) static PENCILS: Good = Good {
    slug: "coloured-pencils",
    title: "Coloured pencils, set of five",
    category: "desk",
    description: "Five colours that get along: rust, sea, mustard, sage and ink. Soft leads in \
        linden wood, for writing in the margin and for drawing over the edge.\n\n\
        Material: linden wood\n\
        Length: 17.5 cm\n\
        In the box: 5 pencils, without the pot",
    items: &[item("PCL-5", &[], 1250, 52)],
    pictures: &[("Five coloured pencils in a white pot", draw::pencils)],
};

pub(super) static TOTE: Good = Good {
    slug: "anchor-tote",
    title: "Anchor tote",
    category: "desk",
    description: "Our own bag, with our own anchor on it. Heavy canvas that stands by itself, \
        handles long enough for a winter coat, and seams that are sewn twice.\n\n\
        Material: organic cotton canvas\n\
        Size: 40 × 42 × 12 cm\n\
        Carries: 20 kg",
    items: &[item("TOT-ANC", &[], 2900, 38)],
    pictures: &[("A canvas bag with an anchor on it", draw::tote)],
};
