#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::line::{Bet, Origin, Point, Proof, Side, Trade};
use super::options::{HEIGHT, SIZES, WIDTH};
use super::picture::MOST_BYTES;
use super::scale::{Axis, multiplier};
use super::theme::{Colours, Rgb};
use super::*;
use crate::protocol::fairness::{GameVersion, play};

/// A game played from a seed.
fn game(seed: &str) -> GameLine {
    let id = format!("20260101-{seed:0>16}");
    let path = play(seed, &id, GameVersion::V3);
    let rug = path.prices.len() as i64 - 1;
    let line = GameLine::from_prices(&id, &path.prices, Origin::Captured);
    GameLine { rug_tick: Some(rug), proof: Proof::Proven, ..line }
}

/// The first seed whose game has at least so many ticks.
fn long_game(ticks: usize) -> GameLine {
    (0..).map(|number: u32| game(&format!("{number:x}"))).find(|game| game.points.len() >= ticks).unwrap()
}

/// A game with everything that can be on a chart.
fn full_game() -> GameLine {
    let mut game = long_game(240);
    let rug = game.rug_tick.unwrap();
    for point in &mut game.points {
        point.origin = match point.tick {
            30..=41 => Origin::History,
            60..=64 => Origin::Seed,
            _ => Origin::Captured,
        };
        // A god candle, and what follows from it.
        if point.tick >= 150 && point.tick < rug {
            point.price *= 4.0;
        }
    }
    game.points[100].price = game.points[99].price * 10.0;
    game.points.retain(|point| !(80..=86).contains(&point.tick));
    let trade = |tick: i64, side: Side, own: bool| Trade { tick, price: None, side, own };
    game.trades = (0..rug)
        .step_by(7)
        .map(|tick| trade(tick, if tick % 2 == 0 { Side::Buy } else { Side::Sell }, false))
        .collect();
    game.trades.extend([
        trade(20, Side::Buy, true),
        trade(140, Side::Sell, true),
        trade(70, Side::ShortOpen, false),
    ]);
    game.bets = (0..rug)
        .step_by(9)
        .map(|start| Bet { start, end: start + 40, won: Some(rug <= start + 40), own: start == 45 })
        .collect();
    game.bets.push(Bet { start: 10, end: 50, won: None, own: false });
    game.cursor = Some(120);
    game
}

/// The pixels of a picture: width, height, rows of red, green, blue. Reads the PNG as its standard says.
fn pixels(picture: &Picture) -> (u32, u32, Vec<Rgb>) {
    let (signature, mut rest) = picture.png.split_at(8);
    assert_eq!(signature, [0x89, b'P', b'N', b'G', 13, 10, 26, 10]);
    let (mut head, mut block, mut ended) = (Vec::new(), Vec::new(), false);
    while !rest.is_empty() {
        let number = |at: usize| u32::from_be_bytes(rest[at..at + 4].try_into().unwrap());
        let length = number(0) as usize;
        let (name, data) = (&rest[4..8], &rest[8..8 + length]);
        let mut sum = flate2::Crc::new();
        sum.update(&rest[4..8 + length]);
        assert_eq!(sum.sum(), number(8 + length), "checksum");
        match name {
            b"IHDR" => head = data.to_vec(),
            b"IDAT" => block.extend_from_slice(data),
            b"IEND" => ended = true,
            other => panic!("{other:?}"),
        }
        rest = &rest[12 + length..];
    }
    assert!(ended && head[8..] == [8, 2, 0, 0, 0]);
    let side = |at: usize| u32::from_be_bytes(head[at..at + 4].try_into().unwrap());
    let (width, height) = (side(0), side(4));
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::ZlibDecoder::new(&block[..]), &mut bytes).unwrap();
    let mut above = vec![0_u8; width as usize * 3];
    let mut all = Vec::new();
    for row in bytes.chunks_exact(width as usize * 3 + 1) {
        assert_eq!(row[0], 2, "filter up");
        above = row[1..].iter().zip(&above).map(|(byte, above)| byte.wrapping_add(*above)).collect();
        all.extend(above.chunks_exact(3).map(|rgb| [rgb[0], rgb[1], rgb[2]]));
    }
    assert_eq!(all.len(), width as usize * height as usize);
    (width, height, all)
}

fn count(picture: &Picture, colour: Rgb) -> usize {
    pixels(picture).2.into_iter().filter(|pixel| *pixel == colour).count()
}

/// Writes pictures into the folder that `REPLAYER_CHARTS` names, for people to look at.
fn show(name: &str, picture: &Picture) {
    if let Some(folder) = std::env::var_os("REPLAYER_CHARTS") {
        std::fs::write(std::path::Path::new(&folder).join(format!("{name}.png")), &picture.png).unwrap();
    }
}

