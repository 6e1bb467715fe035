//! Statistics over HTTP and from the database, on both databases.

use std::time::Duration;

use axum::http::Method;
use keymoor_types::{RealmId, Seconds};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{ops, store};
use crate::base::error::Error;
use crate::base::refs::RealmRef;
use crate::db::{Rx, Tx};
use crate::maintenance;
use crate::slices::events::model::Place;
use crate::slices::events::{self, Event, EventKind};
use crate::testing::sign_in::{Person, Site};
use crate::testing::{TestApp, both_apps};

both_apps!(
    what_happens_is_counted_before_and_after_the_counting,
    e6_repeated_refusals_count_as_often_as_they_happened,
    events_count_for_their_day_of_utc,
    each_event_counts_once_whoever_counts_and_whenever,
    a_node_that_is_late_adds_nothing,
    numbers_go_after_a_year_and_with_their_realm,
    the_number_of_days_is_checked,
);

/// Longer than anything here takes on a busy machine.
const LIMIT: Duration = Duration::from_mins(5);

fn path(realm: RealmRef, query: &str) -> String {
    let (tenant, realm) = (realm.tenant_id, realm.realm_id);
    format!("/v1/tenants/{tenant}/realms/{realm}/statistics{query}")
}

async fn days(test: &TestApp, realm: RealmRef, query: &str) -> Vec<Value> {
    let path = path(realm, query);
    let scopes = ["statistics:read"];
    let answer = test.manage_as(&scopes, Method::GET, &path, None).await;
    answer.ok()["days"].as_array().unwrap().clone()
}

/// Waits until the last days are these: transactions of other tests on the same server delay
/// events.
async fn expect(test: &TestApp, realm: RealmRef, expected: &[Value]) {
    let query = format!("?days={}", expected.len());
    let mut found = Vec::new();
    let reading = async {
        while found != expected {
            found = days(test, realm, &query).await;
        }
    };
    let in_time = timeout(LIMIT, reading).await;
    assert!(in_time.is_ok(), "{found:#?}");
}

/// A day with these sign-ins, passkeys and jobs, in the order of the response.
fn day(date: &str, sign_ins: [i64; 3], passkeys: [i64; 3], jobs: [i64; 3]) -> Value {
    json!({
        "date": date,
        "sign_ins": { "allowed": sign_ins[0], "denied": sign_ins[1], "failed": sign_ins[2] },
        "new_passkeys": { "JWT": passkeys[0], "WEBAUTHN": passkeys[1], "FIDO2": passkeys[2] },
        "ended_credential_binding_jobs":
            { "COMPLETE": jobs[0], "EXPIRED": jobs[1], "REVOKED": jobs[2] },
    })
}

fn allowed(date: &str, number: i64) -> Value {
    day(date, [number, 0, 0], [0; 3], [0; 3])
}

async fn count(test: &TestApp) {
    ops::count(&test.app).await.unwrap();
}

/// Counts until every event of the realm is counted.
async fn count_all(test: &TestApp, realm: RealmRef, number: i64) {
    let counting = async {
        while stored(test, realm).await < number {
            count(test).await;
        }
    };
    timeout(LIMIT, counting).await.expect("in time");
}

/// The sum of the realm's stored numbers.
async fn stored(test: &TestApp, realm: RealmRef) -> i64 {
    const SQL: &str = "SELECT CAST(COALESCE(SUM(number), 0) AS BIGINT) FROM statistics
        WHERE tenant_id = $1 AND realm_id = $2";
    let read = async |rx: &mut Rx| Ok::<_, Error>(rx.one(SQL, &realm).await?);
    test.app.db.read(read).await.unwrap()
}

/// Writes the event of a sign-in.
async fn sign_in(test: &TestApp, realm: RealmRef) {
    let kind = EventKind::AUTHENTICATION_TRANSACTION;
    let event = Event::about(&test.context(), realm, kind, "COMPLETE:ALLOW");
    let append = async move |tx: &mut Tx| events::append(tx, &event).await;
    test.app.db.write(append).await.unwrap();
}

