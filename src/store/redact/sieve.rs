//! The fast path: where in a text could a secret's name or form be? One pass that the compiler turns into vector
//! instructions, because nearly every frame has none and all of them pay for it.

/// Bytes looked at in one step.
const STEP: usize = 64;
/// A step and the two bytes that the last place of it needs.
const WINDOW: usize = STEP + 2;

/// Whether three bytes could be part of a secret's name or form, or hide one by an escape.
///
/// Each triple is the rarest part of its names in real frames. Letters are folded to lower case by one bit, so
/// other bytes may collide: a hit is only a reason to look closer.
#[inline(always)]
fn suspicious(first: u8, second: u8, third: u8) -> bool {
    let (a, b, c) = (first | 0x20, second | 0x20, third | 0x20);
    (first == b'\\')
        | ((a == b't') & (b == b'o') & (c == b'k')) // token
        | ((a == b'j') & (b == b'w') & (c == b't')) // jwt
        | ((a == b'e') & (b == b'y') & (c == b'j')) // the text of a JWT
        | ((a == b'k') & (b == b'e') & (c == b'y')) // apiKey, privateKey, …
        | ((a == b'u') & (b == b't') & (c == b'h')) // authenticate, authorization
        | ((a == b'o') & (b == b'k') & (c == b'i')) // cookie
        | ((a == b'e') & (b == b'c') & (c == b'r')) // secret
        | ((a == b's') & (b == b's') & (c == b'w')) // password
        | ((a == b'p') & (b == b'w') & (c == b'd')) // pwd
        | ((a == b's') & (b == b's') & (c == b'i')) // sessionId
        | ((a == b'p') & (b == b'h') & (c == b'r')) // passphrase, seedPhrase
        | ((a == b'n') & (b == b'e') & (c == b'm')) // mnemonic
        | ((a == b'e') & (b == b'd') & (c == b'e')) // credentials
        | ((a == b'b') & (b == b'e') & (c == b'a')) // Bearer
        | ((a == b'y') & (b == b':') & (c == b'p')) // privy:pat
}

/// The first place from `from` on that is worth a closer look, if any.
pub fn next(bytes: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    while let Some(window) = bytes.get(at..).and_then(<[u8]>::first_chunk::<WINDOW>) {
        if any(window) {
            return first(bytes, at);
        }
        at += STEP;
    }
    // The rest, and nothing behind it.
    let rest = bytes.get(at..)?;
    let mut window = [0; WINDOW];
    window.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    if any(&window) { first(bytes, at) } else { None }
}

/// Whether one of the first [`STEP`] places of a window is suspicious.
#[inline(always)]
fn any(window: &[u8; WINDOW]) -> bool {
    // Three arrays of a known length, or the compiler makes no vectors of it.
    let (Some(first), Some((_, second)), Some((_, third))) =
        (window.first_chunk::<STEP>(), window.split_first(), window.split_first_chunk::<2>())
    else {
        return true;
    };
    let (Some(second), Some(third)) = (second.first_chunk::<STEP>(), third.first_chunk::<STEP>()) else {
        return true;
    };
    let found =
        first.iter().zip(second).zip(third).fold(0, |any, ((&a, &b), &c)| any | u8::from(suspicious(a, b, c)));
    found != 0
}

/// The first suspicious place from `at` on, one by one.
fn first(bytes: &[u8], at: usize) -> Option<usize> {
    let byte = |at: usize| bytes.get(at).copied().unwrap_or_default();
    (at..bytes.len()).find(|at| suspicious(byte(*at), byte(at + 1), byte(at + 2)))
}
