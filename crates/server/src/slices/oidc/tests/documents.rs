use axum::body::Body;
use axum::http::Request;
use keymoor_oauth::client::Protocol;

use super::*;
use crate::slices::applications::model::SigningAlgorithm;
use crate::testing::both_apps;

both_apps!(
    discovery_describes_the_application,
    plain_oauth_applications_have_the_document_too,
    the_keys_are_there_before_anything_was_signed,
    d2_documents_are_for_pages_that_sign_in_or_receive_the_answer,
    an_issuer_that_does_not_exist_has_no_documents,
);

async fn discovery_describes_the_application(test: TestApp) {
    let site = Site::new(&test).await;
    let answer = site.get(&test, "/.well-known/openid-configuration").await;
    assert_eq!(answer.header("cache-control"), "public, max-age=60");
    insta::allow_duplicates! {
        insta::assert_json_snapshot!(redacted(&site, &[], &answer.ok()), @r#"
            {
              "authorization_endpoint": "[issuer]/authorize",
              "authorization_response_iss_parameter_supported": true,
              "claims_parameter_supported": false,
              "claims_supported": [
                "iss",
                "sub",
                "aud",
                "exp",
                "iat",
                "nonce",
                "auth_time",
                "amr",
                "azp",
                "name",
                "preferred_username",
                "email"
              ],
              "code_challenge_methods_supported": [
                "S256",
                "plain"
              ],
              "grant_types_supported": [
                "authorization_code"
              ],
              "id_token_signing_alg_values_supported": [
                "ES256",
                "RS256"
              ],
              "issuer": "[issuer]",
              "jwks_uri": "[issuer]/.well-known/jwks.json",
              "request_parameter_supported": false,
              "request_uri_parameter_supported": false,
              "response_modes_supported": [
                "query"
              ],
              "response_types_supported": [
                "code"
              ],
              "scopes_supported": [
                "email",
                "openid",
                "profile"
              ],
              "subject_types_supported": [
                "public"
              ],
              "token_endpoint": "[issuer]/token",
              "token_endpoint_auth_methods_supported": [
                "client_secret_basic",
                "client_secret_post",
                "none"
              ],
              "userinfo_endpoint": "[issuer]/userinfo"
            }
            "#);
    }
}

async fn plain_oauth_applications_have_the_document_too(test: TestApp) {
    let site = Site::with(&test, |site| {
        site.application.protocol.protocol = Protocol::OAuth2;
    })
    .await;
    let document = site
        .get(&test, "/.well-known/openid-configuration")
        .await
        .ok();
    assert_eq!(document["issuer"], site.issuer());
    assert_eq!(document["scopes_supported"], serde_json::json!([]));
}

async fn the_keys_are_there_before_anything_was_signed(test: TestApp) {
    let site = Site::with(&test, |site| {
        let settings = &mut site.application.protocol.token_configuration;
        settings.token_signing_algorithm = SigningAlgorithm::RS256;
    })
    .await;
    let jwks = site.get(&test, "/.well-known/jwks.json").await.ok();
    let mut kinds: Vec<_> = jwks["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| (key["kty"].as_str().unwrap(), key["alg"].as_str().unwrap()))
        .collect();
    kinds.sort_unstable();
    assert_eq!(kinds, [("EC", "ES256"), ("RSA", "RS256")]);
    for key in jwks["keys"].as_array().unwrap() {
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key.get(private).is_none());
        }
    }
}

async fn d2_documents_are_for_pages_that_sign_in_or_receive_the_answer(test: TestApp) {
    let site = Site::with(&test, |site| {
        let uris = &mut site.application.protocol.redirect_uris;
        uris.push("https://other.example/cb".to_owned());
    })
    .await;
    for path in [
        "/.well-known/jwks.json",
        "/.well-known/openid-configuration",
    ] {
        for (origin, status) in [
            ("https://app.example", 200),
            ("https://other.example", 200),
            ("http://localhost:8021", 200),
            ("https://evil.example", 403),
        ] {
            let request = Request::get(site.path(path)).header("origin", origin);
            let answer = test.auth(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, status, "{origin} {path}");
            assert_eq!(answer.header("access-control-allow-origin"), "*");
        }
    }
}

async fn an_issuer_that_does_not_exist_has_no_documents(test: TestApp) {
    let site = Site::new(&test).await;
    for path in [
        "/.well-known/jwks.json",
        "/.well-known/openid-configuration",
        "/userinfo",
    ] {
        for wrong in ["/applications/0", "/applications/x"] {
            let path = site.path(path).replace("/applications/", wrong);
            let request = Request::get(path).body(Body::empty()).unwrap();
            assert_eq!(
                test.auth(request).await.refused(404)["message"],
                "application not found"
            );
        }
    }
}
