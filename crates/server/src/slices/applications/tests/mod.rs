//! Applications over HTTP, on both databases.

mod fields;
mod ids;
mod secrets;
mod tokens;

use axum::body::Body;
use axum::http::{Method, Request};
use futures_util::future::join;
use keymoor_types::{ApplicationId, RealmId, Seconds};
use serde_json::{Value, json};

use super::ops;
use crate::base::refs::RealmRef;
use crate::base::scope;
use crate::testing::{Answer, TestApp, both_apps};

both_apps!(
    an_application_is_made_read_and_deleted,
    a_public_application_has_no_secret_and_needs_pkce,
    a_change_keeps_what_it_leaves_out_inside_the_protocol_too,
    d3_read_only_members_are_ignored_and_null_is_absent,
    managed_applications_are_shown_and_never_touched,
    another_realms_application_does_not_exist,
    e3_lists_have_pages_filters_and_exact_totals,
    of_two_changes_at_once_neither_undoes_the_other,
);

fn list_path(test: &TestApp, realm: RealmId) -> String {
    let tenant = test.made.tenant.id;
    format!("/v1/tenants/{tenant}/realms/{realm}/applications")
}

/// `base` with the members of `more`, and of its `protocol_config`.
fn with(mut base: Value, more: Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        if name == "protocol_config" {
            let inner = base[name].as_object_mut().unwrap();
            inner.extend(value.as_object().unwrap().clone());
        } else {
            base[name] = value.clone();
        }
    }
    base
}

fn web() -> Value {
    json!({ "display_name": "Pets: web", "protocol_config": {
        "type": "oidc",
        "grant_type": ["authorization_code"],
        "redirect_uris": ["https://app.example/cb"],
    } })
}

fn machine() -> Value {
    json!({ "display_name": "Machine", "protocol_config": {
        "type": "oauth2", "grant_type": ["client_credentials"] } })
}

async fn create(test: &TestApp, realm: RealmId, application: Value) -> Answer {
    let body = json!({ "application": application });
    test.manage(Method::POST, &list_path(test, realm), Some(body))
        .await
}

async fn change(test: &TestApp, path: &str, application: Value) -> Answer {
    let body = json!({ "application": application });
    test.manage(Method::PATCH, path, Some(body)).await
}

/// Calls with these scopes only.
async fn call(test: &TestApp, scopes: &[&str], method: Method, path: &str, body: Value) -> Answer {
    let token = test.token(scopes).await;
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {}", token.expose()));
    test.management(request.body(Body::from(body.to_string())).unwrap())
        .await
}

fn id(of: &Value) -> &str {
    of["id"].as_str().unwrap()
}

/// The violation of a member of `protocol_config`.
fn wrong(setting: &str, description: &str) -> (String, String) {
    let field = format!("application.protocol_config.{setting}");
    (field, description.to_owned())
}

fn violation(answer: &Answer) -> (String, String) {
    let body = answer.refused(400);
    let violation = &body["details"][0]["field_violations"][0];
    let text = |name: &str| violation[name].as_str().unwrap().to_owned();
    (text("field"), text("description"))
}

/// The resource server that is the management API.
fn management_server(test: &TestApp) -> String {
    test.made.management.resource_server_id.unwrap().to_string()
}

/// An application that may read realms in the management API.
fn manager(test: &TestApp) -> Value {
    with(
        machine(),
        json!({
            "resource_server_id": management_server(test),
            "protocol_config": { "allowed_scopes": ["realms:read"] },
        }),
    )
}

