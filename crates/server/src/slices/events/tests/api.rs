//! Reading events over HTTP.

use axum::http::Method;
use keymoor_types::{IdentityId, Seconds};
use serde_json::{Value, json};

use super::{realm, record, written};
use crate::base::refs::RealmRef;
use crate::slices::events::{Event, EventKind};
use crate::testing::{TestApp, both_apps, without_ids};

both_apps!(
    events_are_listed_newest_first_and_read_one_by_one,
    e3_a_list_without_a_total_pages_to_its_end,
    every_filter_selects_and_one_that_matches_nothing_returns_nothing,
    a_time_range_selects_by_the_time_of_the_event,
    d6_a_filter_is_checked_and_a_page_token_holds_for_its_own,
    events_of_another_realm_are_out_of_reach,
);

async fn list(test: &TestApp, realm: RealmRef, query: &str) -> Value {
    let path = path(realm, &format!("?{query}"));
    test.manage(Method::GET, &path, None).await.ok()
}

fn path(realm: RealmRef, rest: &str) -> String {
    let (tenant, realm) = (realm.tenant_id, realm.realm_id);
    format!("/v1/tenants/{tenant}/realms/{realm}/events{rest}")
}

fn outcomes(list: &Value) -> Vec<&str> {
    let events = list["events"].as_array().unwrap();
    events
        .iter()
        .map(|event| event["outcome"].as_str().unwrap())
        .collect()
}

/// Follows the page tokens to the end.
async fn all(test: &TestApp, realm: RealmRef, query: &str) -> Vec<String> {
    let mut page = list(test, realm, query).await;
    let mut found = Vec::new();
    loop {
        found.extend(outcomes(&page).into_iter().map(str::to_owned));
        let Some(token) = page["next_page_token"].as_str() else {
            return found;
        };
        let next = format!("{query}&page_token={token}");
        page = list(test, realm, &next).await;
    }
}

async fn events_are_listed_newest_first_and_read_one_by_one(test: TestApp) {
    let realm = realm(&test, test.new_realm().await);
    record(&test, realm, "CREATED").await;
    test.clock.advance(Seconds(1));
    let id = record(&test, realm, "UPDATED").await;
    let page = list(&test, realm, "").await;
    assert_eq!(outcomes(&page), ["UPDATED", "CREATED"]);
    assert!(page.get("total_size").is_none() && page.get("next_page_token").is_none());
    let event = &page["events"][0];
    assert_eq!(event["id"], id.to_string());
    let one = path(realm, &format!("/{id}"));
    assert_eq!(test.manage(Method::GET, &one, None).await.ok(), *event);
    assert_eq!(
        without_ids(event.clone()),
        json!({
            "id": "[id]",
            "tenant_id": "[tenant_id]",
            "realm_id": "[realm_id]",
            "kind": "V1RealmChange",
            "outcome": "UPDATED",
            "actor": "system",
            "resource_id": "[resource_id]",
            "correlation_id": "[correlation_id]",
            "details": {},
            "create_time": "2026-01-01T00:00:01.000Z",
        })
    );
    let unknown = path(realm, "/019cade2-405b-7160-911e-20b86b0d549b");
    let missing = test.manage(Method::GET, &unknown, None).await.refused(404);
    assert_eq!(missing["message"], "event not found");
}

async fn e3_a_list_without_a_total_pages_to_its_end(test: TestApp) {
    let realm = realm(&test, test.new_realm().await);
    for outcome in ["1", "2", "3", "4", "5"] {
        record(&test, realm, outcome).await;
    }
    assert_eq!(
        all(&test, realm, "page_size=2").await,
        ["5", "4", "3", "2", "1"]
    );
    let first = list(&test, realm, "page_size=2").await;
    // New events do not shift the pages.
    record(&test, realm, "6").await;
    let token = first["next_page_token"].as_str().unwrap();
    let second = list(&test, realm, &format!("page_token={token}")).await;
    assert_eq!(outcomes(&second), ["3", "2"]);
    for (query, field) in [("skip=1", "skip"), ("filter=a", "filter")] {
        let path = path(realm, &format!("?{query}"));
        let refused = test.manage(Method::GET, &path, None).await.refused(400);
        assert_eq!(refused["details"][0]["field_violations"][0]["field"], field);
    }
}

