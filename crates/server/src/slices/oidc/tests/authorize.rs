use axum::body::Body;
use axum::http::Request;
use keymoor_oauth::client::{Confidentiality, GrantType, PkceSetting};
use keymoor_oauth::jose::{self, KeySet, TokenType, VerifyingKey};
use serde_json::Value;

use super::*;
use crate::slices::authenticator_configs::model::{
    AuthenticationMethod, ConfigBody, HostedWeb, InvocationType,
};
use crate::testing::both_apps;
use crate::testing::sign_in::{CODE_CHALLENGE, ORIGIN, REDIRECT_URI, Started, VERIFIER, as_form};

both_apps!(
    c5_the_challenge_is_what_the_published_sdk_needs,
    c1_authorize_writes_nothing,
    manual_invocation_tells_the_url_instead_of_going_there,
    a_form_of_any_origin_starts_a_sign_in_too,
    c1_a_long_state_comes_back_while_the_url_stays_below_8_kb,
    methods_that_do_not_work_yet_are_not_told_to_devices,
    c8_without_a_session_prompt_none_is_login_required,
    a_redirect_uri_that_is_not_registered_is_never_followed,
    a_person_sees_a_page_where_nobody_can_be_redirected,
    what_is_wrong_with_a_request_is_told_to_the_application,
    c1_a_url_is_never_longer_than_8_kb,
    c7_public_applications_must_use_pkce_and_s256,
    a_pkce_setting_is_demanded_of_confidential_applications_too,
    applications_that_sign_nobody_in_say_so,
    an_app_is_sent_to_its_own_scheme,
);

async fn all_rows(test: &TestApp) -> i64 {
    test.count(
        "SELECT CAST((SELECT COUNT(*) FROM events) + (SELECT COUNT(*) FROM authorization_codes)
         + (SELECT COUNT(*) FROM revoked_tokens) + (SELECT COUNT(*) FROM signing_keys)
         + (SELECT COUNT(*) FROM outbox) AS BIGINT)",
    )
    .await
}

async fn asked_by_a_browser(test: &TestApp, site: &Site) -> Answer {
    let request = Request::get(site.authorization(&[("state", "x y"), ("login_hint", "ada")]))
        .header("user-agent", "Browser/1")
        .header("referer", "https://app.example/private?token=1")
        .header("x-correlation-id", "corr-1");
    test.auth(request.body(Body::empty()).unwrap()).await
}

