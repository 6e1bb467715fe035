//! Rules for URLs and origins.

use url::Url;

/// Unicode's explicit directional marks, embeddings, overrides and isolates (UAX #9).
#[must_use]
pub fn is_bidirectional_control(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The maximum length of a URL in bytes.
const MAX_URL_BYTES: usize = 2_048;

/// Schemes that run code or read local data when a browser navigates to them.
const DANGEROUS_SCHEMES: [&str; 7] = [
    "javascript",
    "data",
    "blob",
    "file",
    "vbscript",
    "about",
    "view-source",
];

/// Parses an absolute URL that is a safe redirect target. Custom app schemes are allowed.
///
/// # Errors
/// The reason, which may be shown to the caller. Rejects URLs that are relative, longer than 2,048
/// bytes or of a scheme that runs code or reads local data, and URLs with white space, control or
/// bidirectional characters, a backslash or user information.
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
    let names_a_user = !url.username().is_empty() || url.password().is_some();
    // Parsed, an empty user name is none, and written anew the URL may be none either.
    if names_a_user || authority(text).contains('@') {
        return Err("must not contain a user name or password");
    }
    Ok(())
}

/// Returns the text between `//` and the path (RFC 3986, section 3.2), or an empty text without `//`.
fn authority(text: &str) -> &str {
    let after_scheme = text.split_once(':').map_or("", |(_, rest)| rest);
    let hierarchical = after_scheme.strip_prefix("//").unwrap_or_default();
    let end = hierarchical.find(['/', '?', '#']);
    end.map_or(hierarchical, |end| &hierarchical[..end])
}

/// Whether `://` and a host follow the scheme. Lenient parsers disagree about other forms.
fn names_an_authority(text: &str) -> bool {
    !authority(text).is_empty()
}

/// Parses an origin as browsers serialise it (HTML, "ASCII serialization of an origin"):
/// `scheme://host[:port]` and nothing else.
///
/// # Errors
/// The reason, which may be shown to the caller.
pub fn check_origin(text: &str) -> Result<(), &'static str> {
    check_url(text)?;
    match web_origin(text) {
        Some(origin) if origin == text => Ok(()),
        _ => Err("must be an origin: scheme://host[:port]"),
    }
}

/// Returns the origin of an http or https URL, and `None` for any other URL.
#[must_use]
pub fn web_origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d5_urls_with_dangerous_schemes_or_hidden_parts_are_refused() {
        for fine in [
            "https://app.example/cb?x=1#y",
            "http://localhost:3000",
            "com.example.app:/cb",
            "acme://",
            "acme://bind",
            "acme://bind/@?@#@",
            "mailto:somebody@host.example",
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
            "https://@host/",
            "https://:@host/",
            "wss:u@host",
            "acme://@",
            "acme://@host?x",
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
