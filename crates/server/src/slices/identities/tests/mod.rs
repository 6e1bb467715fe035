//! Identities over HTTP, on both databases.

mod fields;
mod lists;
mod subjects;

use axum::body::Body;
use axum::http::{Method, Request};
use keymoor_types::{BindingJobId, IdentityId, Seconds};
use serde_json::{Value, json};

use crate::base::error::Error;
use crate::base::scope;
use crate::slices::events::EventKind;
use crate::testing::{Answer, TestApp, both_apps, without_ids};

both_apps!(
    an_identity_is_created_as_published,
    d3_a_body_sent_as_text_is_read_and_a_form_is_not,
    a_patch_changes_what_it_names_and_says_so_in_the_log,
    patches_at_the_same_time_keep_each_others_traits,
    enrollment_follows_passkeys_then_jobs,
    deleting_takes_passkeys_and_jobs_along,
    a10_an_administrators_address_is_changed_only_by_who_can_do_everything,
    another_realms_and_tenants_identities_are_out_of_reach,
);

fn path(test: &TestApp, rest: &str) -> String {
    test.realm_path(&format!("/identities{rest}"))
}

fn traits(username: &str) -> Value {
    json!({ "type": "traits_v0", "username": username })
}

/// `{"type": …, name: value}`: a change of one trait.
fn only(name: &str, value: impl Into<Value>) -> Value {
    let mut traits = json!({ "type": "traits_v0" });
    traits[name] = value.into();
    traits
}

async fn create(test: &TestApp, identity: Value) -> Answer {
    test.manage(
        Method::POST,
        &path(test, ""),
        Some(json!({ "identity": identity })),
    )
    .await
}

async fn new_identity(test: &TestApp, username: &str) -> Value {
    create(
        test,
        json!({ "display_name": username, "traits": traits(username) }),
    )
    .await
    .ok()
}

/// The path of a new identity.
async fn at_new(test: &TestApp, username: &str) -> String {
    let id = new_identity(test, username).await["id"]
        .as_str()
        .unwrap()
        .to_owned();
    path(test, &format!("/{id}"))
}

async fn patch(test: &TestApp, at: &str, identity: Value) -> Answer {
    test.manage(Method::PATCH, at, Some(json!({ "identity": identity })))
        .await
}

async fn read(test: &TestApp, at: &str) -> Answer {
    test.manage(Method::GET, at, None).await
}

async fn list(test: &TestApp, query: &str) -> Value {
    read(test, &path(test, query)).await.ok()
}

fn usernames(list: &Value) -> Vec<&str> {
    let identities = list["identities"].as_array().unwrap();
    identities
        .iter()
        .map(|identity| identity["traits"]["username"].as_str().unwrap())
        .collect()
}

fn violated(answer: &Answer) -> Vec<String> {
    let refused = answer.refused(400);
    let violations = refused["details"][0]["field_violations"]
        .as_array()
        .unwrap();
    violations
        .iter()
        .map(|violation| violation["field"].as_str().unwrap().to_owned())
        .collect()
}

/// Runs a statement whose `$1` is the tenant and `$2` the identity.
async fn tamper(test: &TestApp, sql: &'static str, at: &str) {
    let tenant = test.made.tenant.id;
    let identity: IdentityId = at.rsplit_once('/').unwrap().1.parse().unwrap();
    let changed = test
        .app
        .db
        .write(async move |tx| Ok::<_, Error>(tx.exec(sql, &(tenant, identity)).await?));
    assert_eq!(changed.await.unwrap(), 1);
}

