//! The URLs that redirect a browser to a client: which are permitted, and how they are built.

use url::form_urlencoded::byte_serialize;

/// Whether a registered redirect URI permits redirects to `sent`: they are equal byte by byte. A native
/// app listens on a port that the system chose, so a loopback address permits every port (RFC 8252,
/// section 7.3). `localhost` doesn't, since it may resolve to another host (section 8.3).
#[must_use]
pub fn permits(registered: &str, sent: &str) -> bool {
    if registered == sent {
        return true;
    }
    let (registered, sent) = (loopback(registered), loopback(sent));
    registered.is_some() && registered == sent
}

/// Splits an http URI on a loopback address into its host and what follows the port.
fn loopback(uri: &str) -> Option<(&str, &str)> {
    let authority = uri.strip_prefix("http://")?;
    let host = ["127.0.0.1", "[::1]"]
        .into_iter()
        .find(|host| authority.starts_with(host))?;
    let after_host = &authority[host.len()..];
    let after_port = match after_host.strip_prefix(':') {
        None => after_host,
        Some(port) => {
            let end = port.find(|c: char| !c.is_ascii_digit());
            let (digits, after_port) = port.split_at(end.unwrap_or(port.len()));
            digits.parse::<u16>().ok()?;
            after_port
        }
    };
    let ends_here = after_port.is_empty() || after_port.starts_with(['/', '?']);
    ends_here.then_some((host, after_port))
}

/// Appends `params`, form-encoded, to the query of `uri` and leaves the rest unchanged (RFC 6749,
/// section 3.1.2: an existing query is retained).
///
/// It works on text: parsing and printing a URL may change it, and custom schemes need not be valid
/// WHATWG URLs.
#[must_use]
pub fn with_params(uri: &str, params: &[(&str, &str)]) -> String {
    let (target, fragment) = match uri.find('#') {
        Some(at) => uri.split_at(at),
        None => (uri, ""),
    };
    let mut built = String::with_capacity(uri.len() + 256);
    built.push_str(target);
    match target.split_once('?') {
        None => built.push('?'),
        Some((_, query)) if query.is_empty() || query.ends_with('&') => {}
        Some(_) => built.push('&'),
    }
    for (index, (name, value)) in params.iter().enumerate() {
        if index > 0 {
            built.push('&');
        }
        push_encoded(&mut built, name);
        built.push('=');
        push_encoded(&mut built, value);
    }
    built.push_str(fragment);
    built
}

/// Most values here are base64url, above all JWTs of some thousand characters, and need no
/// encoding. Branching at each character mispredicts at every other one and costs 20 µs. Checking
/// the whole text without a branch costs 1 µs.
fn push_encoded(built: &mut String, text: &str) {
    let plain = text.bytes().fold(true, |so_far, byte| {
        so_far & STANDS_FOR_ITSELF[usize::from(byte)]
    });
    if plain {
        built.push_str(text);
    } else {
        built.extend(byte_serialize(text.as_bytes()));
    }
}

