//! Above the plot: which game, the facts, and what the colours mean. Only what is on the chart is explained.

use super::lanes;
use super::layout::{Layout, font_size};
use crate::chart::canvas::{Anchor, Area, Canvas};
use crate::chart::font;
use crate::chart::line::{GameLine, Origin, Proof, Side};
use crate::chart::options::{Options, Scale};
use crate::chart::scale::multiplier;
use crate::chart::theme::{Colours, Rgb};

/// A sign in the legend.
#[derive(Clone, Copy)]
enum Sign {
    None,
    Line(Rgb),
    Up(Rgb),
    Down(Rgb),
    Diamond(Rgb),
    Cross(Rgb),
    Box(Rgb),
    Dot(Rgb),
    Edged(&'static Colours),
}

/// A piece of text with its sign.
struct Item {
    sign: Sign,
    text: String,
    colour: Rgb,
    size: f32,
}

/// The head, broken into rows.
pub(super) struct Head {
    rows: Vec<Vec<Item>>,
    font: f32,
    pad: f32,
    width: f32,
}

/// Room between two items of a row.
const BETWEEN: f32 = 1.3;

impl Head {
    pub fn of(games: &[GameLine], options: &Options, colours: &'static Colours) -> Head {
        let font = font_size(options);
        let pad = (font * 0.9).round();
        let mut head = Head { rows: Vec::new(), font, pad, width: options.width as f32 - 2.0 * pad };
        match games {
            [game] => head.one(game, options, colours),
            _ => head.several(games, options, colours),
        }
        head
    }

    fn one(&mut self, game: &GameLine, options: &Options, colours: &'static Colours) {
        let (font, text, muted) = (self.font, colours.text, colours.muted);
        let proof = match game.proof {
            Proof::Proven => colours.buy,
            Proof::Differs => colours.rug,
            Proof::NotCompared | Proof::NoSeed => muted,
        };
        self.flow(vec![
            Item { sign: Sign::None, text: game.game_id.clone(), colour: text, size: font * 1.2 },
            Item { sign: Sign::Dot(proof), text: game.proof.words().to_owned(), colour: proof, size: font },
        ]);
        let plain = |text: String| Item { sign: Sign::None, text, colour: muted, size: font };
        let mut facts = Vec::new();
        if let Some(peak) = game.peak() {
            facts.push(plain(format!("peak {} at tick {}", multiplier(peak.price), peak.tick)));
        }
        facts.push(plain(match (game.rug_tick, game.rug()) {
            (_, Some(rug)) => format!("rug at tick {}, {}", rug.tick, multiplier(rug.price)),
            (Some(tick), None) => format!("rug at tick {tick}, price unknown"),
            (None, _) => "no rug seen".to_owned(),
        }));
        facts.extend(coverage(game).into_iter().map(plain));
        if options.scale == Scale::Log {
            facts.push(plain("log scale".to_owned()));
        }
        self.flow(facts);
        let legend = legend(game, colours).into_iter();
        let small = font * 0.95;
        self.flow(legend.map(|(sign, text)| Item { sign, text, colour: muted, size: small }).collect());
        let (_, needed) = lanes(game);
        let shown = Layout::of(std::slice::from_ref(game), options, self.height()).lanes;
        if needed > shown {
            let hidden = lanes(game).0.iter().filter(|(lane, _)| *lane >= shown).count();
            let text = format!("{hidden} more side bets not shown");
            self.flow(vec![Item { sign: Sign::None, text, colour: muted, size: small }]);
        }
    }

    fn several(&mut self, games: &[GameLine], options: &Options, colours: &Colours) {
        let scale = if options.scale == Scale::Log { ", log scale" } else { "" };
        let title = format!("{} games by tick{scale}", games.len());
        self.flow(vec![
            Item { sign: Sign::None, text: title, colour: colours.text, size: self.font * 1.2 },
            Item {
                sign: Sign::Cross(colours.muted),
                text: "rug".to_owned(),
                colour: colours.muted,
                size: self.font,
            },
        ]);
        let cursor = games.iter().find_map(|game| Some((game, game.cursor?)));
        if let Some((game, tick)) = cursor {
            let text = cursor_words(game, tick);
            let sign = Sign::Dot(colours.cursor);
            self.flow(vec![Item { sign, text, colour: colours.muted, size: self.font }]);
        }
        for (index, game) in games.iter().enumerate() {
            let mut facts = vec![game.game_id.clone()];
            facts.extend(game.peak().map(|peak| format!("peak {}", multiplier(peak.price))));
            facts.push(match game.rug() {
                Some(rug) => format!("rug {} at {}", rug.tick, multiplier(rug.price)),
                None => "no rug seen".to_owned(),
            });
            facts.push(game.proof.words().to_owned());
            if !game.corrupted.is_empty() {
                facts.push(format!("{} ticks corrupted", game.corrupted.len()));
            }
            let text = facts.join(" · ");
            let sign = Sign::Line(colours.game(index));
            self.flow(vec![Item { sign, text, colour: colours.text, size: self.font }]);
        }
    }

