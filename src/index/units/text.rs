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
                || (c.is_uppercase() && before.is_uppercase() && next_is_lower);
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

/// A time, to the second.
pub fn time(us: i64) -> String {
    match jiff::Timestamp::from_second(us.div_euclid(1_000_000)) {
        Ok(time) => time.to_string(),
        Err(_) => format!("{us} µs"),
    }
}

/// From when to when, in words.
pub fn span(first: Option<i64>, last: Option<i64>) -> String {
    match (first, last) {
        (Some(first), Some(last)) if first / 1_000_000 == last / 1_000_000 => format!("at {}", time(first)),
        (Some(first), Some(last)) => format!("from {} to {}", time(first), time(last)),
        _ => "at an unknown time".into(),
    }
}

/// A share in percent, with enough digits to tell little from nothing.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent == 0.0 || percent >= 99.95 {
        format!("{percent:.0} %")
    } else if percent < 0.1 {
        "< 0.1 %".into()
    } else {
        format!("{percent:.1} %")
    }
}

/// A number with at most six significant digits.
pub fn number(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 {
        return format!("{value:.0}");
    }
    let digits = 5 - value.abs().log10().floor().clamp(-12.0, 5.0) as i32;
    let text = format!("{value:.*}", usize::try_from(digits).unwrap_or(0));
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
