//! Authenticator configs over HTTP, on both databases.

mod fields;

use axum::http::Method;
use keymoor_types::{RealmId, Seconds};
use serde_json::{Value, json};

use super::model::AuthenticatorConfig;
use super::{ops, store};
use crate::testing::{Answer, TestApp, both_apps};

both_apps!(
    a_config_is_made_read_changed_and_deleted,
    a_change_keeps_what_it_leaves_out_inside_config_too,
    a_hosted_config_needs_nothing_but_its_type,
    e8_default_methods_are_shown_and_not_insisted_on,
    d3_read_only_members_are_ignored_and_null_is_absent,
    managed_configs_are_shown_and_never_touched,
    a_config_stays_while_an_application_refers_to_it,
    another_realms_config_does_not_exist,
    e3_lists_have_pages_filters_and_exact_totals,
    e4_a_cached_config_is_current_here_and_five_seconds_old_at_most,
);

fn list_path(test: &TestApp, realm: RealmId) -> String {
    let tenant = test.made.tenant.id;
    format!("/v1/tenants/{tenant}/realms/{realm}/authenticator-configs")
}

async fn create(test: &TestApp, realm: RealmId, config: Value) -> Answer {
    let body = json!({ "authenticator_config": config });
    test.manage(Method::POST, &list_path(test, realm), Some(body))
        .await
}

async fn change(test: &TestApp, path: &str, config: Value) -> Answer {
    let body = json!({ "authenticator_config": config });
    test.manage(Method::PATCH, path, Some(body)).await
}

/// A realm with one embedded config: the config's path and the config.
async fn one(test: &TestApp) -> (String, Value) {
    let realm = test.new_realm().await;
    let config = json!({ "display_name": "Web: shop", "config": {
        "type": "embedded", "invoke_url": "https://app.example/x" } });
    let made = create(test, realm, config).await.ok();
    let id = made["id"].as_str().unwrap();
    (format!("{}/{id}", list_path(test, realm)), made)
}

fn violation(answer: &Answer) -> (String, String) {
    let body = answer.refused(400);
    let violation = &body["details"][0]["field_violations"][0];
    let text = |name: &str| violation[name].as_str().unwrap().to_owned();
    (text("field"), text("description"))
}

async fn a_config_is_made_read_changed_and_deleted(test: TestApp) {
    let (path, made) = one(&test).await;
    assert_eq!(
        made,
        json!({
            "id": made["id"],
            "tenant_id": test.made.tenant.id,
            "realm_id": made["realm_id"],
            "display_name": "Web: shop",
            "is_managed": false,
            "config": {
                "type": "embedded",
                "invocation_type": "automatic",
                "invoke_url": "https://app.example/x",
                "trusted_origins": [],
                "authentication_methods": [
                    { "type": "webauthn_passkey" },
                    { "type": "software_passkey" },
                ],
            },
        })
    );
    assert_eq!(test.manage(Method::GET, &path, None).await.ok(), made);

    test.manage(Method::DELETE, &path, None).await.ok_empty();
    for method in [Method::GET, Method::DELETE] {
        let gone = test.manage(method, &path, None).await.refused(404);
        assert_eq!(gone["message"], "authenticator config not found");
    }
    let gone = change(&test, &path, json!({ "display_name": "x" })).await;
    assert_eq!(
        gone.refused(404)["details"][0]["resource_type"],
        "AuthenticatorConfig"
    );
}

async fn a_change_keeps_what_it_leaves_out_inside_config_too(test: TestApp) {
    let (path, made) = one(&test).await;
    let changed = change(
        &test,
        &path,
        json!({ "config": {
            "invoke_url": "acme://open",
            "trusted_origins": ["http://localhost:8092"],
        } }),
    )
    .await
    .ok();
    assert_eq!(changed["display_name"], made["display_name"]);
    assert_eq!(changed["config"]["invoke_url"], "acme://open");
    let changed = change(
        &test,
        &path,
        json!({
            "display_name": "Y",
            "config": { "type": "embedded", "invocation_type": "manual" },
        }),
    )
    .await
    .ok();
    assert_eq!(
        (&changed["display_name"], &changed["config"]),
        (
            &json!("Y"),
            &json!({
                "type": "embedded",
                "invocation_type": "manual",
                "invoke_url": "acme://open",
                "trusted_origins": ["http://localhost:8092"],
                "authentication_methods": made["config"]["authentication_methods"],
            })
        )
    );
    assert_eq!(test.manage(Method::GET, &path, None).await.ok(), changed);
}

