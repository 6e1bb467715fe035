//! Streams of events with a session.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Method, Request};
use futures_util::StreamExt as _;
use keymoor_types::Seconds;
use serde_json::json;
use tokio::time::timeout;

use super::session::{PAGE, call, signed_in};
use crate::testing::sign_in::Person;
use crate::testing::{TestApp, both_apps};

both_apps!(
    d8_a_sessions_stream_outlives_a_check_of_its_rights,
    d8_a_sessions_stream_ends_with_its_passkey,
    d8_a_sessions_stream_ends_when_it_signs_out,
);

/// Longer than anything here takes on a busy machine.
const LIMIT: Duration = Duration::from_mins(2);

async fn open(test: &TestApp, cookie: &str) -> BodyDataStream {
    let path = test.realm_path("/events:stream");
    let request = Request::get(format!("/console/api{path}"))
        .header(PAGE.0, PAGE.1)
        .header("cookie", format!("keymoor-console={cookie}"))
        .body(Body::empty())
        .unwrap();
    let response = test.auth_response(request).await;
    assert_eq!(response.status(), 200);
    let mut stream = response.into_body().into_data_stream();
    assert!(next(&mut stream).await.unwrap().starts_with(": alive"));
    stream
}

async fn next(stream: &mut BodyDataStream) -> Option<String> {
    let chunk = timeout(LIMIT, stream.next()).await.expect("in time")?;
    Some(String::from_utf8(chunk.unwrap().to_vec()).unwrap())
}

/// Reads until a message has this text. `false`: the stream ended before.
async fn hears(stream: &mut BodyDataStream, text: &str) -> bool {
    while let Some(message) = next(stream).await {
        if message.contains(text) {
            return true;
        }
    }
    false
}

async fn change(test: &TestApp, name: &str) {
    let body = json!({ "realm": { "display_name": name } });
    test.manage(Method::PATCH, &test.realm_path(""), Some(body))
        .await
        .ok();
}

async fn d8_a_sessions_stream_outlives_a_check_of_its_rights(test: TestApp) {
    let cookie = signed_in(&test, &Person::new(&test, "ada").await).await;
    let mut stream = open(&test, &cookie).await;
    for name in ["One", "Two"] {
        // The next event is one before which the rights are checked.
        test.clock.advance(Seconds(5));
        change(&test, name).await;
        assert!(hears(&mut stream, "V1RealmChange").await, "{name}");
    }
}

async fn d8_a_sessions_stream_ends_with_its_passkey(test: TestApp) {
    let person = Person::new(&test, "ada").await;
    let cookie = signed_in(&test, &person).await;
    let mut stream = open(&test, &cookie).await;
    let (owner, passkey) = (person.identity.id, person.credential.id);
    let path = test.realm_path(&format!("/identities/{owner}/credentials/{passkey}:revoke"));
    test.manage(Method::POST, &path, None).await.ok();
    test.clock.advance(Seconds(5));
    change(&test, "Later").await;
    assert!(!hears(&mut stream, "V1RealmChange").await);
}

async fn d8_a_sessions_stream_ends_when_it_signs_out(test: TestApp) {
    let cookie = signed_in(&test, &Person::new(&test, "ada").await).await;
    let mut stream = open(&test, &cookie).await;
    call(&test, Method::POST, "/sign-out", Some(&cookie), None)
        .await
        .ok();
    test.clock.advance(Seconds(5));
    change(&test, "Later").await;
    assert!(!hears(&mut stream, "V1RealmChange").await);
}
