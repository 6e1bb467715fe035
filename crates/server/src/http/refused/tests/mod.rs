//! The log of refused requests, on both databases.

mod filter;

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderValue, Method, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keymoor_oauth::client::PkceSetting;
use keymoor_types::Seconds;
use serde_json::{Value, json};

use crate::base::limits::LimitSettings;
use crate::config::LogFormat;
use crate::db::testing::fresh_sqlite;
use crate::testing::logged::{logged, logged_at};
use crate::testing::sign_in::{Person, Site, as_form};
use crate::testing::{Answer, TestApp, both_apps};

both_apps!(
    d14_the_line_names_client_realm_identity_origin_and_address,
    d14_each_failure_of_a_sign_in_has_its_reason,
    d14_each_failure_of_a_management_call_has_its_reason,
    d14_each_failure_of_a_link_has_its_reason,
    d14_a_denied_sign_in_leaves_a_line_although_it_is_no_error,
    d14_a_path_is_logged_as_it_was_requested,
    d14_neither_secrets_nor_queries_are_logged,
    d14_nobody_forges_a_line,
);

/// The address of the client behind the trusted proxy of the test's configuration.
const CLIENT: &str = "203.0.113.9";

/// A request from `CLIENT`, through the proxy.
fn forwarded(mut request: Request<Body>) -> Request<Body> {
    let proxy: SocketAddr = "10.0.0.1:4711".parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(proxy));
    let client = HeaderValue::from_static(CLIENT);
    request.headers_mut().insert("x-forwarded-for", client);
    request
}

fn get(path: &str) -> Request<Body> {
    Request::get(path).body(Body::empty()).unwrap()
}

/// The one line about the refusal that `work` is answered with.
async fn refusal(work: impl Future<Output = Answer>) -> (Answer, Value) {
    let (answer, lines) = logged(LogFormat::Json, work).await;
    assert_eq!(lines.len(), 1, "{lines:#?}");
    let line: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(line["message"], "refused", "{line}");
    assert_eq!(line["status"], answer.status.as_u16(), "{line}");
    let ip: Result<std::net::IpAddr, _> = line["address"].as_str().unwrap().parse();
    assert!(ip.is_ok(), "{line}");
    (answer, line)
}

async fn assert_refused(
    work: impl Future<Output = Answer>,
    (status, level, reason): (u16, &str, &str),
) {
    let (answer, line) = refusal(work).await;
    assert_eq!(answer.status, status, "{line}");
    assert_eq!(
        (&line["level"], &line["reason"]),
        (&json!(level), &json!(reason)),
        "{line}"
    );
}

/// A token request of the site with a wrong secret.
fn wrong_secret(site: &Site) -> Request<Body> {
    let credentials = format!("{}:hunter2", site.application.client_id);
    let basic = format!("Basic {}", STANDARD.encode(credentials));
    let request = Request::post(site.path("/token")).header("authorization", basic);
    as_form(request, "grant_type=authorization_code&code=x".to_owned())
}

async fn d14_the_line_names_client_realm_identity_origin_and_address(test: TestApp) {
    let (site, ada) = (Site::new(&test).await, Person::new(&test, "ada").await);
    let mut request = wrong_secret(&site);
    let origin = HeaderValue::from_static("https://app.example");
    request.headers_mut().insert("origin", origin);
    let (_, line) = refusal(test.auth(forwarded(request))).await;
    assert_eq!(line["reason"], "wrong_client_credentials");
    assert_eq!(line["client_id"], site.application.client_id.as_str());
    assert_eq!(line["realm"], site.application.realm_id.to_string());
    assert_eq!(line["origin"], "https://app.example");
    assert_eq!(line["address"], CLIENT);
    assert_eq!(line["span"]["path"], site.path("/token"));

    let started = site.start(&test, &[]).await;
    let eve = Person::new(&test, "eve").await;
    let forged = json!({ "Jwt": ada.jws(&test, &started).signed_by(eve.key()) });
    let (_, line) = refusal(site.answer(&test, &forged)).await;
    assert_eq!(line["identity"], ada.identity.id.to_string());

    // An administrator's client, and not the application that it wanted to read.
    let application = site.path("");
    let request = test.manage_as(&[], Method::GET, &application, None);
    let (_, line) = refusal(request).await;
    assert_eq!(line["client_id"], test.made.management.client_id.as_str());

    let page = Request::get(site.authorization(&[("redirect_uri", "https://evil.example")]))
        .header("accept", "text/html")
        .body(Body::empty());
    let (page, line) = refusal(test.auth(page.unwrap())).await;
    let reference = line["span"]["correlation_id"].as_str().unwrap();
    assert!(page.text.contains(reference), "{}", page.text);
    assert_eq!(line["reason"], "unregistered_redirect_uri");
}

