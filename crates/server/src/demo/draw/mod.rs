//! Drawing goods: quiet vector pictures, 4:5, lit from the upper left.

mod desk;
mod kitchen;
mod light;
mod table;
mod textile;

pub(super) use desk::{notebook, notebooks, pencils, tote};
pub(super) use kitchen::{board, boards, jar, jars, mill, pan};
pub(super) use light::{candles, chamberstick, lamp, pendant};
pub(super) use table::{bowl, bowls, espresso, jug, mug, mugs, plate, teapot, tumblers};
pub(super) use textile::{apron, cushion, cushions, napkins, throw, towels};

use std::fmt::Write as _;

/// Pixels across.
pub(super) const WIDTH: i64 = 800;
/// Pixels down.
pub(super) const HEIGHT: i64 = 1000;
/// Where things stand.
const FLOOR: f64 = 800.0;

/// A colour.
#[derive(Clone, Copy)]
pub(super) struct Colour(u8, u8, u8);

impl Colour {
    pub(super) const OAT: Self = Self(0xe6, 0xdc, 0xc8);
    pub(super) const SAGE: Self = Self(0x93, 0xa3, 0x8b);
    pub(super) const INK: Self = Self(0x3f, 0x4a, 0x57);
    pub(super) const CLAY: Self = Self(0xc0, 0x87, 0x67);
    pub(super) const RUST: Self = Self(0xa8, 0x5d, 0x43);
    pub(super) const MUSTARD: Self = Self(0xcb, 0xa2, 0x52);
    pub(super) const CHALK: Self = Self(0xf1, 0xee, 0xe7);
    pub(super) const ROSE: Self = Self(0xcf, 0xa4, 0x9a);
    pub(super) const SEA: Self = Self(0x5f, 0x86, 0x8a);
    pub(super) const OAK: Self = Self(0xc9, 0xa2, 0x74);
    pub(super) const WALNUT: Self = Self(0x7a, 0x58, 0x41);
    pub(super) const IRON: Self = Self(0x3a, 0x3b, 0x3c);
    pub(super) const BRASS: Self = Self(0xbf, 0x9a, 0x4f);
    pub(super) const WAX: Self = Self(0xd9, 0xb2, 0x62);
    pub(super) const GLASS: Self = Self(0xdd, 0xe6, 0xe3);

    const WHITE: Self = Self(0xff, 0xff, 0xff);
    const SHADE: Self = Self(0x26, 0x22, 0x1c);

    /// The colour with `percent` of `other` in it.
    fn mixed(self, other: Self, percent: u16) -> Self {
        let one = |a: u8, b: u8| {
            let mixed = (u16::from(a) * (100 - percent) + u16::from(b) * percent) / 100;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        Self(one(self.0, other.0), one(self.1, other.1), one(self.2, other.2))
    }

    fn lighter(self, percent: u16) -> Self {
        self.mixed(Self::WHITE, percent)
    }

    fn darker(self, percent: u16) -> Self {
        self.mixed(Self::SHADE, percent)
    }
}

impl std::fmt::Display for Colour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.0, self.1, self.2)
    }
}

/// A picture in the making.
struct Scene {
    defs: String,
    shapes: String,
    count: u32,
}

impl Scene {
    /// A table before a wall.
    fn standing(wall: Colour) -> Self {
        let mut scene = Self::blank();
        let (top, far, near) = (wall.lighter(16), wall, wall.darker(9));
        let _ = write!(
            scene.defs,
            r#"<linearGradient id="wall" x1="0" y1="0" x2="0" y2="1"><stop offset="0" stop-color="{top}"/><stop offset=".52" stop-color="{far}"/><stop offset=".62" stop-color="{}"/><stop offset="1" stop-color="{near}"/></linearGradient>"#,
            wall.darker(3)
        );
        // Deeper than the picture, so that a closer look may also be a lower one.
        scene.rect((0.0, 0.0), (800.0, 1200.0), 0.0, "url(#wall)");
        scene
    }

    /// A table seen from above.
    fn lying(table: Colour) -> Self {
        let mut scene = Self::blank();
        let (here, there) = (table.lighter(12), table.darker(6));
        let _ = write!(
            scene.defs,
            r#"<linearGradient id="wall" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="{here}"/><stop offset="1" stop-color="{there}"/></linearGradient>"#
        );
        scene.rect((0.0, 0.0), (800.0, 1000.0), 0.0, "url(#wall)");
        scene
    }

    fn blank() -> Self {
        let defs = r#"<filter id="soft" x="-50%" y="-50%" width="200%" height="200%"><feGaussianBlur stdDeviation="16"/></filter>"#;
        Self { defs: defs.to_owned(), shapes: String::new(), count: 0 }
    }

    fn finish(self) -> String {
        self.framed((0.0, 0.0), 800.0)
    }