#[test]
fn a_picture_has_the_size_that_was_asked_for_and_is_small() {
    let game = full_game();
    for (width, height) in [(300, 300), (400, 300), (800, 500), (WIDTH, HEIGHT), (1600, 900), (2000, 2000)] {
        for theme in [Theme::Dark, Theme::Light] {
            for scale in [Scale::Linear, Scale::Log] {
                let options = Options { width, height, scale, theme };
                let picture = render(std::slice::from_ref(&game), &options).unwrap();
                assert_eq!((pixels(&picture).0, pixels(&picture).1), (width, height));
                assert!(picture.png.len() < MOST_BYTES / 2, "{width}×{height}: {}", picture.png.len());
                show(&format!("full-{width}x{height}-{theme:?}-{scale:?}"), &picture);
            }
        }
    }
}

#[test]
fn everything_known_of_a_game_is_on_its_chart() {
    let (game, colours) = (full_game(), Theme::Dark.colours());
    let picture = render(std::slice::from_ref(&game), &Options::default()).unwrap();
    for (what, colour) in [
        ("line", colours.line),
        ("rug", colours.rug),
        ("own and other buys", colours.buy),
        ("sells", colours.sell),
        ("shorts", colours.short),
        ("cursor", colours.cursor),
        ("god candle", colours.god),
        ("captured", colours.captured),
        ("history", colours.history),
        ("seed", colours.seed),
    ] {
        assert!(count(&picture, colour) > 20, "{what}: {}", count(&picture, colour));
    }
    let bare =
        GameLine { rug_tick: None, trades: vec![], bets: vec![], cursor: None, proof: Proof::NoSeed, ..game };
    let bare = GameLine { points: bare.points.into_iter().filter(|point| point.tick < 60).collect(), ..bare };
    let picture = render(&[bare], &Options::default()).unwrap();
    for colour in [colours.rug, colours.sell, colours.cursor, colours.god, colours.seed] {
        assert_eq!(count(&picture, colour), 0, "what is not there is not drawn");
    }
}

#[test]
fn the_same_game_is_the_same_bytes() {
    let draw = || render(&[full_game()], &Options::default()).unwrap().png;
    assert_eq!(draw(), draw());
}

#[test]
fn compared_games_have_their_own_colours() {
    let games: Vec<GameLine> = ["1", "7", "c", "12", "2a", "3b"].into_iter().map(game).collect();
    for theme in [Theme::Dark, Theme::Light] {
        let options = Options { theme, scale: Scale::Log, ..Options::default() };
        let picture = render(&games, &options).unwrap();
        for index in 0..games.len() {
            assert!(count(&picture, theme.colours().game(index)) > 50, "game {index}");
        }
        show(&format!("compare-{theme:?}"), &picture);
        let small = render(&games[..3], &Options { width: 400, height: 300, ..options }).unwrap();
        show(&format!("compare-small-{theme:?}"), &small);
    }
}

#[test]
fn a_game_of_one_tick_or_of_zeros_is_drawn() {
    for prices in [&[1.0][..], &[0.0], &[0.0, 0.0, 0.0], &[1.0, 0.02], &[1e-9, 1e9], &[1e-300, 1e300]] {
        for scale in [Scale::Linear, Scale::Log] {
            let game = GameLine::from_prices("g", prices, Origin::Captured);
            let game = GameLine { rug_tick: Some(prices.len() as i64 - 1), ..game };
            let picture = render(&[game], &Options { scale, ..Options::default() }).unwrap();
            assert!(count(&picture, Theme::Dark.colours().rug) > 0);
        }
    }
}

#[test]
fn the_longest_possible_game_fits() {
    let prices: Vec<f64> = (0..=5000).map(|tick| 1.0 + f64::from(tick % 97) * 0.3).collect();
    let game = GameLine::from_prices("long", &prices, Origin::Captured);
    let picture = render(&[game], &Options { width: 2000, height: 2000, ..Options::default() }).unwrap();
    assert!(picture.png.len() <= MOST_BYTES);
}

#[test]
fn a_long_id_is_cut_and_does_not_break_the_chart() {
    let game = GameLine { game_id: "x".repeat(500), ..game("1") };
    let options = Options { width: 400, height: 320, ..Options::default() };
    assert!(render(std::slice::from_ref(&game), &options).is_ok());
    assert!(render(&[game.clone(), game], &options).is_ok());
}

#[test]
fn sizes_out_of_bounds_are_refused_with_the_bounds() {
    for (width, height) in [(0, 700), (1200, 0), (50_000, 700), (1200, 50_000), (SIZES.end() + 1, 700)] {
        let error = render(&[game("1")], &Options { width, height, ..Options::default() }).unwrap_err();
        assert!(matches!(error, ChartError::Size { .. }));
        assert!(error.to_string().contains("300 to 2000"), "{error}");
    }
}

