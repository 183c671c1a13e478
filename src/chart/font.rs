//! Text as outlines, from the font in the binary: DejaVu Sans (its licence is in `licences/DejaVu.txt`).

use std::sync::LazyLock;

use ab_glyph::{Font as _, FontRef, OutlineCurve, Point};
use zeno::PathBuilder as _;

use super::canvas::Path;

static FONT: LazyLock<Option<FontRef<'static>>> =
    LazyLock::new(|| FontRef::try_from_slice(dejavu::sans::regular()).ok());

/// Pixels that a text takes at a size.
pub fn width(text: &str, size: f32) -> f32 {
    let Some((font, scale)) = scaled(size) else { return 0.0 };
    text.chars().map(|character| font.h_advance_unscaled(font.glyph_id(character)) * scale).sum()
}

/// A text's outlines, its baseline starting at `(x, y)`.
pub fn outlines(text: &str, size: f32, x: f32, y: f32) -> Path {
    let mut path = Path::new();
    let Some((font, scale)) = scaled(size) else { return path };
    let mut left = x;
    for character in text.chars() {
        let glyph = font.glyph_id(character);
        if let Some(outline) = font.outline(glyph) {
            // Font units run upwards.
            let place = |point: Point| [left + point.x * scale, y - point.y * scale];
            trace(&mut path, &outline.curves, place);
        }
        left += font.h_advance_unscaled(glyph) * scale;
    }
    path
}

fn scaled(size: f32) -> Option<(&'static FontRef<'static>, f32)> {
    let font = FONT.as_ref()?;
    Some((font, size / font.units_per_em()?))
}

/// Adds a glyph's curves; where one does not begin at the end of the one before, a contour ends.
fn trace(path: &mut Path, curves: &[OutlineCurve], place: impl Fn(Point) -> [f32; 2]) {
    let mut pen: Option<Point> = None;
    for curve in curves {
        let (from, to) = match curve {
            OutlineCurve::Line(from, to)
            | OutlineCurve::Quad(from, _, to)
            | OutlineCurve::Cubic(from, _, _, to) => (*from, *to),
        };
        if pen != Some(from) {
            if pen.is_some() {
                path.close();
            }
            path.move_to(place(from));
        }
        match curve {
            OutlineCurve::Line(..) => path.line_to(place(to)),
            OutlineCurve::Quad(_, control, _) => path.quad_to(place(*control), place(to)),
            OutlineCurve::Cubic(_, first, second, _) => path.curve_to(place(*first), place(*second), place(to)),
        };
        pen = Some(to);
    }
    if pen.is_some() {
        path.close();
    }
}
