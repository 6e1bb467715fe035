//! Rules for URLs and origins.

use url::Url;

/// Unicode's explicit directional marks, embeddings, overrides and isolates (UAX #9).
#[must_use]
pub fn is_bidirectional_control(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The maximum length of a URL in bytes.
const MAX_URL_BYTES: usize = 2_048;

/// Schemes that no configured URL may use: they run or wrap other content, belong to the browser or
/// the system, or start another protocol or a built-in app. The scheme of a user's own app is not
/// among them. The SDK's `urls.ts` has the same list.
const REFUSED_SCHEMES: [&str; 116] = [
    // Run, wrap or read other content.
    "javascript",
    "livescript",
    "mocha",
    "vbscript",
    "data",
    "blob",
    "filesystem",
    "file",
    "content",
    "jar",
    "feed",
    "mhtml",
    "view-source",
    "wyciwyg",
    "cid",
    "mid",
    "urn",
    // Belong to browsers.
    "about",
    "resource",
    "res",
    "chrome",
    "chrome-devtools",
    "chrome-error",
    "chrome-extension",
    "chrome-native",
    "chrome-search",
    "chrome-untrusted",
    "devtools",
    "edge",
    "brave",
    "opera",
    "vivaldi",
    "extension",
    "moz-extension",
    "moz-icon",
    "moz-page-thumb",
    "moz-safe-about",
    "safari-extension",
    "safari-resource",
    "safari-web-extension",
    "x-safari-http",
    "x-safari-https",
    "googlechrome",
    "googlechromes",
    "microsoft-edge",
    // Belong to systems and their stores.
    "intent",
    "android-app",
    "market",
    "itms",
    "itms-apps",
    "itms-appss",
    "itms-beta",
    "itms-books",
    "itms-services",
    "itmss",
    "prefs",
    "app-prefs",
    "x-apple.systempreferences",
    "x-man-page",
    "applescript",
    "shell",
    "search",
    "search-ms",
    "hcp",
    "its",
    "mk",
    "apt",
    "snap",
    "steam",
    "windowsdefender",
    // Write or call somebody, or show a map.
    "mailto",
    "tel",
    "callto",
    "fax",
    "sms",
    "smsto",
    "mms",
    "mmsto",
    "sip",
    "sips",
    "facetime",
    "facetime-audio",
    "xmpp",
    "geo",
    "maps",
    "webcal",
    "webcals",
    // Other protocols.
    "ws",
    "wss",
    "ftp",
    "ftps",
    "sftp",
    "tftp",
    "ssh",
    "telnet",
    "rlogin",
    "git",
    "svn",
    "rsync",
    "ldap",
    "ldaps",
    "gopher",
    "finger",
    "news",
    "nntp",
    "imap",
    "smtp",
    "nfs",
    "smb",
    "cifs",
    "afp",
    "rtsp",
    "rdp",
    "vnc",
    "irc",
    "magnet",
];

/// The starts of further refused schemes: those of Microsoft's system apps, and those of vendors.
const REFUSED_PREFIXES: [&str; 2] = ["ms-", "vnd."];

/// Refused schemes that are fine in an origin: those of the pages of browser extensions.
const EXTENSION_SCHEMES: [&str; 3] = ["chrome-extension", "moz-extension", "safari-web-extension"];

const NOT_ABSOLUTE: &str = "must be an absolute URL, such as https://app.example.com";
const NO_SCHEME: &str =
    "must start with https:// or http://: without it, the host is read as the scheme";
const WILDCARD: &str = "must not contain a wildcard (*): list each URL or origin";
const REFUSED_SCHEME: &str = "must not use this scheme: use https, http or your own app's";
const NOT_AN_ORIGIN: &str = "must be an origin: scheme://host[:port]";

/// Parses an absolute URL that is a safe link or redirect target. Custom app schemes are allowed.
///
/// # Errors
/// The reason, which may be shown to the caller. Rejects URLs that are relative, longer than 2,048
/// bytes or of a refused scheme, `host:port` without a scheme, wildcards as the host, and URLs with
/// white space, control or bidirectional characters, a backslash or user information.
pub fn check_url(text: &str) -> Result<(), &'static str> {
    let url = parsed(text)?;
    if is_refused(url.scheme()) {
        return Err(REFUSED_SCHEME);
    }
    check_authority(text, &url)
}