async fn a_hosted_config_needs_nothing_but_its_type(test: TestApp) {
    let realm = test.new_realm().await;
    let made = create(&test, realm, json!({ "config": { "type": "hosted_web" } }))
        .await
        .ok();
    assert_eq!(
        made["config"],
        json!({
            "type": "hosted_web",
            "trusted_origins": [],
            "authentication_methods": [
                { "type": "webauthn_passkey" },
                { "type": "software_passkey" },
            ],
        })
    );
    assert!(made.get("display_name").is_none());
    let path = format!(
        "{}/{}",
        list_path(&test, realm),
        made["id"].as_str().unwrap()
    );
    let methods = json!([{ "type": "email_one_time_password" }]);
    let changed = change(
        &test,
        &path,
        json!({ "config": { "authentication_methods": methods } }),
    )
    .await;
    assert_eq!(changed.ok()["config"]["authentication_methods"], methods);
    let refused = change(
        &test,
        &path,
        json!({ "config": { "invoke_url": "https://a.example" } }),
    )
    .await;
    assert_eq!(
        violation(&refused).0,
        "authenticator_config.config.invoke_url"
    );
}

async fn e8_default_methods_are_shown_and_not_insisted_on(test: TestApp) {
    let (path, made) = one(&test).await;
    let realm_id = made["realm_id"].as_str().unwrap().parse().unwrap();
    let id = made["id"].as_str().unwrap().parse().unwrap();
    let at = test
        .made
        .tenant
        .at()
        .realm_id(realm_id)
        .authenticator_config_id(id);
    let stored = async || ops::get(&test.context(), at).await.unwrap().config;
    assert_eq!(stored().await.explicit_methods(), None);
    let methods = made["config"]["authentication_methods"].clone();
    change(
        &test,
        &path,
        json!({ "config": { "authentication_methods": methods } }),
    )
    .await
    .ok();
    assert_eq!(stored().await.explicit_methods().map(<[_]>::len), Some(2));
}

async fn d3_read_only_members_are_ignored_and_null_is_absent(test: TestApp) {
    let (path, made) = one(&test).await;
    let back = json!({
        "id": "x",
        "tenant_id": 1,
        "realm_id": null,
        "is_managed": true,
        "display_name": null,
        "config": { "type": "embedded", "trusted_origins": null },
    });
    assert_eq!(change(&test, &path, back).await.ok(), made);
}

async fn managed_configs_are_shown_and_never_touched(test: TestApp) {
    let path = test.realm_path(&format!(
        "/authenticator-configs/{}",
        test.made.console_config.id
    ));
    let shown = test.manage(Method::GET, &path, None).await.ok();
    assert_eq!(shown["is_managed"], true);
    let moved = json!({ "config": { "invoke_url": "https://evil.example" } });
    assert_eq!(
        change(&test, &path, moved).await.refused(403)["code"],
        "forbidden"
    );
    test.manage(Method::DELETE, &path, None).await.refused(403);
    assert_eq!(test.manage(Method::GET, &path, None).await.ok(), shown);
}

async fn a_config_stays_while_an_application_refers_to_it(test: TestApp) {
    let (path, made) = one(&test).await;
    let applications = list_path(&test, made["realm_id"].as_str().unwrap().parse().unwrap())
        .replace("authenticator-configs", "applications");
    let application = json!({ "application": {
        "display_name": "A",
        "authenticator_config_id": made["id"],
        "protocol_config": {
            "type": "oidc",
            "grant_type": ["authorization_code"],
            "redirect_uris": ["https://a.example/cb"],
        },
    } });
    let application = test
        .manage(Method::POST, &applications, Some(application))
        .await
        .ok();
    let refused = test.manage(Method::DELETE, &path, None).await.refused(409);
    assert_eq!(
        refused,
        json!({
            "code": "conflict",
            "message": "authenticator config has applications",
            "details": [{
                "type": "ResourceInfo",
                "resource_type": "AuthenticatorConfig",
                "id": made["id"],
                "description": "in use",
            }],
        })
    );
    assert_eq!(test.manage(Method::GET, &path, None).await.ok(), made);
    let application = format!("{applications}/{}", application["id"].as_str().unwrap());
    test.manage(Method::DELETE, &application, None)
        .await
        .ok_empty();
    test.manage(Method::DELETE, &path, None).await.ok_empty();
}