async fn a_realm(test: &TestApp) -> RealmRef {
    let id = test.new_realm().await;
    test.made.tenant.at().realm_id(id)
}

async fn what_happens_is_counted_before_and_after_the_counting(test: TestApp) {
    let realm = test.made.realm.at();
    let (site, ada) = (Site::new(&test).await, Person::new(&test, "ada").await);
    let bob = Person::with_fido2(&test, "bob").await;
    let started = site.start(&test, &[]).await;
    let proof = ada.proof(&test, &started);
    assert_eq!(site.answer(&test, &proof).await.ok()["type"], "allow");
    site.answer(&test, &proof).await.refused(400);
    bob.suspend(&test).await;
    let started = site.start(&test, &[]).await;
    let proof = json!({ "Fido2": bob.fido2_proof(&started, |_| ()).to_string() });
    assert_eq!(site.answer(&test, &proof).await.ok()["type"], "deny");
    let administrator = test.made.administrator.id.to_string();
    test.bind_passkey(&administrator).await;
    let today = day("2026-01-01", [1, 1, 1], [1, 0, 0], [1, 0, 0]);
    expect(&test, realm, std::slice::from_ref(&today)).await;
    count_all(&test, realm, 5).await;
    expect(&test, realm, &[today]).await;

    let jobs = test.realm_path(&format!(
        "/identities/{administrator}/credential-binding-jobs"
    ));
    let config = test.made.console_config.id;
    for verb in ["revoke", ""] {
        let job =
            json!({ "job": { "delivery_method": "RETURN", "authenticator_config_id": config } });
        let made = test.manage(Method::POST, &jobs, Some(job)).await.ok();
        let id = made["credential_binding_job"]["id"].as_str().unwrap();
        if !verb.is_empty() {
            let at = format!("{jobs}/{id}:{verb}");
            test.manage(Method::POST, &at, None).await.ok();
        }
    }
    let today = day("2026-01-01", [1, 1, 1], [1, 0, 0], [1, 0, 1]);
    expect(&test, realm, &[today]).await;
    test.clock.advance(Seconds::DAY.times(8));
    maintenance::sweep(&test.app).await;
    let last = day("2026-01-09", [0; 3], [0; 3], [0, 1, 0]);
    expect(&test, realm, &[last]).await;
}

async fn e6_repeated_refusals_count_as_often_as_they_happened(test: TestApp) {
    let (site, ada) = (Site::new(&test).await, Person::new(&test, "ada").await);
    let eve = Person::new(&test, "eve").await;
    let started = site.start(&test, &[]).await;
    let forged = json!({ "Jwt": ada.jws(&test, &started).signed_by(eve.key()) });
    for _ in 0..4 {
        site.answer(&test, &forged).await.refused(400);
    }
    // Three of them are an event when the minute ends.
    maintenance::sweep(&test.app).await;
    let today = day("2026-01-01", [0, 0, 4], [0; 3], [0; 3]);
    expect(&test, test.made.realm.at(), &[today]).await;
}

async fn events_count_for_their_day_of_utc(test: TestApp) {
    let realm = a_realm(&test).await;
    sign_in(&test, realm).await;
    test.clock.advance(Seconds::DAY - Seconds(1));
    sign_in(&test, realm).await;
    test.clock.advance(Seconds(1));
    sign_in(&test, realm).await;
    count_all(&test, realm, 3).await;
    test.clock.advance(Seconds::DAY);
    let dates = ["2026-01-01", "2026-01-02", "2026-01-03"];
    let expected = [(dates[0], 2), (dates[1], 1), (dates[2], 0)];
    expect(
        &test,
        realm,
        &expected.map(|(date, number)| allowed(date, number)),
    )
    .await;
    let thirty = days(&test, realm, "").await;
    assert_eq!(
        (thirty.len(), &thirty[0]["date"]),
        (30, &json!("2025-12-05"))
    );
    let other = test.made.realm.at();
    expect(&test, other, &[allowed("2026-01-03", 0)]).await;
}