#[test]
fn too_many_games_none_and_one_without_prices_are_refused() {
    let games: Vec<GameLine> = (0..=MOST_GAMES).map(|number| game(&format!("{number:x}"))).collect();
    assert!(matches!(render(&games, &Options::default()), Err(ChartError::TooManyGames { asked: 7 })));
    assert!(matches!(render(&[], &Options::default()), Err(ChartError::NoGames)));
    let empty = GameLine::from_prices("empty", &[], Origin::Captured);
    let error = render(&[empty], &Options::default()).unwrap_err();
    assert!(error.to_string().contains("empty"), "{error}");
}

#[test]
fn missing_ticks_are_found_at_the_start_between_and_at_the_end() {
    let mut line = GameLine::from_prices("g", &[1.0; 10], Origin::Captured);
    line.rug_tick = Some(12);
    line.points.retain(|point| ![0, 4, 5].contains(&point.tick));
    assert_eq!(line.unknown(), [(0, 0), (4, 5), (10, 12)]);
    assert_eq!((line.rug(), line.last_tick()), (None, 12));
    assert_eq!(line.price_at(5), Some(1.0));
    assert_eq!(line.price_at(0), None);
}

#[test]
fn a_god_candle_is_ten_times_the_tick_before() {
    let line = GameLine::from_prices("g", &[1.0, 1.1, 11.0, 11.5, 60.0], Origin::Captured);
    assert_eq!(line.god_candles(), [2]);
    let mut gap = line.clone();
    gap.points.remove(1);
    assert_eq!(gap.god_candles(), Vec::<i64>::new(), "over a gap nobody knows");
}

#[test]
fn the_peak_is_the_first_highest_tick() {
    let line = GameLine::from_prices("g", &[1.0, 3.0, 2.0, 3.0], Origin::Captured);
    assert_eq!(line.peak().unwrap().tick, 1);
}

#[test]
fn a_summary_says_what_is_drawn() {
    let game = full_game();
    let options = Options::default();
    let picture = render(std::slice::from_ref(&game), &options).unwrap();
    let summary = Summary::of(std::slice::from_ref(&game), &options, &picture);
    let told = &summary.games[0];
    assert_eq!((told.ticks_unknown, &told.unknown[..]), (7, &[(80, 86)][..]));
    assert_eq!((told.ticks_from_history, told.ticks_from_seed), (12, 5));
    assert_eq!((told.own_trades, told.own_side_bets, told.cursor), (2, 1, Some(120)));
    assert_eq!((told.god_candles.as_slice(), told.proof.as_str()), (&[100][..], "proven"));
    assert_eq!(summary.bytes, picture.png.len() as u64);
    assert_eq!(summary.not_drawn, None);
    let both = Summary::of(&[game.clone(), game], &options, &picture);
    assert!(both.not_drawn.is_some());
}

#[test]
fn captured_ticks_go_before_the_seed_and_the_seed_before_the_list() {
    let tick = |tick: i64, price: f64, from: &str| load::Tick {
        tick,
        price: Some(price),
        tick_source: Some(from.to_owned()),
        corrupted: false,
    };
    let ticks =
        vec![tick(0, 1.0, "frame"), tick(2, 1.2, "seed"), tick(5, 9.0, "frame"), tick(4, 1.4, "elsewhere")];
    let (points, corrupted) = load::points(ticks, &[1.01, 1.11, 1.21].map(Some), Some(4));
    assert_eq!(corrupted, Vec::<i64>::new());
    let found: Vec<(i64, f64, Origin)> =
        points.iter().map(|point| (point.tick, point.price, point.origin)).collect();
    assert_eq!(
        found,
        [
            (0, 1.0, Origin::Captured),
            (1, 1.11, Origin::History),
            (2, 1.2, Origin::Seed),
            (4, 1.4, Origin::Repaired)
        ]
    );
}

#[test]
fn a_corrupted_price_is_left_out_unless_another_source_has_the_tick() {
    let sound = |tick: i64| load::Tick {
        tick,
        price: Some(1.5),
        tick_source: Some("frame".to_owned()),
        corrupted: tick == 3,
    };
    let corrupted = |tick: i64| load::Tick { tick, price: None, tick_source: None, corrupted: true };
    let ticks = vec![sound(0), corrupted(1), corrupted(2), sound(3), corrupted(9)];
    let listed = [Some(1.0), Some(1.1), Some(1e308), Some(1.3), None, Some(-1.0)];
    let (points, corrupted) = load::points(ticks, &listed, Some(5));
    let found: Vec<(i64, Origin)> = points.iter().map(|point| (point.tick, point.origin)).collect();
    assert_eq!(found, [(0, Origin::Captured), (1, Origin::History), (3, Origin::Captured)]);
    assert_eq!(corrupted, [1, 2, 3, 4, 5], "none after the rug");
    let game =
        GameLine { points, corrupted, rug_tick: Some(5), ..GameLine::from_prices("g", &[], Origin::Captured) };
    let picture = render(std::slice::from_ref(&game), &Options::default()).unwrap();
    let told = &Summary::of(&[game], &Options::default(), &picture).games[0];
    assert_eq!((told.ticks_corrupted, told.corrupted.as_slice()), (5, &[1, 2, 3, 4, 5][..]));
    assert_eq!((told.peak, &told.unknown[..]), (Some(1.5), &[(2, 2), (4, 5)][..]));
}

