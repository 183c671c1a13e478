//! The colours. Every text colour has a contrast of at least 4.5 : 1 on its ground (a test computes it).

use super::MOST_GAMES;
use super::line::Origin;
use super::options::Theme;

/// Red, green, blue, 0 … 255.
pub type Rgb = [u8; 3];

/// One theme's colours.
#[derive(Debug, Clone, Copy)]
pub struct Colours {
    /// Around the plot.
    pub ground: Rgb,
    /// Behind the line.
    pub plot: Rgb,
    /// Grid and frame.
    pub grid: Rgb,
    /// Text that matters.
    pub text: Rgb,
    /// Text beside it.
    pub muted: Rgb,
    /// The price line of a single game.
    pub line: Rgb,
    /// Rug.
    pub rug: Rgb,
    /// God candle.
    pub god: Rgb,
    /// Buys, proven.
    pub buy: Rgb,
    /// Sells.
    pub sell: Rgb,
    /// Shorts.
    pub short: Rgb,
    /// Won side bets.
    pub won: Rgb,
    /// Lost side bets.
    pub lost: Rgb,
    /// Side bets whose end is not known.
    pub open: Rgb,
    /// The cursor.
    pub cursor: Rgb,
    /// Captured ticks.
    pub captured: Rgb,
    /// Ticks from the game history.
    pub history: Rgb,
    /// Ticks from the seed.
    pub seed: Rgb,
    /// Ticks nobody knows.
    pub missing: Rgb,
    /// The lines of compared games.
    pub games: [Rgb; MOST_GAMES],
}

/// Light on dark.
pub const DARK: Colours = Colours {
    ground: [0x0d, 0x11, 0x17],
    plot: [0x14, 0x1a, 0x22],
    grid: [0x2b, 0x34, 0x40],
    text: [0xf0, 0xf4, 0xf8],
    muted: [0xa3, 0xaf, 0xbd],
    line: [0x58, 0xa6, 0xff],
    rug: [0xff, 0x6b, 0x6b],
    god: [0xff, 0xd2, 0x4a],
    buy: [0x4a, 0xd6, 0x6d],
    sell: [0xff, 0x9d, 0x4d],
    short: [0xe0, 0x8c, 0xff],
    won: [0x4a, 0xd6, 0x6d],
    lost: [0x8a, 0x96, 0xa3],
    open: [0x58, 0xa6, 0xff],
    cursor: [0xd6, 0xa8, 0xff],
    captured: [0x3f, 0x6f, 0xa8],
    history: [0x2d, 0xd4, 0xbf],
    seed: [0xc0, 0x8c, 0xff],
    missing: [0xff, 0x6b, 0x6b],
    games: [
        [0x58, 0xa6, 0xff],
        [0xff, 0x9d, 0x4d],
        [0x4a, 0xd6, 0x6d],
        [0xe0, 0x8c, 0xff],
        [0xff, 0xd2, 0x4a],
        [0x2d, 0xd4, 0xbf],
    ],
};

/// Dark on white.
pub const LIGHT: Colours = Colours {
    ground: [0xff, 0xff, 0xff],
    plot: [0xfa, 0xfb, 0xfc],
    grid: [0xdd, 0xe3, 0xea],
    text: [0x1a, 0x20, 0x28],
    muted: [0x56, 0x60, 0x6c],
    line: [0x1f, 0x5f, 0xbf],
    rug: [0xc4, 0x1e, 0x2d],
    god: [0x8a, 0x64, 0x00],
    buy: [0x14, 0x7a, 0x35],
    sell: [0xb8, 0x4a, 0x00],
    short: [0x8e, 0x2c, 0xb8],
    won: [0x14, 0x7a, 0x35],
    lost: [0x6b, 0x75, 0x80],
    open: [0x1f, 0x5f, 0xbf],
    cursor: [0x6b, 0x2f, 0xb3],
    captured: [0x9d, 0xbd, 0xe3],
    history: [0x0b, 0x75, 0x6b],
    seed: [0x75, 0x3a, 0xc4],
    missing: [0xc4, 0x1e, 0x2d],
    games: [
        [0x1f, 0x5f, 0xbf],
        [0xb8, 0x4a, 0x00],
        [0x14, 0x7a, 0x35],
        [0x8e, 0x2c, 0xb8],
        [0x8a, 0x64, 0x00],
        [0x0b, 0x75, 0x6b],
    ],
};

impl Theme {
    /// Its colours.
    pub fn colours(self) -> &'static Colours {
        match self {
            Theme::Dark => &DARK,
            Theme::Light => &LIGHT,
        }
    }
}

impl Colours {
    /// The colour of ticks of an origin.
    pub fn origin(&self, origin: Origin) -> Rgb {
        match origin {
            Origin::Captured => self.captured,
            Origin::History | Origin::Repaired => self.history,
            Origin::Seed => self.seed,
        }
    }

    /// The colour of the game with this number among the compared.
    pub fn game(&self, index: usize) -> Rgb {
        self.games.get(index % self.games.len()).copied().unwrap_or(self.line)
    }
}
