//! Things for the table.

use super::{Colour, FLOOR, Scene};

const TILT: f64 = 0.2;

/// A cup with a handle and an unglazed foot, its foot at (x, y), `size` times as large as a mug.
fn cup(scene: &mut Scene, (x, y): (f64, f64), size: f64, glaze: Colour) {
    let at = |up: f64| y - up * size;
    let r = |radius: f64| radius * size;
    scene.shadow((x, y), r(150.0));
    let ring = format!(
        "M{:.1} {:.1}C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}",
        x + r(140.0),
        at(292.0),
        x + r(268.0),
        at(312.0),
        x + r(262.0),
        at(86.0),
        x + r(132.0),
        at(108.0)
    );
    scene.line(&ring, glaze.darker(26), r(38.0));
    scene.line(&ring, glaze.darker(12), r(28.0));
    let profile =
        [(at(360.0), r(150.0)), (at(200.0), r(152.0)), (at(60.0), r(146.0)), (at(0.0), r(118.0))];
    scene.turned(x, &profile, TILT, glaze);
    let foot = [(at(52.0), r(145.0)), (at(24.0), r(134.0)), (at(0.0), r(118.0))];
    let bare = scene.round_fill(Colour::CLAY.lighter(34));
    let band = band(x, &foot);
    scene.path(&band, bare);
    scene.mouth((x, at(360.0)), r(150.0), TILT, glaze);
}

/// The front of a turned body between the first and the last height of its profile.
fn band(x: f64, profile: &[(f64, f64)]) -> String {
    let (Some(&(top, upper)), Some(&(bottom, lower))) = (profile.first(), profile.last()) else {
        return String::new();
    };
    let right: Vec<(f64, f64)> = profile.iter().map(|(y, r)| (x + r, *y)).collect();
    let left: Vec<(f64, f64)> = profile.iter().rev().map(|(y, r)| (x - r, *y)).collect();
    format!(
        "M{:.1} {top:.1}{}A{lower:.1} {:.1} 0 0 1 {:.1} {bottom:.1}{}A{upper:.1} {:.1} 0 0 0 {:.1} {top:.1}Z",
        x + upper,
        super::smooth(&right),
        lower * TILT,
        x - lower,
        super::smooth(&left),
        upper * TILT,
        x + upper,
    )
}

pub(in crate::demo) fn mug() -> String {
    let mut scene = Scene::standing(Colour(0xdd, 0xdf, 0xd6));
    cup(&mut scene, (376.0, FLOOR), 1.18, Colour::SAGE);
    scene.framed((40.0, 120.0), 720.0)
}

pub(in crate::demo) fn mugs() -> String {
    let mut scene = Scene::standing(Colour(0xe6, 0xdf, 0xd4));
    cup(&mut scene, (250.0, 700.0), 0.78, Colour::INK);
    cup(&mut scene, (510.0, 730.0), 0.8, Colour::SAGE);
    cup(&mut scene, (340.0, 856.0), 0.86, Colour::OAT);
    scene.framed((60.0, 200.0), 680.0)
}

pub(in crate::demo) fn espresso() -> String {
    let mut scene = Scene::standing(Colour(0xe4, 0xd8, 0xcd));
    let small = |scene: &mut Scene, x: f64, y: f64, glaze: Colour| {
        scene.shadow((x, y + 6.0), 168.0);
        scene.ellipse((x, y), (176.0, 44.0), glaze.darker(16));
        scene.ellipse((x, y - 8.0), (174.0, 42.0), glaze.lighter(12));
        scene.ellipse((x, y - 4.0), (118.0, 27.0), glaze.darker(5));
        let body = [(y - 178.0, 104.0), (y - 110.0, 104.0), (y - 44.0, 92.0), (y - 10.0, 66.0)];
        scene.turned(x, &body, TILT, glaze);
        scene.mouth((x, y - 178.0), 104.0, TILT, glaze);
        scene.ellipse((x, y - 171.0), (90.0, 16.0), Colour(0x4a, 0x2e, 0x20));
        scene.ellipse((x - 18.0, y - 173.0), (52.0, 7.0), Colour(0x8a, 0x5d, 0x3c));
    };
    small(&mut scene, 500.0, 690.0, Colour::INK);
    small(&mut scene, 300.0, 822.0, Colour::CHALK);
    scene.framed((70.0, 260.0), 640.0)
}

