//! Web origins as text.

use url::Url;

/// Returns the host of a serialised `http` or `https` origin, `scheme://host[:port]`.
///
/// Only a browser's serialisation is supported (HTML, "ASCII serialization of an origin"): lower
/// case, no default port, no user information, path or trailing slash. Everything else, including
/// `null`, has no host here. An IPv6 host includes its brackets.
#[must_use]
pub fn host(origin: &str) -> Option<&str> {
    let rest = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"))?;
    let url = Url::parse(origin).ok()?;
    if url.origin().ascii_serialization() != origin {
        return None;
    }
    rest.get(..url.host_str()?.len())
}

/// How Chrome's extensions write their origins, which are RP IDs as a whole.
const EXTENSION: &str = "chrome-extension://";

/// Returns the RP ID that credentials of a page have: the host of a website, or the whole origin of
/// an extension in Chrome. Other origins, such as those of web views, have no WebAuthn.
#[must_use]
pub fn rp_id(origin: &str) -> Option<&str> {
    let is_extension = origin
        .strip_prefix(EXTENSION)
        .is_some_and(|id| id.len() == 32 && id.bytes().all(|byte| matches!(byte, b'a'..=b'p')));
    if is_extension {
        Some(origin)
    } else {
        host(origin)
    }
}

/// Returns the RP ID as a page asks for it. An extension asks for its bare id, and Chrome completes
/// it to the origin.
#[must_use]
pub fn requested_rp_id(rp_id: &str) -> &str {
    rp_id.strip_prefix(EXTENSION).unwrap_or(rp_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_extension_of_chrome_is_an_rp_id_as_a_whole() {
        let id = "ponmlkjihgfedcbaponmlkjihgfedcba";
        let extension = format!("chrome-extension://{id}");
        assert_eq!(rp_id(&extension), Some(&*extension));
        assert_eq!(requested_rp_id(&extension), id);
        assert_eq!(rp_id("https://example.org:8443"), Some("example.org"));
        assert_eq!(requested_rp_id("example.org"), "example.org");
        for without in [
            &extension[..50],
            &format!("{extension}/"),
            "chrome-extension://example.org",
            "moz-extension://6f2a4c1e-9b0d-4f8e-8a55-0d2f1b7c3e90",
            "capacitor://localhost",
            "null",
        ] {
            assert_eq!(rp_id(without), None, "{without}");
        }
    }

    #[test]
    fn host_of_a_serialised_origin() {
        for (origin, expected) in [
            ("https://example.org", "example.org"),
            ("https://example.org:8443", "example.org"),
            ("http://localhost:8021", "localhost"),
            ("http://127.0.0.1:8080", "127.0.0.1"),
            ("http://[::1]:8080", "[::1]"),
            ("https://[2001:db8::1]", "[2001:db8::1]"),
            ("https://xn--bcher-kva.example", "xn--bcher-kva.example"),
        ] {
            assert_eq!(host(origin), Some(expected), "{origin}");
        }
    }

    #[test]
    fn anything_but_a_serialised_web_origin_has_no_host() {
        for origin in [
            "",
            "null",
            "example.org",
            "//example.org",
            "https://",
            "https://example.org/",
            "https://example.org/path",
            "https://example.org?query",
            "https://example.org#fragment",
            "https://example.org:443",
            "http://example.org:80",
            "https://example.org:",
            "https://example.org:80801",
            "https://user@example.org",
            "https://user:password@example.org",
            "https://Example.org",
            "HTTPS://example.org",
            "https://b\u{fc}cher.example",
            "https://example.org\n",
            " https://example.org",
            "https://[::0001]",
            "https:\\\\example.org",
            "ftp://example.org",
            "myapp://example.org",
            "android:apk-key-hash:abc",
        ] {
            assert_eq!(host(origin), None, "{origin:?}");
        }
    }
}
