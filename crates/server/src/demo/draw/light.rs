//! Lamps and candles.

use super::{Colour, FLOOR, Scene};

/// Light that fades out around a point.
fn glow(scene: &mut Scene, (x, y): (f64, f64), reach: f64) {
    scene.raw(&format!(
        r##"<radialGradient id="glow"><stop offset="0" stop-color="#fff1d0" stop-opacity=".85"/><stop offset="1" stop-color="#fff1d0" stop-opacity="0"/></radialGradient><circle cx="{x}" cy="{y}" r="{reach}" fill="url(#glow)"/>"##
    ));
}

pub(in crate::demo) fn lamp() -> String {
    let mut scene = Scene::standing(Colour(0xd8, 0xd0, 0xc4));
    let (x, paint) = (400.0, Colour::RUST);
    glow(&mut scene, (x, 560.0), 330.0);
    scene.shadow((x, FLOOR), 150.0);
    let foot = [(772.0, 132.0), (784.0, 142.0), (FLOOR, 140.0)];
    scene.turned(x, &foot, 0.2, paint);
    scene.ellipse((x, 772.0), (132.0, 26.0), paint.lighter(12));
    let stem = [(470.0, 20.0), (700.0, 20.0), (750.0, 30.0), (776.0, 52.0)];
    scene.turned(x, &stem, 0.2, paint.darker(4));
    scene.ellipse((x, 496.0), (226.0, 36.0), Colour(0xff, 0xf0, 0xcf));
    let dome = [(240.0, 34.0), (254.0, 96.0), (320.0, 176.0), (410.0, 226.0), (490.0, 240.0)];
    scene.turned(x, &dome, 0.15, paint);
    scene.raw(r##"<path d="M160 490A240 36 0 0 0 640 490A240 20 0 0 1 160 490Z" fill="#fbe3b4" opacity=".9"/>"##);
    let knob = [(214.0, 8.0), (222.0, 15.0), (240.0, 12.0)];
    scene.turned(x, &knob, 0.2, Colour::BRASS);
    scene.finish()
}

pub(in crate::demo) fn pendant() -> String {
    let mut scene = Scene::standing(Colour(0xd3, 0xd8, 0xd6));
    glow(&mut scene, (400.0, 520.0), 390.0);
    scene.line("M400 0V262", Colour::IRON, 5.0);
    scene.rect((384.0, 236.0), (32.0, 44.0), 6.0, Colour::BRASS);
    let paper = Colour(0xfa, 0xf4, 0xe6);
    let globe = scene.round_fill(paper);
    scene.ellipse((400.0, 520.0), (254.0, 244.0), globe);
    for ring in 1..10 {
        let y = 276.0 + f64::from(ring) * 48.8;
        let from_middle = (y - 520.0) / 244.0;
        let half = 254.0 * (1.0 - from_middle * from_middle).max(0.0).sqrt();
        let sag = 16.0 + 10.0 * from_middle;
        let d = format!(
            "M{:.1} {y:.1}Q400 {:.1} {:.1} {y:.1}",
            400.0 - half,
            y + sag * 2.0,
            400.0 + half
        );
        scene.line(&d, paper.darker(16), 2.5);
    }
    scene.ellipse((400.0, 280.0), (58.0, 9.0), Colour::WALNUT);
    scene.ellipse((400.0, 761.0), (58.0, 9.0), Colour::WALNUT.lighter(20));
    scene.finish()
}

pub(in crate::demo) fn candles() -> String {
    let mut scene = Scene::lying(Colour(0xda, 0xd2, 0xc6));
    let wrap = "M196 560L604 560L604 716L196 716Z";
    for (number, x) in (0..4).zip([224.0, 318.0, 412.0, 506.0]) {
        let taper =
            format!("M{:.1} 208q14 -14 28 0L{:.1} 846q0 14 -34 14t-34 -14Z", x + 22.0, x + 70.0);
        scene.shadow_of(&taper);
        let wax = scene.round_fill(Colour::WAX.darker(if number % 2 == 0 { 0 } else { 5 }));
        scene.path(&taper, wax);
        scene.line(&format!("M{:.1} 206c-4 -26 8 -38 2 -62", x + 36.0), Colour::CHALK, 5.0);
    }
    scene.shadow_of(wrap);
    let paper = scene.flat_fill(Colour::CHALK);
    scene.path(wrap, paper);
    scene.line("M196 580H604M196 696H604", Colour::WAX.darker(18), 2.5);
    scene.raw(r##"<g fill="none" stroke="#8a6c2f" stroke-width="3"><path d="M400 606l26 15v32l-26 15l-26 -15v-32Z"/><path d="M400 618l15 9v20l-15 9l-15 -9v-20Z"/></g>"##);
    scene.finish()
}

pub(in crate::demo) fn chamberstick() -> String {
    let mut scene = Scene::standing(Colour(0xcc, 0xd2, 0xcc));
    let (x, brass) = (380.0, Colour::BRASS);
    glow(&mut scene, (x, 270.0), 260.0);
    scene.shadow((x, 796.0), 210.0);
    let ring = "M586 742C664 700 716 756 676 800C650 826 610 808 592 780";
    scene.line(ring, brass.darker(28), 22.0);
    scene.line(ring, brass, 14.0);
    let dish = [(744.0, 226.0), (770.0, 216.0), (796.0, 150.0)];
    scene.turned(x, &dish, 0.2, brass);
    scene.mouth((x, 744.0), 226.0, 0.2, brass);
    let cup = [(618.0, 52.0), (640.0, 46.0), (700.0, 42.0), (742.0, 74.0), (758.0, 92.0)];
    scene.turned(x, &cup, 0.2, brass);
    scene.ellipse((x, 618.0), (52.0, 10.0), brass.darker(34));
    let candle = [(330.0, 32.0), (622.0, 36.0)];
    scene.turned(x, &candle, 0.2, Colour::CHALK);
    scene.ellipse((x, 330.0), (32.0, 7.0), Colour::CHALK.lighter(50));
    scene.line("M380 330V302", Colour::IRON, 4.0);
    scene.raw(r##"<path d="M380 206C412 252 408 300 380 306C352 300 348 252 380 206Z" fill="#f2b950"/><path d="M380 250C394 272 394 298 380 302C366 298 366 272 380 250Z" fill="#fff3d2"/>"##);
    scene.finish()
}
