//! The console's pages, and the one behind an administrator's link.

mod session;
mod stream;

use axum::body::Body;
use axum::http::Request;

use crate::pages::assets;
use crate::testing::{Answer, TestApp};

/// Whether this test was built with the pages' scripts and styles inside.
fn is_complete() -> bool {
    assets::path("pages/src/consoleBind.ts").is_some()
}

async fn get(test: &TestApp, uri: &str) -> Answer {
    test.auth(Request::get(uri).body(Body::empty()).unwrap())
        .await
}

#[tokio::test]
async fn g2_the_page_has_one_button_and_runs_only_our_own_scripts() {
    let test = TestApp::sqlite().await;
    let page = get(&test, "/console/bind?token=secret").await;
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(policy.ends_with("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert!(!page.text.contains("secret"), "{}", page.text);
    assert!(!page.text.contains("style="), "{}", page.text);
    if !is_complete() {
        assert_eq!(page.status, 503);
        assert!(page.text.contains("cargo xtask build"), "{}", page.text);
        return;
    }
    assert_eq!(page.status, 200);
    assert!(policy.contains("script-src 'self'; "), "{policy}");
    assert!(
        policy.contains("connect-src 'self' http://localhost:8021; "),
        "{policy}"
    );
    assert_eq!(page.text.matches("<button").count(), 1);
    assert_eq!(page.text.matches("<script").count(), 1);
    assert!(page.text.contains(r#"data-auth-host="localhost:8021""#));
    for (before, content_type) in [
        (
            r#"<script type="module" src=""#,
            "text/javascript; charset=utf-8",
        ),
        (
            r#"<link rel="stylesheet" href=""#,
            "text/css; charset=utf-8",
        ),
    ] {
        let (_, after) = page.text.split_once(before).unwrap();
        let asset = get(&test, after.split_once('"').unwrap().0).await;
        assert_eq!(asset.status, 200);
        assert_eq!(asset.header("content-type"), content_type);
    }
}

#[tokio::test]
async fn d4_d9_the_page_is_kept_from_caches_referrers_and_frames() {
    let test = TestApp::sqlite().await;
    let page = get(&test, "/console/bind?token=secret").await;
    assert_eq!(page.header("cache-control"), "no-store");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    assert_eq!(page.header("set-cookie"), "");
}

#[tokio::test]
async fn g1_every_address_of_the_console_is_the_same_page_and_says_so_if_it_is_missing() {
    let test = TestApp::sqlite().await;
    for address in [
        "/console",
        "/console/sign-in",
        "/console/realms/1/identities?x=y",
    ] {
        let page = get(&test, address).await;
        let policy = page.header("content-security-policy");
        assert!(policy.ends_with("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        if assets::path("console/src/main.tsx").is_none() {
            assert_eq!(page.status, 503);
            assert!(
                page.text.contains("built without web assets"),
                "{}",
                page.text
            );
            continue;
        }
        assert_eq!(page.status, 200);
        assert_eq!(page.header("cache-control"), "no-store");
        assert!(
            page.text.contains(r#"data-base="/console""#),
            "{}",
            page.text
        );
        assert_eq!(page.text.matches("<script").count(), 1);
        assert!(!page.text.contains("style="), "{}", page.text);
    }
}

#[tokio::test]
async fn browsers_find_the_icon_that_they_ask_for() {
    let test = TestApp::sqlite().await;
    let icon = get(&test, "/favicon.ico").await;
    if !is_complete() {
        icon.refused(404);
        return;
    }
    assert_eq!(icon.status, 200);
    assert_eq!(icon.header("content-type"), "image/svg+xml");
    assert!(icon.text.starts_with("<svg "));
}

#[tokio::test]
async fn an_unknown_asset_is_refused_as_any_unknown_path_is() {
    let test = TestApp::sqlite().await;
    let asset = get(&test, "/assets/pages/gone-00000000.js").await;
    asset.refused(404);
    assert_eq!(asset.header("cache-control"), "no-store");
}

#[tokio::test]
async fn the_management_listener_has_no_console() {
    let test = TestApp::sqlite().await;
    let request = Request::get("/console/bind").body(Body::empty()).unwrap();
    test.management(request).await.refused(404);
}

#[tokio::test]
async fn an_unknown_address_is_a_page_for_a_person_and_json_for_a_program() {
    const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";
    let test = TestApp::sqlite().await;
    let request = |method: &str, uri: &str, accept: &str| {
        Request::builder()
            .method(method)
            .uri(uri)
            .header("accept", accept)
            .body(Body::empty())
            .unwrap()
    };
    for uri in [
        "/nothing",
        "/bind",
        "/console/bind/x",
        "/console/api/nothing",
        "/assets/gone.js",
        "//evil.example/",
        "/%00",
        "/a%20b",
        "/%FF",
        "/..%2f..%2fetc/passwd",
    ] {
        for answer in [
            test.auth(request("GET", uri, BROWSER)).await,
            test.management(request("GET", uri, BROWSER)).await,
        ] {
            assert_eq!(answer.status, 404, "{uri}");
            assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
            assert_eq!(answer.header("vary"), "Accept");
            assert_eq!(answer.header("location"), "");
            assert!(answer.text.contains("This page doesn’t exist"), "{uri}");
            assert!(!answer.text.contains("evil"), "{uri}");
        }
        for (method, accept) in [
            ("GET", "application/json"),
            ("GET", "*/*"),
            ("POST", BROWSER),
        ] {
            let answer = test.auth(request(method, uri, accept)).await;
            // Assets and the console's pages can only be read.
            let is_read = uri.starts_with("/assets/") || uri.starts_with("/console/");
            let is_asset = is_read && method == "POST";
            answer.refused(if is_asset { 405 } else { 404 });
            assert_eq!(answer.header("vary"), "Accept");
        }
    }
    let wrong_method = test.auth(request("GET", "/healthz", BROWSER)).await;
    assert_eq!(wrong_method.text, "ok");
}

#[tokio::test]
async fn a_person_who_opens_an_address_of_apps_gets_a_page() {
    let test = TestApp::sqlite().await;
    let job = "/v1/tenants/1/realms/2/identities/3/credential-binding-jobs/4";
    for verb in [":bind", ":getInfo"] {
        let request = |accept: &str| {
            Request::get(format!("{job}{verb}"))
                .header("accept", accept)
                .body(Body::empty())
                .unwrap()
        };
        let page = test.auth(request("text/html")).await;
        assert_eq!(page.status, 405);
        assert_eq!(page.header("allow"), "POST");
        assert!(
            page.text.contains("This address isn’t a page"),
            "{}",
            page.text
        );
        test.auth(request("application/json")).await.refused(405);
    }
}

/// Where one address serves everything, a link that was cut short is a path of the management API.
#[tokio::test]
async fn a_person_at_the_management_api_gets_a_page_and_a_client_json() {
    let test = TestApp::sqlite().await;
    let job = test.realm_path("/identities/1/credential-binding-jobs/2");
    let request = |headers: &[(&str, &str)]| {
        let request = Request::get(&job);
        let with = |request: axum::http::request::Builder, header: &(&str, &str)| {
            request.header(header.0, header.1)
        };
        let request = headers.iter().fold(request, with);
        request.body(Body::empty()).unwrap()
    };
    let page = test.management(request(&[("accept", "text/html")])).await;
    assert_eq!(page.status, 401);
    assert!(
        page.text.contains("open the full link again"),
        "{}",
        page.text
    );
    assert_eq!(page.header("cache-control"), "no-store");
    for client in [
        &[][..],
        &[("accept", "*/*")],
        &[("accept", "application/json")],
        &[("accept", "text/html"), ("authorization", "Bearer x")],
    ] {
        test.management(request(client)).await.refused(401);
    }
}