async fn d14_each_failure_of_a_sign_in_has_its_reason(test: TestApp) {
    let (site, ada) = (Site::new(&test).await, Person::new(&test, "ada").await);
    assert_refused(
        test.auth(wrong_secret(&site)),
        (401, "INFO", "wrong_client_credentials"),
    )
    .await;
    let foreign = Request::get(site.path("/userinfo")).header("origin", "https://evil.example");
    let foreign = test.auth(foreign.body(Body::empty()).unwrap());
    assert_refused(foreign, (403, "INFO", "untrusted_origin")).await;
    for (name, value, (status, reason)) in [
        (
            "redirect_uri",
            "https://evil.example",
            (400, "unregistered_redirect_uri"),
        ),
        ("client_id", "nobody", (400, "unknown_client")),
        ("response_type", "token", (302, "unsupported")),
        ("prompt", "none", (302, "login_required")),
    ] {
        let params = [(name, value)];
        let work = site.authorize(&test, &params);
        assert_refused(work, (status, "INFO", reason)).await;
    }
    let strict = Site::with(&test, |site| {
        site.application.protocol.pkce = PkceSetting::S256;
    });
    let strict = strict.await;
    assert_refused(strict.authorize(&test, &[]), (302, "INFO", "missing_pkce")).await;

    let started = site.start(&test, &[]).await;
    let proof = ada.proof(&test, &started);
    let code = site.answer(&test, &proof).await.ok()["code"].take();
    let code = code.as_str().unwrap();
    assert_refused(site.answer(&test, &proof), (400, "WARN", "replayed_proof")).await;
    let eve = Person::new(&test, "eve").await;
    let forged = json!({ "Jwt": ada.jws(&test, &started).signed_by(eve.key()) });
    assert_refused(site.answer(&test, &forged), (400, "INFO", "wrong_proof")).await;
    assert_refused(
        site.redeem(&test, "nonsense", &[]),
        (400, "INFO", "invalid_code"),
    )
    .await;
    let token = site.redeem(&test, code, &[]).await.ok()["access_token"].take();
    assert_refused(
        site.redeem(&test, code, &[]),
        (400, "WARN", "replayed_code"),
    )
    .await;
    let revoked = site.userinfo(&test, token.as_str().unwrap());
    assert_refused(revoked, (401, "INFO", "revoked_token")).await;
    assert_refused(
        site.userinfo(&test, "nonsense"),
        (401, "INFO", "invalid_token"),
    )
    .await;
    assert_refused(
        site.get(&test, "/userinfo"),
        (401, "INFO", "missing_credentials"),
    )
    .await;
    let unused = site.sign_in(&test, &ada, &[]).await;
    test.clock.advance(Seconds::MINUTE);
    assert_refused(
        site.redeem(&test, &unused, &[]),
        (400, "INFO", "expired_code"),
    )
    .await;
    test.clock.advance(Seconds::HOUR);
    let late = ada.proof(&test, &started);
    assert_refused(site.answer(&test, &late), (400, "INFO", "expired_request")).await;
}

async fn d14_each_failure_of_a_management_call_has_its_reason(test: TestApp) {
    let tenant = format!("/v1/tenants/{}", test.made.tenant.id);
    let realms = format!("{tenant}/realms");
    assert_refused(
        test.management(get(&realms)),
        (401, "INFO", "missing_credentials"),
    )
    .await;
    let unscoped = test.manage_as(&[], Method::GET, &realms, None);
    assert_refused(unscoped, (403, "INFO", "missing_scope")).await;
    let other = format!("/v1/tenants/{}", test.other_tenant().await.tenant.id);
    let work = test.manage(Method::GET, &other, None);
    assert_refused(work, (403, "INFO", "other_tenant")).await;
    let absent = format!("{realms}/0000000000000000");
    let work = test.manage(Method::GET, &absent, None);
    assert_refused(work, (404, "INFO", "not_found")).await;
    let work = test.manage(
        Method::POST,
        &realms,
        Some(json!({ "realm": { "colour": 1 } })),
    );
    assert_refused(work, (400, "INFO", "invalid_parameters")).await;
    let work = test.manage(Method::PUT, &realms, None);
    assert_refused(work, (405, "INFO", "method_not_allowed")).await;
    let work = test.management(get("/nobody/knows"));
    assert_refused(work, (404, "INFO", "unknown_route")).await;
    let large = Request::post(&realms).body(Body::from(vec![b' '; 70_000]));
    assert_refused(test.management(large.unwrap()), (413, "INFO", "too_large")).await;
    let bearer = format!("Bearer {}", test.token(&[]).await.expose());
    test.clock.advance(Seconds::DAY.times(91));
    let expired = Request::get(&realms).header("authorization", bearer);
    let work = test.management(expired.body(Body::empty()).unwrap());
    assert_refused(work, (401, "INFO", "expired_token")).await;
}

