//! Streams of events.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::Request;
use axum::response::Response;
use futures_util::StreamExt as _;
use keymoor_types::Seconds;
use serde_json::Value;
use tokio::time::timeout;

use super::{realm, record};
use crate::base::refs::RealmRef;
use crate::base::secret::Secret;
use crate::slices::events::feeds::STREAMS_PER_CALLER;
use crate::testing::{TestApp, both_apps};

both_apps!(
    d8_a_stream_has_the_events_of_its_realm_and_filter,
    d8_a_client_that_reconnects_misses_nothing,
    a_stream_says_that_it_listens_before_its_first_event,
    d8_a_stream_ends_with_its_token,
    d8_a_stream_ends_when_the_callers_rights_shrink,
    d8_a_caller_has_at_most_200_streams,
    d8_a_client_that_reads_late_still_gets_every_event,
    d8_a_stream_wants_its_scope_and_a_place_of_its_own_log,
    streams_end_when_the_server_stops,
    streams_hear_what_another_node_writes,
);

/// Longer than anything here takes on a busy machine.
const LIMIT: Duration = Duration::from_mins(2);

struct Stream {
    body: BodyDataStream,
    read: String,
}

/// The fields of a message.
#[derive(Debug, PartialEq)]
struct Message {
    id: String,
    outcome: String,
}

impl Stream {
    fn of(response: Response) -> Self {
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        Self {
            body: response.into_body().into_data_stream(),
            read: String::new(),
        }
    }

    /// Returns the next message with data. `None`: the stream has ended.
    async fn next(&mut self) -> Option<Message> {
        loop {
            while let Some((message, rest)) = self.read.split_once("\n\n") {
                let message = parsed(message);
                self.read = rest.to_owned();
                if message.is_some() {
                    return message;
                }
            }
            let chunk = timeout(LIMIT, self.body.next()).await.expect("in time")?;
            self.read
                .push_str(std::str::from_utf8(&chunk.unwrap()).unwrap());
        }
    }

    /// Waits until the stream listens.
    async fn begin(&mut self) {
        let chunk = timeout(LIMIT, self.body.next()).await.expect("in time");
        assert!(chunk.unwrap().unwrap().starts_with(b": alive"));
    }
}

fn parsed(message: &str) -> Option<Message> {
    let field = |name: &str| message.lines().find_map(|line| line.strip_prefix(name));
    let event: Value = serde_json::from_str(field("data: ")?).unwrap();
    Some(Message {
        id: field("id: ").unwrap().to_owned(),
        outcome: event["outcome"].as_str().unwrap().to_owned(),
    })
}

fn request(realm: RealmRef, token: &Secret, query: &str, after: Option<&str>) -> Request<Body> {
    let (tenant, realm) = (realm.tenant_id, realm.realm_id);
    let path = format!("/v1/tenants/{tenant}/realms/{realm}/events:stream{query}");
    let mut request =
        Request::get(path).header("authorization", format!("Bearer {}", token.expose()));
    if let Some(after) = after {
        request = request.header("last-event-id", after);
    }
    request.body(Body::empty()).unwrap()
}

async fn open(test: &TestApp, realm: RealmRef, query: &str, after: Option<&str>) -> Stream {
    let token = test.token(&["events:read"]).await;
    let request = request(realm, &token, query, after);
    let mut stream = Stream::of(test.management_response(request).await);
    stream.begin().await;
    stream
}

async fn d8_a_stream_has_the_events_of_its_realm_and_filter(test: TestApp) {
    let here = realm(&test, test.new_realm().await);
    record(&test, here, "BEFORE").await;
    let mut every = open(&test, here, "", None).await;
    let mut some = open(&test, here, "?outcome=B&kind=V1RealmChange", None).await;
    record(&test, test.made.realm.at(), "ELSEWHERE").await;
    for outcome in ["A", "B"] {
        record(&test, here, outcome).await;
    }
    // An event that was written a moment before it was opened may not be complete yet.
    let mut first = every.next().await.unwrap();
    if first.outcome == "BEFORE" {
        first = every.next().await.unwrap();
    }
    assert_eq!(first.outcome, "A");
    assert_eq!(every.next().await.unwrap().outcome, "B");
    assert_eq!(some.next().await.unwrap().outcome, "B");
}

async fn d8_a_client_that_reconnects_misses_nothing(test: TestApp) {
    let here = realm(&test, test.new_realm().await);
    let mut stream = open(&test, here, "", None).await;
    record(&test, here, "1").await;
    let last = stream.next().await.unwrap();
    drop(stream);
    for outcome in ["2", "3"] {
        record(&test, here, outcome).await;
    }
    let mut stream = open(&test, here, "", Some(&last.id)).await;
    record(&test, here, "4").await;
    for outcome in ["2", "3", "4"] {
        assert_eq!(stream.next().await.unwrap().outcome, outcome);
    }
}

