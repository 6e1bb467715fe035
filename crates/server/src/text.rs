//! What names and URLs may look like, wherever they stand.

use caseless::default_case_fold_str;
use unicode_normalization::UnicodeNormalization as _;
use url::Url;

use crate::error::FieldViolation;

/// The form in which usernames and names are compared: NFKC, case-folded, without what can't be
/// seen (NFKC_Casefold of UAX #31).
pub fn folded(text: &str) -> String {
    let visible: String = text.nfkc().filter(|c| !is_ignorable(*c)).collect();
    default_case_fold_str(&visible).nfkc().collect()
}

/// Collects everything that is wrong with a request before refusing it.
#[derive(Default)]
pub struct Violations(Vec<FieldViolation>);

impl Violations {
    pub fn add(&mut self, field: impl Into<String>, description: impl Into<String>) {
        self.0.push(FieldViolation::new(field, description));
    }

    /// Adds what `check` finds wrong, under `field`.
    pub fn check(&mut self, field: &str, check: Result<(), &'static str>) {
        if let Err(description) = check {
            self.add(field, description);
        }
    }

    /// `value`, unless anything was wrong.
    pub fn or<T>(self, value: T) -> crate::error::Result<T> {
        if self.0.is_empty() {
            Ok(value)
        } else {
            Err(crate::error::Error::Invalid(self.0))
        }
    }
}

/// A name: 1 to 64 characters, none of the published refused set, none that moves or hides text.
pub fn check_name(text: &str) -> Result<(), &'static str> {
    match text.chars().count() {
        0 => return Err("empty string"),
        1..=64 => {}
        _ => return Err("longer than 64 characters"),
    }
    if text.chars().any(|c| "{}[]<>;:?\\/|*^%$#=~`!".contains(c)) {
        return Err("must not contain any of {}[]<>;:?\\/|*^%$#=~`!");
    }
    if text.trim().is_empty() {
        return Err("must not be blank");
    }
    if text
        .chars()
        .any(|c| is_ignorable(c) && !shapes_script_or_emoji(c))
    {
        return Err("must not contain invisible characters");
    }
    check_plain(text)
}

/// Unicode's Default_Ignorable_Code_Point: what is not seen.
fn is_ignorable(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
    )
}

/// Joiners and variation selectors, which some scripts and emoji are not written without.
fn shapes_script_or_emoji(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// A label that only administrators read: 1 to 256 characters, none that moves or hides text.
pub fn check_label(text: &str) -> Result<(), &'static str> {
    match text.chars().count() {
        0 => Err("empty string"),
        1..=256 => check_plain(text),
        _ => Err("longer than 256 characters"),
    }
}

/// Text without control or bidirectional characters, of any length.
pub fn check_plain(text: &str) -> Result<(), &'static str> {
    if text.chars().any(is_layout_control) {
        Err("must not contain control or bidirectional characters")
    } else {
        Ok(())
    }
}

/// Controls, line and paragraph separators, and bidirectional controls.
fn is_layout_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') || is_bidirectional_control(c)
}

/// Longest address that a mail can be sent to (RFC 5321, section 4.5.3.1.3), in bytes.
const MAX_EMAIL_BYTES: usize = 254;

/// What may be an e-mail address: whether it is one, only a delivered mail can tell.
pub fn check_email_address(text: &str) -> Result<(), &'static str> {
    check_plain(text)?;
    if text.len() > MAX_EMAIL_BYTES {
        return Err("longer than 254 bytes");
    }
    let plausible = match text.split_once('@') {
        Some((local, domain)) => {
            !local.is_empty()
                && !domain.is_empty()
                && !domain.contains('@')
                && !text.contains(char::is_whitespace)
        }
        None => false,
    };
    if plausible {
        Ok(())
    } else {
        Err("must be an e-mail address")
    }
}

/// Unicode's explicit directional marks, embeddings, overrides and isolates (UAX #9).
fn is_bidirectional_control(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Longest URL that any field holds, in bytes.
const MAX_URL_BYTES: usize = 2_048;

/// Schemes that run code, or read local data, when a browser is sent there.
const DANGEROUS_SCHEMES: [&str; 7] = [
    "javascript",
    "data",
    "blob",
    "file",
    "vbscript",
    "about",
    "view-source",
];

/// An absolute URL that a browser or app may safely be sent to; custom app schemes are fine.
pub fn check_url(text: &str) -> Result<(), &'static str> {
    if text.is_empty() {
        return Err("empty string");
    }
    if text.len() > MAX_URL_BYTES {
        return Err("longer than 2,048 bytes");
    }
    if text
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || is_bidirectional_control(c))
    {
        return Err("must not contain white space, control or bidirectional characters");
    }
    let Ok(url) = Url::parse(text) else {
        return Err("must be an absolute URL");
    };
    if DANGEROUS_SCHEMES.contains(&url.scheme()) {
        return Err("must not use this scheme");
    }
    if text.contains('\\') {
        return Err("must not contain a backslash");
    }
    if matches!(url.scheme(), "http" | "https") && !names_an_authority(text) {
        return Err("must be an absolute URL");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not contain a user name or password");
    }
    Ok(())
}

