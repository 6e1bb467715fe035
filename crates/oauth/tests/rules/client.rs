use keymoor_oauth::client::{Client, Confidentiality, GrantType, PkceSetting, Protocol};
use keymoor_oauth::error::{ErrorCode, OAuthError};
use keymoor_oauth::pkce::{Challenge, Method};
use keymoor_oauth::scope::ScopeSet;
use serde_json::json;

use crate::{CHALLENGE, VERIFIER, client, service};

fn code<T>(result: Result<T, OAuthError>) -> Option<ErrorCode> {
    result.err().map(|error| error.code)
}

#[test]
fn c7_pkce_is_demanded_of_public_clients_and_by_the_setting() {
    let s256 = Challenge::new(Method::S256, CHALLENGE.to_owned()).unwrap();
    let plain = Challenge::new(Method::Plain, VERIFIER.to_owned()).unwrap();
    let (confidential, public) = (Confidentiality::Confidential, Confidentiality::Public);
    // (setting, kind of client, accepts: nothing, plain, S256)
    let table = [
        (PkceSetting::Disabled, confidential, [true, true, true]),
        (PkceSetting::Disabled, public, [false, false, true]),
        (PkceSetting::Plain, confidential, [false, true, true]),
        (PkceSetting::Plain, public, [false, true, true]),
        (PkceSetting::S256, confidential, [false, false, true]),
        (PkceSetting::S256, public, [false, false, true]),
    ];
    for (pkce, confidentiality, expected) in table {
        let client = Client {
            pkce,
            confidentiality,
            ..client()
        };
        let accepted = [None, Some(&plain), Some(&s256)]
            .map(|challenge| client.require_challenge(challenge).is_ok());
        assert_eq!(accepted, expected, "{pkce:?} {confidentiality:?}");
    }
}

#[test]
fn scopes_are_cut_to_the_client_for_every_grant() {
    let scopes = |text: &str| text.parse::<ScopeSet>().unwrap();
    let oauth2 = Client {
        protocol: Protocol::OAuth2,
        ..client()
    };
    let cases = [
        (client(), Some("openid read admin"), Some("openid read")),
        (
            client(),
            Some("email openid profile"),
            Some("email openid profile"),
        ),
        (client(), Some("admin"), None),
        (client(), None, Some("read write")),
        (oauth2, Some("openid write"), Some("write")),
        (oauth2, Some("openid"), None),
        (oauth2, Some("READ"), None),
    ];
    for (client, requested, expected) in cases {
        let requested = requested.map(scopes);
        let granted = client.grantable_scopes(requested.as_ref());
        match expected {
            Some(expected) => assert_eq!(granted, Ok(scopes(expected))),
            None => assert_eq!(code(granted), Some(ErrorCode::InvalidScope)),
        }
    }
}

#[test]
fn a_grant_is_for_clients_that_have_it_and_can_have_it() {
    assert_eq!(
        service().require_grant(GrantType::ClientCredentials),
        Ok(())
    );
    assert_eq!(client().require_grant(GrantType::AuthorizationCode), Ok(()));
    let not_its_own = [
        (client(), GrantType::ClientCredentials),
        (service(), GrantType::AuthorizationCode),
        (
            Client {
                confidentiality: Confidentiality::Public,
                ..service()
            },
            GrantType::ClientCredentials,
        ),
        (
            Client {
                protocol: Protocol::Oidc,
                ..service()
            },
            GrantType::ClientCredentials,
        ),
    ];
    for (client, grant_type) in not_its_own {
        assert_eq!(
            code(client.require_grant(grant_type)),
            Some(ErrorCode::UnauthorizedClient),
            "{client:?}"
        );
    }
}

#[test]
fn settings_have_their_published_spellings() {
    assert_eq!(
        json!([
            Confidentiality::Confidential,
            Confidentiality::Public,
            Protocol::OAuth2,
            Protocol::Oidc,
            GrantType::AuthorizationCode,
            GrantType::ClientCredentials,
            PkceSetting::Disabled,
            PkceSetting::Plain,
            PkceSetting::S256,
        ]),
        json!([
            "confidential",
            "public",
            "oauth2",
            "oidc",
            "authorization_code",
            "client_credentials",
            "disabled",
            "plain",
            "s256",
        ])
    );
}