#[test]
fn a_short_game_has_whole_ticks_on_its_axis_each_once() {
    for last in [1, 2, 9, 17, 40] {
        for most in [2, 5, 20, 80] {
            let ticks = Axis::ticks(last, 50.0, 1150.0).round_values(most);
            assert!(ticks.iter().all(|tick| tick.fract() == 0.0), "{last} {most}: {ticks:?}");
        }
    }
    let ticks = Axis::ticks(9, 50.0, 1150.0).round_values(20);
    assert_eq!(ticks, (0..10).map(f64::from).collect::<Vec<_>>());
}

#[test]
fn an_own_order_that_was_announced_is_one_trade() {
    let row = |word: &str, tick: i64, own: bool| load::TradeRow {
        word: Some(word.to_owned()),
        tick: Some(tick),
        price: Some(1.5),
        own,
    };
    let announced = || vec![row("buy", 21, true), row("sell", 50, false)];
    let order = |word: &str, tick: i64| own::OwnOrder {
        word: word.to_owned(),
        tick,
        price: Some(1.5),
        amount: None,
        session_id: "s".to_owned(),
        seq: 1,
    };
    let orders = [order("BUY", 20), order("PARTIAL_SELL", 49), order("SIDEBET", 30)];
    let trades = load::trades(announced(), &orders);
    assert_eq!(
        trades.iter().map(|trade| (trade.tick, trade.own)).collect::<Vec<_>>(),
        [(21, true), (49, true), (50, false)]
    );
    let bets = load::bets_of(vec![], &orders, Some(70));
    assert_eq!(bets, [Bet { start: 30, end: 70, won: Some(true), own: true }]);
    assert_eq!(load::bets_of(vec![], &orders, Some(71))[0].won, Some(false));
}

#[test]
fn round_values_are_round_few_and_within() {
    let axis = Axis::prices(0.02, 37.0, Scale::Linear, 500.0, 0.0);
    assert_eq!(axis.round_values(10), [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 35.0]);
    let axis = Axis::prices(0.02, 37.0, Scale::Log, 500.0, 0.0);
    assert_eq!(axis.round_values(12), [0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0]);
    assert_eq!(axis.round_values(6), [0.1, 1.0, 10.0]);
    assert!((axis.at(1.0) - axis.at(10.0) - (axis.at(0.1) - axis.at(1.0))).abs() < 0.01, "equal ratios");
}

#[test]
fn multipliers_have_the_digits_that_matter() {
    let prices = [1122.28, 37.04, 3.81, 1.0, 0.5, 0.0142, 0.0, 1e300, 2e-9];
    let texts: Vec<String> = prices.into_iter().map(multiplier).collect();
    assert_eq!(texts, ["1122×", "37×", "3.81×", "1×", "0.5×", "0.0142×", "0×", "1e300×", "2e-9×"]);
}

#[test]
fn texts_can_be_read_on_their_ground() {
    let channel = |value: u8| {
        let part = f64::from(value) / 255.0;
        if part <= 0.03928 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    let luminance =
        |[red, green, blue]: Rgb| 0.2126 * channel(red) + 0.7152 * channel(green) + 0.0722 * channel(blue);
    let contrast = |a: Rgb, b: Rgb| {
        let (light, dark) = (luminance(a).max(luminance(b)), luminance(a).min(luminance(b)));
        (light + 0.05) / (dark + 0.05)
    };
    let written =
        |colours: &Colours| [colours.text, colours.muted, colours.rug, colours.god, colours.buy, colours.cursor];
    for theme in [Theme::Dark, Theme::Light] {
        let colours = theme.colours();
        for colour in written(colours) {
            for ground in [colours.ground, colours.plot] {
                assert!(contrast(colour, ground) >= 4.5, "{theme:?} {colour:?}: {:.2}", contrast(colour, ground));
            }
        }
    }
}

#[test]
fn a_point_is_found_by_its_tick() {
    let line = GameLine::from_prices("g", &[1.0, 2.0], Origin::Seed);
    assert_eq!(line.at(1), Some(&Point { tick: 1, price: 2.0, origin: Origin::Seed }));
    assert_eq!((line.at(2), line.at(-1)), (None, None));
}
