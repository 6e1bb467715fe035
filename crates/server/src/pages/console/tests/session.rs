//! Sessions over HTTP, and attacks on them.

use axum::body::Body;
use axum::http::{Method, Request};
use keymoor_types::Seconds;
use serde_json::{Value, json};
use url::Url;

use crate::testing::sign_in::{Person, Started, as_form, form};
use crate::testing::{Answer, TestApp, both_apps};

both_apps!(
    g1_an_administrator_signs_in_and_manages_by_cookie,
    g1_a_session_ends_with_its_passkey_and_with_its_owner,
    g1_a_session_ends_after_a_day,
    g1_who_was_idle_for_15_minutes_may_only_read,
    g1_signing_in_gives_a_new_session_and_ends_the_one_before,
    g1_a_stolen_cookie_is_worthless_after_sign_out,
    g1_other_sessions_of_the_same_person_can_be_ended,
    g1_a_code_counts_only_with_the_sign_in_that_asked_for_it,
    g1_concurrent_first_sign_ins_create_one_client,
    d9_requests_of_other_origins_are_refused,
    d1_bearer_routes_ignore_the_cookie_and_console_routes_ignore_bearers,
);

pub(super) const PAGE: (&str, &str) = ("sec-fetch-site", "same-origin");

/// Sends a request as the console's page does, with the cookie of a session if it has one.
pub(super) async fn call(
    test: &TestApp,
    method: Method,
    path: &str,
    cookie: Option<&str>,
    body: Option<Value>,
) -> Answer {
    let headers = [PAGE, ("content-type", "application/json")];
    send(test, method, path, cookie, &headers, body).await
}

