use axum::body::Body;
use axum::http::Request;
use keymoor_oauth::client::Protocol;

use super::*;
use crate::slices::applications::choices::SigningAlgorithm;
use crate::testing::both_apps;

both_apps!(
    discovery_describes_the_application,
    plain_oauth_applications_have_the_document_too,
    the_keys_are_there_before_anything_was_signed,
    documents_are_for_pages_of_every_origin,
    the_metadata_of_rfc_8414_are_between_host_and_path_of_the_issuer,
    an_application_that_acts_for_itself_has_only_its_token_endpoint,
    an_issuer_that_does_not_exist_has_no_documents,
);

/// The path before that of an issuer (RFC 8414, section 3).
const AUTHORIZATION_SERVER: &str = "/.well-known/oauth-authorization-server";

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
                "given_name",
                "family_name",
                "middle_name",
                "nickname",
                "preferred_username",
                "profile",
                "picture",
                "zoneinfo",
                "locale",
                "updated_at",
                "email",
                "email_verified",
                "phone_number",
                "phone_number_verified",
                "address"
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
                "address",
                "email",
                "openid",
                "phone",
                "profile"
              ],
              "subject_types_supported": [
                "public"
              ],
              "token_endpoint": "[issuer]/token",
              "token_endpoint_auth_methods_supported": [
                "client_secret_basic",
                "client_secret_post"
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
    for openid in ["scopes_supported", "claims_supported"] {
        assert_eq!(document.get(openid), None, "{openid}");
    }
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

async fn documents_are_for_pages_of_every_origin(test: TestApp) {
    let site = Site::new(&test).await;
    for path in [
        site.path("/.well-known/jwks.json"),
        site.path("/.well-known/openid-configuration"),
        format!("{AUTHORIZATION_SERVER}{}", site.path("")),
    ] {
        for origin in ["https://app.example", "https://other.example", "null"] {
            let request = Request::get(&path).header("origin", origin);
            let answer = test.auth(request.body(Body::empty()).unwrap()).await;
            assert_eq!(answer.status, 200, "{origin} {path}");
            assert_eq!(answer.header("access-control-allow-origin"), "*");
            assert_eq!(answer.header("access-control-allow-credentials"), "");
        }
    }
}

/// RFC 8414, section 3.1: the well-known path is inserted between the host and the path of the
/// issuer. Section 3.3: `issuer` is the one that the URL was made of.
async fn the_metadata_of_rfc_8414_are_between_host_and_path_of_the_issuer(test: TestApp) {
    let site = Site::new(&test).await;
    let issuer = url::Url::parse(&site.issuer()).unwrap();
    let path = format!("{AUTHORIZATION_SERVER}{}", issuer.path());
    let get = async |path: &str| {
        test.auth(Request::get(path).body(Body::empty()).unwrap())
            .await
    };
    let answer = get(&path).await;
    assert_eq!(answer.header("cache-control"), "public, max-age=60");
    assert_eq!(answer.header("content-type"), "application/json");
    let document = answer.ok();
    assert_eq!(document["issuer"], site.issuer());
    let appended = site
        .get(&test, "/.well-known/openid-configuration")
        .await
        .ok();
    assert_eq!(document, appended);
    let unknown = path.replace("/applications/", "/applications/0");
    get(&unknown).await.refused(404);
    get(&site.path("/.well-known/oauth-authorization-server"))
        .await
        .refused(404);
}

async fn an_application_that_acts_for_itself_has_only_its_token_endpoint(test: TestApp) {
    let site = machine(&test).await;
    let document = site
        .get(&test, "/.well-known/openid-configuration")
        .await
        .ok();
    insta::allow_duplicates! {
        insta::assert_json_snapshot!(redacted(&site, &[], &document), @r#"
            {
              "grant_types_supported": [
                "client_credentials"
              ],
              "issuer": "[issuer]",
              "jwks_uri": "[issuer]/.well-known/jwks.json",
              "scopes_supported": [
                "orders:read",
                "orders:write"
              ],
              "token_endpoint": "[issuer]/token",
              "token_endpoint_auth_methods_supported": [
                "client_secret_basic",
                "client_secret_post"
              ]
            }
            "#);
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