async fn a_stream_says_that_it_listens_before_its_first_event(test: TestApp) {
    let here = realm(&test, test.new_realm().await);
    let mut stream = open(&test, here, "", None).await;
    record(&test, here, "1").await;
    record(&test, here, "2").await;
    let first = stream.next().await.unwrap().id;
    let token = test.token(&["events:read"]).await;
    for _ in 0..50 {
        let request = request(here, &token, "", Some(&first));
        let mut stream = Stream::of(test.management_response(request).await);
        stream.begin().await;
        assert_eq!(stream.next().await.unwrap().outcome, "2");
    }
}

async fn d8_a_stream_ends_with_its_token(test: TestApp) {
    let here = realm(&test, test.new_realm().await);
    let mut stream = open(&test, here, "", None).await;
    record(&test, here, "1").await;
    assert_eq!(stream.next().await.unwrap().outcome, "1");
    test.clock.advance(Seconds::DAY.times(91));
    record(&test, here, "2").await;
    assert_eq!(stream.next().await, None);
}

async fn d8_a_stream_ends_when_the_callers_rights_shrink(test: TestApp) {
    const SHRINK: &str = "UPDATE applications SET protocol_config =
        replace(protocol_config, ' events:read', '') WHERE is_managed AND tenant_id = $1";
    let here = realm(&test, test.new_realm().await);
    let mut stream = open(&test, here, "", None).await;
    let tenant = test.made.tenant.id;
    test.db
        .write(async move |tx| Ok::<_, crate::base::error::Error>(tx.exec(SHRINK, &tenant).await?))
        .await
        .unwrap();
    // What a node knows of an application is at most five seconds old.
    test.clock.advance(Seconds(6));
    record(&test, here, "1").await;
    assert_eq!(stream.next().await, None);
}

async fn d8_a_caller_has_at_most_200_streams(test: TestApp) {
    let here = realm(&test, test.new_realm().await);
    let token = test.token(&["events:read"]).await;
    let mut streams = Vec::new();
    for _ in 0..STREAMS_PER_CALLER {
        let answer = test
            .management_response(request(here, &token, "", None))
            .await;
        streams.push(Stream::of(answer));
    }
    let refused = test.management(request(here, &token, "", None)).await;
    assert_eq!(refused.header("retry-after"), "10");
    refused.refused(429);
    for stream in &mut streams {
        stream.begin().await;
    }
    record(&test, here, "1").await;
    for stream in &mut streams {
        assert_eq!(stream.next().await.unwrap().outcome, "1");
    }
    streams.pop();
    drop(Stream::of(
        test.management_response(request(here, &token, "", None))
            .await,
    ));
}

async fn d8_a_client_that_reads_late_still_gets_every_event(test: TestApp) {
    let here = realm(&test, test.new_realm().await);
    let mut late = open(&test, here, "", None).await;
    let mut prompt = open(&test, here, "", None).await;
    // More than a feed keeps.
    for number in 0..700 {
        record(&test, here, if number == 699 { "LAST" } else { "ONE" }).await;
    }
    for stream in [&mut prompt, &mut late] {
        for _ in 0..699 {
            assert_eq!(stream.next().await.unwrap().outcome, "ONE");
        }
        assert_eq!(stream.next().await.unwrap().outcome, "LAST");
    }
}

async fn d8_a_stream_wants_its_scope_and_a_place_of_its_own_log(test: TestApp) {
    let here = realm(&test, test.new_realm().await);
    let token = test.token(&["realms:read"]).await;
    test.management(request(here, &token, "", None))
        .await
        .refused(403);
    let token = test.token(&["events:read"]).await;
    for after in [
        "x",
        "1",
        "9999999999999999.019cade2-405b-7160-911e-20b86b0d549b",
    ] {
        test.management(request(here, &token, "", Some(after)))
            .await
            .refused(400);
    }
    for query in [
        "?from=2026-01-01T00:00:00Z",
        "?page_size=1",
        "?access_token=x",
    ] {
        test.management(request(here, &token, query, None))
            .await
            .refused(400);
    }
    let unknown = here.tenant().realm_id(keymoor_types::RealmId::from_i64(7));
    test.management(request(unknown, &token, "", None))
        .await
        .refused(404);
}

async fn streams_end_when_the_server_stops(test: TestApp) {
    let here = realm(&test, test.new_realm().await);
    let mut stream = open(&test, here, "", None).await;
    test.app.feeds.close();
    assert_eq!(stream.next().await, None);
}

async fn streams_hear_what_another_node_writes(test: TestApp) {
    let here = realm(&test, test.new_realm().await);
    let mut stream = open(&test, here, "", None).await;
    let node = test.on_copy(test.db.reopened(|_| ()));
    record(&node, here, "THERE").await;
    assert_eq!(stream.next().await.unwrap().outcome, "THERE");
}