    /// The part of the scene from (x, y), `width` wide: for small things, a closer look.
    fn framed(self, (x, y): (f64, f64), width: f64) -> String {
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="{x} {y} {width} {}" width="{WIDTH}" height="{HEIGHT}"><defs>{}</defs>{}</svg>"#,
            width * 1.25,
            self.defs,
            self.shapes
        )
    }

    /// Any shape, as it is written.
    fn raw(&mut self, shape: &str) {
        self.shapes.push_str(shape);
    }

    fn path(&mut self, d: &str, fill: impl std::fmt::Display) {
        let _ = write!(self.shapes, r#"<path d="{d}" fill="{fill}"/>"#);
    }

    fn line(&mut self, d: &str, colour: impl std::fmt::Display, width: f64) {
        let _ = write!(
            self.shapes,
            r#"<path d="{d}" fill="none" stroke="{colour}" stroke-width="{width}" stroke-linecap="round" stroke-linejoin="round"/>"#
        );
    }

    fn veil(&mut self, d: &str, colour: Colour, opacity: f64) {
        let _ = write!(self.shapes, r#"<path d="{d}" fill="{colour}" opacity="{opacity}"/>"#);
    }

    fn ellipse(&mut self, (x, y): (f64, f64), (rx, ry): (f64, f64), fill: impl std::fmt::Display) {
        let _ = write!(
            self.shapes,
            r#"<ellipse cx="{x:.1}" cy="{y:.1}" rx="{rx:.1}" ry="{ry:.1}" fill="{fill}"/>"#
        );
    }

    fn rect(
        &mut self,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        round: f64,
        fill: impl std::fmt::Display,
    ) {
        let _ = write!(
            self.shapes,
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" rx="{round:.1}" fill="{fill}"/>"#
        );
    }

    /// The soft shadow of something that stands at `y`.
    fn shadow(&mut self, (x, y): (f64, f64), reach: f64) {
        let _ = write!(
            self.shapes,
            r#"<ellipse cx="{:.1}" cy="{:.1}" rx="{:.1}" ry="{:.1}" fill="{}" opacity=".34" filter="url(#soft)"/>"#,
            x + reach * 0.16,
            y + reach * 0.05,
            reach * 1.08,
            reach * 0.17,
            Colour::SHADE
        );
    }

    /// The soft shadow of something flat.
    fn shadow_of(&mut self, d: &str) {
        let _ = write!(
            self.shapes,
            r#"<path d="{d}" transform="translate(14 22)" fill="{}" opacity=".26" filter="url(#soft)"/>"#,
            Colour::SHADE
        );
    }

    /// A fill that is light on the left and dark on the right, as a round thing is.
    fn round_fill(&mut self, colour: Colour) -> String {
        self.count += 1;
        let id = format!("g{}", self.count);
        let _ = write!(
            self.defs,
            r#"<linearGradient id="{id}"><stop offset="0" stop-color="{}"/><stop offset=".28" stop-color="{}"/><stop offset=".62" stop-color="{colour}"/><stop offset="1" stop-color="{}"/></linearGradient>"#,
            colour.darker(4),
            colour.lighter(15),
            colour.darker(24)
        );
        format!("url(#{id})")
    }

    /// A fill that is light at the upper left and dark at the lower right.
    fn flat_fill(&mut self, colour: Colour) -> String {
        self.count += 1;
        let id = format!("g{}", self.count);
        let _ = write!(
            self.defs,
            r#"<linearGradient id="{id}" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="{}"/><stop offset="1" stop-color="{}"/></linearGradient>"#,
            colour.lighter(8),
            colour.darker(9)
        );
        format!("url(#{id})")
    }

    /// A body turned on a wheel around `x`: `profile` is (height on the page, radius) from the
    /// top down; `tilt` is how much of a circle's depth is seen.
    fn turned(&mut self, x: f64, profile: &[(f64, f64)], tilt: f64, colour: Colour) {
        let fill = self.round_fill(colour);
        self.path(&outline(x, profile, tilt), fill);
    }

    /// The open mouth of a turned body.
    fn mouth(&mut self, (x, y): (f64, f64), radius: f64, tilt: f64, colour: Colour) {
        let wall = (radius * 0.06).clamp(5.0, 12.0);
        self.ellipse((x, y), (radius, radius * tilt), colour.lighter(22));
        let inside = self.round_fill(colour.darker(30));
        self.ellipse((x, y + wall * 0.3), (radius - wall, (radius - wall) * tilt), inside);
    }
}

/// The outline of a turned body: a smooth curve through the profile on both sides, closed by
/// the nearer edge of its foot and the further edge of its mouth.
fn outline(x: f64, profile: &[(f64, f64)], tilt: f64) -> String {
    let (Some(&(top, mouth)), Some(&(bottom, foot))) = (profile.first(), profile.last()) else {
        return String::new();
    };
    let right: Vec<(f64, f64)> = profile.iter().map(|(y, r)| (x + r, *y)).collect();
    let left: Vec<(f64, f64)> = profile.iter().rev().map(|(y, r)| (x - r, *y)).collect();
    format!(
        "M{:.1} {top:.1}{}A{foot:.1} {:.1} 0 0 1 {:.1} {bottom:.1}{}A{mouth:.1} {:.1} 0 0 1 {:.1} {top:.1}Z",
        x + mouth,
        smooth(&right),
        foot * tilt,
        x - foot,
        smooth(&left),
        mouth * tilt,
        x + mouth,
    )
}

/// Catmull-Rom through the points, as Bézier curves; a point given twice is a corner.
fn smooth(points: &[(f64, f64)]) -> String {
    let at = |index: usize| points.get(index).or(points.last()).copied().unwrap_or_default();
    let mut curve = String::new();
    for index in 0..points.len().saturating_sub(1) {
        let (before, from) = (at(index.saturating_sub(1)), at(index));
        let (to, after) = (at(index + 1), at(index + 2));
        let _ = write!(
            curve,
            "C{:.1} {:.1} {:.1} {:.1} {:.1} {:.1}",
            from.0 + (to.0 - before.0) / 6.0,
            from.1 + (to.1 - before.1) / 6.0,
            to.0 - (after.0 - from.0) / 6.0,
            to.1 - (after.1 - from.1) / 6.0,
            to.0,
            to.1
        );
    }
    curve
}