/// The bytes that form encoding leaves unchanged (URL Standard, section 5.2).
const STANDS_FOR_ITSELF: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0_u8;
    while byte < 128 {
        table[byte as usize] =
            byte.is_ascii_alphanumeric() || matches!(byte, b'*' | b'-' | b'.' | b'_');
        byte += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use proptest::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    #[test]
    fn loopback_redirects_permit_every_port_rfc_8252_section_7_3() {
        for registered in [
            "http://127.0.0.1/cb",
            "http://127.0.0.1:8080/cb",
            "http://[::1]:0/cb",
            "http://127.0.0.1",
            "http://[::1]?x=1",
        ] {
            let (host, rest) = loopback(registered).unwrap();
            for port in ["", ":1", ":51004", ":65535"] {
                let sent = format!("http://{host}{port}{rest}");
                assert!(permits(registered, &sent), "{registered} {sent}");
            }
            for port in [
                ":",
                ":65536",
                ":x",
                ":1x",
                ":+1",
                ":1:2",
                ":1@evil.example",
                "0",
            ] {
                let sent = format!("http://{host}{port}{rest}");
                assert!(!permits(registered, &sent), "{registered} {sent}");
            }
        }
    }

    #[test]
    fn all_else_in_a_redirect_uri_is_compared_exactly_rfc_9700_section_2_1() {
        for (registered, sent) in [
            ("http://127.0.0.1:8080/cb", "http://[::1]:8080/cb"),
            ("http://127.0.0.1:8080/cb", "https://127.0.0.1:8080/cb"),
            ("http://127.0.0.1:8080/cb", "http://127.0.0.1:8081/cb/"),
            ("http://127.0.0.1:8080/cb", "http://127.0.0.1:8081/cb?x=1"),
            ("http://127.0.0.1:8080/cb", "http://127.0.0.1:8081/cb#x"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8081#x"),
            ("http://127.0.0.1:8080/cb", "http://127.0.0.2:8080/cb"),
            (
                "http://127.0.0.1:8080/cb",
                "http://127.0.0.1.evil.example/cb",
            ),
            ("http://127.0.0.1:8080/cb", "HTTP://127.0.0.1:8081/cb"),
            ("http://localhost:8080/cb", "http://localhost:8081/cb"),
            ("https://127.0.0.1:8080/cb", "https://127.0.0.1:8081/cb"),
            ("http://10.0.0.1:8080/cb", "http://10.0.0.1:8081/cb"),
            ("https://a.example/cb", "https://a.example:444/cb"),
            ("acme:/cb", "acme:/cb2"),
        ] {
            assert!(!permits(registered, sent), "{registered} {sent}");
            assert!(permits(registered, registered) && permits(sent, sent));
        }
    }

    #[test]
    fn an_existing_query_is_kept_and_extended() {
        let cases = [
            ("https://a.example/cb", "https://a.example/cb?code=x+y"),
            ("https://a.example/cb?", "https://a.example/cb?code=x+y"),
            (
                "https://a.example/cb?a=b",
                "https://a.example/cb?a=b&code=x+y",
            ),
            (
                "https://a.example/cb?a=b&",
                "https://a.example/cb?a=b&code=x+y",
            ),
            (
                "https://a.example/cb?a=b?",
                "https://a.example/cb?a=b?&code=x+y",
            ),
            ("https://a.example", "https://a.example?code=x+y"),
            ("com.example.app:/cb", "com.example.app:/cb?code=x+y"),
            (
                "https://a.example/cb#f?",
                "https://a.example/cb?code=x+y#f?",
            ),
        ];
        for (uri, expected) in cases {
            assert_eq!(with_params(uri, &[("code", "x y")]), expected);
        }
    }

    #[test]
    fn c2_the_issuer_is_added_before_the_sdk_adds_its_own() {
        let with_issuer = with_params(
            "https://a.example/cb?tab=1",
            &[("iss", "https://op.example/v1/tenants/t")],
        );
        assert_eq!(
            with_params(&with_issuer, &[("code", "c"), ("state", "s")]),
            "https://a.example/cb?tab=1&iss=https%3A%2F%2Fop.example%2Fv1%2Ftenants%2Ft\
             &code=c&state=s"
        );
    }

    #[test]
    fn the_quick_way_and_the_slow_one_write_the_same() {
        for byte in 0..=u8::MAX {
            let alone = byte_serialize(&[byte]).collect::<String>();
            assert_eq!(
                STANDS_FOR_ITSELF[usize::from(byte)],
                alone.as_bytes() == [byte],
                "{byte:#x}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_value_can_leave_its_parameter(value in "(?s).*") {
            let uri = with_params("https://a.example/cb?x=1", &[("state", &value), ("iss", "i")]);
            let parsed = url::Url::parse(&uri).unwrap();
            let pairs: Vec<_> = parsed.query_pairs().into_owned().collect();
            prop_assert_eq!(parsed.host_str(), Some("a.example"));
            prop_assert_eq!(pairs.len(), 3);
            prop_assert_eq!(&pairs[1].1, &value);
            prop_assert!(parsed.fragment().is_none());
        }
    }
}
