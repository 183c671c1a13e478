//! Shapes and text on pixels. What is out of the picture is cut, what is degenerate is not drawn.

use zeno::{Cap, Command, Fill, Join, Mask, PathBuilder as _, Stroke, Style};

use super::font;
use super::theme::Rgb;

/// An outline.
pub type Path = Vec<Command>;

/// Shapes reach at most this far, pixels: a coordinate beyond it is no place on a picture.
const REACH: f32 = 8_000.0;

/// Where a text stands against its point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    /// It begins there.
    Start,
    /// It is centred there.
    Middle,
    /// It ends there.
    End,
}

/// A box in pixels: left, top, right, bottom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Area {
    /// Left edge.
    pub left: f32,
    /// Top edge.
    pub top: f32,
    /// Right edge.
    pub right: f32,
    /// Bottom edge.
    pub bottom: f32,
}

impl Area {
    /// Its width.
    pub fn width(&self) -> f32 {
        self.right - self.left
    }

    /// Its height.
    pub fn height(&self) -> f32 {
        self.bottom - self.top
    }

    /// Whether two boxes have a pixel in common.
    pub fn meets(&self, other: &Area) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }

    /// Whether a point is in it.
    pub fn has(&self, x: f32, y: f32) -> bool {
        self.left <= x && x <= self.right && self.top <= y && y <= self.bottom
    }

    /// Whether `inner` is wholly in it.
    pub fn holds(&self, inner: &Area) -> bool {
        self.left <= inner.left
            && inner.right <= self.right
            && self.top <= inner.top
            && inner.bottom <= self.bottom
    }
}

/// The picture in the making: opaque pixels, row by row from the top.
pub struct Canvas {
    width: u32,
    height: u32,
    pixels: Vec<Rgb>,
}

impl Canvas {
    /// A picture of one colour.
    pub fn new(width: u32, height: u32, ground: Rgb) -> Canvas {
        Canvas { width, height, pixels: vec![ground; width as usize * height as usize] }
    }

    /// Pixels of a row.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The rows, from the top.
    pub fn rows(&self) -> impl Iterator<Item = &[Rgb]> {
        self.pixels.chunks(self.width.max(1) as usize)
    }

    /// A filled box.
    pub fn rect(&mut self, area: Area, colour: Rgb, alpha: u8) {
        let corners =
            [(area.left, area.top), (area.right, area.top), (area.right, area.bottom), (area.left, area.bottom)];
        self.polygon(&corners, colour, alpha, None);
    }

    /// A straight line.
    pub fn line(&mut self, from: (f32, f32), to: (f32, f32), colour: Rgb, alpha: u8, width: f32) {
        self.polyline(&[from, to], colour, alpha, width, None);
    }

    /// A dashed straight line.
    pub fn dashed(&mut self, from: (f32, f32), to: (f32, f32), colour: Rgb, alpha: u8, width: f32) {
        self.polyline(&[from, to], colour, alpha, width, Some(width * 3.0));
    }

    /// A line through points.
    pub fn polyline(&mut self, points: &[(f32, f32)], colour: Rgb, alpha: u8, width: f32, dash: Option<f32>) {
        if points.len() < 2 {
            return;
        }
        let dashes = dash.map(|dash| [dash, dash]);
        let mut stroke = Stroke::new(width);
        stroke.join(Join::Round).cap(if dash.is_some() { Cap::Butt } else { Cap::Round });
        if let Some(dashes) = &dashes {
            stroke.dash(dashes, 0.0);
        }
        self.shape(&through(points), Style::Stroke(stroke), colour, alpha);
    }

    /// A filled polygon with an edge of another colour.
    pub fn polygon(&mut self, points: &[(f32, f32)], colour: Rgb, alpha: u8, edge: Option<(Rgb, f32)>) {
        let mut path = through(points);
        path.close();
        self.edged(&path, colour, alpha, edge);
    }

    /// A filled circle with an edge of another colour.
    pub fn circle(&mut self, (x, y): (f32, f32), radius: f32, colour: Rgb, edge: Option<(Rgb, f32)>) {
        let mut path = Path::new();
        path.add_circle([x, y], radius);
        self.edged(&path, colour, 255, edge);
    }

