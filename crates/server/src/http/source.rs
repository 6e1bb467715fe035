//! Determines where a request came from, by its connection and headers.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, Request};
use axum::http::header::USER_AGENT;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName};

use crate::app::App;
use crate::base::context::{Source, new_correlation_id};

/// The header that correlates the requests and responses of one flow.
pub static CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Returns the source of a new request.
pub fn of(app: &App, request: &Request) -> Source {
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |ConnectInfo(address)| {
            address.ip()
        });
    read(app, peer, request.headers())
}

fn read(app: &App, peer: IpAddr, headers: &HeaderMap) -> Source {
    let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let correlation_id = text(&CORRELATION_ID)
        .filter(|id| is_correlation_id(id))
        .map_or_else(|| new_correlation_id(&*app.rng), str::to_owned);
    let user_agent = text(&USER_AGENT).unwrap_or_default();
    let user_agent = user_agent[..user_agent.floor_char_boundary(512)].to_owned();
    let ip = client(peer.to_canonical(), headers, &app.config.trusted_proxies);
    Source::new(correlation_id, ip, user_agent)
}

/// Returns the client's address as seen by our outermost trusted proxy. Each proxy appends its peer
/// to `X-Forwarded-For`, in the same line or a new one. The list is therefore trusted from its end
/// as long as it names trusted proxies. Earlier entries can be forged.
fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[IpAddr]) -> IpAddr {
    let mut seen = headers
        .get_all(&X_FORWARDED_FOR)
        .iter()
        .rev()
        .flat_map(|line| line.to_str().unwrap_or_default().rsplit(','));
    let mut nearest = peer;
    while trusted.contains(&nearest) {
        let Some(address) = seen.next().and_then(|text| forwarded_address(text.trim())) else {
            break;
        };
        nearest = address;
    }
    nearest
}

/// Parses an address. Some proxies add the port or write IPv6 in brackets.
fn forwarded_address(text: &str) -> Option<IpAddr> {
    let address = text.parse().or_else(|_| {
        let with_port: Result<SocketAddr, _> = text.parse();
        with_port.map(|address| address.ip())
    });
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    let address: IpAddr = address.ok().or_else(bracketed)?;
    Some(address.to_canonical())
}

fn is_correlation_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(plain)
}

impl<S: Send + Sync> FromRequestParts<S> for Source {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts
            .extensions
            .get::<Self>()
            .cloned()
            .expect("`trace` is around every route"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestApp;

    #[test]
    fn correlation_ids_from_outside_are_plain_and_short() {
        assert!(is_correlation_id("corr-1"));
        for wrong in ["", "a b", "a\"b", "\u{e9}", &"x".repeat(65)] {
            assert!(!is_correlation_id(wrong), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a4_only_what_trusted_proxies_saw_counts() {
        let test = TestApp::sqlite().await;
        let seen_from = |peer: &str, lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append("x-forwarded-for", line.parse().unwrap());
            }
            read(&test.app, peer.parse().unwrap(), &headers)
                .ip
                .to_string()
        };
        // The test's configuration trusts 10.0.0.1 and 10.0.0.2.
        assert_eq!(
            seen_from("10.0.0.1", &["6.6.6.6, 203.0.113.9"]),
            "203.0.113.9"
        );
        assert_eq!(
            seen_from("10.0.0.1", &["6.6.6.6", "203.0.113.9"]),
            "203.0.113.9"
        );
        assert_eq!(
            seen_from("::ffff:10.0.0.1", &["203.0.113.9"]),
            "203.0.113.9"
        );
        for (element, address) in [
            ("203.0.113.9:5678", "203.0.113.9"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("[::ffff:203.0.113.9]:443", "203.0.113.9"),
        ] {
            assert_eq!(seen_from("10.0.0.1", &[element]), address, "{element}");
        }
        for lines in [
            &["6.6.6.6, 203.0.113.9, 10.0.0.2"][..],
            &["6.6.6.6", "203.0.113.9,10.0.0.2 , 10.0.0.1"],
            &["203.0.113.9", "10.0.0.2", "[::ffff:10.0.0.1]:443"],
        ] {
            assert_eq!(seen_from("10.0.0.1", lines), "203.0.113.9", "{lines:?}");
        }
        assert_eq!(seen_from("10.0.0.1", &["10.0.0.2"]), "10.0.0.2");
        for unreadable in ["6.6.6.6, unknown, 10.0.0.2", "6.6.6.6, , 10.0.0.2"] {
            assert_eq!(
                seen_from("10.0.0.1", &[unreadable]),
                "10.0.0.2",
                "{unreadable}"
            );
        }
        for nonsense in [
            "nonsense",
            "203.0.113.9:",
            "203.0.113.9:x",
            "[203.0.113.9",
            "",
        ] {
            assert_eq!(seen_from("10.0.0.1", &[nonsense]), "10.0.0.1", "{nonsense}");
        }
        assert_eq!(seen_from("192.0.2.7", &["203.0.113.9"]), "192.0.2.7");
    }
}
