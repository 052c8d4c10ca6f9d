//! Things for the kitchen.

use std::fmt::Write as _;

use super::{Colour, FLOOR, Scene};

/// Lines of wood across a shape that has the id `clip`.
fn grain(
    scene: &mut Scene,
    clip: &str,
    (x, y): (f64, f64),
    (width, height): (f64, f64),
    wood: Colour,
) {
    let mut lines = String::new();
    let mut at: f64 = 14.0;
    let mut bend: f64 = 9.0;
    while at < width {
        let _ = write!(
            lines,
            "M{:.1} {y:.1}c{bend:.1} {:.1} {:.1} {:.1} 2 {height:.1}",
            x + at,
            height * 0.3,
            -bend,
            height * 0.7
        );
        at += 17.0 + bend.abs();
        bend = -bend * 0.9 + 3.0;
    }
    scene.raw(&format!(
        r#"<g clip-path="url(#{clip})"><path d="{lines}" fill="none" stroke="{}" stroke-width="2.5" opacity=".5"/></g>"#,
        wood.darker(20)
    ));
}

/// A board that leans on the wall: its lower left corner at (x, y).
fn leaning(scene: &mut Scene, (x, y): (f64, f64), (width, height): (f64, f64), wood: Colour) {
    let name = format!("board{}", width.round());
    let shape = format!(
        "M{x:.1} {:.1}q0 -34 34 -34h{:.1}q24 0 24 -30v-84q0 -46 44 -46t44 46v84q0 30 24 30h{:.1}q34 0 34 34v{:.1}q0 26 -26 26h{:.1}q-26 0 -26 -26Z",
        y - height,
        width / 2.0 - 102.0,
        width / 2.0 - 102.0,
        height - 26.0,
        52.0 - width,
    );
    scene.shadow((x + width / 2.0, y), width * 0.5);
    scene.raw(&format!(r#"<clipPath id="{name}"><path d="{shape}"/></clipPath>"#));
    let edge = wood.darker(28);
    scene.raw(&format!(r#"<path d="{shape}" transform="translate(9 5)" fill="{edge}"/>"#));
    let fill = scene.flat_fill(wood);
    scene.path(&shape, fill);
    grain(scene, &name, (x, y - height - 170.0), (width, height + 180.0), wood);
    scene.ellipse((x + width / 2.0, y - height - 112.0), (16.0, 16.0), wood.darker(52));
}

pub(in crate::demo) fn board() -> String {
    let mut scene = Scene::standing(Colour(0xdc, 0xdd, 0xd5));
    leaning(&mut scene, (222.0, FLOOR), (360.0, 420.0), Colour::OAK);
    scene.finish()
}

pub(in crate::demo) fn boards() -> String {
    let mut scene = Scene::standing(Colour(0xe4, 0xdc, 0xd0));
    leaning(&mut scene, (300.0, 760.0), (380.0, 440.0), Colour::WALNUT.lighter(14));
    leaning(&mut scene, (168.0, 796.0), (300.0, 330.0), Colour::OAK);
    leaning(&mut scene, (430.0, 826.0), (230.0, 240.0), Colour::OAK.lighter(20));
    scene.finish()
}

pub(in crate::demo) fn pan() -> String {
    let mut scene = Scene::lying(Colour(0xd9, 0xd0, 0xc2));
    let round = "M130 610a240 240 0 1 0 480 0a240 240 0 1 0 -480 0Z";
    let handle = "M498 404L640 168q20 -34 54 -14q34 20 14 54L560 448Z";
    scene.shadow_of(handle);
    scene.shadow_of(round);
    let iron = scene.flat_fill(Colour::IRON);
    scene.path(handle, &iron);
    scene.ellipse((676.0, 184.0), (13.0, 13.0), Colour(0xd9, 0xd0, 0xc2).darker(12));
    scene.path("M146 470L108 442q-10 -22 20 -24L206 424Z", Colour::IRON.darker(10));
    scene.path("M590 760l44 30q4 24 -26 22l-78 -8Z", Colour::IRON.darker(10));
    scene.ellipse((370.0, 610.0), (240.0, 240.0), &iron);
    scene.ellipse((370.0, 610.0), (226.0, 226.0), Colour::IRON.lighter(16));
    let bottom = scene.flat_fill(Colour::IRON.darker(14));
    scene.ellipse((370.0, 614.0), (208.0, 208.0), bottom);
    for (x, y, turn) in [(330.0, 560.0, 0), (432.0, 676.0, 40)] {
        scene.raw(&format!(
            r##"<g transform="rotate({turn} {x} {y})"><path d="M{} {y}q0 -58 64 -66q72 -6 76 60q2 60 -64 70q-70 6 -76 -64Z" fill="#f6f2e8"/><circle cx="{x}" cy="{y}" r="29" fill="#e2a33c"/><circle cx="{}" cy="{}" r="8" fill="#f3cd86"/></g>"##,
            x - 72.0,
            x - 8.0,
            y - 9.0
        ));
    }
    scene.finish()
}

pub(in crate::demo) fn mill() -> String {
    let mut scene = Scene::standing(Colour(0xe3, 0xda, 0xcf));
    let (x, wood) = (400.0, Colour::WALNUT);
    scene.shadow((x, FLOOR), 112.0);
    let body = [
        (392.0, 70.0),
        (430.0, 62.0),
        (500.0, 66.0),
        (600.0, 92.0),
        (700.0, 112.0),
        (760.0, 114.0),
        (FLOOR, 106.0),
    ];
    scene.turned(x, &body, 0.17, wood);
    scene.rect((x - 70.0, 378.0), (140.0, 16.0), 4.0, Colour::BRASS);
    let head =
        [(216.0, 26.0), (226.0, 56.0), (268.0, 84.0), (318.0, 84.0), (360.0, 66.0), (380.0, 68.0)];
    scene.turned(x, &head, 0.17, wood.lighter(4));
    let knob = [(176.0, 6.0), (182.0, 18.0), (196.0, 20.0), (214.0, 12.0)];
    scene.turned(x, &knob, 0.2, Colour::BRASS);
    for (px, py) in [(560.0, 826.0), (588.0, 812.0), (606.0, 838.0), (540.0, 846.0), (236.0, 838.0)]
    {
        scene.ellipse((px + 3.0, py + 4.0), (10.0, 6.0), Colour(0xa9, 0x9c, 0x8c));
        scene.ellipse((px, py), (10.0, 9.0), Colour::IRON);
    }
    scene.finish()
}

/// A jar with a cork: its foot at (x, y), filled up to `level` of its height.
fn corked(
    scene: &mut Scene,
    (x, y): (f64, f64),
    (radius, height): (f64, f64),
    content: (Colour, f64),
) {
    let tilt = 0.18;
    scene.shadow((x, y), radius * 0.95);
    let body = [
        (y - height, radius * 0.82),
        (y - height * 0.93, radius * 0.84),
        (y - height * 0.84, radius),
        (y - height * 0.12, radius),
        (y, radius * 0.9),
    ];
    let glass = super::outline(x, &body, tilt);
    scene.veil(&glass, Colour::WHITE, 0.5);
    let level = y - height * content.1;
    let inside =
        [(level, radius * 0.95), (y - height * 0.12, radius * 0.95), (y - 8.0, radius * 0.85)];
    scene.turned(x, &inside, tilt, content.0);
    scene.ellipse((x, level), (radius * 0.95, radius * 0.95 * tilt), content.0.lighter(16));
    let cork = [(y - height - 52.0, radius * 0.84), (y - height + 6.0, radius * 0.78)];
    scene.turned(x, &cork, tilt, Colour::OAK);
    scene.ellipse(
        (x, y - height - 52.0),
        (radius * 0.84, radius * 0.84 * tilt),
        Colour::OAK.lighter(24),
    );
    scene.line(&glass, Colour::GLASS.darker(16), 2.5);
    let gleam =
        format!("M{:.1} {:.1}V{:.1}", x - radius * 0.78, y - height * 0.76, y - height * 0.22);
    scene.line(&gleam, Colour::WHITE, radius * 0.07);
}

pub(in crate::demo) fn jar() -> String {
    let mut scene = Scene::standing(Colour(0xd5, 0xdd, 0xd9));
    corked(&mut scene, (400.0, FLOOR), (170.0, 400.0), (Colour::RUST.lighter(14), 0.6));
    scene.framed((60.0, 150.0), 680.0)
}

pub(in crate::demo) fn jars() -> String {
    let mut scene = Scene::standing(Colour(0xe6, 0xe0, 0xd6));
    corked(&mut scene, (560.0, 736.0), (142.0, 420.0), (Colour::OAT, 0.66));
    corked(&mut scene, (250.0, 770.0), (128.0, 300.0), (Colour::SAGE, 0.56));
    corked(&mut scene, (430.0, 850.0), (108.0, 190.0), (Colour::RUST.lighter(14), 0.5));
    scene.framed((40.0, 130.0), 720.0)
}