/// Makes a binding job; its path.
async fn job(test: &TestApp, at: &str) -> String {
    let config = test.made.console_config.id;
    let body = json!({ "job": { "delivery_method": "RETURN", "authenticator_config_id": config } });
    let jobs = format!("{at}/credential-binding-jobs");
    let made = test.manage(Method::POST, &jobs, Some(body)).await.ok();
    let id: BindingJobId = made["credential_binding_job"]["id"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    format!("{jobs}/{id}")
}

async fn enrollment(test: &TestApp, at: &str) -> String {
    let one = read(test, at).await.ok()["enrollment_status"]
        .as_str()
        .unwrap()
        .to_owned();
    let (_, id) = at.rsplit_once('/').unwrap();
    let page = list(test, &format!("?filter=id%20eq%20%22{id}%22")).await;
    assert_eq!(page["identities"][0]["enrollment_status"], one.as_str());
    one
}

async fn an_identity_is_created_as_published(test: TestApp) {
    let nulls = json!({
        "type": "traits_v0",
        "username": "test",
        "primary_email_address": "test@example.com",
        "title": null,
        "region": "",
    });
    let made = create(
        &test,
        json!({
            "id": "ignored",
            "enrollment_status": "ENROLLED",
            "display_name": "Test Identity",
            "traits": nulls,
        }),
    )
    .await
    .ok();
    assert_eq!(
        without_ids(made),
        json!({
            "id": "[id]",
            "realm_id": "[realm_id]",
            "tenant_id": "[tenant_id]",
            "display_name": "Test Identity",
            "status": "active",
            "enrollment_status": "UNENROLLED",
            "traits": {
                "type": "traits_v0",
                "username": "test",
                "primary_email_address": "test@example.com"
            },
            "create_time": "2026-01-01T00:00:00.000Z",
            "update_time": "2026-01-01T00:00:00.000Z"
        })
    );
    let suspended = json!({ "display_name": "S", "status": "suspended", "traits": traits("s") });
    assert_eq!(create(&test, suspended).await.ok()["status"], "suspended");
}

async fn d3_a_body_sent_as_text_is_read_and_a_form_is_not(test: TestApp) {
    let body = json!({ "identity": { "display_name": "t", "traits": traits("t") } }).to_string();
    let token = test.token(scope::ALL).await;
    for (content_type, status) in [
        ("text/plain;charset=UTF-8", 200),
        ("application/x-www-form-urlencoded", 415),
    ] {
        let request = Request::post(path(&test, ""))
            .header("authorization", format!("Bearer {}", token.expose()))
            .header("content-type", content_type)
            .body(Body::from(body.clone()));
        assert_eq!(test.management(request.unwrap()).await.status, status);
    }
}

async fn a_patch_changes_what_it_names_and_says_so_in_the_log(test: TestApp) {
    let at = at_new(&test, "ada").await;
    test.clock.advance(Seconds(1));
    let nothing = json!({ "id": "ignored", "traits": only("title", Value::Null) });
    let untouched = patch(&test, &at, nothing).await.ok();
    assert_eq!(untouched["update_time"], "2026-01-01T00:00:00.000Z");

    let mut more = only("title", "Countess");
    more["external_id"] = "1815".into();
    let changed = patch(
        &test,
        &at,
        json!({ "display_name": "Ada L.", "traits": more }),
    )
    .await
    .ok();
    assert_eq!(changed["display_name"], "Ada L.");
    more["username"] = "ada".into();
    assert_eq!(changed["traits"], more);
    assert_eq!(changed["create_time"], "2026-01-01T00:00:00.000Z");
    assert_eq!(changed["update_time"], "2026-01-01T00:00:01.000Z");

    test.clock.advance(Seconds(1));
    let less = json!({ "status": "suspended", "traits": only("title", "") });
    let suspended = patch(&test, &at, less).await.ok();
    assert_eq!(suspended["status"], "suspended");
    more.as_object_mut().unwrap().remove("title");
    assert_eq!(suspended["traits"], more);
    assert_eq!(read(&test, &at).await.ok(), suspended);

    assert_eq!(
        test.outcomes(EventKind::IDENTITY_CHANGE).await,
        ["CREATED", "UPDATED", "UPDATED"]
    );
    let sql = "SELECT details FROM events WHERE outcome = 'UPDATED' ORDER BY created_at";
    let details: Vec<String> = test
        .app
        .db
        .read(async |rx| Ok::<_, Error>(rx.all(sql, &()).await?))
        .await
        .unwrap();
    assert_eq!(
        details,
        [
            r#"{"fields":["display_name","traits.external_id","traits.title"]}"#,
            r#"{"fields":["status","traits.title"]}"#,
        ]
    );
}

async fn patches_at_the_same_time_keep_each_others_traits(test: TestApp) {
    let at = at_new(&test, "ada").await;
    let set = |name: &'static str| {
        let (test, at) = (&test, &at);
        async move {
            patch(test, at, json!({ "traits": only(name, "set") }))
                .await
                .ok()
        }
    };
    tokio::join!(
        set("title"),
        set("region"),
        set("country"),
        set("locale"),
        set("division"),
        set("department")
    );
    let traits = read(&test, &at).await.ok()["traits"].take();
    for name in [
        "title",
        "region",
        "country",
        "locale",
        "division",
        "department",
    ] {
        assert_eq!(traits[name], "set", "{name}");
    }
}

async fn enrollment_follows_passkeys_then_jobs(test: TestApp) {
    let at = at_new(&test, "ada").await;
    assert_eq!(enrollment(&test, &at).await, "UNENROLLED");
    let pending = job(&test, &at).await;
    assert_eq!(enrollment(&test, &at).await, "PENDING");
    let fail = "UPDATE binding_jobs SET state = 'FAILED_TO_SEND'
        WHERE tenant_id = $1 AND identity_id = $2";
    tamper(&test, fail, &at).await;
    assert_eq!(enrollment(&test, &at).await, "INVITE_FAILED");
    test.manage(Method::POST, &format!("{pending}:revoke"), None)
        .await
        .ok();
    assert_eq!(enrollment(&test, &at).await, "UNENROLLED");
    job(&test, &at).await;
    test.clock.advance(Seconds::DAY.times(7));
    assert_eq!(enrollment(&test, &at).await, "UNENROLLED");
    let (_, id) = at.rsplit_once('/').unwrap();
    let credential = test.bind_passkey(id).await;
    job(&test, &at).await;
    assert_eq!(enrollment(&test, &at).await, "ENROLLED");
    test.manage(
        Method::POST,
        &format!("{at}/credentials/{credential}:revoke"),
        None,
    )
    .await
    .ok();
    assert_eq!(enrollment(&test, &at).await, "PENDING");
}