async fn another_realms_config_does_not_exist(test: TestApp) {
    let (path, made) = one(&test).await;
    let realm: RealmId = made["realm_id"].as_str().unwrap().parse().unwrap();
    let foreign = path.replace(&realm.to_string(), &test.made.realm.id.to_string());
    test.manage(Method::GET, &foreign, None).await.refused(404);
    test.manage(Method::DELETE, &foreign, None)
        .await
        .refused(404);
    change(&test, &foreign, json!({ "display_name": "x" }))
        .await
        .refused(404);
    assert_eq!(test.manage(Method::GET, &path, None).await.ok(), made);
    let listed = test
        .manage(Method::GET, &list_path(&test, test.made.realm.id), None)
        .await
        .ok();
    assert_eq!(
        (
            &listed["total_size"],
            listed["authenticator_configs"].as_array().unwrap().len()
        ),
        (&json!(1), 1)
    );

    let nowhere = list_path(&test, RealmId::from_i64(7));
    let missing = test.manage(Method::GET, &nowhere, None).await.refused(404);
    assert_eq!(missing["message"], "realm not found");
    let config = json!({ "config": { "type": "hosted_web" } });
    let missing = create(&test, RealmId::from_i64(7), config)
        .await
        .refused(404);
    assert_eq!(missing["message"], "realm not found");
}

async fn e3_lists_have_pages_filters_and_exact_totals(test: TestApp) {
    let realm = test.new_realm().await;
    for name in ["a", "b", "c"] {
        test.clock.advance(Seconds(1));
        create(
            &test,
            realm,
            json!({ "display_name": name, "config": { "type": "hosted_web" } }),
        )
        .await
        .ok();
    }
    let names = |listed: &Value| -> Vec<String> {
        let configs = listed["authenticator_configs"].as_array().unwrap();
        configs
            .iter()
            .map(|config| config["display_name"].as_str().unwrap().to_owned())
            .collect()
    };
    let path = list_path(&test, realm);
    let first = test
        .manage(Method::GET, &format!("{path}?page_size=2"), None)
        .await
        .ok();
    assert_eq!(
        (names(&first), &first["total_size"]),
        (vec!["a".to_owned(), "b".to_owned()], &json!(3))
    );
    let token = first["next_page_token"].as_str().unwrap();
    let second = test
        .manage(Method::GET, &format!("{path}?page_token={token}"), None)
        .await
        .ok();
    assert_eq!(
        (names(&second), &second["total_size"]),
        (vec!["c".to_owned()], &json!(3))
    );
    assert!(second.get("next_page_token").is_none());
    let filter = format!("{path}?filter=display_name%20eq%20%22b%22");
    let filtered = test.manage(Method::GET, &filter, None).await.ok();
    assert_eq!(
        (names(&filtered), &filtered["total_size"]),
        (vec!["b".to_owned()], &json!(1))
    );
    test.manage(Method::GET, &format!("{path}?page_size=-1"), None)
        .await
        .refused(400);
    let applications = path.replace("authenticator-configs", "applications");
    let foreign = test
        .manage(
            Method::GET,
            &format!("{applications}?page_token={token}"),
            None,
        )
        .await;
    assert_eq!(
        violation(&foreign),
        ("page_token".to_owned(), "invalid page token".to_owned())
    );
}

async fn e4_a_cached_config_is_current_here_and_five_seconds_old_at_most(test: TestApp) {
    let (path, made) = one(&test).await;
    let realm_id = made["realm_id"].as_str().unwrap().parse().unwrap();
    let id = made["id"].as_str().unwrap().parse().unwrap();
    let at = test
        .made
        .tenant
        .at()
        .realm_id(realm_id)
        .authenticator_config_id(id);
    let name = async || {
        let found = ops::cached(&test.app, at).await.unwrap();
        found.and_then(|config| config.display_name.clone())
    };
    assert_eq!(name().await.as_deref(), Some("Web: shop"));
    change(&test, &path, json!({ "display_name": "ours" }))
        .await
        .ok();
    assert_eq!(name().await.as_deref(), Some("ours"));

    let by_another_node = AuthenticatorConfig {
        display_name: Some("theirs".to_owned()),
        ..ops::get(&test.context(), at).await.unwrap()
    };
    test.app
        .db
        .write(async move |tx| store::update(tx, &by_another_node).await)
        .await
        .unwrap();
    assert_eq!(name().await.as_deref(), Some("ours"));
    test.clock.advance(Seconds(5));
    assert_eq!(name().await.as_deref(), Some("theirs"));

    test.manage(Method::DELETE, &path, None).await.ok_empty();
    assert_eq!(name().await, None);
    let elsewhere = ops::cached(
        &test.app,
        test.made
            .realm
            .at()
            .authenticator_config_id(at.authenticator_config_id),
    )
    .await
    .unwrap();
    assert_eq!(elsewhere, None);
}
