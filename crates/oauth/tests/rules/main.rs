//! The rules of this crate, seen from outside.

#![expect(
    clippy::unwrap_used,
    reason = "clippy knows tests by their attribute, which helpers do not have"
)]

mod authorize;
mod claims;
mod client;
mod grant;
mod jose;
mod keys;
mod token_request;

use keymoor_oauth::client::{Client, Confidentiality, GrantType, PkceSetting, Protocol};
use keymoor_types::Seconds;

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A confidential OpenID Connect client; tests change what they are about.
fn client() -> Client {
    Client {
        client_id: "s6BhdRkqt3".to_owned(),
        confidentiality: Confidentiality::Confidential,
        protocol: Protocol::Oidc,
        grant_types: vec![GrantType::AuthorizationCode],
        redirect_uris: vec!["https://client.example.com/cb".to_owned()],
        allowed_scopes: "read write".parse().unwrap(),
        pkce: PkceSetting::Disabled,
        expires_after: Seconds::HOUR,
    }
}

fn service() -> Client {
    Client {
        protocol: Protocol::OAuth2,
        grant_types: vec![GrantType::ClientCredentials],
        redirect_uris: Vec::new(),
        ..client()
    }
}
