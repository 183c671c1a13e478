//! Credentials are taken out of a frame before the journal sees it.
//!
//! A logged-in browser sends its login through the very socket that is recorded. What is a secret is replaced
//! inside the frame's text by a digest, `[redacted:sha256:<16 hex>]`; every other byte stays as it was, and what
//! was JSON is still JSON.
//!
//! # What counts as a secret
//!
//! * every text and number in the arguments of `authenticate` (and `login`, `auth`, …), and in the body of a
//!   Socket.IO connect packet that we *send*;
//! * the value of a key whose name ends in token, jwt, secret, password, cookie, authorization, api key, … in any
//!   spelling (`names`), at any depth, also in JSON inside JSON strings, as `name=value` and as a header line;
//! * whatever stands behind `Bearer`, and everything shaped like a JWT (`eyJ….….…`), chat included.
//!
//! # What does not
//!
//! Game data: seeds and their hashes, `did:privy:` ids, `traceparent`, counts of practice tokens, the coin called
//! `0xPractice` that the tournaments keep under `token`. The `sid` of Engine.IO and Socket.IO stays too: the
//! server binds it to its WebSocket, it opens nothing from anywhere else, it is void when the socket closes, and
//! connections are told apart by it.
//!
//! # The digest
//!
//! Equal secrets get equal digests. A long random token gets a truncated plain SHA-256, the same on every
//! machine and after every restart: 64 bits of the digest of 128 random bits tell nothing. A password, a short
//! text or a number could be guessed and checked against such a digest, so those get a digest keyed with a random
//! number of this process, which is written nowhere: `[redacted:keyed:<16 hex>]`, equal stays equal within one run.

mod digest;
mod names;
mod scan;
mod shapes;
mod sieve;
mod unescape;

use std::borrow::Cow;

use crate::record::Direction;

pub use digest::is_placeholder;

/// The text without its credentials; borrowed, and so byte for byte the same, when there is none in it.
///
/// Pure except for the key of guessable secrets, which lives as long as the process. Doing it twice changes
/// nothing more.
pub fn redact(text: &str, direction: Direction) -> Cow<'_, str> {
    // A tick has none of it and costs one pass of the sieve.
    if !scan::has_login_head(text, direction) && sieve::next(text.as_bytes(), 0).is_none() {
        return Cow::Borrowed(text);
    }
    let edits = scan::edits(text, direction);
    if edits.is_empty() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for edit in &edits {
        out.push_str(text.get(from..edit.range.start).unwrap_or_default());
        out.push_str(&edit.with);
        from = edit.range.end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    Cow::Owned(out)
}

/// Whether a text that is no JSON (the bytes of a binary message, say) holds a credential or the name of one.
pub fn may_hold_secrets(text: &str, direction: Direction) -> bool {
    scan::names_a_secret(text) || matches!(redact(text, direction), Cow::Owned(_))
}

#[cfg(test)]
mod tests;
