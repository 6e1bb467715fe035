use std::net::IpAddr;

use keymoor_oauth::claims::{
    AccessTokenClaims, CLOCK_SKEW, ConfigInput, IdTokenClaims, Origin, ParseNameError, Principal,
    RequestClaims, RequestInput, StandardClaims, TargetRealm,
};
use keymoor_oauth::client::{Client, Confidentiality, GrantType, PkceSetting, Protocol};
use keymoor_oauth::discovery::Metadata;
use keymoor_oauth::jose::{Algorithm, JoseError};
use keymoor_oauth::scope::ScopeSet;
use keymoor_types::{RealmId, Seconds, TenantId, Timestamp};
use serde_json::{Value, json};

use crate::client;

const ISSUER: &str = "https://op.example/v1/tenants/0000000000000001/realms/0000000000000002\
                      /applications/019ab000-0000-7000-8000-000000000003";
const APPLICATION: &str = "019ab000-0000-7000-8000-000000000003";
const CONFIG: &str = "019ab000-0000-7000-8000-000000000004";
const APPLICATION_NAME: &str = "tenants/0000000000000001/realms/0000000000000002/applications\
                                /019ab000-0000-7000-8000-000000000003";
const IDENTITY_NAME: &str =
    "tenants/0000000000000001/realms/0000000000000002/identities/0000000000000005";
const NOW: Timestamp = Timestamp::from_seconds(1_795_304_000);

fn input(config: &Value) -> RequestInput<'_> {
    RequestInput {
        issuer: ISSUER,
        client_id: "s6BhdRkqt3",
        auth_url: "https://op.example",
        tenant_id: TenantId::from_i64(1),
        realm_id: RealmId::from_i64(2),
        application_id: APPLICATION.parse().unwrap(),
        application_name: "Harbour",
        config: ConfigInput {
            id: CONFIG.parse().unwrap(),
            display_name: "Embedded",
            config,
        },
        jti: "token-id",
        correlation_id: "corr-1",
        transaction_id: "TX",
        nonce: "sealed",
        fido2: None,
        redirect_uri: "https://client.example.com/cb?tab=1",
        state: Some("xyz"),
        login_hint: Some("me@example.com"),
        origin: Origin {
            ip: IpAddr::from([203, 0, 113, 9]),
            user_agent: "Browser/1.0",
            referer: Some("https://client.example.com/private?x=1"),
        },
        now: NOW,
    }
}

#[test]
fn c5_the_request_jwt_has_the_shape_that_sdks_parse() {
    let config = json!({
        "type": "embedded",
        "invoke_url": "https://client.example.com",
        "invocation_type": "automatic",
        "trusted_origins": ["https://client.example.com"],
        "authentication_methods": [{ "type": "software_passkey" }],
    });
    assert_eq!(
        serde_json::to_value(RequestClaims::new(&input(&config))).unwrap(),
        json!({
            "iss": ISSUER,
            "sub": "s6BhdRkqt3",
            "aud": [],
            "jti": "token-id",
            "exp": 1_795_308_200,
            "nbf": 1_795_299_800,
            "iat": 1_795_304_000,
            "cid": "corr-1",
            "verb": "authenticate",
            "transaction_id": "TX",
            "indirect_uri": "https://op.example/v1/tenants/0000000000000001/realms\
                             /0000000000000002/transactions/TX/indirect",
            "origin": {
                "ip": "203.0.113.9",
                "ua": "Browser/1.0",
                "geo": "",
                "ref": "https://client.example.com",
            },
            "authn": {
                "base_url": "https://op.example",
                "tid": "0000000000000001",
                "rid": "0000000000000002",
                "aid": APPLICATION,
                "mode": "grant",
                "redirect_uri": format!(
                    "https://client.example.com/cb?tab=1&iss={}",
                    url::form_urlencoded::byte_serialize(ISSUER.as_bytes()).collect::<String>()
                ),
                "state": "xyz",
                "application": { "display_name": "Harbour" },
                "authenticator_config": {
                    "id": CONFIG,
                    "tenant_id": "0000000000000001",
                    "realm_id": "0000000000000002",
                    "display_name": "Embedded",
                    "config": config,
                },
                "action": {
                    "prove": {
                        "transaction_id": "TX",
                        "nonce": "sealed",
                        "bi_req": "W10=",
                        "bi_obl": "",
                        "bi_pol_ver": "v3",
                    },
                },
                "login_hint": "me@example.com",
            },
        })
    );
}