/// Whether `://` and a host follow the scheme. Parsers that repair what is missing disagree about
/// the rest.
fn names_an_authority(text: &str) -> bool {
    let after_scheme = text.split_once(':').map_or("", |(_, rest)| rest);
    after_scheme
        .strip_prefix("//")
        .is_some_and(|authority| !authority.starts_with('/'))
}

/// An origin as browsers spell it: `scheme://host[:port]`, nothing behind it.
pub fn check_origin(text: &str) -> Result<(), &'static str> {
    check_url(text)?;
    match web_origin(text) {
        Some(origin) if origin == text => Ok(()),
        _ => Err("must be an origin: scheme://host[:port]"),
    }
}

/// The origin of an http or https URL.
pub fn web_origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e2_folding_ignores_case_and_compatibility_forms() {
        assert_eq!(folded("Ａlice"), folded("alice"));
        assert_eq!(folded("STRASSE"), folded("straße"));
        assert_ne!(folded("alice"), folded("al1ce"));
        assert_eq!(folded("al\u{200d}ice"), folded("alice"));
    }

    #[test]
    fn d10_names_refuse_what_moves_or_hides_text() {
        for fine in ["Ada", "o'neil@example.com", "a & b (c), d+e.f-g_h", "名前"] {
            assert_eq!(check_name(fine), Ok(()), "{fine}");
        }
        for wrong in [
            "",
            " ",
            "alice\u{200b}",
            "al\u{ad}ice",
            "\u{3164}",
            "a\u{2028}b",
            "a\nb",
            "a\u{202e}b",
            "a\u{2066}b",
            "<b>",
            "a:b",
            "\u{0}",
            &"x".repeat(65),
        ] {
            assert!(check_name(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn d10_labels_may_use_any_character_that_shows() {
        for fine in ["Shop: EU / prod", "<b>", "名前", &"x".repeat(256)] {
            assert_eq!(check_label(fine), Ok(()), "{fine}");
        }
        for wrong in ["", "a\nb", "a\u{202e}b", &"x".repeat(257)] {
            assert!(check_label(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn d10_addresses_have_one_at_sign_and_nothing_hidden() {
        for fine in ["ada@example.com", "o'neil+x@[203.0.113.1]", "名@例え.jp"] {
            assert_eq!(check_email_address(fine), Ok(()), "{fine}");
        }
        let long = format!("{}@example.com", "x".repeat(250));
        for wrong in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "a@b@c",
            "a da@example.com",
            "ada@example.com\r\nBcc: x@y",
            "ada\u{202e}@example.com",
            &long,
        ] {
            assert!(check_email_address(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn d5_urls_with_dangerous_schemes_or_hidden_parts_are_refused() {
        for fine in [
            "https://app.example/cb?x=1#y",
            "http://localhost:3000",
            "com.example.app:/cb",
            "acme://",
            "acme://bind",
        ] {
            assert_eq!(check_url(fine), Ok(()), "{fine}");
        }
        let long = format!("https://a/{}", "x".repeat(2_048));
        for wrong in [
            "",
            "app.example",
            "/relative",
            "//host/x",
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            "data:text/html,x",
            "blob:https://a/x",
            "file:///etc/passwd",
            "vbscript:x",
            "about:blank",
            "view-source:https://a",
            "https://user@host/",
            "https://u:p@host/",
            "https://a/\nb",
            " https://a",
            "java\tscript:alert(1)",
            "https:a",
            "https:///a",
            "https:evil.example?://",
            "https://a\\@b.example/",
            &long,
        ] {
            assert!(check_url(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn origins_are_spelled_as_browsers_do() {
        for fine in [
            "https://app.example",
            "http://localhost:3000",
            "https://[::1]:8443",
        ] {
            assert_eq!(check_origin(fine), Ok(()), "{fine}");
        }
        for wrong in [
            "https://app.example/",
            "https://APP.example",
            "https://app.example:443",
            "app.example",
            "null",
            "acme://",
        ] {
            assert!(check_origin(wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            web_origin("https://app.example/x"),
            Some("https://app.example".to_owned())
        );
        assert_eq!(web_origin("acme://x"), None);
    }
}