/// What the request JWT says, which the realm's published keys have signed.
async fn verified(test: &TestApp, site: &Site, started: &Started) -> Value {
    let jwks = site.get(test, "/.well-known/jwks.json").await.ok();
    let keys: KeySet = jwks["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|jwk| VerifyingKey::from_jwk(jwk).unwrap())
        .collect();
    jose::verify(&started.jwt, &keys, TokenType::Request).unwrap()
}

async fn c5_the_challenge_is_what_the_published_sdk_needs(test: TestApp) {
    let site = Site::with(&test, |site| {
        site.embedded().invoke_url = "https://app.example/in?tab=1".to_owned();
    })
    .await;
    let answer = asked_by_a_browser(&test, &site).await;
    assert_eq!(answer.status, 302, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("referrer-policy"), "no-referrer");
    let location = answer.header("location");
    assert!(location.starts_with("https://app.example/in/bi-authenticate?tab=1&request="));
    let started = Started::at(location);

    let claims = verified(&test, &site, &started).await;
    let hidden = [
        (started.transaction_id.as_str(), "[transaction]"),
        (started.nonce.as_str(), "[nonce]"),
        (claims["jti"].as_str().unwrap(), "[jti]"),
        (
            claims["authn"]["fido2"]["request_options"]["challenge"]
                .as_str()
                .unwrap(),
            "[challenge]",
        ),
    ];
    insta::allow_duplicates! {
        insta::assert_json_snapshot!(redacted(&site, &hidden, &claims), @r#"
            {
              "aud": [],
              "authn": {
                "action": {
                  "prove": {
                    "bi_obl": "",
                    "bi_pol_ver": "v3",
                    "bi_req": "W10=",
                    "nonce": "[nonce]",
                    "transaction_id": "[transaction]"
                  }
                },
                "aid": "[application]",
                "application": {
                  "display_name": "Shop"
                },
                "authenticator_config": {
                  "config": {
                    "authentication_methods": [
                      {
                        "type": "webauthn_passkey"
                      },
                      {
                        "type": "software_passkey"
                      }
                    ],
                    "invocation_type": "automatic",
                    "invoke_url": "https://app.example/in?tab=1",
                    "trusted_origins": [
                      "https://app.example"
                    ],
                    "type": "embedded"
                  },
                  "display_name": "Shop sign-in",
                  "id": "[config]",
                  "realm_id": "[realm]",
                  "tenant_id": "[tenant]"
                },
                "base_url": "http://localhost:8021",
                "fido2": {
                  "request_options": {
                    "allowCredentials": [],
                    "challenge": "[challenge]",
                    "timeout": 300000,
                    "userVerification": "required"
                  }
                },
                "login_hint": "ada",
                "mode": "grant",
                "redirect_uri": "https://app.example/cb?iss=http%3A%2F%2Flocalhost%3A8021%2Fv1%2Ftenants%2F[tenant]%2Frealms%2F[realm]%2Fapplications%2F[application]",
                "rid": "[realm]",
                "state": "x y",
                "tid": "[tenant]"
              },
              "cid": "corr-1",
              "exp": 1767229800,
              "iat": 1767225600,
              "indirect_uri": "http://localhost:8021/v1/tenants/[tenant]/realms/[realm]/transactions/[transaction]/indirect",
              "iss": "[issuer]",
              "jti": "[jti]",
              "nbf": 1767221400,
              "origin": {
                "geo": "",
                "ip": "127.0.0.1",
                "ref": "https://app.example",
                "ua": "Browser/1"
              },
              "sub": "[client]",
              "transaction_id": "[transaction]",
              "verb": "authenticate"
            }
            "#);
    }
}

async fn c1_authorize_writes_nothing(test: TestApp) {
    let site = Site::new(&test).await;
    let before = all_rows(&test).await;
    site.start(&test, &[("state", "x"), ("nonce", "n")]).await;
    site.authorize(&test, &[("prompt", "none")])
        .await
        .redirected();
    assert_eq!(all_rows(&test).await, before);
}

async fn manual_invocation_tells_the_url_instead_of_going_there(test: TestApp) {
    let site = Site::with(&test, |site| {
        site.embedded().invocation_type = InvocationType::Manual;
    })
    .await;
    let request = Request::get(site.authorization(&[])).header("origin", ORIGIN);
    let answer = test.auth(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let answer = answer.ok();
    let url = answer["authenticate_url"].as_str().unwrap();
    assert!(url.starts_with("https://app.example/bi-authenticate?request="));
    let redirect_uri = &Started::at(url).claims["authn"]["redirect_uri"];
    assert!(redirect_uri.as_str().unwrap().starts_with(REDIRECT_URI));
}

/// OpenID Connect Core 1.0, section 3.1.2.1: by GET and by POST. A page that sends its form by POST
/// may be of any origin, and hide it.
async fn a_form_of_any_origin_starts_a_sign_in_too(test: TestApp) {
    let site = Site::new(&test).await;
    let before = all_rows(&test).await;
    let uri = site.authorization(&[]);
    let (path, query) = uri.split_once('?').unwrap();
    for origin in [ORIGIN, "https://shop.example", "null"] {
        let request = Request::post(path).header("origin", origin);
        let answer = test.auth(as_form(request, query.to_owned())).await;
        assert_eq!(answer.status, 302, "{origin} {}", answer.text);
        Started::at(answer.header("location"));
        let request = Request::get(&uri).header("origin", origin);
        let answer = test.auth(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, 302, "{origin} {}", answer.text);
    }
    assert_eq!(all_rows(&test).await, before);
    let json = Request::post(path).header("content-type", "application/json");
    test.auth(json.body(Body::from("{}")).unwrap())
        .await
        .oauth_error(400, "invalid_request");
}

/// Clients put their own state into it, such as the address to return to.
async fn c1_a_long_state_comes_back_while_the_url_stays_below_8_kb(test: TestApp) {
    let site = Site::new(&test).await;
    let state = "s".repeat(3_500);
    let started = site.start(&test, &[("state", &state)]).await;
    assert!(started.url.len() < 8_000, "{}", started.url.len());
    assert_eq!(started.claims["authn"]["state"], state.as_str());
    // Not part of what is sealed.
    let short = site.start(&test, &[("state", "s")]).await;
    assert_eq!(started.nonce.len(), short.nonce.len());
    let longest = "s".repeat(4_000);
    let params = site
        .authorize(&test, &[("state", &longest)])
        .await
        .redirected();
    assert_eq!(params["state"], longest);
}

async fn c8_without_a_session_prompt_none_is_login_required(test: TestApp) {
    let site = Site::new(&test).await;
    let params = site
        .authorize(&test, &[("prompt", "none"), ("state", "a&b")])
        .await
        .redirected();
    assert_eq!(params["error"], "login_required");
    assert_eq!(params["state"], "a&b");
    assert_eq!(params["iss"], site.issuer());
}

async fn a_redirect_uri_that_is_not_registered_is_never_followed(test: TestApp) {
    let site = Site::new(&test).await;
    for wrong in [
        "https://evil.example/cb",
        "https://app.example/cb/",
        "https://app.example/cb?x=1",
        "https://app.example/CB",
        "https://app.example/cb#x",
        "javascript:alert(1)",
        "",
    ] {
        let answer = site
            .authorize(&test, &[("redirect_uri", wrong), ("prompt", "none")])
            .await;
        answer.oauth_error(400, "invalid_request");
        assert_eq!(answer.header("location"), "", "{wrong}");
    }
}

async fn a_person_sees_a_page_where_nobody_can_be_redirected(test: TestApp) {
    let site = Site::new(&test).await;
    let browse = async |uri: String| {
        let request = Request::get(uri).header("accept", "text/html,*/*;q=0.8");
        test.auth(request.body(Body::empty()).unwrap()).await
    };
    let page = browse(site.authorization(&[("client_id", "<b>")])).await;
    assert_eq!(page.status, 400);
    assert!(
        page.text.contains("client_id names no application here"),
        "{}",
        page.text
    );
    assert!(!page.text.contains("<b>"));
    assert!(
        page.header("content-security-policy")
            .contains("frame-ancestors 'none'")
    );
    assert_eq!(page.header("cache-control"), "no-store");
    let unknown = site
        .authorization(&[])
        .replace("/applications/", "/applications/0");
    let page = browse(unknown).await;
    assert_eq!(page.status, 404);
    assert!(page.text.contains("This app doesn’t exist on this server."));
}

async fn what_is_wrong_with_a_request_is_told_to_the_application(test: TestApp) {
    let site = Site::new(&test).await;
    let long = |bytes: usize| "x".repeat(bytes);
    for (name, value, error) in [
        ("response_type", "token", "unsupported_response_type"),
        ("response_type", "", "invalid_request"),
        ("response_mode", "fragment", "invalid_request"),
        ("scope", "admin", "invalid_scope"),
        ("request", "x", "request_not_supported"),
        (
            "request_uri",
            "https://app.example/r",
            "request_uri_not_supported",
        ),
        ("state", &long(4_001), "invalid_request"),
        ("nonce", &long(513), "invalid_request"),
        ("scope", &long(1_025), "invalid_request"),
        ("login_hint", &long(513), "invalid_request"),
        ("max_age", "x", "invalid_request"),
        ("prompt", "none login", "invalid_request"),
        ("code_challenge", "short", "invalid_request"),
        ("code_challenge_method", "S256", "invalid_request"),
    ] {
        let params = site.authorize(&test, &[(name, value)]).await.redirected();
        assert_eq!(params["error"], error, "{name}={value}");
        assert_eq!(params["iss"], site.issuer());
    }
    // What the specifications don't know is ignored.
    site.start(&test, &[("frobnicate", "1"), ("audience", "x")])
        .await;
}

async fn c1_a_url_is_never_longer_than_8_kb(test: TestApp) {
    let site = Site::with(&test, |site| {
        site.application.protocol.allowed_scopes = "admin".parse().unwrap();
    })
    .await;
    let (state, nonce) = ("s".repeat(1_024), "n".repeat(512));
    let started = site
        .start(&test, &[("state", &state), ("nonce", &nonce)])
        .await;
    assert!(started.url.len() < 8_000, "{}", started.url.len());
    assert!(started.nonce.len() <= 2_000, "{}", started.nonce.len());

    let tail = "x".repeat(1_500);
    let long = Site::with(&test, |site| {
        site.embedded().invoke_url = format!("https://app.example/{tail}");
        let uris = &mut site.application.protocol.redirect_uris;
        uris[0] = format!("{REDIRECT_URI}/{tail}");
    })
    .await;
    let uri = &long.application.protocol.redirect_uris[0];
    let params = long
        .authorize(
            &test,
            &[("redirect_uri", uri), ("state", &state), ("nonce", &nonce)],
        )
        .await
        .redirected();
    assert_eq!(params["error"], "invalid_request");
    assert!(params["error_description"].contains("too long as a whole"));
}

async fn methods_that_do_not_work_yet_are_not_told_to_devices(test: TestApp) {
    use AuthenticationMethod::{EmailOneTimePassword, SoftwarePasskey};
    let site = Site::with(&test, |site| {
        let methods = vec![EmailOneTimePassword, SoftwarePasskey];
        site.embedded().authentication_methods = Some(methods);
    })
    .await;
    let started = site.start(&test, &[]).await;
    let config = &started.claims["authn"]["authenticator_config"]["config"];
    assert_eq!(
        config["authentication_methods"],
        serde_json::json!([{ "type": "software_passkey" }])
    );
}

async fn c7_public_applications_must_use_pkce_and_s256(test: TestApp) {
    let site = Site::with(&test, |site| {
        site.application.protocol.confidentiality = Confidentiality::Public;
        site.application.client_secret_hash = None;
    })
    .await;
    for params in [
        &[][..],
        &[("code_challenge", VERIFIER)],
        &[
            ("code_challenge", VERIFIER),
            ("code_challenge_method", "plain"),
        ],
    ] {
        let params = site.authorize(&test, params).await.redirected();
        assert_eq!(params["error"], "invalid_request");
    }
    let s256 = [
        ("code_challenge", CODE_CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    site.start(&test, &s256).await;
}

async fn a_pkce_setting_is_demanded_of_confidential_applications_too(test: TestApp) {
    let plain = [
        ("code_challenge", VERIFIER),
        ("code_challenge_method", "plain"),
    ];
    let s256 = [
        ("code_challenge", CODE_CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (setting, none, plain_ok, s256_ok) in [
        (PkceSetting::Disabled, true, true, true),
        (PkceSetting::Plain, false, true, true),
        (PkceSetting::S256, false, false, true),
    ] {
        let site = Site::with(&test, |site| site.application.protocol.pkce = setting).await;
        for (params, starts) in [(&[][..], none), (&plain, plain_ok), (&s256, s256_ok)] {
            let answer = site.authorize(&test, params).await;
            let started = !answer.redirected_with_error();
            assert_eq!(started, starts, "{setting:?} {params:?}");
        }
    }
}

async fn applications_that_sign_nobody_in_say_so(test: TestApp) {
    let no_config = Site::with(&test, |site| {
        site.application.authenticator_config_id = None;
    })
    .await;
    let hosted = Site::with(&test, |site| {
        site.config.config = ConfigBody::HostedWeb(HostedWeb::default());
    })
    .await;
    let no_grant = Site::with(&test, |site| {
        site.application.protocol.grant_type = vec![GrantType::ClientCredentials];
    })
    .await;
    for site in [no_config, hosted, no_grant] {
        let params = site.authorize(&test, &[]).await.redirected();
        assert_eq!(params["error"], "unauthorized_client");
    }
}

async fn an_app_is_sent_to_its_own_scheme(test: TestApp) {
    let site = Site::with(&test, |site| {
        site.embedded().invoke_url = "acme://".to_owned();
    })
    .await;
    let answer = site.authorize(&test, &[]).await;
    assert!(
        answer
            .header("location")
            .starts_with("acme://bi-authenticate?request=")
    );
}

impl Answer {
    /// Whether the answer leads to the application with an error, and not to a challenge.
    fn redirected_with_error(&self) -> bool {
        assert_eq!(self.status, 302, "{}", self.text);
        self.header("location").contains("error=")
    }
}