    /// Puts items into rows; what is wider than a row alone is cut with an ellipsis.
    fn flow(&mut self, items: Vec<Item>) {
        let mut row: Vec<Item> = Vec::new();
        let mut used = 0.0;
        for mut item in items {
            item.text = fit(&item.text, item.size, self.width - sign_width(&item));
            let width = item_width(&item);
            if !row.is_empty() && used + self.font * BETWEEN + width > self.width {
                self.rows.push(std::mem::take(&mut row));
                used = 0.0;
            }
            used += if row.is_empty() { width } else { self.font * BETWEEN + width };
            row.push(item);
        }
        if !row.is_empty() {
            self.rows.push(row);
        }
    }

    /// Pixels from the top of the picture to the plot.
    pub fn height(&self) -> f32 {
        let rows: f32 = self.rows.iter().map(|row| row_height(row)).sum();
        (self.pad * 0.6 + rows + self.font * 0.5).round()
    }

    pub fn draw(&self, canvas: &mut Canvas, layout: &Layout) {
        let mut top = self.pad * 0.6;
        for row in &self.rows {
            let line = top + row_height(row) * 0.72;
            let mut left = layout.pad;
            for item in row {
                let middle = line - item.size * 0.36;
                sign(canvas, item.sign, (left + item.size * 0.55, middle), item.size * 0.42);
                let text = left + sign_width(item);
                canvas.text(&item.text, (text, line), item.size, Anchor::Start, item.colour);
                left += item_width(item) + self.font * BETWEEN;
            }
            top += row_height(row);
        }
        debug_assert!(top <= layout.plot.top + 1.0 && layout.width > self.width);
    }
}

/// Where a replay stands, in words.
pub(super) fn cursor_words(game: &GameLine, tick: i64) -> String {
    match game.price_at(tick) {
        Some(price) => format!("cursor {tick} · {}", multiplier(price)),
        None => format!("cursor {tick}"),
    }
}

/// How many ticks there are, and what became of the others.
fn coverage(game: &GameLine) -> Vec<String> {
    let captured =
        game.record.as_ref().map_or(game.count(Origin::Captured) as u64, |record| record.ticks_recorded);
    let mut words = vec![format!("{captured} ticks captured")];
    let unknown: i64 = game.unknown().iter().map(|(from, to)| to - from + 1).sum();
    for (count, what) in [
        (game.count(Origin::History), "from history"),
        (game.count(Origin::Seed), "from seed"),
        (game.count(Origin::Repaired), "repaired"),
        (usize::try_from(unknown).unwrap_or(0), "unknown"),
        (game.corrupted.len(), "corrupted"),
    ] {
        if count > 0 {
            words.push(format!("{count} {what}"));
        }
    }
    words
}

/// The signs that are on the chart.
fn legend(game: &GameLine, colours: &'static Colours) -> Vec<(Sign, String)> {
    let mut legend = Vec::new();
    let mut add = |there: bool, sign: Sign, text: &str| {
        if there {
            legend.push((sign, text.to_owned()));
        }
    };
    let trade = |sides: &[Side]| game.trades.iter().any(|trade| sides.contains(&trade.side));
    add(trade(&[Side::Buy]), Sign::Up(colours.buy), "buy");
    add(trade(&[Side::Sell]), Sign::Down(colours.sell), "sell");
    add(trade(&[Side::ShortOpen, Side::ShortClose]), Sign::Diamond(colours.short), "short");
    let bet = |won: Option<bool>| game.bets.iter().any(|bet| bet.won == won);
    add(bet(Some(true)), Sign::Box(colours.won), "side bet won");
    add(bet(Some(false)), Sign::Box(colours.lost), "lost");
    add(bet(None), Sign::Box(colours.open), "open");
    let own = game.trades.iter().any(|trade| trade.own) || game.bets.iter().any(|bet| bet.own);
    add(own, Sign::Edged(colours), "own: large, edged");
    add(!game.god_candles().is_empty(), Sign::Box(colours.god), "god candle");
    let there = |origin: Origin| game.count(origin) > 0;
    add(there(Origin::Captured), Sign::Box(colours.captured), "tick captured");
    add(there(Origin::History), Sign::Box(colours.history), "from history");
    add(there(Origin::Repaired), Sign::Box(colours.history), "repaired");
    add(there(Origin::Seed), Sign::Box(colours.seed), "from seed");
    add(!game.unknown().is_empty(), Sign::Box(colours.missing), "unknown");
    legend
}

fn sign(canvas: &mut Canvas, sign: Sign, (x, y): (f32, f32), size: f32) {
    let square = Area { left: x - size, top: y - size * 0.7, right: x + size, bottom: y + size * 0.7 };
    match sign {
        Sign::None => {}
        Sign::Line(colour) => canvas.line((x - size, y), (x + size, y), colour, 255, size * 0.55),
        Sign::Up(colour) => {
            canvas.polygon(&[(x, y - size), (x + size, y + size), (x - size, y + size)], colour, 255, None);
        }
        Sign::Down(colour) => {
            canvas.polygon(&[(x, y + size), (x + size, y - size), (x - size, y - size)], colour, 255, None);
        }
        Sign::Diamond(colour) => {
            let shape = [(x, y - size), (x + size, y), (x, y + size), (x - size, y)];
            canvas.polygon(&shape, colour, 255, None);
        }
        Sign::Cross(colour) => canvas.cross((x, y), size * 0.8, colour, size * 0.45),
        Sign::Box(colour) => canvas.rect(square, colour, 255),
        Sign::Dot(colour) => canvas.circle((x, y), size, colour, None),
        Sign::Edged(colours) => {
            let shape = [(x, y - size), (x + size, y + size), (x - size, y + size)];
            canvas.polygon(&shape, colours.ground, 255, Some((colours.text, size * 0.3)));
        }
    }
}

fn sign_width(item: &Item) -> f32 {
    if matches!(item.sign, Sign::None) { 0.0 } else { item.size * 1.35 }
}

fn item_width(item: &Item) -> f32 {
    sign_width(item) + font::width(&item.text, item.size)
}

fn row_height(row: &[Item]) -> f32 {
    row.iter().map(|item| item.size).fold(0.0, f32::max) * 1.5
}

/// The text, cut with an ellipsis when it is wider than `width`.
fn fit(text: &str, size: f32, width: f32) -> String {
    if font::width(text, size) <= width {
        return text.to_owned();
    }
    let mut cut: String = text.to_owned();
    while cut.pop().is_some() {
        let shorter = format!("{}…", cut.trim_end());
        if font::width(&shorter, size) <= width {
            return shorter;
        }
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chart::options::Theme;

    fn texts(games: &[GameLine]) -> String {
        let head = Head::of(games, &Options::default(), Theme::Dark.colours());
        head.rows.iter().flatten().map(|item| item.text.as_str()).collect::<Vec<_>>().join(" | ")
    }

    fn game(id: &str) -> GameLine {
        GameLine::from_prices(id, &[1.0, 1.5, 2.0, 1.2], Origin::Captured)
    }

    #[test]
    fn compared_games_have_the_cursor_in_the_legend() {
        assert!(!texts(&[game("a"), game("b")]).contains("cursor"));
        let marked = GameLine { cursor: Some(2), ..game("a") };
        assert!(texts(&[marked, game("b")]).contains("cursor 2 · 2×"));
    }

    #[test]
    fn corrupted_ticks_are_counted() {
        let corrupted = GameLine { corrupted: vec![4, 5], ..game("a") };
        assert!(texts(std::slice::from_ref(&corrupted)).contains("2 corrupted"));
        assert!(texts(&[corrupted, game("b")]).contains("2 ticks corrupted"));
        assert!(!texts(&[game("a")]).contains("corrupted"));
    }
}