async fn each_event_counts_once_whoever_counts_and_whenever(test: TestApp) {
    const EVENTS: i64 = 60;
    let realm = a_realm(&test).await;
    let node = test.on_copy(test.db.reopened(|_| ()));
    let writing = async {
        for _ in 0..EVENTS {
            sign_in(&test, realm).await;
        }
    };
    let counting = async || {
        for _ in 0..20 {
            tokio::join!(count(&test), count(&node));
        }
    };
    tokio::join!(writing, counting());
    let today = [allowed("2026-01-01", EVENTS)];
    expect(&test, realm, &today).await;
    expect(&node, realm, &today).await;
    count_all(&test, realm, EVENTS).await;
    counting().await;
    assert_eq!(stored(&node, realm).await, EVENTS);
    expect(&node, realm, &today).await;
}

async fn a_node_that_is_late_adds_nothing(test: TestApp) {
    let realm = a_realm(&test).await;
    sign_in(&test, realm).await;
    count_all(&test, realm, 1).await;
    let claim = async |from: Place, to: Place| {
        let write =
            async move |tx: &mut Tx| Ok::<_, Error>(store::claim(tx, realm, from, to).await?);
        test.app.db.write(write).await.unwrap()
    };
    let read = async |rx: &mut Rx| store::since(rx, realm, 0).await;
    let (place, _) = test.app.db.read(read).await.unwrap();
    assert!(!claim(Place::start(), Place::before(9)).await);
    assert!(!claim(Place::before(0), Place::before(9)).await);
    assert_eq!(test.app.db.read(read).await.unwrap().0, place);
    assert!(claim(place, Place::before(9_000_000_000_000_000_000)).await);
    assert!(!claim(place, Place::before(9)).await);
}

async fn numbers_go_after_a_year_and_with_their_realm(test: TestApp) {
    let realm = a_realm(&test).await;
    sign_in(&test, realm).await;
    count_all(&test, realm, 1).await;
    test.clock.advance(Seconds::DAY.times(365));
    expect(&test, realm, &[allowed("2027-01-01", 0)]).await;
    assert_eq!(
        days(&test, realm, "?days=366").await[0],
        allowed("2026-01-01", 1)
    );
    test.clock.advance(Seconds::DAY.times(2));
    sign_in(&test, realm).await;
    let counting = async {
        // The first number goes when the second comes.
        while days(&test, realm, "?days=1").await[0] != allowed("2027-01-03", 1)
            || test
                .count("SELECT COUNT(*) FROM statistics WHERE day = 20454")
                .await
                != 0
        {
            count(&test).await;
        }
    };
    timeout(LIMIT, counting).await.expect("in time");
    assert_eq!(stored(&test, realm).await, 1);

    let (tenant, id) = (realm.tenant_id, realm.realm_id);
    let at = format!("/v1/tenants/{tenant}/realms/{id}");
    test.manage(Method::DELETE, &at, None).await.ok_empty();
    let gone = test.manage(Method::GET, &path(realm, ""), None).await;
    assert_eq!(gone.refused(404)["message"], "realm not found");
    count(&test).await;
    assert_eq!(stored(&test, realm).await, 0);
}

async fn the_number_of_days_is_checked(test: TestApp) {
    let realm = test.made.realm.at();
    for query in [
        "?days=0",
        "?days=-1",
        "?days=367",
        "?days=x",
        "?days=",
        "?days=1&days=2",
        "?days=99999999999999999999",
        "?from=2026-01-01",
    ] {
        let refused = test.manage(Method::GET, &path(realm, query), None).await;
        let refused = refused.refused(400);
        let field = if query.starts_with("?days") {
            "days"
        } else {
            "from"
        };
        assert_eq!(refused["details"][0]["field_violations"][0]["field"], field);
    }
    assert_eq!(days(&test, realm, "?days=1").await.len(), 1);
    let unknown = realm.tenant().realm_id(RealmId::from_i64(7));
    let refused = test.manage(Method::GET, &path(unknown, ""), None).await;
    refused.refused(404);
}
