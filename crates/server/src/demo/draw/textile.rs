//! Things of cloth.

use std::fmt::Write as _;

use super::{Colour, FLOOR, Scene};

pub(in crate::demo) fn napkins() -> String {
    let mut scene = Scene::lying(Colour(0xdf, 0xd6, 0xc8));
    let stack = [
        (Colour::OAT.lighter(20), -20, 40.0),
        (Colour::ROSE, -11, 22.0),
        (Colour::SAGE, -2, 4.0),
        (Colour::SEA.lighter(12), 8, -14.0),
    ];
    for (colour, turn, drop) in stack {
        let d = "M190 300Q186 286 200 284L590 262Q606 262 608 276L628 690Q628 706 612 708L222 730Q206 730 206 716Z";
        scene.raw(&format!(r#"<g transform="translate(0 {drop}) rotate({turn} 400 500)">"#));
        scene.shadow_of(d);
        let fill = scene.flat_fill(colour);
        scene.path(d, fill);
        scene.line("M210 306L588 284L606 684L226 706Z", colour.darker(18), 2.0);
        scene.line("M214 506L606 484", colour.darker(12), 3.0);
        scene.raw("</g>");
    }
    scene.finish()
}

pub(in crate::demo) fn throw() -> String {
    let mut scene = Scene::standing(Colour(0xd8, 0xd7, 0xd0));
    let wool = Colour::CLAY.lighter(12);
    let rail = Colour::OAK;
    scene.line("M96 250H704", rail.darker(30), 30.0);
    scene.line("M96 246H704", rail, 22.0);
    let front = "M210 246C206 232 594 232 590 246L604 786Q400 812 196 786Z";
    scene.shadow_of(front);
    let fill = scene.flat_fill(wool);
    scene.path(front, &fill);
    for (y, colour, width) in
        [(600.0, Colour::CHALK, 34.0), (656.0, Colour::INK, 12.0), (690.0, Colour::CHALK, 12.0)]
    {
        let out = (y - 246.0) / 540.0 * 14.0;
        let d = format!(
            "M{:.1} {y:.1}Q400 {:.1} {:.1} {y:.1}",
            210.0 - out + 1.0,
            y + 26.0,
            590.0 + out - 1.0
        );
        scene.raw(&format!(
            r#"<path d="{d}" fill="none" stroke="{colour}" stroke-width="{width}"/>"#
        ));
    }
    for (x, sway) in [(292.0, 12.0), (404.0, -8.0), (508.0, 10.0)] {
        let fold = format!("M{x} 250C{} 420 {} 620 {} 796", x + sway, x - sway, x + sway * 0.6);
        scene.raw(&format!(r#"<path d="{fold}" fill="none" stroke="{}" stroke-width="16" opacity=".16" filter="url(#soft)"/>"#, Colour::SHADE));
    }
    let mut fringe = String::new();
    for strand in 0..34_u8 {
        let t = f64::from(strand) / 33.0;
        let x = 200.0 + t * 400.0;
        let y = 786.0 + 13.0 * 4.0 * t * (1.0 - t);
        let _ = write!(
            fringe,
            "M{x:.1} {y:.1}l{:.1} {:.1}",
            if strand % 2 == 0 { -3.0 } else { 3.0 },
            44.0
        );
    }
    scene.line(&fringe, wool.darker(8), 5.0);
    scene.finish()
}

/// A cushion in the middle of (x, y).
fn pillow(scene: &mut Scene, (x, y): (f64, f64), size: f64, turn: i32, colour: Colour) {
    let d = "M-226 -214C-120 -186 120 -186 226 -214C200 -110 200 110 232 220C120 194 -120 194 -232 220C-200 110 -200 -110 -226 -214Z";
    let _ =
        write!(scene.shapes, r#"<g transform="translate({x} {y}) rotate({turn}) scale({size})">"#);
    let fill = scene.flat_fill(colour);
    scene.path(d, fill);
    scene.line(d, colour.darker(20), 4.0);
    for fold in [
        "M-214 -204C-150 -160 -120 -110 -110 -60",
        "M214 -204C150 -160 128 -120 122 -80",
        "M-218 208C-150 160 -130 130 -122 90",
        "M218 208C150 160 130 120 124 84",
    ] {
        scene.raw(&format!(r#"<path d="{fold}" fill="none" stroke="{}" stroke-width="22" opacity=".13" stroke-linecap="round" filter="url(#soft)"/>"#, Colour::SHADE));
    }
    scene.raw("</g>");
}

pub(in crate::demo) fn cushion() -> String {
    let mut scene = Scene::standing(Colour(0xdd, 0xd7, 0xcc));
    scene.shadow((400.0, 806.0), 230.0);
    pillow(&mut scene, (400.0, 574.0), 1.12, -3, Colour::MUSTARD);
    scene.framed((20.0, 100.0), 760.0)
}

pub(in crate::demo) fn cushions() -> String {
    let mut scene = Scene::standing(Colour(0xd4, 0xd9, 0xd6));
    scene.shadow((300.0, 800.0), 210.0);
    pillow(&mut scene, (300.0, 560.0), 1.06, -8, Colour::INK.lighter(10));
    scene.shadow((512.0, 836.0), 190.0);
    pillow(&mut scene, (512.0, 640.0), 0.9, 6, Colour::ROSE);
    scene.framed((0.0, 90.0), 800.0)
}

pub(in crate::demo) fn towels() -> String {
    let mut scene = Scene::standing(Colour(0xd9, 0xde, 0xda));
    scene.shadow((400.0, FLOOR), 250.0);
    scene.raw(r##"<pattern id="waffle" width="22" height="22" patternUnits="userSpaceOnUse"><path d="M0 11H22M11 0V22" stroke="#26221c" stroke-width="2.5" opacity=".12"/></pattern>"##);
    let stack = [
        (170.0, 688.0, 460.0, 112.0, Colour::SEA.lighter(10)),
        (178.0, 580.0, 444.0, 108.0, Colour::CHALK),
        (190.0, 480.0, 420.0, 100.0, Colour::CLAY.lighter(20)),
    ];
    for (x, y, width, height, colour) in stack {
        let fill = scene.flat_fill(colour);
        scene.rect((x, y), (width, height), 40.0, fill);
        scene.rect((x, y), (width, height), 40.0, "url(#waffle)");
        let fold = format!("M{:.1} {:.1}H{:.1}", x + 30.0, y + height / 2.0, x + width - 4.0);
        scene.line(&fold, colour.darker(24), 3.0);
        let under = format!("M{:.1} {:.1}H{:.1}", x + 30.0, y + height - 2.0, x + width - 30.0);
        scene.line(&under, colour.darker(30), 3.0);
    }
    scene.line("M566 486v-10M566 470c0 -26 30 -26 30 0v12", Colour::OAK.darker(10), 7.0);
    scene.framed((70.0, 220.0), 660.0)
}

pub(in crate::demo) fn apron() -> String {
    let mut scene = Scene::standing(Colour(0xe2, 0xda, 0xcd));
    let cloth = Colour::INK;
    scene.rect((240.0, 120.0), (320.0, 34.0), 10.0, Colour::OAK.darker(4));
    scene.ellipse((400.0, 146.0), (15.0, 15.0), Colour::OAK.darker(34));
    scene.line("M318 330C330 210 384 158 400 150C416 158 470 210 482 330", cloth.lighter(10), 13.0);
    scene.line(
        "M228 566C180 570 160 640 176 720M572 566C622 574 642 636 628 700",
        cloth.lighter(6),
        11.0,
    );
    let body = "M300 320H500C506 430 540 520 582 556L592 862Q400 884 208 862L218 556C260 520 294 430 300 320Z";
    scene.shadow_of(body);
    let fill = scene.flat_fill(cloth);
    scene.path(body, fill);
    scene.line("M306 344H494", cloth.lighter(24), 3.0);
    let pocket = "M270 610H530V752Q530 772 510 772H290Q270 772 270 752Z";
    scene.path(pocket, cloth.lighter(5));
    scene.line(pocket, cloth.lighter(26), 3.0);
    scene.line("M400 610V772", cloth.lighter(26), 3.0);
    scene.line("M430 610v-44M446 610v-36", Colour::OAK, 11.0);
    scene.finish()
}