async fn deleting_takes_passkeys_and_jobs_along(test: TestApp) {
    let at = at_new(&test, "ada").await;
    let (_, id) = at.rsplit_once('/').unwrap();
    let credential = test.bind_passkey(id).await;
    test.clock.advance(Seconds(1));
    let gone = test.manage(Method::DELETE, &at, None).await;
    assert_eq!((gone.status.as_u16(), gone.text.as_str()), (200, ""));
    assert_eq!(
        read(&test, &at).await.refused(404)["message"],
        "identity not found"
    );
    test.manage(Method::DELETE, &at, None).await.refused(404);
    read(&test, &format!("{at}/credentials/{credential}"))
        .await
        .refused(404);
    assert_eq!(
        read(&test, &path(&test, "/-/credentials")).await.ok()["total_size"],
        0
    );
    assert_eq!(
        read(&test, &path(&test, "/-/credential-binding-jobs"))
            .await
            .ok()["total_size"],
        0
    );
    assert_eq!(list(&test, "").await["total_size"], 1);
    assert_eq!(
        test.outcomes(EventKind::IDENTITY_CHANGE).await,
        ["CREATED", "DELETED"]
    );
    new_identity(&test, "ada").await;
}

async fn a10_an_administrators_address_is_changed_only_by_who_can_do_everything(test: TestApp) {
    let update = ["identities:update"];
    let address =
        |address: &str| json!({ "identity": { "traits": only("primary_email_address", address) } });
    let admin = path(&test, &format!("/{}", test.made.administrator.id));
    for other in ["mallory@example.com", ""] {
        test.manage_as(&update, Method::PATCH, &admin, Some(address(other)))
            .await
            .refused(403);
    }
    assert_eq!(
        read(&test, &admin).await.ok()["traits"]["primary_email_address"],
        "admin@example.com"
    );
    test.manage_as(
        &update,
        Method::PATCH,
        &admin,
        Some(address("admin@example.com")),
    )
    .await
    .ok();
    let renamed = json!({ "identity": { "display_name": "Root" } });
    test.manage_as(&update, Method::PATCH, &admin, Some(renamed))
        .await
        .ok();
    test.manage(Method::PATCH, &admin, Some(address("root@example.com")))
        .await
        .ok();

    let realms = format!("/v1/tenants/{}/realms", test.made.tenant.id);
    let realm = test
        .manage(
            Method::POST,
            &realms,
            Some(json!({ "realm": { "display_name": "Shop" } })),
        )
        .await
        .ok();
    let shop = format!("{realms}/{}/identities", realm["id"].as_str().unwrap());
    let body = json!({ "identity": { "display_name": "ada", "traits": traits("ada") } });
    let ada = test.manage(Method::POST, &shop, Some(body)).await.ok();
    let ada = format!("{shop}/{}", ada["id"].as_str().unwrap());
    test.manage_as(
        &update,
        Method::PATCH,
        &ada,
        Some(address("ada@example.com")),
    )
    .await
    .ok();
}

async fn another_realms_and_tenants_identities_are_out_of_reach(test: TestApp) {
    let other = test.other_tenant().await;
    let realms = format!("/v1/tenants/{}/realms", test.made.tenant.id);
    let shop = test
        .manage(
            Method::POST,
            &realms,
            Some(json!({ "realm": { "display_name": "Shop" } })),
        )
        .await
        .ok();
    let shop = format!("{realms}/{}/identities", shop["id"].as_str().unwrap());
    let rename = json!({ "identity": { "display_name": "Mine" } });
    for at in [
        format!("{shop}/{}", test.made.administrator.id),
        path(&test, &format!("/{}", other.administrator.id)),
        path(&test, "/nonsense"),
    ] {
        assert_eq!(
            read(&test, &at).await.refused(404)["details"][0]["resource_type"],
            "Identity"
        );
        test.manage(Method::PATCH, &at, Some(rename.clone()))
            .await
            .refused(404);
        test.manage(Method::DELETE, &at, None).await.refused(404);
    }
    assert_eq!(read(&test, &shop).await.ok()["total_size"], 0);

    let new = json!({ "identity": { "display_name": "x", "traits": traits("x") } });
    let mixed = format!("{realms}/{}/identities", other.realm.id);
    assert_eq!(
        read(&test, &mixed).await.refused(404)["message"],
        "realm not found"
    );
    let refused = test
        .manage(Method::POST, &mixed, Some(new.clone()))
        .await
        .refused(404);
    assert_eq!(refused["message"], "realm not found");

    let theirs = format!(
        "/v1/tenants/{}/realms/{}/identities",
        other.tenant.id, other.realm.id
    );
    let their_admin = format!("{theirs}/{}", other.administrator.id);
    for (method, at, body) in [
        (Method::POST, &theirs, Some(new)),
        (Method::GET, &theirs, None),
        (Method::GET, &their_admin, None),
        (Method::PATCH, &their_admin, Some(rename)),
        (Method::DELETE, &their_admin, None),
    ] {
        test.manage(method, at, body).await.refused(403);
    }
}
