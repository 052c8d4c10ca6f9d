//! Things for the desk and the way there.

use std::fmt::Write as _;

use super::{Colour, FLOOR, Scene};

/// A clothbound book seen from above, turned a little.
fn book(scene: &mut Scene, (x, y): (f64, f64), turn: i32, cloth: Colour) {
    let _ = write!(scene.shapes, r#"<g transform="translate({x} {y}) rotate({turn})">"#);
    let cover = "M-190 -262Q-190 -270 -182 -270H176Q190 -270 190 -256V256Q190 270 176 270H-182Q-190 270 -190 262Z";
    scene.shadow_of(cover);
    let pages = Colour::CHALK;
    scene.rect((-184.0, -262.0), (378.0, 536.0), 8.0, pages.darker(10));
    scene.rect((-184.0, -262.0), (374.0, 532.0), 8.0, pages);
    let fill = scene.flat_fill(cloth);
    scene.path(cover, fill);
    scene.rect((-190.0, -270.0), (40.0, 540.0), 6.0, cloth.darker(16));
    scene.line("M-150 -268V268", cloth.darker(30), 2.0);
    scene.rect((132.0, -271.0), (13.0, 542.0), 2.0, cloth.darker(40));
    scene.raw("</g>");
}

pub(in crate::demo) fn notebook() -> String {
    let mut scene = Scene::lying(Colour(0xd8, 0xd9, 0xd0));
    book(&mut scene, (400.0, 490.0), -7, Colour::SEA);
    scene.raw(r#"<g transform="rotate(24 640 720)">"#);
    let pencil = "M630 470H658V810L644 846L630 810Z";
    scene.shadow_of(pencil);
    scene.path("M630 480H658V806H630Z", Colour::MUSTARD);
    scene.path("M639 480H649V806H639Z", Colour::MUSTARD.lighter(20));
    scene.path("M630 806H658L644 846Z", Colour::OAT);
    scene.path("M639 832H649L644 846Z", Colour::IRON);
    scene.path("M630 462q0 -8 8 -8h12q8 0 8 8v20h-28Z", Colour::BRASS);
    scene.raw("</g>");
    scene.finish()
}

pub(in crate::demo) fn notebooks() -> String {
    let mut scene = Scene::lying(Colour(0xe0, 0xd7, 0xca));
    book(&mut scene, (330.0, 560.0), -14, Colour::RUST);
    book(&mut scene, (430.0, 520.0), 4, Colour::OAT.darker(6));
    book(&mut scene, (470.0, 440.0), 15, Colour::INK);
    scene.finish()
}

pub(in crate::demo) fn pencils() -> String {
    let mut scene = Scene::standing(Colour(0xde, 0xd8, 0xcd));
    let x = 400.0;
    scene.shadow((x, FLOOR), 130.0);
    let sticks = [
        (322.0, 330.0, -9, Colour::RUST),
        (366.0, 282.0, -4, Colour::SEA),
        (408.0, 300.0, 1, Colour::MUSTARD),
        (446.0, 270.0, 5, Colour::SAGE),
        (484.0, 324.0, 10, Colour::INK),
    ];
    for (px, top, turn, colour) in sticks {
        scene.raw(&format!(r#"<g transform="rotate({turn} {px} 700)">"#));
        scene.path(
            &format!("M{} {}H{}V640H{}Z", px - 17.0, top + 56.0, px + 17.0, px - 17.0),
            colour,
        );
        scene.path(
            &format!("M{} {}H{}V640H{}Z", px - 6.0, top + 56.0, px + 5.0, px - 6.0),
            colour.lighter(16),
        );
        scene.path(
            &format!("M{} {}L{px} {top}L{} {}Z", px - 17.0, top + 56.0, px + 17.0, top + 56.0),
            Colour::OAT,
        );
        scene.path(
            &format!("M{} {}L{px} {top}L{} {}Z", px - 6.0, top + 20.0, px + 6.0, top + 20.0),
            colour.darker(12),
        );
        scene.raw("</g>");
    }
    let pot = [(520.0, 126.0), (600.0, 128.0), (770.0, 126.0), (FLOOR, 116.0)];
    scene.turned(x, &pot, 0.18, Colour::CHALK);
    let lip = "M274 520A126 22.7 0 0 0 526 520A126 22.7 0 0 1 400 551A126 22.7 0 0 1 274 520Z";
    scene.path(lip, Colour::CHALK.darker(10));
    for y in [600.0, 640.0, 680.0, 720.0] {
        scene.raw(&format!(
            r#"<path d="M272.5 {y}A127.5 23 0 0 0 527.5 {y}" fill="none" stroke="{}" stroke-width="2" opacity=".5"/>"#,
            Colour::CHALK.darker(26)
        ));
    }
    scene.framed((80.0, 150.0), 640.0)
}

pub(in crate::demo) fn tote() -> String {
    let mut scene = Scene::standing(Colour(0xd3, 0xd9, 0xd7));
    let linen = Colour::OAT;
    scene.shadow((400.0, 806.0), 220.0);
    scene.line("M300 420C300 180 500 180 500 420", linen.darker(28), 26.0);
    let body = "M196 400Q400 418 604 400L640 790Q400 826 160 790Z";
    let fill = scene.flat_fill(linen);
    scene.path(body, fill);
    scene.line("M302 410C296 200 478 214 484 410", linen.darker(8), 26.0);
    scene.line("M200 430Q400 448 600 430", linen.darker(16), 2.5);
    for (x, sway) in [(270.0, 14.0), (540.0, -18.0)] {
        let fold = format!("M{x} 440C{} 560 {} 680 {} 800", x + sway, x - sway, x + sway);
        scene.raw(&format!(
            r#"<path d="{fold}" fill="none" stroke="{}" stroke-width="18" opacity=".15" filter="url(#soft)"/>"#,
            Colour::SHADE
        ));
    }
    scene.raw(r##"<g fill="none" stroke="#3f4a57" stroke-width="7" stroke-linecap="round" stroke-linejoin="round"><path d="M400 560v118M352 600c0 70 96 70 96 0M376 584h48"/><circle cx="400" cy="546" r="14"/></g>"##);
    scene.finish()
}
