//! The host that a request names.

use std::net::SocketAddr;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::uri::Authority;
use axum::http::{HeaderValue, Request, StatusCode, Version};
use axum::response::Response;

use crate::base::reason::Reason;

const WHY: &str = "The request needs one valid Host header (RFC 9112, section 3.2).\n";

/// Whether a request has the one valid `Host` that HTTP/1.1 requires (RFC 9112, section 3.2). HTTP/2
/// may have `:authority` instead, and must not contradict it (RFC 9113, section 8.3.1).
pub(super) fn is_valid<B>(request: &Request<B>) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (_, Some(_)) => false,
        (None, None) => request.version() != Version::HTTP_11,
        (Some(host), None) => {
            let authority = request.uri().authority();
            let contradicts = |authority: &Authority| {
                !authority
                    .as_str()
                    .as_bytes()
                    .eq_ignore_ascii_case(host.as_bytes())
            };
            is_host(host)
                && !(request.version() == Version::HTTP_2 && authority.is_some_and(contradicts))
        }
    }
}

/// `uri-host [ ":" port ]` (RFC 9110, section 7.2). The host of an `http` URI is never empty
/// (section 4.2.1).
fn is_host(value: &HeaderValue) -> bool {
    let Ok(authority) = Authority::try_from(value.as_bytes()) else {
        return false;
    };
    let host = authority.host();
    let Some(port) = authority.as_str().strip_prefix(host) else {
        return false;
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    !host.is_empty() && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
}

pub(super) fn refuse(peer: SocketAddr) -> Response {
    // The peer may be a proxy.
    tracing::info!(reason = %Reason::Malformed, peer = %peer.ip(), error = "invalid Host", "refused");
    let mut response = Response::new(Body::from(WHY));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, plain);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(version: Version, uri: &str, hosts: &[&str]) -> Request<()> {
        let builder = Request::get(uri).version(version);
        hosts
            .iter()
            .fold(builder, |builder, host| builder.header(HOST, *host))
            .body(())
            .unwrap()
    }

    #[test]
    fn http_1_1_has_exactly_one_host_rfc_9112_section_3_2() {
        let is_valid = |hosts: &[&str]| is_valid(&request(Version::HTTP_11, "/", hosts));
        for host in [
            "localhost",
            "a.example:8021",
            "192.0.2.1",
            "[2001:db8::1]:80",
            "a:",
            "xn--a",
        ] {
            assert!(is_valid(&[host]), "{host}");
        }
        for host in [
            "", ":80", "a b", "a/b", "a:b", "a:80:80", "user@a", "a@:80", "http://a", "a?b",
            "[::1", "a,b", "a#",
        ] {
            // A comma is valid in a registered name (RFC 3986, section 3.2.2).
            assert_eq!(is_valid(&[host]), host == "a,b", "{host}");
        }
        assert!(!is_valid(&[]));
        assert!(!is_valid(&["a", "a"]));
        // The request target's own authority does not replace the header.
        assert!(!super::is_valid(&request(
            Version::HTTP_11,
            "http://a/",
            &[]
        )));
        assert!(super::is_valid(&request(Version::HTTP_10, "/", &[])));
        assert!(!super::is_valid(&request(
            Version::HTTP_10,
            "/",
            &["a", "b"]
        )));
    }

    #[test]
    fn http_2_has_an_authority_and_no_other_host_rfc_9113_section_8_3_1() {
        let is_valid =
            |hosts: &[&str]| is_valid(&request(Version::HTTP_2, "http://a.example/", hosts));
        assert!(is_valid(&[]));
        assert!(is_valid(&["A.example"]));
        assert!(!is_valid(&["b.example"]));
        assert!(!is_valid(&["a.example", "a.example"]));
        assert!(super::is_valid(&request(
            Version::HTTP_2,
            "/",
            &["a.example"]
        )));
    }
}
