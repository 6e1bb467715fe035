//! Scrapes of a running application.

use std::fmt::Write as _;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Method, Request};
use tower::ServiceExt as _;

use super::*;
use crate::testing::{TestApp, both_apps};

both_apps!(
    requests_are_counted_by_template_and_without_ids,
    ceremonies_are_counted_by_outcome,
    the_state_of_outbox_and_process_is_asked_for,
);

async fn scrape(test: &TestApp) -> String {
    let request = Request::get("/metrics").body(Body::empty()).unwrap();
    let answer = scrape::service(&test.app).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    let bytes = axum::body::to_bytes(answer.into_body(), 1 << 20).await;
    String::from_utf8(bytes.unwrap().to_vec()).unwrap()
}

/// The reference's rows for what a scrape shows.
fn rows(text: &str) -> String {
    let mut rows = String::new();
    let mut about = "";
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            about = help.split_once(' ').unwrap().1.trim_end_matches('.');
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            let suffix = if kind == "counter" { "_total" } else { "" };
            writeln!(rows, "| `{name}{suffix}` | {kind} | {about} |").unwrap();
        }
    }
    rows
}

/// Has everything counted once, so that everything is shown.
fn count_all(metrics: &Metrics) {
    metrics.binding(Outcome::Succeeded);
    metrics.sign_in(Outcome::Denied);
    metrics.token(GrantType::ClientCredentials, Outcome::Refused);
    metrics.mail_sent();
    let _shown = metrics.traffic("auth");
    metrics.answered(None, &Method::GET, StatusCode::OK, Duration::from_millis(3));
}

#[tokio::test]
async fn the_reference_lists_exactly_what_is_exported() {
    let test = TestApp::sqlite().await;
    count_all(&test.app.metrics);
    let rows = rows(&scrape(&test).await);
    let reference = include_str!("../../../../../docs/reference/metrics.md");
    let listed: Vec<_> = reference
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    assert_eq!(
        listed,
        rows.lines().collect::<Vec<_>>(),
        "docs/reference/metrics.md must have these rows and no others:\n{rows}"
    );
}

async fn requests_are_counted_by_template_and_without_ids(test: TestApp) {
    let path = test.realm_path("/identities?page_size=1");
    test.manage(Method::GET, &path, None).await.ok();
    let token = test
        .realm_path("/identities/0000000000000000/credential-binding-jobs/0000000000000000:bind");
    test.auth(Request::post(token).body(Body::from("{}")).unwrap())
        .await
        .refused(401);
    test.auth(
        Request::get("/nobody/knows/this")
            .body(Body::empty())
            .unwrap(),
    )
    .await
    .refused(404);
    let scraped = scrape(&test).await;
    for (route, method, status) in [
        (
            "/v1/tenants/{tenant_id}/realms/{realm_id}/identities",
            "GET",
            "2xx",
        ),
        (
            "/v1/tenants/{tenant_id}/realms/{realm_id}/identities/{identity_id}/\
                 credential-binding-jobs/{credential_binding_job_id}:bind",
            "POST",
            "4xx",
        ),
        ("", "GET", "4xx"),
    ] {
        let labels = format!("{{route=\"{route}\",method=\"{method}\",status=\"{status}\"}} 1\n");
        let line = format!("keymoor_http_request_duration_seconds_count{labels}");
        assert!(scraped.contains(&line), "{line}{scraped}");
    }
    let (tenant, realm) = (
        test.made.tenant.id.to_string(),
        test.made.realm.id.to_string(),
    );
    for id in [tenant.as_str(), realm.as_str(), "Acme", "nobody"] {
        assert!(!scraped.contains(id), "{id}: {scraped}");
    }
}

async fn ceremonies_are_counted_by_outcome(test: TestApp) {
    test.bind_passkey(&test.made.administrator.id.to_string())
        .await;
    let scraped = scrape(&test).await;
    assert!(
        scraped.contains("keymoor_bindings_total{outcome=\"succeeded\"} 1\n"),
        "{scraped}"
    );
}

async fn the_state_of_outbox_and_process_is_asked_for(test: TestApp) {
    test.bind_passkey(&test.made.administrator.id.to_string())
        .await;
    let due = scrape(&test).await;
    assert!(due.contains("\nkeymoor_mails_due 1\n"), "{due}");
    assert!(
        !due.contains("\nprocess_resident_memory_bytes 0\n"),
        "{due}"
    );
    test.run_due_jobs().await;
    let sent = scrape(&test).await;
    assert!(sent.contains("\nkeymoor_mails_due 0\n"), "{sent}");
    assert!(
        sent.contains("keymoor_mails_total{outcome=\"sent\"} 1\n"),
        "{sent}"
    );
}

#[tokio::test]
async fn commits_are_measured() {
    let test = TestApp::sqlite().await;
    let scraped = scrape(&test).await;
    let commits = scraped
        .lines()
        .find_map(|line| line.strip_prefix("keymoor_db_commit_duration_seconds_count "));
    assert!(commits.unwrap().parse::<u64>().unwrap() > 0, "{scraped}");
    assert!(
        scraped.contains("\nkeymoor_db_queue_length 0\n"),
        "{scraped}"
    );
    assert!(!scraped.contains("\nkeymoor_db_wal_bytes 0\n"), "{scraped}");
}
