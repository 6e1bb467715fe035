//! Who asks, from where, and when: what every operation is given beside its arguments.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Instant;

use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath, Request};
use axum::http::header::USER_AGENT;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymoor_oauth::claims::Principal;
use keymoor_oauth::scope::ScopeSet;
use keymoor_types::Timestamp;
use tracing::Instrument as _;

use crate::app::App;
use crate::http::auth::scope;

/// The header that ties the requests of one flow together, in both directions.
pub static CORRELATION_ID: HeaderName = HeaderName::from_static("x-correlation-id");

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What an operation is given beside its arguments.
#[derive(Clone)]
pub struct Context {
    pub app: App,
    /// The time at which the whole operation happens.
    pub now: Timestamp,
    pub actor: Actor,
    /// What the caller's token permits.
    pub scopes: ScopeSet,
    pub origin: Origin,
}

impl Context {
    /// The context of work that nobody asked for over HTTP.
    pub fn system(app: &App) -> Self {
        Self::with_actor(app, Actor::System, Origin::local(app))
    }

    /// Whether the actor can do whatever an administrator can.
    pub fn may_do_anything(&self) -> bool {
        let has_every_scope = || scope::ALL.iter().all(|scope| self.scopes.contains(scope));
        self.actor == Actor::System || has_every_scope()
    }

    /// The context of a request without bearer token.
    pub fn anonymous(app: &App, origin: Origin) -> Self {
        Self::with_actor(app, Actor::Anonymous, origin)
    }

    fn with_actor(app: &App, actor: Actor, origin: Origin) -> Self {
        Self {
            now: app.now(),
            app: app.clone(),
            actor,
            scopes: ScopeSet::default(),
            origin,
        }
    }
}

/// Whose doing something is, as the audit log says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    Principal(Principal),
    Anonymous,
    System,
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Principal(principal) => principal.fmt(f),
            Self::Anonymous => f.write_str("anonymous"),
            Self::System => f.write_str("system"),
        }
    }
}

/// Where a request came from.
#[derive(Clone, Debug)]
pub struct Origin {
    pub correlation_id: String,
    pub ip: IpAddr,
    pub user_agent: String,
}

impl Origin {
    fn local(app: &App) -> Self {
        Self {
            correlation_id: new_correlation_id(app),
            ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
            user_agent: String::new(),
        }
    }

    fn of(app: &App, peer: IpAddr, headers: &HeaderMap) -> Self {
        let text = |name: &HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let correlation_id = text(&CORRELATION_ID)
            .filter(|id| is_correlation_id(id))
            .map_or_else(|| new_correlation_id(app), str::to_owned);
        let peer = peer.to_canonical();
        Self {
            correlation_id,
            ip: client(peer, headers, &app.config.trusted_proxies),
            user_agent: {
                let told = text(&USER_AGENT).unwrap_or_default();
                told[..told.floor_char_boundary(512)].to_owned()
            },
        }
    }
}

/// Who asks, as the last proxy of our own saw it. Each proxy appends whom it saw to
/// `X-Forwarded-For`, to the line or in a line of its own, so the list is believed from its end
/// for as long as it names trusted proxies. What stands before that is hearsay.
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

/// An address, of which some proxies also tell the port or write IPv6 in brackets.
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

fn new_correlation_id(app: &App) -> String {
    URL_SAFE_NO_PAD.encode(app.rng.bytes::<12>())
}

/// Gives every request its [`Origin`] and span, and every answer its correlation id.
pub async fn trace(
    app: &App,
    mut request: Request,
    answer: impl AsyncFnOnce(Request) -> Response,
) -> Response {
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |ConnectInfo(address)| {
            address.ip()
        });
    let origin = Origin::of(app, peer, request.headers());
    // The path without its query: queries hold tokens.
    let span = tracing::info_span!(
        "request",
        method = %request.method(),
        path = request.uri().path(),
        correlation_id = origin.correlation_id,
    );
    let echo = HeaderValue::from_str(&origin.correlation_id);
    let route = request.extensions().get::<MatchedPath>().cloned();
    let method = request.method().clone();
    request.extensions_mut().insert(origin);
    let started = Instant::now();
    let mut response = async {
        let response = answer(request).await;
        let took = started.elapsed();
        app.metrics
            .answered(route, &method, response.status(), took);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        tracing::info!(status = response.status().as_u16(), micros, "answered");
        response
    }
    .instrument(span)
    .await;
    if let Ok(value) = echo {
        response.headers_mut().insert(&CORRELATION_ID, value);
    }
    response
}

impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts
            .extensions
            .get::<Self>()
            .cloned()
            .expect("`trace` is around every route"))
    }
}

/// A request that needs no bearer token.
pub struct Anonymous(pub Context);

impl FromRequestParts<App> for Anonymous {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let origin = Origin::from_request_parts(parts, app).await?;
        Ok(Self(Context::anonymous(app, origin)))
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
            Origin::of(&test.app, peer.parse().unwrap(), &headers)
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