async fn every_filter_selects_and_one_that_matches_nothing_returns_nothing(test: TestApp) {
    let realm = realm(&test, test.new_realm().await);
    let ada = IdentityId::from_i64(7);
    for day in 0..4 {
        let ctx = test.context();
        let about = realm.identity_id(ada);
        let kind = EventKind::IDENTITY_CHANGE;
        let principal = about.principal();
        written(
            &test,
            Event::about(&ctx, about, kind, "UPDATED").by(principal),
        )
        .await;
        for outcome in ["A", "B"] {
            written(
                &test,
                Event::about(&ctx, realm, EventKind::REALM_CHANGE, outcome),
            )
            .await;
        }
        // The index goes day by day, also over one without events.
        test.clock.advance(Seconds::DAY.times(1 + day % 2));
    }
    let newest = list(&test, realm, "page_size=3").await;
    let flow = newest["events"][0]["correlation_id"].as_str().unwrap();
    let actor = realm.identity_id(ada).principal().to_string();
    let repeated = |outcome: &str| vec![outcome.to_owned(); 4];
    for (query, expected) in [
        ("kind=IdentityChange".to_owned(), repeated("UPDATED")),
        ("outcome=A".to_owned(), repeated("A")),
        (format!("identity_id={ada}"), repeated("UPDATED")),
        (format!("actor={actor}"), repeated("UPDATED")),
        (
            "actor=system&kind=V1RealmChange&outcome=B".to_owned(),
            repeated("B"),
        ),
        (
            format!("identity_id={ada}&outcome=UPDATED"),
            repeated("UPDATED"),
        ),
        (
            format!("correlation_id={flow}"),
            vec!["B".to_owned(), "A".to_owned(), "UPDATED".to_owned()],
        ),
        (
            format!("correlation_id={flow}&outcome=A"),
            vec!["A".to_owned()],
        ),
    ] {
        for size in [1, 2, 20] {
            let query = format!("{query}&page_size={size}");
            assert_eq!(all(&test, realm, &query).await, expected, "{query}");
        }
    }
    for nothing in [
        "kind=Nothing",
        "kind=IdentityChange&outcome=A",
        "identity_id=00000000000000ff",
        "correlation_id=nothing",
        "actor=nobody",
    ] {
        assert!(all(&test, realm, nothing).await.is_empty(), "{nothing}");
    }
}

async fn a_time_range_selects_by_the_time_of_the_event(test: TestApp) {
    let realm = realm(&test, test.new_realm().await);
    let ada = realm.identity_id(IdentityId::from_i64(7));
    for outcome in ["1", "2", "3", "4"] {
        let event = Event::about(&test.context(), ada, EventKind::IDENTITY_CHANGE, outcome);
        written(&test, event).await;
        test.clock.advance(Seconds::HOUR);
    }
    for narrowed in ["", "&identity_id=0000000000000007", "&kind=IdentityChange"] {
        for (query, expected) in [
            ("from=2026-01-01T01:00:00Z", vec!["4", "3", "2"]),
            ("to=2026-01-01T01:00:00Z", vec!["1"]),
            (
                "from=2026-01-01T01:00:00Z&to=2026-01-01T03:00:00Z",
                vec!["3", "2"],
            ),
            ("from=2027-01-01T00:00:00Z", vec![]),
            ("to=2025-01-01T00:00:00Z", vec![]),
        ] {
            let query = format!("{query}{narrowed}&page_size=2");
            assert_eq!(all(&test, realm, &query).await, expected, "{query}");
        }
    }
}

async fn d6_a_filter_is_checked_and_a_page_token_holds_for_its_own(test: TestApp) {
    let realm = realm(&test, test.new_realm().await);
    for outcome in ["A", "A", "B"] {
        record(&test, realm, outcome).await;
    }
    for (query, field) in [
        ("from=yesterday", "from"),
        ("to=1", "to"),
        ("identity_id=ada", "identity_id"),
        ("kind=%00", "kind"),
        ("order=asc", "order"),
        ("page_size=-1", "page_size"),
    ] {
        let path = path(realm, &format!("?{query}"));
        let refused = test.manage(Method::GET, &path, None).await.refused(400);
        assert_eq!(refused["details"][0]["field_violations"][0]["field"], field);
    }
    let page = list(&test, realm, "outcome=A&page_size=1").await;
    let token = page["next_page_token"].as_str().unwrap();
    let other = path(realm, &format!("?outcome=B&page_token={token}"));
    test.manage(Method::GET, &other, None).await.refused(400);
}

async fn events_of_another_realm_are_out_of_reach(test: TestApp) {
    let realm = realm(&test, test.new_realm().await);
    let id = record(&test, realm, "CREATED").await;
    let other = test.other_tenant().await;
    let elsewhere = [
        test.made.realm.at(),
        realm.tenant().realm_id(other.realm.id),
    ];
    for elsewhere in elsewhere {
        let one = path(elsewhere, &format!("/{id}"));
        test.manage(Method::GET, &one, None).await.refused(404);
    }
    let theirs = path(other.realm.at(), "");
    test.manage(Method::GET, &theirs, None).await.refused(403);
    let unknown = path(elsewhere[1], "");
    test.manage(Method::GET, &unknown, None).await.refused(404);
}
