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

use std::sync::LazyLock;

use keymoor_oauth::client::{Client, Confidentiality, GrantType, PkceSetting, Protocol};
use keymoor_oauth::scope::ScopeSet;
use keymoor_types::Seconds;

/// RFC 7636, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

static REDIRECT_URIS: LazyLock<[String; 1]> =
    LazyLock::new(|| ["https://client.example.com/cb".to_owned()]);
static SCOPES: LazyLock<ScopeSet> = LazyLock::new(|| "read write".parse().unwrap());

/// A confidential OpenID Connect client; tests change what they are about.
fn client() -> Client<'static> {
    Client {
        client_id: "s6BhdRkqt3",
        confidentiality: Confidentiality::Confidential,
        protocol: Protocol::Oidc,
        grant_types: &[GrantType::AuthorizationCode],
        redirect_uris: &*REDIRECT_URIS,
        allowed_scopes: &SCOPES,
        pkce: PkceSetting::Disabled,
        expires_after: Seconds::HOUR,
    }
}

fn service() -> Client<'static> {
    Client {
        protocol: Protocol::OAuth2,
        grant_types: &[GrantType::ClientCredentials],
        redirect_uris: &[],
        ..client()
    }
}
