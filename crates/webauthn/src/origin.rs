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

#[cfg(test)]
mod tests {
    use super::*;

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