/// A new binding job of the administrator: its path and its token.
async fn link(test: &TestApp) -> (String, String) {
    let identity = test.made.administrator.id;
    let jobs = test.realm_path(&format!("/identities/{identity}/credential-binding-jobs"));
    let job = json!({ "job": {
        "delivery_method": "RETURN",
        "authenticator_config_id": test.made.console_config.id,
    } });
    let made = test.manage(Method::POST, &jobs, Some(job)).await.ok();
    let link = made["credential_binding_link"].as_str().unwrap();
    let (_, token) = link.split_once("?token=").unwrap();
    let id = made["credential_binding_job"]["id"].as_str().unwrap();
    (format!("{jobs}/{id}"), token.to_owned())
}

async fn d14_each_failure_of_a_link_has_its_reason(test: TestApp) {
    let (job, token) = link(&test).await;
    let info = |token: &str| {
        let request = Request::post(format!("{job}:getInfo"));
        let request = request.header("authorization", format!("Bearer {token}"));
        test.auth(request.body(Body::empty()).unwrap())
    };
    assert_refused(info("wrong"), (404, "INFO", "wrong_link_token")).await;
    let bare = Request::post(format!("{job}:getInfo")).body(Body::empty());
    assert_refused(
        test.auth(bare.unwrap()),
        (401, "INFO", "missing_credentials"),
    )
    .await;
    let bind = Request::post(format!("{job}:bind"))
        .header("authorization", format!("Bearer {token}"))
        .body(Body::from(json!({ "type": "JWT", "raw": "x" }).to_string()));
    let (_, line) = refusal(test.auth(bind.unwrap())).await;
    assert_eq!(line["reason"], "wrong_proof");
    assert_eq!(line["identity"], test.made.administrator.id.to_string());
    test.clock.advance(Seconds::DAY.times(400));
    assert_refused(info(&token), (409, "INFO", "ended_link")).await;
    let page = Request::get(format!("{job}:invokeAuthenticator?token={token}"));
    let page = page.header("accept", "text/html").body(Body::empty());
    let (page, line) = refusal(test.auth(page.unwrap())).await;
    assert_eq!(line["reason"], "ended_link");
    let reference = line["span"]["correlation_id"].as_str().unwrap();
    assert!(page.text.contains(reference), "{}", page.text);
}

async fn d14_a_denied_sign_in_leaves_a_line_although_it_is_no_error(test: TestApp) {
    let (site, ada) = (Site::new(&test).await, Person::new(&test, "ada").await);
    let started = site.start(&test, &[]).await;
    ada.suspend(&test).await;
    let proof = ada.proof(&test, &started);
    let (answer, line) = refusal(site.answer(&test, &proof)).await;
    assert_eq!(answer.ok()["type"], "deny");
    assert_eq!(line["reason"], "sign_in_denied");
    assert_eq!(line["identity"], ada.identity.id.to_string());
}

#[tokio::test]
async fn d14_an_exceeded_rate_limit_is_a_warning() {
    let one = std::num::NonZeroU32::MIN;
    let limits = LimitSettings {
        wrong_client_secrets_per_minute: one,
        ..LimitSettings::unlimited()
    };
    let test = TestApp::with(fresh_sqlite().await, limits).await;
    let site = Site::new(&test).await;
    test.auth(wrong_secret(&site)).await;
    assert_refused(
        test.auth(wrong_secret(&site)),
        (429, "WARN", "rate_limited"),
    )
    .await;
}

async fn d14_a_path_is_logged_as_it_was_requested(test: TestApp) {
    let (job, _) = link(&test).await;
    let path = format!("{job}:getInfo");
    let request = Request::post(&path).body(Body::empty()).unwrap();
    let (_, line) = refusal(test.auth(request)).await;
    assert_eq!(line["span"]["path"], path);
    let (_, line) = refusal(test.auth(get("/a/~b"))).await;
    assert_eq!(line["span"]["path"], "/a/~b");
}