async fn an_application_is_made_read_and_deleted(test: TestApp) {
    let realm = test.new_realm().await;
    let made = create(&test, realm, web()).await;
    assert_eq!(made.header("cache-control"), "no-store");
    let made = made.ok();
    let protocol = &made["protocol_config"];
    let member = |name: &str| protocol[name].as_str().unwrap();
    let (client_id, secret) = (member("client_id"), member("client_secret"));
    assert_eq!((client_id.len(), secret.len()), (24, 48));
    assert_eq!(
        made,
        json!({
            "id": made["id"],
            "tenant_id": test.made.tenant.id,
            "realm_id": realm,
            "display_name": "Pets: web",
            "is_managed": false,
            "classification": "custom",
            "protocol_config": {
                "type": "oidc",
                "allowed_scopes": [],
                "client_id": client_id,
                "client_secret": secret,
                "confidentiality": "confidential",
                "token_endpoint_auth_method": "client_secret_basic",
                "grant_type": ["authorization_code"],
                "redirect_uris": ["https://app.example/cb"],
                "token_configuration": {
                    "expires_after": 86400,
                    "token_signing_algorithm": "RS256",
                    "subject_field": "id",
                },
                "id_token_claims": "scopes",
                "pkce": "disabled",
                "token_format": "self_contained",
            },
        })
    );
    let path = format!("{}/{}", list_path(&test, realm), id(&made));
    assert_eq!(test.manage(Method::GET, &path, None).await.ok(), made);
    let listed = test
        .manage(Method::GET, &list_path(&test, realm), None)
        .await
        .ok();
    assert_eq!(listed, json!({ "applications": [made], "total_size": 1 }));

    test.manage(Method::DELETE, &path, None).await.ok_empty();
    for method in [Method::GET, Method::DELETE] {
        let gone = test.manage(method, &path, None).await.refused(404);
        assert_eq!(gone["message"], "application not found");
    }
    change(&test, &path, json!({ "display_name": "x" }))
        .await
        .refused(404);
    let listed = test
        .manage(Method::GET, &list_path(&test, realm), None)
        .await
        .ok();
    assert_eq!(listed, json!({ "applications": [], "total_size": 0 }));
}

async fn a_public_application_has_no_secret_and_needs_pkce(test: TestApp) {
    let realm = test.new_realm().await;
    let public = with(
        web(),
        json!({ "protocol_config": { "confidentiality": "public" } }),
    );
    let expected = wrong("pkce", "must be enabled for public applications");
    assert_eq!(
        violation(&create(&test, realm, public.clone()).await),
        expected
    );
    let made = create(
        &test,
        realm,
        with(public, json!({ "protocol_config": { "pkce": "s256" } })),
    )
    .await
    .ok();
    assert!(made["protocol_config"].get("client_secret").is_none());
    assert_eq!(
        made["protocol_config"]["token_endpoint_auth_method"],
        "none"
    );
    let path = format!("{}/{}", list_path(&test, realm), id(&made));
    let weaker = json!({ "protocol_config": { "pkce": "disabled" } });
    assert_eq!(violation(&change(&test, &path, weaker).await), expected);
    assert_eq!(test.manage(Method::GET, &path, None).await.ok(), made);
}

async fn a_change_keeps_what_it_leaves_out_inside_the_protocol_too(test: TestApp) {
    let realm = test.new_realm().await;
    let made = create(&test, realm, web()).await.ok();
    let path = format!("{}/{}", list_path(&test, realm), id(&made));
    let changed = change(
        &test,
        &path,
        json!({ "protocol_config": {
            "redirect_uris": ["acme://cb", "https://app.example/cb"],
            "pkce": "plain",
            "token_configuration": { "expires_after": 60 },
        } }),
    )
    .await
    .ok();
    let expected = with(
        made.clone(),
        json!({ "protocol_config": {
            "redirect_uris": ["acme://cb", "https://app.example/cb"],
            "pkce": "plain",
            "token_configuration": {
                "expires_after": 60,
                "token_signing_algorithm": "RS256",
                "subject_field": "id",
            },
        } }),
    );
    assert_eq!(changed, expected);
    let renamed = change(&test, &path, json!({ "display_name": "Pets" }))
        .await
        .ok();
    assert_eq!(renamed, with(expected, json!({ "display_name": "Pets" })));
    assert_eq!(test.manage(Method::GET, &path, None).await.ok(), renamed);
}

async fn d3_read_only_members_are_ignored_and_null_is_absent(test: TestApp) {
    let realm = test.new_realm().await;
    let read_only = json!({
        "id": "x",
        "tenant_id": 1,
        "realm_id": null,
        "is_managed": true,
        "classification": "management_api",
        "resource_server_id": null,
        "protocol_config": {
            "client_id": "x",
            "client_secret": "x",
            "token_endpoint_auth_method": "none",
        },
    });
    let made = create(&test, realm, with(web(), read_only.clone()))
        .await
        .ok();
    assert_eq!(
        (&made["is_managed"], &made["classification"]),
        (&json!(false), &json!("custom"))
    );
    assert_eq!(
        made["protocol_config"]["token_endpoint_auth_method"],
        "client_secret_basic"
    );
    assert_ne!(made["protocol_config"]["client_secret"], "x");
    let path = format!("{}/{}", list_path(&test, realm), id(&made));
    assert_eq!(change(&test, &path, read_only).await.ok(), made);
    assert_eq!(change(&test, &path, made.clone()).await.ok(), made);
}