pub(in crate::demo) fn tumblers() -> String {
    let mut scene = Scene::standing(Colour(0xcf, 0xdb, 0xd8));
    for (x, y, size) in [(510.0, 720.0, 0.92), (280.0, 760.0, 1.0), (440.0, 856.0, 1.06)] {
        glass(&mut scene, (x, y), size);
    }
    scene.framed((90.0, 270.0), 600.0)
}

fn glass(scene: &mut Scene, (x, y): (f64, f64), size: f64) {
    let r = |value: f64| value * size;
    scene.shadow((x, y), r(92.0));
    let body = super::outline(x, &[(y - r(290.0), r(108.0)), (y, r(86.0))], TILT);
    scene.veil(&body, Colour::WHITE, 0.46);
    let water = super::outline(x, &[(y - r(150.0), r(94.0)), (y - r(10.0), r(82.0))], TILT);
    scene.veil(&water, Colour::SEA.lighter(40), 0.42);
    scene.ellipse((x, y - r(150.0)), (r(94.0), r(94.0) * TILT), Colour::SEA.lighter(72));
    scene.line(&body, Colour::GLASS.darker(20), 2.5);
    scene.raw(&format!(
        r#"<ellipse cx="{x}" cy="{:.1}" rx="{:.1}" ry="{:.1}" fill="none" stroke="{}" stroke-width="4"/>"#,
        y - r(290.0),
        r(108.0),
        r(108.0) * TILT,
        Colour::WHITE
    ));
    let gleam =
        format!("M{:.1} {:.1}L{:.1} {:.1}", x - r(82.0), y - r(250.0), x - r(68.0), y - r(60.0));
    scene.line(&gleam, Colour::WHITE, r(9.0));
}

pub(in crate::demo) fn teapot() -> String {
    let mut scene = Scene::standing(Colour(0xe7, 0xdc, 0xd3));
    let (x, glaze) = (392.0, Colour::RUST);
    scene.shadow((x, FLOOR), 200.0);
    let spout = "M545 690C640 668 640 560 704 506L738 522C706 590 716 730 548 768Z";
    let fill = scene.flat_fill(glaze.darker(8));
    scene.path(spout, fill);
    scene.ellipse((721.0, 514.0), (19.0, 8.0), glaze.darker(42));
    let arch = "M228 560C196 300 588 300 556 560";
    scene.line(arch, Colour::OAK.darker(32), 30.0);
    scene.line(arch, Colour::OAK, 21.0);
    let body = [
        (512.0, 112.0),
        (540.0, 152.0),
        (620.0, 206.0),
        (700.0, 208.0),
        (770.0, 160.0),
        (FLOOR, 122.0),
    ];
    scene.turned(x, &body, 0.18, glaze);
    scene.ellipse((x, 520.0), (124.0, 24.0), glaze.darker(32));
    let lid = [(474.0, 30.0), (482.0, 76.0), (500.0, 106.0), (516.0, 116.0)];
    scene.turned(x, &lid, 0.18, glaze);
    let knob = [(428.0, 8.0), (434.0, 25.0), (452.0, 28.0), (472.0, 16.0), (480.0, 18.0)];
    scene.turned(x, &knob, 0.2, Colour::OAK);
    scene.framed((20.0, 130.0), 760.0)
}

/// A wide bowl, its foot at (x, y).
fn wide(scene: &mut Scene, (x, y): (f64, f64), size: f64, glaze: Colour) {
    let r = |value: f64| value * size;
    scene.shadow((x, y), r(180.0));
    let body = [
        (y - r(190.0), r(260.0)),
        (y - r(130.0), r(248.0)),
        (y - r(60.0), r(196.0)),
        (y - r(16.0), r(124.0)),
        (y, r(96.0)),
    ];
    scene.turned(x, &body, 0.26, glaze);
    scene.mouth((x, y - r(190.0)), r(260.0), 0.26, glaze);
}

pub(in crate::demo) fn bowl() -> String {
    let mut scene = Scene::standing(Colour(0xd9, 0xde, 0xdf));
    wide(&mut scene, (400.0, 796.0), 1.16, Colour::SEA);
    for (x, y, size) in [(330.0, 560.0, 50.0), (432.0, 572.0, 56.0), (505.0, 552.0, 46.0)] {
        let fruit = scene.round_fill(Colour::MUSTARD);
        scene.ellipse((x, y), (size, size * 0.94), fruit);
        scene.line(&format!("M{x} {}l4 -14", y - size * 0.9), Colour::WALNUT, 6.0);
    }
    let front = "M110 588A291 76 0 0 0 690 588A302 79 0 0 1 400 655A302 79 0 0 1 98 588Z";
    let lip = scene.round_fill(Colour::SEA.lighter(18));
    scene.path(front, lip);
    scene.framed((0.0, 110.0), 800.0)
}

