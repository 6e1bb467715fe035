//! Who asks for tokens, and what an application gets for itself.

use axum::body::Body;
use axum::http::Request;
use keymoor_oauth::token_request::INVALID_CLIENT;

use super::*;
use crate::base::limits::LimitSettings;
use crate::db::testing::{fresh_postgres, fresh_sqlite};
use crate::testing::both_apps;
use crate::testing::sign_in::{REDIRECT_URI, as_form, claims_of, form};

both_apps!(
    c9_client_authentication_is_basic_post_or_refused,
    c9_what_is_no_token_request_gets_the_errors_of_rfc_6749,
    an_application_gets_tokens_for_itself,
    scopes_and_lifetimes_are_cut_to_the_application,
    d2_tokens_are_not_for_pages_that_are_not_the_applications,
    d2_a_page_on_a_loopback_address_may_have_any_port,
);

async fn c9_client_authentication_is_basic_post_or_refused(test: TestApp) {
    let (site, ada) = site_and_ada(&test).await;
    let (id, secret) = (site.application.client_id.as_str(), site.secret.expose());
    let code = site.sign_in(&test, &ada, &[]).await;
    let usual = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", REDIRECT_URI),
    ];
    let post = async |params: &[(&str, &str)]| {
        test.auth(as_form(
            Request::post(site.path("/token")),
            form(&usual, params),
        ))
        .await
    };
    for params in [
        &[][..],
        &[("client_id", id)],
        &[("client_id", id), ("client_secret", "wrong")],
        &[("client_id", "unknown"), ("client_secret", secret)],
        &[("client_id", id), ("client_assertion", "x")],
    ] {
        let answer = post(params).await;
        answer.oauth_error(401, "invalid_client");
        assert_eq!(
            answer.header("www-authenticate"),
            r#"Basic realm="keymoor""#
        );
    }
    post(&[("client_id", id), ("client_secret", secret)])
        .await
        .ok();
    // `redeem` uses Basic.
    let code = site.sign_in(&test, &ada, &[]).await;
    site.redeem(&test, &code, &[]).await.ok();
    let both = [("client_id", id), ("client_secret", secret)];
    site.redeem(&test, &code, &both)
        .await
        .oauth_error(400, "invalid_request");
}

async fn c9_what_is_no_token_request_gets_the_errors_of_rfc_6749(test: TestApp) {
    let (site, ada) = site_and_ada(&test).await;
    for (body, error) in [
        ("", "invalid_request"),
        (
            "grant_type=password&username=a&password=b",
            "unsupported_grant_type",
        ),
        (
            "grant_type=refresh_token&refresh_token=a",
            "unsupported_grant_type",
        ),
        ("grant_type=authorization_code", "invalid_request"),
        (
            "grant_type=authorization_code&code=a&code=b",
            "invalid_request",
        ),
        ("grant_type=client_credentials", "unauthorized_client"),
        ("grant_type=%zz", "invalid_request"),
    ] {
        site.token(&test, body.to_owned())
            .await
            .oauth_error(400, error);
    }
    let post = Request::post(site.path("/token"));
    let json = post
        .header("content-type", "application/json")
        .body(Body::from("{}"))
        .unwrap();
    test.auth(json).await.oauth_error(400, "invalid_request");
    let large = as_form(Request::post(site.path("/token")), "x".repeat(70_000));
    test.auth(large).await.oauth_error(413, "invalid_request");
    // Parameters that nobody knows are ignored.
    let code = site.sign_in(&test, &ada, &[]).await;
    site.redeem(&test, &code, &[("frobnicate", "1")]).await.ok();
}