async fn managed_applications_are_shown_and_never_touched(test: TestApp) {
    let path = test.realm_path(&format!("/applications/{}", test.made.management.id));
    let shown = test.manage(Method::GET, &path, None).await.ok();
    assert_eq!(
        (&shown["is_managed"], &shown["classification"]),
        (&json!(true), &json!("management_api"))
    );
    assert_eq!(
        shown["protocol_config"]["client_secret"],
        test.made.management_secret.expose()
    );
    change(&test, &path, json!({ "display_name": "x" }))
        .await
        .refused(403);
    test.manage(Method::DELETE, &path, None).await.refused(403);
    assert_eq!(test.manage(Method::GET, &path, None).await.ok(), shown);
}

async fn another_realms_application_does_not_exist(test: TestApp) {
    let realm = test.new_realm().await;
    let made = create(&test, realm, web()).await.ok();
    let path = format!("{}/{}", list_path(&test, realm), id(&made));
    let foreign = format!("{}/{}", list_path(&test, test.made.realm.id), id(&made));
    test.manage(Method::GET, &foreign, None).await.refused(404);
    test.manage(Method::DELETE, &foreign, None)
        .await
        .refused(404);
    change(&test, &foreign, json!({ "display_name": "x" }))
        .await
        .refused(404);
    assert_eq!(test.manage(Method::GET, &path, None).await.ok(), made);
    let nowhere = RealmId::from_i64(7);
    let missing = test
        .manage(Method::GET, &list_path(&test, nowhere), None)
        .await
        .refused(404);
    assert_eq!(missing["message"], "realm not found");
    assert_eq!(
        create(&test, nowhere, web()).await.refused(404)["message"],
        "realm not found"
    );
    test.manage(
        Method::GET,
        &format!("{}/no-id", list_path(&test, realm)),
        None,
    )
    .await
    .refused(404);
}

async fn e3_lists_have_pages_filters_and_exact_totals(test: TestApp) {
    let realm = test.new_realm().await;
    for name in ["a", "b", "c"] {
        test.clock.advance(Seconds(1));
        create(
            &test,
            realm,
            with(machine(), json!({ "display_name": name })),
        )
        .await
        .ok();
    }
    let names = |listed: &Value| -> String {
        let applications = listed["applications"].as_array().unwrap();
        applications
            .iter()
            .map(|application| application["display_name"].as_str().unwrap())
            .collect()
    };
    let path = list_path(&test, realm);
    let first = test
        .manage(Method::GET, &format!("{path}?page_size=2"), None)
        .await
        .ok();
    assert_eq!(
        (names(&first).as_str(), &first["total_size"]),
        ("ab", &json!(3))
    );
    let token = first["next_page_token"].as_str().unwrap();
    let second = test
        .manage(Method::GET, &format!("{path}?page_token={token}"), None)
        .await
        .ok();
    assert_eq!(
        (names(&second).as_str(), second.get("next_page_token")),
        ("c", None)
    );
    let filtered = test
        .manage(
            Method::GET,
            &format!("{path}?filter=display_name%20eq%20%22b%22"),
            None,
        )
        .await
        .ok();
    assert_eq!(
        (names(&filtered).as_str(), &filtered["total_size"]),
        ("b", &json!(1))
    );
}

async fn of_two_changes_at_once_neither_undoes_the_other(test: TestApp) {
    let realm = test.new_realm().await;
    let made = create(&test, realm, machine()).await.ok();
    let path = format!("{}/{}", list_path(&test, realm), id(&made));
    for round in 0..10 {
        let seconds = 60 + round;
        let name = change(
            &test,
            &path,
            json!({ "display_name": format!("round {round}") }),
        );
        let lifetime =
            json!({ "protocol_config": { "token_configuration": { "expires_after": seconds } } });
        let (name, lifetime) = join(name, change(&test, &path, lifetime)).await;
        name.ok();
        lifetime.ok();
        let now = test.manage(Method::GET, &path, None).await.ok();
        assert_eq!(now["display_name"], format!("round {round}"));
        assert_eq!(
            now["protocol_config"]["token_configuration"]["expires_after"],
            seconds
        );
    }
}