pub(in crate::demo) fn bowls() -> String {
    let mut scene = Scene::standing(Colour(0xe5, 0xdd, 0xd2));
    let stack = [(FLOOR, Colour::OAT), (712.0, Colour::CLAY), (624.0, Colour::SAGE)];
    for (number, (y, glaze)) in stack.into_iter().enumerate() {
        let x = 400.0;
        if number == 0 {
            scene.shadow((x, y), 150.0);
        }
        let body = [
            (y - 170.0, 204.0),
            (y - 120.0, 202.0),
            (y - 50.0, 164.0),
            (y - 14.0, 112.0),
            (y, 98.0),
        ];
        scene.turned(x, &body, 0.2, glaze);
        scene.mouth((x, y - 170.0), 204.0, 0.2, glaze);
    }
    scene.framed((90.0, 240.0), 620.0)
}

pub(in crate::demo) fn plate() -> String {
    let mut scene = Scene::lying(Colour(0xd8, 0xcc, 0xba));
    let linen = "M120 150L640 92L720 800L196 884Z";
    scene.shadow_of(linen);
    let cloth = scene.flat_fill(Colour::SAGE.lighter(44));
    scene.path(linen, cloth);
    scene.line("M150 172L620 120L696 782L218 858Z", Colour::SAGE.lighter(18), 2.5);
    let round = "M150 500a262 262 0 1 0 524 0a262 262 0 1 0 -524 0Z";
    scene.shadow_of(round);
    for (radius, colour) in [
        (262.0, Colour::CHALK.darker(6)),
        (256.0, Colour::CHALK),
        (186.0, Colour::CHALK.darker(8)),
        (180.0, Colour::CHALK.lighter(30)),
    ] {
        let fill = scene.flat_fill(colour);
        scene.ellipse((412.0, 500.0), (radius, radius), fill);
    }
    scene.raw(r##"<circle cx="412" cy="500" r="258" fill="none" stroke="#a98e72" stroke-width="4" opacity=".8"/>"##);
    scene.finish()
}

pub(in crate::demo) fn jug() -> String {
    let mut scene = Scene::standing(Colour(0xd6, 0xdb, 0xd2));
    let (x, glaze) = (390.0, Colour::CHALK);
    scene.shadow((x, FLOOR), 150.0);
    let ear = "M506 380C650 356 668 600 536 634";
    scene.line(ear, glaze.darker(30), 38.0);
    scene.line(ear, glaze.darker(10), 28.0);
    let body = [
        (330.0, 112.0),
        (380.0, 104.0),
        (440.0, 108.0),
        (540.0, 152.0),
        (650.0, 176.0),
        (750.0, 156.0),
        (FLOOR, 124.0),
    ];
    scene.turned(x, &body, TILT, glaze);
    let lip = "M282 332C252 318 232 300 218 294C236 336 262 372 288 398Z";
    let fill = scene.flat_fill(glaze.darker(5));
    scene.path(lip, fill);
    scene.mouth((x, 330.0), 112.0, TILT, glaze);
    scene.path("M283 326C256 316 238 304 222 297C246 320 268 336 296 344Z", glaze.darker(22));
    for (bend, length) in [(-70.0, 250.0), (6.0, 290.0), (84.0, 240.0)] {
        let top = 330.0 - length;
        let stem = format!("M{x} 334C{x} 250 {} {} {} {top}", x + bend * 0.4, top + 90.0, x + bend);
        scene.line(&stem, Colour::SAGE.darker(22), 5.0);
        for leaf in 0..4 {
            let (lx, ly) =
                (x + bend * (0.55 + f64::from(leaf) * 0.15), top + 96.0 - f64::from(leaf) * 31.0);
            let side = if leaf % 2 == 0 { 1.0 } else { -1.0 };
            let d = format!(
                "M{lx:.1} {ly:.1}q{:.1} -34 {:.1} -16q{:.1} 24 {:.1} 16Z",
                28.0 * side,
                50.0 * side,
                -20.0 * side,
                -50.0 * side
            );
            scene.path(&d, Colour::SAGE.darker(if leaf % 2 == 0 { 6 } else { 14 }));
        }
    }
    scene.finish()
}
