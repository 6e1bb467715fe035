//! Codes become tokens.

use axum::http::Method;
use keymoor_oauth::client::{Confidentiality, PkceSetting, Protocol};
use keymoor_oauth::jose::{self, TokenType};
use keymoor_types::Seconds;
use serde_json::json;

use super::*;
use crate::slices::applications::choices::{IdTokenContent, SigningAlgorithm, SubjectField};
use crate::slices::tokens::ops::sweep;
use crate::testing::both_apps;
use crate::testing::sign_in::{CODE_CHALLENGE, VERIFIER, claims_of};

both_apps!(
    a_code_becomes_an_access_token_and_an_id_token,
    tokens_are_signed_with_the_applications_algorithm,
    amr_says_what_kind_of_key_it_was,
    the_subject_is_what_the_application_chose,
    c7_a_code_is_bound_to_redirect_uri_verifier_and_application,
    c7_a_code_lives_a_minute,
    c7_a_code_that_is_used_again_revokes_what_was_issued_from_it,
    codes_that_are_none_are_refused_alike,
    a_code_of_somebody_who_was_stopped_meanwhile_is_refused,
    plain_oauth_without_a_redirect_uri_redeems_without_one,
    a_public_application_redeems_with_its_verifier_alone,
    scopes_tell_of_a_person_what_is_stored_openid_connect_core_section_5_4,
    an_id_token_names_the_subject_only_if_the_application_wants_so,
    c7_a_code_is_bound_to_the_port_of_a_loopback_address_rfc_8252_section_7_3,
);

const S256: [(&str, &str); 2] = [
    ("code_challenge", CODE_CHALLENGE),
    ("code_challenge_method", "S256"),
];

fn public(site: &mut Site) {
    site.application.protocol.confidentiality = Confidentiality::Public;
    site.application.client_secret_hash = None;
}