    /// A cross.
    pub fn cross(&mut self, (x, y): (f32, f32), radius: f32, colour: Rgb, width: f32) {
        self.line((x - radius, y - radius), (x + radius, y + radius), colour, 255, width);
        self.line((x - radius, y + radius), (x + radius, y - radius), colour, 255, width);
    }

    /// A text with its baseline at `y`.
    pub fn text(&mut self, text: &str, (x, y): (f32, f32), size: f32, anchor: Anchor, colour: Rgb) {
        let x = match anchor {
            Anchor::Start => x,
            Anchor::Middle => x - font::width(text, size) / 2.0,
            Anchor::End => x - font::width(text, size),
        };
        // On whole pixels from the base line: letters of a row are equally sharp.
        let path = font::outlines(text, size, x, y.round());
        self.shape(&path, Style::Fill(Fill::NonZero), colour, 255);
    }

    /// A text on a ground of its own, so that lines do not run through it.
    pub fn label(&mut self, text: &str, area: Area, size: f32, colour: Rgb, ground: Rgb) {
        self.rect(area, ground, 225);
        let middle = (area.left + area.right) / 2.0;
        self.text(text, (middle, baseline(&area, size)), size, Anchor::Middle, colour);
    }

    fn edged(&mut self, path: &Path, colour: Rgb, alpha: u8, edge: Option<(Rgb, f32)>) {
        self.shape(path, Style::Fill(Fill::NonZero), colour, alpha);
        if let Some((edge, width)) = edge {
            let mut stroke = Stroke::new(width);
            self.shape(path, Style::Stroke(*stroke.join(Join::Round)), edge, 255);
        }
    }

    /// Lays a shape over the picture: how much of each pixel it covers is how much of its colour is seen.
    fn shape(&mut self, path: &Path, style: Style<'_>, colour: Rgb, alpha: u8) {
        if !path.iter().all(within_reach) {
            return;
        }
        let (mask, place) = Mask::new(path).style(style).render();
        let (left, top) = (i64::from(place.left), i64::from(place.top));
        for (row, coverage) in (top..).zip(mask.chunks(place.width.max(1) as usize)) {
            for (column, covered) in (left..).zip(coverage).filter(|(_, covered)| **covered > 0) {
                if let Some(pixel) = self.pixel(column, row) {
                    blend(pixel, colour, u32::from(*covered) * u32::from(alpha));
                }
            }
        }
    }

    fn pixel(&mut self, column: i64, row: i64) -> Option<&mut Rgb> {
        let (column, row) = (u32::try_from(column).ok()?, u32::try_from(row).ok()?);
        if column >= self.width || row >= self.height {
            return None;
        }
        self.pixels.get_mut(row as usize * self.width as usize + column as usize)
    }
}

/// The baseline that centres a line of digits in a box.
pub fn baseline(area: &Area, size: f32) -> f32 {
    (area.top + area.bottom) / 2.0 + size * 0.36
}

fn through(points: &[(f32, f32)]) -> Path {
    let mut path = Path::new();
    for (index, (x, y)) in points.iter().enumerate() {
        if index == 0 {
            path.move_to([*x, *y]);
        } else {
            path.line_to([*x, *y]);
        }
    }
    path
}

fn within_reach(command: &Command) -> bool {
    let near = |point: &zeno::Point| {
        // Also false for what is no number.
        point.x.abs() < REACH && point.y.abs() < REACH
    };
    match command {
        Command::MoveTo(to) | Command::LineTo(to) => near(to),
        Command::QuadTo(control, to) => near(control) && near(to),
        Command::CurveTo(first, second, to) => near(first) && near(second) && near(to),
        Command::Close => true,
    }
}

/// `part` of 255² of the colour over the pixel.
fn blend(pixel: &mut Rgb, colour: Rgb, part: u32) {
    const WHOLE: u32 = 255 * 255;
    for (below, above) in pixel.iter_mut().zip(colour) {
        let mixed = (u32::from(*below) * (WHOLE - part) + u32::from(above) * part + WHOLE / 2) / WHOLE;
        *below = u8::try_from(mixed).unwrap_or(u8::MAX);
    }
}
