//! A PostgreSQL that accepts everything and no longer answers.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;

use super::super::testing::Relay;
use crate::testing::TestApp;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_database_is_503_in_bounded_time_and_readiness_in_two_seconds() {
    let near = TestApp::postgres().await;
    let relay = Relay::to(near.database()).await;
    let test = near.on_copy(near.db.reopened(|options| {
        options.url = relay.url();
        options.deadline = Duration::from_secs(3);
        options.patience = Duration::from_secs(3);
    }));
    let ready = async || {
        let request = Request::get("/readyz").body(Body::empty()).unwrap();
        test.management(request).await.status
    };
    // A busy machine may need more than one attempt.
    while ready().await != 200 {}
    relay.fall_silent();
    let began = Instant::now();
    assert_eq!(ready().await, 503);
    assert!(began.elapsed() < Duration::from_secs(2), "readiness");
    let began = Instant::now();
    let path = format!("/{}/.well-known/jwks.json", test.made.management.id);
    let request = Request::get(test.realm_path("/applications") + &path);
    let answer = test.auth(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 503, "{}", answer.text);
    assert!(began.elapsed() < Duration::from_secs(15), "a request");
    relay.speak();
    // New connections replace those that were given up.
    while ready().await != 200 {}
}
