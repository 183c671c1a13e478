//! Short texts: identifiers in words, lists packed into cards, times and numbers for readers.

/// Words of a text, as the cap counts them.
pub fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

/// The first `max` words, with `…` where something was cut.
pub fn cut(text: &str, max: usize) -> String {
    if words(text) <= max {
        return text.trim().to_owned();
    }
    let mut out = String::new();
    for word in text.split_whitespace().take(max.saturating_sub(1)) {
        out.push_str(word);
        out.push(' ');
    }
    out.push('…');
    out
}

/// An identifier in words: `positionQty` → `position qty`, `standard/newTrade` → `standard new trade`.
pub fn split(identifier: &str) -> String {
    let identifier = identifier.replace("PnL", "Pnl");
    let mut out = String::new();
    let mut before = ' ';
    let mut chars = identifier.chars().peekable();
    while let Some(c) = chars.next() {
        let next_is_lower = chars.peek().is_some_and(|next| next.is_lowercase());
        if !c.is_alphanumeric() {
            if !out.ends_with(' ') && !out.is_empty() {
                out.push(' ');
            }
        } else {
            let starts_word = c.is_uppercase() && (before.is_lowercase() || before.is_ascii_digit())
                || (c.is_uppercase() && before.is_uppercase() && next_is_lower)
                || (c.is_ascii_digit() && before.is_lowercase());
            if starts_word && !out.ends_with(' ') && !out.is_empty() {
                out.push(' ');
            }
            out.extend(c.to_lowercase());
        }
        before = c;
    }
    out.trim_end().to_owned()
}

/// An identifier whole and, where that differs, split: `positionQty (position qty)`.
pub fn both(identifier: &str) -> String {
    let split = split(identifier);
    if split == identifier { split } else { format!("{identifier} ({split})") }
}

/// A path as readers write it: `$.rugpool.amount` → `rugpool.amount`.
pub fn short_path(path: &str) -> &str {
    path.strip_prefix("$.").unwrap_or(path)
}

/// Packs items behind a head into as many texts as the cap asks for. `again` heads the second and later texts.
pub fn pack(head: &str, again: &str, items: &[String], max: usize) -> Vec<String> {
    let mut texts = Vec::new();
    let mut text = head.to_owned();
    let mut count = words(head);
    for item in items {
        let size = words(item);
        if count + size > max && count > words(if texts.is_empty() { head } else { again }) {
            texts.push(std::mem::replace(&mut text, again.to_owned()));
            count = words(again);
        }
        text.push(' ');
        text.push_str(item);
        count += size;
    }
    texts.push(text);
    texts
}

/// A time, exact: it may be asked with.
pub fn time(us: i64) -> String {
    match jiff::Timestamp::from_microsecond(us) {
        Ok(time) => time.to_string(),
        Err(_) => format!("{us} µs"),
    }
}

/// From when to when, in words.
pub fn span(first: Option<i64>, last: Option<i64>) -> String {
    match (first, last) {
        (Some(first), Some(last)) if first == last => format!("at {}", time(first)),
        (Some(first), Some(last)) => format!("from {} to {}", time(first), time(last)),
        _ => "at an unknown time".into(),
    }
}

/// A count in steps of 1, 2, 5: a card's text, and with it its embedding, must not change with every packet.
pub fn about(count: u64) -> String {
    if count < 10 {
        return count.to_string();
    }
    let mut step: u64 = 10;
    loop {
        for next in [step.saturating_mul(2), step.saturating_mul(5), step.saturating_mul(10)] {
            if count < next {
                let below = if next == step.saturating_mul(2) {
                    step
                } else if next == step.saturating_mul(5) {
                    step.saturating_mul(2)
                } else {
                    step.saturating_mul(5)
                };
                return if count == below { below.to_string() } else { format!("more than {below}") };
            }
        }
        if step > u64::MAX / 100 {
            return format!("more than {step}");
        }
        step *= 10;
    }
}

/// From which day to which, in words.
pub fn days(first: Option<i64>, last: Option<i64>) -> String {
    let day = |us: i64| time(us).chars().take(10).collect::<String>();
    match (first.map(day), last.map(day)) {
        (Some(first), Some(last)) if first == last => format!("on {first}"),
        (Some(first), Some(last)) => format!("from {first} to {last}"),
        _ => "at an unknown time".into(),
    }
}

/// A share in whole percent; a little is told from nothing, and almost all from all.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent > 0.0 && percent < 1.0 {
        "< 1 %".into()
    } else if percent > 99.0 && percent < 100.0 {
        "> 99 %".into()
    } else {
        format!("{percent:.0} %")
    }
}

/// A number with three significant digits.
pub fn rough(value: f64) -> String {
    significant(value, 2)
}

/// A number with at most six significant digits.
pub fn number(value: f64) -> String {
    significant(value, 5)
}

fn significant(value: f64, more: i32) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return format!("{value:.0}");
    }
    let digits = more - value.abs().log10().floor().clamp(-12.0, 5.0) as i32;
    let text = format!("{value:.*}", usize::try_from(digits).unwrap_or(0));
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