/// Parses a URL that is compared with others or extended by a path. Beyond [`check_url`], it
/// rejects wildcards everywhere, since they would match nothing.
///
/// # Errors
/// The reason, which may be shown to the caller.
pub fn check_destination(text: &str) -> Result<(), &'static str> {
    check_url(text)?;
    if text.contains('*') {
        return Err(WILDCARD);
    }
    Ok(())
}

fn parsed(text: &str) -> Result<Url, &'static str> {
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
    if is_host_and_port(text) {
        return Err(NO_SCHEME);
    }
    let url = Url::parse(text).map_err(|_| NOT_ABSOLUTE)?;
    if url.scheme() == "localhost" {
        return Err(NO_SCHEME);
    }
    Ok(url)
}

/// Whether `text` is `host:port`, with or without a path, which a URL parser reads as a scheme and
/// its content.
fn is_host_and_port(text: &str) -> bool {
    let end = text.find(['/', '?', '#']).unwrap_or(text.len());
    text[..end].rsplit_once(':').is_some_and(|(host, port)| {
        !host.is_empty()
            && (1..=5).contains(&port.len())
            && port.bytes().all(|byte| byte.is_ascii_digit())
    })
}

fn is_refused(scheme: &str) -> bool {
    REFUSED_SCHEMES.contains(&scheme)
        || REFUSED_PREFIXES
            .iter()
            .any(|prefix| scheme.starts_with(prefix))
}

fn check_authority(text: &str, url: &Url) -> Result<(), &'static str> {
    if text.contains('\\') {
        return Err("must not contain a backslash");
    }
    let is_web = is_web(url.scheme());
    if is_web && !names_an_authority(text) {
        return Err(NOT_ABSOLUTE);
    }
    let names_a_user = !url.username().is_empty() || url.password().is_some();
    // Parsed, an empty user name is none, and written anew the URL may be none either.
    if names_a_user || authority(text).contains('@') {
        return Err("must not contain a user name or password");
    }
    let host = url.host_str().unwrap_or_default();
    if host.contains('*') {
        return Err(WILDCARD);
    }
    if is_web && !host.bytes().all(is_host_byte) {
        return Err("must name one host, without placeholders");
    }
    Ok(())
}

fn is_web(scheme: &str) -> bool {
    matches!(scheme, "http" | "https")
}

/// Whether the host of a website may contain the byte: a domain name in ASCII, or an address.
fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b':' | b'[' | b']')
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
/// `scheme://host[:port]` and nothing else. Web views and browser extensions have schemes of their
/// own, such as `capacitor://localhost`.
///
/// # Errors
/// The reason, which may be shown to the caller.
pub fn check_origin(text: &str) -> Result<(), &'static str> {
    let url = parsed(text)?;
    let scheme = url.scheme();
    if is_refused(scheme) && !EXTENSION_SCHEMES.contains(&scheme) {
        return Err(REFUSED_SCHEME);
    }
    check_authority(text, &url)?;
    let is_origin = if is_web(scheme) {
        url.origin().ascii_serialization() == text
    } else {
        let authority = authority(text);
        text == format!("{scheme}://{authority}")
            && !authority.is_empty()
            && !authority.ends_with(':')
            && authority.bytes().all(is_host_byte)
    };
    if is_origin {
        Ok(())
    } else {
        Err(NOT_AN_ORIGIN)
    }
}

/// Whether two origins are the same. Browsers write those of web pages in lower case. The host of a
/// web view or an extension may have capitals (RFC 3986, section 3.2.2: case doesn't matter).
#[must_use]
pub fn same_origin(left: &str, right: &str) -> bool {
    left.eq_ignore_ascii_case(right)
}

