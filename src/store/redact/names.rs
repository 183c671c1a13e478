//! Names of keys, headers and events that carry credentials.

/// What a name says about the value behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A token. Games have "tokens" too: numbers are counts, and the name of a coin is no secret.
    Token,
    /// Secret whatever it is.
    Secret,
    /// Secret, and made up by a person: its digest is always keyed.
    Password,
    /// The name of a login event: everything behind it is secret.
    Login,
}

const TOKENS: [&str; 5] = ["token", "tokens", "jwt", "jwts", "privypat"];
const SECRETS: [&str; 15] = [
    "secret",
    "secrets",
    "apikey",
    "privatekey",
    "secretkey",
    "accesskey",
    "sessionkey",
    "signingkey",
    "encryptionkey",
    "authkey",
    "authorization",
    "cookie",
    "cookies",
    "sessionid",
    "bearer",
];
const MORE_SECRETS: [&str; 3] = ["credential", "credentials", "keypair"];
const PASSWORDS: [&str; 8] =
    ["password", "passwords", "passwd", "pwd", "passphrase", "seedphrase", "recoveryphrase", "mnemonic"];
const LOGINS: [&str; 3] = ["authenticate", "authentication", "reauthenticate"];
/// Login as the name of an event; as a key or a word they are too common.
const LOGIN_EVENTS: [&str; 4] = ["login", "signin", "auth", "relogin"];

/// Longest name that is looked at, bytes.
pub const LONGEST: usize = 64;

/// The kind of a key, header or event of this name, in any spelling: `accessToken`, `ACCESS_TOKEN`,
/// `x-access-token2`. `None` for every other name.
pub fn kind(name: &str) -> Option<Kind> {
    let plain = plain(name)?;
    let ends = |list: &[&str]| list.iter().any(|end| plain.ends_with(end));
    if ends(&TOKENS) {
        Some(Kind::Token)
    } else if ends(&SECRETS) || ends(&MORE_SECRETS) || plain == "auth" || plain == "oauth" {
        Some(Kind::Secret)
    } else if ends(&PASSWORDS) {
        Some(Kind::Password)
    } else if LOGINS.contains(&plain.as_str()) {
        Some(Kind::Login)
    } else {
        None
    }
}

/// Whether an event of this name carries a login.
pub fn is_login_event(name: &str) -> bool {
    plain(name).is_some_and(|plain| LOGINS.contains(&plain.as_str()) || LOGIN_EVENTS.contains(&plain.as_str()))
}

/// Lower case, letters and digits only, without a number at its end.
fn plain(name: &str) -> Option<String> {
    if name.len() > LONGEST {
        return None;
    }
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    Some(plain.trim_end_matches(|c: char| c.is_ascii_digit()).to_owned())
}