async fn a_code_becomes_an_access_token_and_an_id_token(test: TestApp) {
    let site = Site::with(&test, |site| {
        site.application.protocol.pkce = PkceSetting::S256;
    })
    .await;
    let ada = Person::new(&test, "ada").await;
    let params = [
        &S256[..],
        &[("scope", "openid profile email"), ("nonce", "n-1")],
    ]
    .concat();
    let code = site.sign_in(&test, &ada, &params).await;
    test.clock.advance(Seconds(5));
    let answer = site
        .redeem(&test, &code, &[("code_verifier", VERIFIER)])
        .await;
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("pragma"), "no-cache");
    let body = answer.ok();
    assert_eq!(
        (&body["token_type"], &body["expires_in"], &body["scope"]),
        (
            &json!("Bearer"),
            &json!(86_400),
            &json!("email openid profile")
        )
    );
    let identity = ada.identity.id.to_string();
    let access = claims_of(body["access_token"].as_str().unwrap());
    let jti = access["jti"].as_str().unwrap().to_owned();
    let hidden = [(identity.as_str(), "[identity]"), (jti.as_str(), "[jti]")];
    insta::allow_duplicates! {
        insta::assert_json_snapshot!(redacted(&site, &hidden, &access), @r#"
            {
              "aud": [
                "[client]"
              ],
              "azp": "tenants/[tenant]/realms/[realm]/applications/[application]",
              "bi_p": "tenants/[tenant]/realms/[realm]/identities/[identity]",
              "bi_r": "[realm]",
              "bi_t": "[tenant]",
              "bi_ty": "authorization_code",
              "client_id": "[client]",
              "exp": 1767312005,
              "iat": 1767225605,
              "iss": "[issuer]",
              "jti": "[jti]",
              "nbf": 1767225605,
              "scope": "email openid profile",
              "sub": "[identity]"
            }
            "#);
    }
    let id_token = claims_of(body["id_token"].as_str().unwrap());
    insta::allow_duplicates! {
        insta::assert_json_snapshot!(redacted(&site, &hidden, &id_token), @r#"
            {
              "amr": [
                "swk"
              ],
              "aud": [
                "[client]"
              ],
              "auth_time": 1767225600,
              "azp": "[client]",
              "email": "ada@example.com",
              "email_verified": false,
              "exp": 1767229205,
              "iat": 1767225605,
              "iss": "[issuer]",
              "name": "Ada Lovelace",
              "nonce": "n-1",
              "preferred_username": "ada",
              "sub": "[identity]",
              "updated_at": 1767225600
            }
            "#);
    }
    let info = site
        .userinfo(&test, body["access_token"].as_str().unwrap())
        .await
        .ok();
    insta::allow_duplicates! {
        insta::assert_json_snapshot!(redacted(&site, &hidden, &info), @r#"
            {
              "email": "ada@example.com",
              "email_verified": false,
              "name": "Ada Lovelace",
              "preferred_username": "ada",
              "sub": "[identity]",
              "updated_at": 1767225600
            }
            "#);
    }
    assert_eq!(test.events("TokenRequest").await, ["ACCEPTED"]);
}

async fn tokens_are_signed_with_the_applications_algorithm(test: TestApp) {
    let ada = Person::new(&test, "ada").await;
    for (setting, alg) in [
        (SigningAlgorithm::RS256, "RS256"),
        (SigningAlgorithm::ES256, "ES256"),
    ] {
        let site = Site::with(&test, |site| {
            let settings = &mut site.application.protocol.token_configuration;
            settings.token_signing_algorithm = setting;
        })
        .await;
        let code = site.sign_in(&test, &ada, &[]).await;
        let body = site.redeem(&test, &code, &[]).await.ok();
        let keys = keys(&test).await;
        let tokens = [
            ("access_token", TokenType::AccessToken),
            ("id_token", TokenType::IdToken),
        ];
        for (member, typ) in tokens {
            let token = body[member].as_str().unwrap();
            let _: Value = jose::verify(token, &keys.verifying, typ).unwrap();
            let header = format!("{}.{}.", "x", token.split('.').next().unwrap());
            assert_eq!(claims_of(&header)["alg"], alg);
        }
    }
}

async fn amr_says_what_kind_of_key_it_was(test: TestApp) {
    let site = Site::new(&test).await;
    let people = [
        (Person::new(&test, "ada").await, json!(["swk"])),
        (
            Person::with_webauthn(&test, "bob").await,
            json!(["pop", "user"]),
        ),
    ];
    for (person, amr) in people {
        let code = site.sign_in(&test, &person, &[]).await;
        let body = site.redeem(&test, &code, &[]).await.ok();
        assert_eq!(claims_of(body["id_token"].as_str().unwrap())["amr"], amr);
    }
}

async fn the_subject_is_what_the_application_chose(test: TestApp) {
    let ada = Person::new(&test, "ada").await;
    for (field, expected) in [
        (SubjectField::Id, ada.identity.id.to_string()),
        (SubjectField::Username, "ada".to_owned()),
        (SubjectField::Email, "ada@example.com".to_owned()),
    ] {
        let site = Site::with(&test, |site| {
            site.application.protocol.token_configuration.subject_field = field;
        })
        .await;
        let code = site.sign_in(&test, &ada, &[]).await;
        let body = site.redeem(&test, &code, &[]).await.ok();
        let token = body["access_token"].as_str().unwrap();
        assert_eq!(claims_of(token)["sub"], expected);
        assert_eq!(
            claims_of(body["id_token"].as_str().unwrap())["sub"],
            expected
        );
        assert_eq!(
            site.userinfo(&test, token).await.ok(),
            json!({ "sub": expected })
        );
    }
}

async fn c7_a_code_is_bound_to_redirect_uri_verifier_and_application(test: TestApp) {
    let ada = Person::new(&test, "ada").await;
    let site = Site::with(&test, |site| {
        let uris = &mut site.application.protocol.redirect_uris;
        uris.push("https://app.example/other".to_owned());
    })
    .await;
    let other_site = Site::new(&test).await;
    let verifier = ("code_verifier", VERIFIER);
    let code = site.sign_in(&test, &ada, &S256).await;
    for params in [
        &[][..],
        &[("code_verifier", CODE_CHALLENGE)],
        &[verifier, ("redirect_uri", "")],
        &[verifier, ("redirect_uri", "https://app.example/other")],
        &[verifier, ("redirect_uri", "https://app.example/cb/")],
    ] {
        site.redeem(&test, &code, params)
            .await
            .oauth_error(400, "invalid_grant");
    }
    other_site
        .redeem(&test, &code, &[verifier])
        .await
        .oauth_error(400, "invalid_grant");
    // None of these used it up.
    site.redeem(&test, &code, &[verifier]).await.ok();

    let without = site.sign_in(&test, &ada, &[]).await;
    site.redeem(&test, &without, &[verifier])
        .await
        .oauth_error(400, "invalid_grant");
    site.redeem(&test, &without, &[]).await.ok();
}

async fn c7_a_code_lives_a_minute(test: TestApp) {
    let (site, ada) = site_and_ada(&test).await;
    let (early, late) = (
        site.sign_in(&test, &ada, &[]).await,
        site.sign_in(&test, &ada, &[]).await,
    );
    test.clock.advance(Seconds(59));
    site.redeem(&test, &early, &[]).await.ok();
    test.clock.advance(Seconds(1));
    site.redeem(&test, &late, &[])
        .await
        .oauth_error(400, "invalid_grant");
}

async fn c7_a_code_that_is_used_again_revokes_what_was_issued_from_it(test: TestApp) {
    let (site, ada) = site_and_ada(&test).await;
    let other_site = Site::new(&test).await;
    let code = site.sign_in(&test, &ada, &[]).await;
    let token = token_of(&site.redeem(&test, &code, &[]).await);
    other_site
        .redeem(&test, &code, &[])
        .await
        .oauth_error(400, "invalid_grant");
    site.userinfo(&test, &token).await.ok();
    site.redeem(&test, &code, &[])
        .await
        .oauth_error(400, "invalid_grant");
    site.userinfo(&test, &token)
        .await
        .oauth_error(401, "invalid_token");
    assert_eq!(
        test.events("TokenRequest").await,
        ["ACCEPTED", "ERROR", "ERROR"]
    );
    // What revokes it is remembered for as long as the token would hold.
    test.clock.advance(Seconds(86_399));
    sweep(&test.app).await.unwrap();
    site.userinfo(&test, &token)
        .await
        .oauth_error(401, "invalid_token");
    assert_eq!(test.count("SELECT COUNT(*) FROM revoked_tokens").await, 1);
    test.clock.advance(Seconds(1));
    assert_eq!(sweep(&test.app).await.unwrap(), 1);
}

async fn codes_that_are_none_are_refused_alike(test: TestApp) {
    let (site, ada) = site_and_ada(&test).await;
    let code = site.sign_in(&test, &ada, &[]).await;
    let last = if code.ends_with('A') { "E" } else { "A" };
    let altered = format!("{}{last}", &code[..74]);
    for wrong in ["x", &altered, &code[1..], &"A".repeat(75)] {
        let told = site
            .redeem(&test, wrong, &[])
            .await
            .oauth_error(400, "invalid_grant");
        assert_eq!(told, "the code is not valid for this request");
    }
    site.redeem(&test, &code, &[]).await.ok();
}

async fn a_code_of_somebody_who_was_stopped_meanwhile_is_refused(test: TestApp) {
    let site = Site::new(&test).await;
    let (ada, bob) = (
        Person::new(&test, "ada").await,
        Person::new(&test, "bob").await,
    );
    let for_ada = site.sign_in(&test, &ada, &[]).await;
    let for_bob = site.sign_in(&test, &bob, &[]).await;
    ada.suspend(&test).await;
    bob.revoke_passkey(&test).await;
    site.redeem(&test, &for_ada, &[])
        .await
        .oauth_error(400, "invalid_grant");
    site.redeem(&test, &for_bob, &[])
        .await
        .oauth_error(400, "invalid_grant");
}

async fn plain_oauth_without_a_redirect_uri_redeems_without_one(test: TestApp) {
    let site = Site::with(&test, |site| {
        site.application.protocol.protocol = Protocol::OAuth2;
    })
    .await;
    let ada = Person::new(&test, "ada").await;
    let code = site
        .sign_in(&test, &ada, &[("redirect_uri", ""), ("scope", "")])
        .await;
    site.redeem(&test, &code, &[])
        .await
        .oauth_error(400, "invalid_grant");
    let body = site
        .redeem(&test, &code, &[("redirect_uri", "")])
        .await
        .ok();
    assert!(body.get("id_token").is_none());
}

async fn a_public_application_redeems_with_its_verifier_alone(test: TestApp) {
    let site = Site::with(&test, public).await;
    let ada = Person::new(&test, "ada").await;
    let code = site.sign_in(&test, &ada, &S256).await;
    let with_secret = [("code_verifier", VERIFIER), ("client_secret", "x")];
    site.redeem(&test, &code, &with_secret)
        .await
        .oauth_error(401, "invalid_client");
    site.redeem(&test, &code, &[("code_verifier", VERIFIER)])
        .await
        .ok();
}

/// A person with every trait that is a claim.
async fn described(test: &TestApp) -> Person {
    let ada = Person::new(test, "ada").await;
    let path = test.realm_path(&format!("/identities/{}", ada.identity.id));
    let traits = json!({
        "type": "traits_v0",
        "given_name": "Ada",
        "family_name": "Lovelace",
        "middle_name": "King",
        "nick_name": "Countess",
        "primary_phone": "+44 20 0000 0000",
        "profile_url": "https://example.com/ada",
        "photo": "https://example.com/ada.png",
        "locale": "en-GB",
        "timezone": "Europe/London",
        "street_address": "12 St James's Square",
        "locality": "London",
        "postal_code": "SW1Y 4JH",
        "country": "GB",
    });
    let body = json!({ "identity": { "traits": traits } });
    test.manage(Method::PATCH, &path, Some(body)).await.ok();
    ada
}

const EVERYTHING: (&str, &str) = ("scope", "openid profile email phone address");

async fn scopes_tell_of_a_person_what_is_stored_openid_connect_core_section_5_4(test: TestApp) {
    let site = Site::new(&test).await;
    let ada = described(&test).await;
    let code = site.sign_in(&test, &ada, &[EVERYTHING]).await;
    let body = site.redeem(&test, &code, &[]).await.ok();
    let token = body["access_token"].as_str().unwrap();
    let info = site.userinfo(&test, token).await.ok();
    let id = ada.identity.id.to_string();
    insta::allow_duplicates! {
        insta::assert_json_snapshot!(redacted(&site, &[(&id, "[identity]")], &info), @r#"
            {
              "address": {
                "country": "GB",
                "formatted": "12 St James's Square\nLondon\nSW1Y 4JH\nGB",
                "locality": "London",
                "postal_code": "SW1Y 4JH",
                "street_address": "12 St James's Square"
              },
              "email": "ada@example.com",
              "email_verified": false,
              "family_name": "Lovelace",
              "given_name": "Ada",
              "locale": "en-GB",
              "middle_name": "King",
              "name": "Ada Lovelace",
              "nickname": "Countess",
              "phone_number": "+44 20 0000 0000",
              "phone_number_verified": false,
              "picture": "https://example.com/ada.png",
              "preferred_username": "ada",
              "profile": "https://example.com/ada",
              "sub": "[identity]",
              "updated_at": 1767225600,
              "zoneinfo": "Europe/London"
            }
            "#);
    }
    let id_token = claims_of(body["id_token"].as_str().unwrap());
    let discovery = site.get(&test, "/.well-known/openid-configuration").await;
    let discovery = discovery.ok();
    for (name, value) in info.as_object().unwrap() {
        assert_eq!(id_token[name], *value, "{name}");
        let listed = discovery["claims_supported"].as_array().unwrap();
        assert!(listed.contains(&json!(name)), "{name}");
    }
    for scope in EVERYTHING.1.split(' ') {
        let listed = discovery["scopes_supported"].as_array().unwrap();
        assert!(listed.contains(&json!(scope)), "{scope}");
    }
    // Nothing is told without its scope.
    let code = site
        .sign_in(&test, &ada, &[("scope", "openid email")])
        .await;
    let token = token_of(&site.redeem(&test, &code, &[]).await);
    assert_eq!(
        site.userinfo(&test, &token).await.ok(),
        json!({ "sub": id, "email": "ada@example.com", "email_verified": false })
    );
}

async fn an_id_token_names_the_subject_only_if_the_application_wants_so(test: TestApp) {
    let site = Site::with(&test, |site| {
        site.application.protocol.id_token_claims = IdTokenContent::Subject;
    })
    .await;
    let ada = described(&test).await;
    let code = site.sign_in(&test, &ada, &[EVERYTHING]).await;
    let body = site.redeem(&test, &code, &[]).await.ok();
    let id_token = claims_of(body["id_token"].as_str().unwrap());
    let names: Vec<_> = id_token.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        ["amr", "aud", "auth_time", "azp", "exp", "iat", "iss", "sub"]
    );
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(site.userinfo(&test, token).await.ok()["given_name"], "Ada");
}

async fn c7_a_code_is_bound_to_the_port_of_a_loopback_address_rfc_8252_section_7_3(test: TestApp) {
    let site = Site::with(&test, |site| {
        let uris = &mut site.application.protocol.redirect_uris;
        *uris = ["http://127.0.0.1/cb", "http://[::1]/cb"]
            .map(str::to_owned)
            .to_vec();
    })
    .await;
    let ada = Person::new(&test, "ada").await;
    for host in ["127.0.0.1", "[::1]"] {
        let sent = format!("http://{host}:51004/cb");
        let code = site.sign_in(&test, &ada, &[("redirect_uri", &sent)]).await;
        for other in [
            format!("http://{host}/cb"),
            format!("http://{host}:51005/cb"),
            String::new(),
        ] {
            site.redeem(&test, &code, &[("redirect_uri", &other)])
                .await
                .oauth_error(400, "invalid_grant");
        }
        site.redeem(&test, &code, &[("redirect_uri", &sent)])
            .await
            .ok();
    }
    site.authorize(&test, &[("redirect_uri", "http://localhost:51004/cb")])
        .await
        .oauth_error(400, "invalid_request");
}