/// Returns the origin of an http or https URL, and `None` for any other URL.
#[must_use]
pub fn web_origin(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    is_web(url.scheme()).then(|| url.origin().ascii_serialization())
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
            "com.googleusercontent.apps.1-a:/oauth2redirect",
            "fb123://authorize",
            "vscode://publisher.name/cb",
            "web+acme://cb",
            "capacitor://localhost/cb",
            "https://app.example/cb?x=*",
            "http://a_b.example:3000",
            "http://[::1]:3000/cb",
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
            "mailto:somebody@host.example",
            &long,
        ] {
            assert!(check_url(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn d5_schemes_of_browsers_systems_and_other_protocols_are_refused() {
        let further = ["ms-settings", "ms-appinstaller", "vnd.youtube", "VND.Acme"];
        for scheme in REFUSED_SCHEMES.iter().chain(&further) {
            for rest in [":x", "://x", "://x/y", ":https://app.example/"] {
                let url = format!("{scheme}{rest}");
                assert!(check_url(&url).is_err(), "{url}");
            }
            let capitals = format!("{}://host", scheme.to_uppercase());
            assert_eq!(check_url(&capitals), Err(REFUSED_SCHEME), "{capitals}");
            let of_extension = EXTENSION_SCHEMES.contains(scheme);
            let origin = format!("{}://host", scheme.to_lowercase());
            assert_eq!(check_origin(&origin).is_ok(), of_extension, "{origin}");
        }
    }

    /// The SDK checks the destinations that a server returns by a copy of the list.
    #[test]
    fn d5_the_sdk_refuses_the_same_schemes() {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../packages/sdk-js/src/urls.ts"
        );
        let source = std::fs::read_to_string(file).unwrap();
        let (_, after) = source.split_once("const REFUSED =").unwrap();
        let (_, after) = after.split_once("/^(").unwrap();
        let (pattern, _) = after.split_once("):$/").unwrap();
        let mut theirs: Vec<_> = pattern
            .split('|')
            .map(|word| word.replace('\\', ""))
            .collect();
        let prefixes = REFUSED_PREFIXES.map(|prefix| format!("{prefix}.*"));
        let mut ours: Vec<_> = prefixes
            .into_iter()
            .chain(REFUSED_SCHEMES.map(str::to_owned))
            .collect();
        theirs.sort();
        ours.sort();
        assert_eq!(theirs, ours);
    }

    #[test]
    fn d5_urls_that_can_never_work_are_refused_with_a_hint() {
        for (wrong, why) in [
            ("localhost:3000", NO_SCHEME),
            ("localhost:3000/callback", NO_SCHEME),
            ("localhost://callback", NO_SCHEME),
            ("LOCALHOST:3000", NO_SCHEME),
            ("app.example.com:443", NO_SCHEME),
            ("app.example.com:8080?x", NO_SCHEME),
            ("127.0.0.1:3000", NO_SCHEME),
            ("[::1]:3000/cb", NO_SCHEME),
            ("app.example.com", NOT_ABSOLUTE),
            ("app.example.com/cb", NOT_ABSOLUTE),
            ("https://*.example.com", WILDCARD),
            ("https://%2A.example.com", WILDCARD),
            ("https://*", WILDCARD),
            ("acme://*", WILDCARD),
            (
                "https://{tenant}.example.com",
                "must name one host, without placeholders",
            ),
            (
                "https://a.example,b.example",
                "must name one host, without placeholders",
            ),
        ] {
            assert_eq!(check_url(wrong), Err(why), "{wrong}");
            assert_eq!(check_destination(wrong), Err(why), "{wrong}");
            assert_eq!(check_origin(wrong), Err(why), "{wrong}");
        }
        for pattern in [
            "https://app.example.com/*",
            "https://app.example.com/cb?*",
            "acme:/*",
        ] {
            assert_eq!(check_url(pattern), Ok(()), "{pattern}");
            assert_eq!(check_destination(pattern), Err(WILDCARD), "{pattern}");
        }
    }

    #[test]
    fn origins_are_spelled_as_browsers_do() {
        for fine in [
            "https://app.example",
            "http://localhost:3000",
            "https://[::1]:8443",
            "http://tauri.localhost",
            "capacitor://localhost",
            "ionic://localhost",
            "tauri://localhost",
            "wails://wails.localhost:34115",
            "app://.",
            "vscode-webview://1a2b",
            "chrome-extension://ponmlkjihgfedcbaponmlkjihgfedcba",
            "moz-extension://6f2a4c1e-9b0d-4f8e-8a55-0d2f1b7c3e90",
            "safari-web-extension://E5A0C1D2-0B1C-4D5E-8F90-123456789ABC",
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
            "acme:x",
            "acme://host/",
            "acme://host:",
            "acme://host?x",
            "Capacitor://localhost",
            "capacitor://local host",
            "chrome://settings",
            "file://",
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