async fn an_application_gets_tokens_for_itself(test: TestApp) {
    let site = machine(&test).await;
    let events = "SELECT COUNT(*) FROM events";
    let before = test.count(events).await;
    let body = site
        .token(&test, "grant_type=client_credentials".to_owned())
        .await
        .ok();
    assert_eq!(body["scope"], "orders:read orders:write");
    assert!(body.get("id_token").is_none());
    let claims = claims_of(body["access_token"].as_str().unwrap());
    let hidden = [(claims["jti"].as_str().unwrap(), "[jti]")];
    insta::allow_duplicates! {
        insta::assert_json_snapshot!(redacted(&site, &hidden, &claims), @r#"
            {
              "aud": [
                "[client]"
              ],
              "azp": "tenants/[tenant]/realms/[realm]/applications/[application]",
              "bi_p": "tenants/[tenant]/realms/[realm]/applications/[application]",
              "bi_r": "[realm]",
              "bi_t": "[tenant]",
              "bi_ty": "client_credentials",
              "client_id": "[client]",
              "exp": 1767312000,
              "iat": 1767225600,
              "iss": "[issuer]",
              "jti": "[jti]",
              "nbf": 1767225600,
              "scope": "orders:read orders:write",
              "sub": "[client]"
            }
            "#);
    }
    assert_eq!(test.count(events).await, before);
}

async fn scopes_and_lifetimes_are_cut_to_the_application(test: TestApp) {
    let site = machine(&test).await;
    let ask = async |more: &str| {
        site.token(&test, format!("grant_type=client_credentials{more}"))
            .await
    };
    assert_eq!(
        ask("&scope=orders:read+users:delete").await.ok()["scope"],
        "orders:read"
    );
    ask("&scope=users:delete")
        .await
        .oauth_error(400, "invalid_scope");
    assert_eq!(ask("&expiration_time=60").await.ok()["expires_in"], 60);
    ask("&expiration_time=86401")
        .await
        .oauth_error(400, "invalid_request");
    ask("&expiration_time=0")
        .await
        .oauth_error(400, "invalid_request");
}

/// RFC 8252, section 7.3: as the redirect URI that its code is sent to.
async fn d2_a_page_on_a_loopback_address_may_have_any_port(test: TestApp) {
    let site = Site::with(&test, |site| {
        let uris = &mut site.application.protocol.redirect_uris;
        uris.push("http://127.0.0.1:8080/cb".to_owned());
    })
    .await;
    for (origin, status) in [
        ("http://127.0.0.1:8080", 401),
        ("http://127.0.0.1:51004", 401),
        ("http://[::1]:51004", 403),
        ("http://localhost:51004", 403),
        ("https://127.0.0.1:51004", 403),
        ("http://127.0.0.1:51004.evil.example", 403),
    ] {
        let request = Request::get(site.path("/userinfo")).header("origin", origin);
        let answer = test.auth(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, status, "{origin}");
    }
}

async fn d2_tokens_are_not_for_pages_that_are_not_the_applications(test: TestApp) {
    let (site, ada) = site_and_ada(&test).await;
    let code = site.sign_in(&test, &ada, &[]).await;
    let secret = site.secret.expose();
    let form = form(
        &[],
        &[
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", REDIRECT_URI),
            ("client_id", &site.application.client_id),
            ("client_secret", secret),
        ],
    );
    let post = |origin: &str| {
        as_form(
            Request::post(site.path("/token")).header("origin", origin),
            form.clone(),
        )
    };
    test.auth(post("https://evil.example"))
        .await
        .oauth_error(403, "access_denied");
    let token = token_of(&test.auth(post("https://app.example")).await);
    let info = Request::get(site.path("/userinfo"))
        .header("authorization", format!("Bearer {token}"))
        .header("origin", "https://evil.example");
    test.auth(info.body(Body::empty()).unwrap())
        .await
        .oauth_error(403, "access_denied");
}

async fn guess(test: TestApp) {
    let (site, ada) = site_and_ada(&test).await;
    let wrong = async || {
        let body = [
            ("grant_type", "client_credentials"),
            ("client_id", &site.application.client_id),
            ("client_secret", "x"),
        ];
        let request = Request::post(site.path("/token"));
        test.auth(as_form(request, form(&[], &body))).await
    };
    for _ in 0..3 {
        assert_eq!(
            wrong().await.oauth_error(401, "invalid_client"),
            INVALID_CLIENT.description
        );
    }
    let limited = wrong().await;
    limited.oauth_error(429, "temporarily_unavailable");
    assert_eq!(limited.header("retry-after"), "60");
    // Who knows the secret is not locked out by those who guess.
    let code = site.sign_in(&test, &ada, &[]).await;
    site.redeem(&test, &code, &[]).await.ok();
}

fn three_wrong_secrets() -> LimitSettings {
    LimitSettings {
        wrong_client_secrets_per_minute: std::num::NonZeroU32::new(3).unwrap(),
        ..LimitSettings::unlimited()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_client_secrets_are_limited_on_sqlite() {
    let test = TestApp::with(fresh_sqlite().await, three_wrong_secrets()).await;
    Box::pin(guess(test)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_client_secrets_are_limited_on_postgres() {
    let test = TestApp::with(fresh_postgres().await, three_wrong_secrets()).await;
    Box::pin(guess(test)).await;
}