#[test]
fn c5_what_is_unknown_is_an_empty_string_or_absent_and_never_null() {
    let config = json!({ "type": "embedded" });
    let claims = serde_json::to_value(RequestClaims::new(&RequestInput {
        application_name: "",
        state: None,
        login_hint: None,
        origin: Origin {
            ip: "::ffff:203.0.113.9".parse().unwrap(),
            user_agent: "",
            referer: None,
        },
        ..input(&config)
    }))
    .unwrap();
    assert_eq!(
        claims["origin"],
        json!({ "ip": "203.0.113.9", "ua": "", "geo": "", "ref": "" })
    );
    assert_eq!(claims["authn"]["application"]["display_name"], "");
    let authn = claims["authn"].as_object().unwrap();
    for absent in ["state", "login_hint", "fido2"] {
        assert!(!authn.contains_key(absent), "{absent}");
    }
    assert!(!claims.to_string().contains("null"));
}

fn access_token() -> AccessTokenClaims {
    AccessTokenClaims {
        iss: ISSUER.to_owned(),
        sub: "0000000000000005".to_owned(),
        aud: vec!["s6BhdRkqt3".to_owned()],
        exp: NOW.as_seconds() + 3_600,
        nbf: NOW.as_seconds(),
        iat: NOW.as_seconds(),
        jti: "token-id".to_owned(),
        scope: "read openid".parse().unwrap(),
        client_id: "s6BhdRkqt3".to_owned(),
        azp: APPLICATION_NAME.parse().unwrap(),
        bi_p: IDENTITY_NAME.parse().unwrap(),
        bi_t: TenantId::from_i64(1),
        bi_r: TargetRealm::Every,
        bi_ty: GrantType::AuthorizationCode,
    }
}

#[test]
fn an_access_token_has_the_published_claims() {
    let wire = json!({
        "iss": ISSUER,
        "sub": "0000000000000005",
        "aud": ["s6BhdRkqt3"],
        "exp": 1_795_307_600,
        "nbf": 1_795_304_000,
        "iat": 1_795_304_000,
        "jti": "token-id",
        "scope": "openid read",
        "client_id": "s6BhdRkqt3",
        "azp": APPLICATION_NAME,
        "bi_p": IDENTITY_NAME,
        "bi_t": "0000000000000001",
        "bi_r": "*",
        "bi_ty": "authorization_code",
    });
    assert_eq!(json!(access_token()), wire);
    let read: AccessTokenClaims = serde_json::from_value(wire.clone()).unwrap();
    assert_eq!(read, access_token());

    for name in wire.as_object().unwrap().keys() {
        let mut without = wire.clone();
        without.as_object_mut().unwrap().remove(name);
        assert!(
            serde_json::from_value::<AccessTokenClaims>(without).is_err(),
            "{name} is required"
        );
    }
}

#[test]
fn an_access_token_holds_from_nbf_until_exp() {
    let token = access_token();
    let start = Timestamp::from_seconds(token.nbf);
    let end = Timestamp::from_seconds(token.exp);
    let cases = [
        (start, Ok(())),
        (start - CLOCK_SKEW, Ok(())),
        (start - CLOCK_SKEW - Seconds(1), Err(JoseError::NotYetValid)),
        (end - Seconds(1), Ok(())),
        (end, Err(JoseError::Expired)),
    ];
    for (now, expected) in cases {
        assert_eq!(token.check_lifetime(now), expected, "{now}");
    }
    let absurd = AccessTokenClaims {
        exp: i64::MAX,
        nbf: i64::MIN,
        ..access_token()
    };
    assert_eq!(absurd.check_lifetime(NOW), Ok(()));
}

#[test]
fn an_id_token_leaves_out_what_it_does_not_know() {
    let mut claims = IdTokenClaims {
        iss: ISSUER.to_owned(),
        sub: "0000000000000005".to_owned(),
        aud: vec!["s6BhdRkqt3".to_owned()],
        exp: 20,
        iat: 10,
        auth_time: 9,
        amr: vec!["hwk".to_owned(), "user".to_owned()],
        azp: "s6BhdRkqt3".to_owned(),
        nonce: None,
        acr: None,
        person: StandardClaims::default(),
    };
    let mut wire = json!({
        "iss": ISSUER,
        "sub": "0000000000000005",
        "aud": ["s6BhdRkqt3"],
        "exp": 20,
        "iat": 10,
        "auth_time": 9,
        "amr": ["hwk", "user"],
        "azp": "s6BhdRkqt3",
    });
    assert_eq!(json!(claims), wire);
    claims.nonce = Some("n".to_owned());
    claims.person.name = Some("Ada".to_owned());
    claims.person.email_verified = Some(false);
    wire["nonce"] = json!("n");
    wire["name"] = json!("Ada");
    wire["email_verified"] = json!(false);
    assert_eq!(json!(claims), wire);
    assert_eq!(
        serde_json::from_value::<IdTokenClaims>(wire).unwrap(),
        claims
    );
}