async fn send(
    test: &TestApp,
    method: Method,
    path: &str,
    cookie: Option<&str>,
    headers: &[(&str, &str)],
    body: Option<Value>,
) -> Answer {
    let mut request = Request::builder()
        .method(method)
        .uri(format!("/console/api{path}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    if let Some(cookie) = cookie {
        request = request.header("cookie", format!("a=b; keymoor-console={cookie}"));
    }
    let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
    test.auth(request.body(body).unwrap()).await
}

/// The answer of a person's passkey to a new sign-in: what the page sends to finish it.
async fn answered(test: &TestApp, person: &Person) -> Value {
    let started = call(test, Method::POST, "/sign-in", None, None).await.ok();
    let challenge = Started::at(started["url"].as_str().unwrap());
    let proof = person.proof(test, &challenge);
    let body = form(&[], &[("claims", &proof.to_string())]);
    let path = challenge
        .audience
        .strip_prefix("http://localhost:8021")
        .unwrap();
    let allowed = test.auth(as_form(Request::post(path), body)).await.ok();
    let redirect = Url::parse(challenge.claims["authn"]["redirect_uri"].as_str().unwrap()).unwrap();
    let iss = redirect.query_pairs().find(|(name, _)| name == "iss");
    json!({
        "flow": started["flow"],
        "code": allowed["code"],
        "state": challenge.claims["authn"]["state"],
        "iss": iss.map(|(_, value)| value.into_owned()),
    })
}

async fn finish(test: &TestApp, cookie: Option<&str>, answer: Value) -> Answer {
    call(test, Method::POST, "/sign-in/finish", cookie, Some(answer)).await
}

fn cookie_of(answer: &Answer) -> String {
    let set = answer.header("set-cookie");
    let (name, rest) = set.split_once('=').unwrap();
    assert_eq!(name, "keymoor-console");
    let (value, attributes) = rest.split_once("; ").unwrap();
    assert!(attributes.contains("HttpOnly; SameSite=Lax"), "{set}");
    value.to_owned()
}

pub(super) async fn signed_in(test: &TestApp, person: &Person) -> String {
    let answer = answered(test, person).await;
    let finished = finish(test, None, answer).await;
    finished.ok();
    cookie_of(&finished)
}

pub(super) async fn session(test: &TestApp, cookie: &str) -> Answer {
    call(test, Method::GET, "/session", Some(cookie), None).await
}

/// Asserts that a request is refused because the session ended like this.
fn ended(answer: &Answer, why: &str) {
    answer.refused(401);
    assert_eq!(answer.header("x-keymoor-session"), why);
}

async fn g1_an_administrator_signs_in_and_manages_by_cookie(test: TestApp) {
    let person = Person::new(&test, "ada").await;
    let cookie = signed_in(&test, &person).await;
    assert!(!cookie.contains("eyJ"), "the browser has a token: {cookie}");
    let who = session(&test, &cookie).await.ok();
    assert_eq!(who["username"], "ada");
    assert_eq!(who["tenant_id"], test.made.tenant.id.to_string());
    let realms = format!("/v1/tenants/{}/realms", test.made.tenant.id);
    let made = json!({ "realm": { "display_name": "Staff" } });
    let made = call(&test, Method::POST, &realms, Some(&cookie), Some(made)).await;
    assert_eq!(made.ok()["display_name"], "Staff");
    let list = call(
        &test,
        Method::GET,
        &format!("{realms}?page_size=1"),
        Some(&cookie),
        None,
    )
    .await;
    assert_eq!(list.ok()["total_size"], 2);
    assert_eq!(list.header("cache-control"), "no-store");
    let other = test.other_tenant().await;
    let theirs = format!("/v1/tenants/{}/realms", other.tenant.id);
    call(&test, Method::GET, &theirs, Some(&cookie), None)
        .await
        .refused(403);
    assert_eq!(test.events("ConsoleSessionChange").await, ["STARTED"]);
}

async fn g1_a_session_ends_with_its_passkey_and_with_its_owner(test: TestApp) {
    let (ada, bob) = (
        Person::new(&test, "ada").await,
        Person::new(&test, "bob").await,
    );
    let (of_ada, of_bob) = (signed_in(&test, &ada).await, signed_in(&test, &bob).await);
    let of = |person: &Person| test.realm_path(&format!("/identities/{}", person.identity.id));
    let passkey = format!("{}/credentials/{}:revoke", of(&ada), ada.credential.id);
    test.manage(Method::POST, &passkey, None).await.ok();
    ended(&session(&test, &of_ada).await, "revoked");
    session(&test, &of_bob).await.ok();
    let suspended = json!({ "identity": { "status": "suspended" } });
    test.manage(Method::PATCH, &of(&bob), Some(suspended))
        .await
        .ok();
    ended(&session(&test, &of_bob).await, "suspended");
    // Lifting the suspension revives nothing.
    let active = json!({ "identity": { "status": "active" } });
    test.manage(Method::PATCH, &of(&bob), Some(active))
        .await
        .ok();
    ended(&session(&test, &of_bob).await, "revoked");
    test.manage(Method::DELETE, &of(&bob), None)
        .await
        .ok_empty();
    ended(&session(&test, &of_bob).await, "none");
}

async fn g1_a_session_ends_after_a_day(test: TestApp) {
    let person = Person::new(&test, "ada").await;
    let cookie = signed_in(&test, &person).await;
    for _ in 0..24 * 6 - 1 {
        test.clock.advance(Seconds::MINUTE.times(10));
        session(&test, &cookie).await.ok();
    }
    test.clock.advance(Seconds::MINUTE.times(10));
    ended(&session(&test, &cookie).await, "day");
    assert_eq!(test.count("SELECT COUNT(*) FROM console_sessions").await, 1);
    crate::maintenance::sweep(&test.app).await;
    assert_eq!(test.count("SELECT COUNT(*) FROM console_sessions").await, 0);
    ended(&session(&test, &cookie).await, "none");
}

async fn g1_who_was_idle_for_15_minutes_may_only_read(test: TestApp) {
    let person = Person::new(&test, "ada").await;
    let cookie = signed_in(&test, &person).await;
    let realm = test.realm_path("");
    let change = || json!({ "realm": { "display_name": "Admins" } });
    let background = [PAGE, ("x-keymoor-background", "1")];
    test.clock.advance(Seconds::MINUTE.times(14));
    // What the page does by itself is no activity.
    send(&test, Method::GET, &realm, Some(&cookie), &background, None)
        .await
        .ok();
    test.clock.advance(Seconds::MINUTE);
    ended(
        &call(&test, Method::PATCH, &realm, Some(&cookie), Some(change())).await,
        "idle",
    );
    // Nor does reading now make up for it.
    call(&test, Method::GET, &realm, Some(&cookie), None)
        .await
        .ok();
    ended(
        &call(&test, Method::PATCH, &realm, Some(&cookie), Some(change())).await,
        "idle",
    );
    let again = answered(&test, &person).await;
    let again = cookie_of(&finish(&test, Some(&cookie), again).await);
    call(&test, Method::PATCH, &realm, Some(&again), Some(change()))
        .await
        .ok();
    test.clock.advance(Seconds::MINUTE.times(14));
    call(&test, Method::GET, &realm, Some(&again), None)
        .await
        .ok();
    test.clock.advance(Seconds::MINUTE.times(14));
    call(&test, Method::PATCH, &realm, Some(&again), Some(change()))
        .await
        .ok();
}

async fn g1_signing_in_gives_a_new_session_and_ends_the_one_before(test: TestApp) {
    let (ada, eve) = (
        Person::new(&test, "ada").await,
        Person::new(&test, "eve").await,
    );
    // The attacker fixes the victim's browser on a session of their own.
    let fixed = signed_in(&test, &eve).await;
    let answer = answered(&test, &ada).await;
    let own = cookie_of(&finish(&test, Some(&fixed), answer).await);
    assert_ne!(own, fixed);
    assert_eq!(session(&test, &own).await.ok()["username"], "ada");
    ended(&session(&test, &fixed).await, "none");
    // Two cookies of one name: one of them is somebody else's.
    let both = format!("{own}; keymoor-console={fixed}");
    ended(&session(&test, &both).await, "none");
    for wrong in ["", "x", &own[1..], &format!("{own}x"), &format!("{own}.x")] {
        ended(&session(&test, wrong).await, "none");
    }
}

async fn g1_a_stolen_cookie_is_worthless_after_sign_out(test: TestApp) {
    let person = Person::new(&test, "ada").await;
    let cookie = signed_in(&test, &person).await;
    let out = call(&test, Method::POST, "/sign-out", Some(&cookie), None).await;
    out.ok();
    assert!(out.header("set-cookie").starts_with("keymoor-console=; "));
    ended(&session(&test, &cookie).await, "none");
    assert_eq!(test.count("SELECT COUNT(*) FROM issued_tokens").await, 0);
    assert_eq!(
        test.events("ConsoleSessionChange").await,
        ["ENDED", "STARTED"]
    );
}

async fn g1_other_sessions_of_the_same_person_can_be_ended(test: TestApp) {
    let (ada, bob) = (
        Person::new(&test, "ada").await,
        Person::new(&test, "bob").await,
    );
    let first = signed_in(&test, &ada).await;
    test.clock.advance(Seconds(1));
    let (second, theirs) = (signed_in(&test, &ada).await, signed_in(&test, &bob).await);
    let list = call(&test, Method::GET, "/sessions", Some(&second), None)
        .await
        .ok();
    let sessions = list["sessions"].as_array().unwrap();
    let current: Vec<_> = sessions
        .iter()
        .map(|one| one["is_current"].as_bool())
        .collect();
    assert_eq!(current, [Some(true), Some(false)]);
    let end = |id: &str| format!("/sessions/{id}/end");
    let of_bob = theirs.split('.').nth(2).unwrap();
    call(&test, Method::POST, &end(of_bob), Some(&second), None)
        .await
        .refused(404);
    call(&test, Method::POST, &end("x"), Some(&second), None)
        .await
        .refused(404);
    let other = sessions[1]["id"].as_str().unwrap();
    call(&test, Method::POST, &end(other), Some(&second), None)
        .await
        .ok();
    ended(&session(&test, &first).await, "none");
    session(&test, &second).await.ok();
    session(&test, &theirs).await.ok();
}

async fn g1_a_code_counts_only_with_the_sign_in_that_asked_for_it(test: TestApp) {
    let person = Person::new(&test, "ada").await;
    let (one, two) = (
        answered(&test, &person).await,
        answered(&test, &person).await,
    );
    let with = |name: &str, value: Value| {
        let mut changed = one.clone();
        changed[name] = value;
        changed
    };
    for wrong in [
        with("flow", two["flow"].clone()),
        with("state", two["state"].clone()),
        with("state", json!("")),
        with("iss", json!("http://localhost:8021/elsewhere")),
        with("flow", json!("AAAA")),
        with("code", json!("AAAA")),
    ] {
        let refused = finish(&test, None, wrong).await;
        refused.refused(401);
        assert_eq!(refused.header("set-cookie"), "");
    }
    finish(&test, None, one.clone()).await.ok();
    // A code that comes back was copied: what it yielded is revoked.
    finish(&test, None, one).await.refused(401);
    assert_eq!(test.count("SELECT COUNT(*) FROM issued_tokens").await, 0);
    test.clock.advance(Seconds::MINUTE.times(11));
    finish(&test, None, two).await.refused(401);
}

async fn g1_concurrent_first_sign_ins_create_one_client(test: TestApp) {
    let start = || call(&test, Method::POST, "/sign-in", None, None);
    let all = tokio::join!(start(), start(), start(), start());
    for started in [all.0, all.1, all.2, all.3] {
        started.ok();
    }
    let clients = "SELECT COUNT(*) FROM applications WHERE classification = 'console'";
    assert_eq!(test.count(clients).await, 1);
    let apps = test
        .manage(Method::GET, &test.realm_path("/applications"), None)
        .await
        .ok();
    assert_eq!(apps["total_size"], 2);
}

async fn d9_requests_of_other_origins_are_refused(test: TestApp) {
    let person = Person::new(&test, "ada").await;
    let cookie = signed_in(&test, &person).await;
    let realm = test.realm_path("");
    let change = json!({ "realm": { "display_name": "Evil" } });
    for headers in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "none")],
        &[("sec-fetch-site", "same-site"), ("x-keymoor-console", "1")],
        &[("origin", "https://evil.example")],
        &[("content-type", "text/plain")],
    ] {
        let body = Some(change.clone());
        let refused = send(&test, Method::PATCH, &realm, Some(&cookie), headers, body).await;
        refused.refused(403);
        assert_eq!(refused.header("access-control-allow-origin"), "");
        for path in ["/sign-out", "/sign-in", "/sign-in/finish"] {
            let refused = send(&test, Method::POST, path, Some(&cookie), headers, None).await;
            refused.refused(403);
        }
    }
    session(&test, &cookie).await.ok();
    let old_browser = [("x-keymoor-console", "1")];
    send(
        &test,
        Method::GET,
        &realm,
        Some(&cookie),
        &old_browser,
        None,
    )
    .await
    .ok();
    assert_eq!(test.made.realm.display_name, "Keymoor Admin");
}

async fn d1_bearer_routes_ignore_the_cookie_and_console_routes_ignore_bearers(test: TestApp) {
    let person = Person::new(&test, "ada").await;
    let cookie = signed_in(&test, &person).await;
    let realm = test.realm_path("");
    let request = Request::get(&realm)
        .header("cookie", format!("keymoor-console={cookie}"))
        .header("sec-fetch-site", "same-origin");
    test.management(request.body(Body::empty()).unwrap())
        .await
        .refused(401);
    let token = test.token(crate::base::scope::ALL).await;
    let bearer = format!("Bearer {}", token.expose());
    let nobody = call(&test, Method::GET, "/session", None, None).await;
    assert_eq!((nobody.status.as_u16(), &*nobody.text), (204, ""));
    let headers = [PAGE, ("authorization", &*bearer)];
    ended(
        &send(&test, Method::GET, &realm, None, &headers, None).await,
        "none",
    );
}