async fn d14_neither_secrets_nor_queries_are_logged(test: TestApp) {
    let (site, ada) = (Site::new(&test).await, Person::new(&test, "ada").await);
    let code = site.sign_in(&test, &ada, &[]).await;
    let (job, token) = link(&test).await;
    let work = async {
        test.auth(wrong_secret(&site)).await;
        test.auth(get("/nowhere?token=hunter2")).await;
        for escaped in [
            "/invokeAuthenticator%3Ftoken%3D",
            "/invokeAuthenticator%253Ftoken=",
            "%3ftoken=",
        ] {
            test.auth(get(&format!("{job}{escaped}hunter2"))).await;
        }
        let token = site.redeem(&test, &code, &[]).await.ok()["access_token"].take();
        site.redeem(&test, &code, &[]).await;
        site.userinfo(&test, token.as_str().unwrap()).await;
        site.authorize(
            &test,
            &[
                ("redirect_uri", "https://hunter2.example"),
                ("state", "hunter2"),
            ],
        )
        .await;
        site.authorize(&test, &[("prompt", "none"), ("state", "hunter2")])
            .await;
        test.auth(get(&format!("{job}:invokeAuthenticator?token=hunter2")))
            .await;
        let bearer = format!("Bearer {token}");
        let bind = Request::post(format!("{job}:bind")).header("authorization", bearer);
        let wrong = json!({ "type": "JWT", "raw": "hunter2" }).to_string();
        test.auth(bind.body(Body::from(wrong)).unwrap()).await;
        token.as_str().unwrap().to_owned()
    };
    let (issued, lines) = logged_at("debug", LogFormat::Text, work).await;
    assert!(lines.len() > 9, "{lines:#?}");
    let basic = STANDARD.encode(format!("{}:hunter2", site.application.client_id));
    for secret in [
        "hunter2",
        &issued,
        &code,
        &token,
        &basic,
        site.secret.expose(),
    ] {
        for line in &lines {
            assert!(!line.contains(secret), "{secret}: {line}");
        }
    }
}

/// Text that would start a line of its own, clear the terminal's and turn the rest around.
const FORGED: &str = "\r\n2026-01-01T00:00:00Z  WARN refused address=198.51.100.1\u{1b}[2K\u{202e}";

async fn d14_nobody_forges_a_line(test: TestApp) {
    let site = Site::new(&test).await;
    let origin = b"https://a.example\t\x9b2K\xe2\x80\xae\" address=198.51.100.1 x=\"";
    let path = "/x\"}:keymoor_server::http::refused:refused/status=401/address=198.51.100.1";
    let work = async {
        let mut request = get(path);
        let value = HeaderValue::from_bytes(origin).unwrap();
        request.headers_mut().insert("origin", value);
        request
            .headers_mut()
            .insert("x-correlation-id", HeaderValue::from_static("a\" b"));
        test.auth(request).await;
        site.authorize(&test, &[("client_id", FORGED), ("redirect_uri", FORGED)])
            .await;
        site.authorize(&test, &[("response_type", FORGED), ("state", FORGED)])
            .await;
        let basic = format!("Basic {}", STANDARD.encode(format!("{FORGED}:x")));
        let request = Request::post(site.path("/token")).header("authorization", basic);
        test.auth(as_form(request, format!("grant_type={FORGED}")))
            .await;
        let body = format!("{{\"realm\":{{\"{}\":1}}}}", FORGED.escape_default());
        let realms = format!("/v1/tenants/{}/realms", test.made.tenant.id);
        test.manage(Method::POST, &realms, serde_json::from_str(&body).ok())
            .await;
    };
    let ((), lines) = logged_at("debug,hyper=off", LogFormat::Text, work).await;
    for line in &lines {
        assert!(line.starts_with("20") && line.contains("keymoor"), "{line}");
        assert!(
            !line.contains(|it: char| it.is_control() || it == '\u{202e}'),
            "{line:?}"
        );
    }
    let refused: Vec<_> = lines
        .iter()
        .filter(|line| line.contains(": refused status="))
        .collect();
    assert_eq!(refused.len(), 5, "{lines:#?}");
    for line in refused {
        assert!(line.contains(" address=127.0.0.1 "), "{line}");
        assert!(!line.contains(" address=198.51.100.1 x=\""), "{line}");
    }
}