#[test]
fn names_have_one_spelling() {
    for name in [APPLICATION_NAME, IDENTITY_NAME] {
        assert_eq!(name.parse::<Principal>().unwrap().to_string(), name);
        for wrong in [
            format!("/{name}"),
            format!("{name}/"),
            format!("{name}/x"),
            name.replace("tenants", "Tenants"),
            name.replace("realms/", "realms//"),
            name.replace("identities", "people")
                .replace("applications", "people"),
            name[..name.len() - 1].to_owned(),
        ] {
            assert_eq!(wrong.parse::<Principal>(), Err(ParseNameError), "{wrong}");
        }
    }
    let one: TargetRealm = "0000000000000002".parse().unwrap();
    assert!(one.covers(RealmId::from_i64(2)) && !one.covers(RealmId::from_i64(3)));
    assert!(TargetRealm::Every.covers(RealmId::from_i64(3)));
    assert!("**".parse::<TargetRealm>().is_err());
}

fn metadata(client: &Client<'_>) -> Value {
    json!(Metadata::new(ISSUER, client, Algorithm::Rs256))
}

#[test]
fn the_discovery_document_tells_what_the_application_can_do() {
    assert_eq!(
        metadata(&client()),
        json!({
            "issuer": ISSUER,
            "authorization_endpoint": format!("{ISSUER}/authorize"),
            "token_endpoint": format!("{ISSUER}/token"),
            "userinfo_endpoint": format!("{ISSUER}/userinfo"),
            "jwks_uri": format!("{ISSUER}/.well-known/jwks.json"),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
            "scopes_supported": [
                "address", "email", "openid", "phone", "profile", "read", "write",
            ],
            "claims_supported": [
                "iss", "sub", "aud", "exp", "iat", "nonce", "auth_time", "amr", "azp",
                "name", "given_name", "family_name", "middle_name", "nickname",
                "preferred_username", "profile", "picture", "zoneinfo", "locale", "updated_at",
                "email", "email_verified", "phone_number", "phone_number_verified", "address",
            ],
            "authorization_response_iss_parameter_supported": true,
            "claims_parameter_supported": false,
            "request_parameter_supported": false,
            "request_uri_parameter_supported": false,
        })
    );
    let es256 = Metadata::new(ISSUER, &client(), Algorithm::Es256);
    let algorithms = es256.openid.unwrap().id_token_signing_alg_values_supported;
    assert_eq!(algorithms, ["ES256", "RS256"]);
}

#[test]
fn the_discovery_document_of_a_public_client_lists_no_secret_and_its_pkce_methods() {
    for (pkce, methods) in [
        (PkceSetting::Disabled, json!(["S256"])),
        (PkceSetting::S256, json!(["S256"])),
        (PkceSetting::Plain, json!(["S256", "plain"])),
    ] {
        let public = metadata(&Client {
            confidentiality: Confidentiality::Public,
            pkce,
            ..client()
        });
        assert_eq!(public["code_challenge_methods_supported"], methods);
        assert_eq!(
            public["token_endpoint_auth_methods_supported"],
            json!(["none"])
        );
    }
}

/// RFC 8414, sections 2 and 3.2: no authorization endpoint without a grant that uses it, and no empty
/// lists.
#[test]
fn the_discovery_document_of_a_service_has_nothing_of_signing_in() {
    let service = Client {
        protocol: Protocol::OAuth2,
        grant_types: &[GrantType::ClientCredentials],
        ..client()
    };
    let expected = json!({
        "issuer": ISSUER,
        "token_endpoint": format!("{ISSUER}/token"),
        "jwks_uri": format!("{ISSUER}/.well-known/jwks.json"),
        "grant_types_supported": ["client_credentials"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "scopes_supported": ["read", "write"],
    });
    assert_eq!(metadata(&service), expected);
    let without_scopes = metadata(&Client {
        allowed_scopes: &ScopeSet::default(),
        ..service
    });
    assert_eq!(without_scopes.get("scopes_supported"), None);
    let plain_oauth = metadata(&Client {
        grant_types: &[GrantType::AuthorizationCode],
        ..service
    });
    assert_eq!(
        plain_oauth["authorization_endpoint"],
        format!("{ISSUER}/authorize")
    );
    for openid in ["subject_types_supported", "claims_supported"] {
        assert_eq!(plain_oauth.get(openid), None, "{openid}");
    }
}
