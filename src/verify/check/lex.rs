//! Words, numbers and signs of a statement, each with its place.

/// A piece of text with a meaning.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A word: keyword, key, name of an event. `standard/newTrade` is one.
    Word(String),
    /// A text in quotes.
    Text(String),
    /// A number.
    Number(f64),
    /// A sign: `==`, `(`, `±`, ….
    Sign(&'static str),
    /// The end.
    End,
}

/// A token and the characters before it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placed {
    pub token: Token,
    pub at: usize,
}

/// What cannot be a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub at: usize,
    pub expected: &'static str,
}

/// Signs, the longer ones first.
const SIGNS: [&str; 27] = [
    "==", "!=", "<=", ">=", "+-", "[]", "{}", "<", ">", "=", "(", ")", "[", "]", "{", "}", ",", ":", "+", "-",
    "*", "/", "±", "|", ".", "$", "@",
];

/// The tokens of a text, [`Token::End`] last.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, Unreadable> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(&c) = chars.get(at) {
        if c.is_whitespace() {
            at += 1;
            continue;
        }
        let (token, length) = if c == '"' || c == '\'' {
            quoted(&chars, at)?
        } else if c.is_ascii_digit() {
            number(&chars, at)?
        } else if c.is_alphabetic() || c == '_' {
            word(&chars, at)
        } else {
            sign(&chars, at)?
        };
        tokens.push(Placed { token, at });
        at += length;
    }
    tokens.push(Placed { token: Token::End, at: chars.len() });
    Ok(tokens)
}

fn sign(chars: &[char], at: usize) -> Result<(Token, usize), Unreadable> {
    let here = |sign: &&&str| sign.chars().enumerate().all(|(n, c)| chars.get(at + n) == Some(&c));
    let found = SIGNS.iter().find(here);
    found
        .map(|sign| (Token::Sign(sign), sign.chars().count()))
        .ok_or(Unreadable { at, expected: "a name, a number, a text in quotes or an operator" })
}

/// A slash or a hyphen between letters belongs to the word: names of events have them. Arithmetic puts spaces.
fn word(chars: &[char], at: usize) -> (Token, usize) {
    let is_part = |n: usize| {
        chars.get(n).is_some_and(|&c| {
            let joins = matches!(c, '/' | '-') && chars.get(n + 1).is_some_and(|next| next.is_alphabetic());
            c.is_alphanumeric() || c == '_' || joins
        })
    };
    let length = (at..).take_while(|&n| is_part(n)).count();
    (Token::Word(chars.iter().skip(at).take(length).collect()), length)
}

fn number(chars: &[char], at: usize) -> Result<(Token, usize), Unreadable> {
    let char_at = |n: usize| chars.get(at + n).copied().unwrap_or(' ');
    let mut length = 0;
    let mut exponent = false;
    loop {
        let c = char_at(length);
        let sign = matches!(c, '+' | '-') && exponent && matches!(char_at(length.wrapping_sub(1)), 'e' | 'E');
        let point = c == '.' && char_at(length + 1).is_ascii_digit();
        let begins_exponent = matches!(c, 'e' | 'E')
            && !exponent
            && (char_at(length + 1).is_ascii_digit()
                || (matches!(char_at(length + 1), '+' | '-') && char_at(length + 2).is_ascii_digit()));
        if !(c.is_ascii_digit() || c == '_' || sign || point || begins_exponent) {
            break;
        }
        exponent |= begins_exponent;
        length += 1;
    }
    let text: String = chars.iter().skip(at).take(length).filter(|c| **c != '_').collect();
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((Token::Number(number), length)),
        _ => Err(Unreadable { at, expected: "a number" }),
    }
}

fn quoted(chars: &[char], at: usize) -> Result<(Token, usize), Unreadable> {
    let quote = chars.get(at).copied().unwrap_or('"');
    let mut inner = String::new();
    let mut place = at + 1;
    loop {
        match chars.get(place) {
            None => return Err(Unreadable { at, expected: "the quote that ends this text" }),
            Some(&c) if c == quote => break,
            Some('\\') => {
                inner.push('\\');
                inner.extend(chars.get(place + 1));
                place += 2;
            }
            Some(&c) => {
                // Between single quotes a double one stands for itself.
                if c == '"' {
                    inner.push('\\');
                }
                inner.push(c);
                place += 1;
            }
        }
    }
    let inner = if quote == '\'' { inner.replace("\\'", "'") } else { inner };
    let text = serde_json::from_str(&format!("\"{inner}\""))
        .map_err(|_| Unreadable { at, expected: "a text with JSON's escapes" })?;
    Ok((Token::Text(text), place + 1 - at))
}
