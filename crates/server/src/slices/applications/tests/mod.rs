//! Applications over HTTP, on both databases.

use crate::base::refs::RealmRef;
use crate::base::scope::MANAGEMENT_AUDIENCE;
use axum::body::Body;
use axum::http::{Method, Request};
use futures_util::future::join;
use keymoor_oauth::jose::Algorithm;
use keymoor_oauth::scope::ScopeSet;
use keymoor_types::{ApplicationId, RealmId, Seconds};
use serde_json::{Value, json};

use super::model::Application;
use super::{ops, store};
use crate::base::scope;
use crate::base::secret::{Digest, Secret};
use crate::db::Json;
use crate::slices::tokens::access;
use crate::testing::{Answer, TestApp, both_apps};

both_apps!(
    a10_the_management_secret_is_for_callers_who_may_do_as_much,
    an_application_is_made_read_and_deleted,
    a_public_application_has_no_secret_and_needs_pkce,
    a_change_keeps_what_it_leaves_out_inside_the_protocol_too,
    d3_read_only_members_are_ignored_and_null_is_absent,
    wrong_fields_are_named,
    d5_dangerous_redirect_uris_are_refused,
    protocol_and_confidentiality_never_change,
    references_are_removed_by_the_empty_string,
    scopes_are_the_resource_servers_and_the_callers,
    secrets_are_shown_to_their_maker_and_to_readers,
    secrets_are_sealed_at_rest_and_in_no_event_or_debug_output,
    managed_applications_are_shown_and_never_touched,
    another_realms_application_does_not_exist,
    e3_lists_have_pages_filters_and_exact_totals,
    a_realm_has_the_keys_that_its_applications_sign_with,
    of_two_changes_at_once_neither_undoes_the_other,
    e4_a_cached_application_is_current_here_and_five_seconds_old_at_most,
    tokens_of_a_deleted_application_are_no_longer_good,
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
        json!({ "resource_server_id": management_server(test),
        "protocol_config": { "allowed_scopes": ["realms:read"] } }),
    )
}

async fn a10_the_management_secret_is_for_callers_who_may_do_as_much(test: TestApp) {
    let path = test.realm_path(&format!("/applications/{}", test.made.management.id));
    let secret = async |scopes: &[&str]| {
        let answer = test.manage_as(scopes, Method::GET, &path, None).await.ok();
        answer["protocol_config"].get("client_secret").is_some()
    };
    assert!(!secret(&["applications:read"]).await);
    assert!(secret(scope::ALL).await);
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
        "redirect_uris": ["acme://cb", "https://app.example/cb"], "pkce": "plain",
        "token_configuration": { "expires_after": 60 } } }),
    )
    .await
    .ok();
    let expected = with(
        made.clone(),
        json!({ "protocol_config": {
        "redirect_uris": ["acme://cb", "https://app.example/cb"], "pkce": "plain",
        "token_configuration": {
            "expires_after": 60, "token_signing_algorithm": "RS256", "subject_field": "id" } } }),
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
    let read_only = json!({ "id": "x", "tenant_id": 1, "realm_id": null, "is_managed": true,
        "classification": "management_api", "resource_server_id": null,
        "protocol_config": { "client_id": "x", "client_secret": "x", "token_endpoint_auth_method": "none" } });
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

async fn wrong_fields_are_named(test: TestApp) {
    let realm = test.new_realm().await;
    let protocol = |more: Value| json!({ "protocol_config": more });
    let tokens = |more: Value| protocol(json!({ "token_configuration": more }));
    let cases = [
        (
            json!({ "display_name": "A" }),
            "protocol_config.type",
            "missing",
        ),
        (
            json!({ "protocol_config": { "type": "oidc" } }),
            "display_name",
            "missing",
        ),
        (
            json!({ "display_name": "A", "protocol_config": { "type": "oidc" } }),
            "protocol_config.grant_type",
            "missing",
        ),
        (
            json!({ "display_name": "A", "protocol_config": { "type": "saml" } }),
            "protocol_config.type",
            "expected `oauth2` or `oidc`",
        ),
        (
            with(web(), json!({ "display_name": "" })),
            "display_name",
            "empty string",
        ),
        (
            with(web(), json!({ "unheard_of": 1 })),
            "unheard_of",
            "unknown field",
        ),
        (
            with(web(), protocol(json!({ "unheard_of": 1 }))),
            "protocol_config.unheard_of",
            "unknown field",
        ),
        (
            with(
                web(),
                protocol(json!({ "grant_type": ["client_credentials"] })),
            ),
            "protocol_config.grant_type",
            "must be authorization_code for oidc",
        ),
        (
            with(web(), protocol(json!({ "redirect_uris": [] }))),
            "protocol_config.redirect_uris",
            "needed for authorization_code",
        ),
        (
            with(
                web(),
                protocol(json!({ "redirect_uris": ["https://a.example/#x"] })),
            ),
            "protocol_config.redirect_uris[0]",
            "must not have a fragment",
        ),
        (
            with(web(), protocol(json!({ "allowed_scopes": ["pets:read"] }))),
            "protocol_config.allowed_scopes",
            "must be empty without a resource server",
        ),
        (
            with(web(), protocol(json!({ "allowed_scopes": ["a b"] }))),
            "protocol_config.allowed_scopes",
            "not a valid scope",
        ),
        (
            with(web(), tokens(json!({}))),
            "protocol_config.token_configuration.expires_after",
            "missing",
        ),
        (
            with(web(), tokens(json!({ "expires_after": 59 }))),
            "protocol_config.token_configuration.expires_after",
            "must be from 60 to 7776000 seconds",
        ),
        (
            with(web(), tokens(json!({ "expires_after": 7_776_001 }))),
            "protocol_config.token_configuration.expires_after",
            "must be from 60 to 7776000 seconds",
        ),
        (
            with(web(), tokens(json!({ "expires_after": -1 }))),
            "protocol_config.token_configuration.expires_after",
            "expected u32",
        ),
        (
            with(
                web(),
                tokens(json!({ "expires_after": 60, "token_signing_algorithm": "none" })),
            ),
            "protocol_config.token_configuration.token_signing_algorithm",
            "expected `RS256` or `ES256`",
        ),
        (
            with(web(), protocol(json!({ "token_format": "referential" }))),
            "protocol_config.token_format",
            "referential is not supported yet",
        ),
        (
            with(web(), json!({ "resource_server_id": "x" })),
            "resource_server_id",
            "no such resource server",
        ),
        // The admin realm's is not this realm's.
        (
            with(
                web(),
                json!({ "resource_server_id": management_server(&test) }),
            ),
            "resource_server_id",
            "no such resource server",
        ),
        (
            with(
                web(),
                json!({ "authenticator_config_id": test.made.console_config.id }),
            ),
            "authenticator_config_id",
            "no such authenticator config",
        ),
        (
            with(
                machine(),
                json!({ "authenticator_config_id": test.made.console_config.id }),
            ),
            "authenticator_config_id",
            "must be absent with client_credentials",
        ),
        (
            with(
                machine(),
                tokens(json!({ "expires_after": 60, "subject_field": "email" })),
            ),
            "protocol_config.token_configuration.subject_field",
            "must be id with client_credentials",
        ),
        (
            with(
                machine(),
                protocol(json!({ "confidentiality": "public", "pkce": "s256" })),
            ),
            "protocol_config.grant_type",
            "client_credentials is for confidential applications",
        ),
    ];
    for (application, field, description) in cases {
        let found = violation(&create(&test, realm, application.clone()).await);
        assert_eq!(
            found,
            (format!("application.{field}"), description.to_owned()),
            "{application}"
        );
    }
    let listed = test
        .manage(Method::GET, &list_path(&test, realm), None)
        .await
        .ok();
    assert_eq!(listed["total_size"], 0);
}

async fn d5_dangerous_redirect_uris_are_refused(test: TestApp) {
    let realm = test.new_realm().await;
    for wrong in [
        "javascript:alert(1)",
        "data:text/html,x",
        "blob:https://a/x",
        "file:///etc",
        "vbscript:x",
        "about:blank",
        "view-source:https://a",
        "https://user@host/",
        "/relative",
        "https://a/\n",
        "",
    ] {
        let uris = json!({ "redirect_uris": ["https://a.example", wrong] });
        let refused = create(
            &test,
            realm,
            with(web(), json!({ "protocol_config": uris })),
        )
        .await;
        assert_eq!(
            violation(&refused).0,
            "application.protocol_config.redirect_uris[1]",
            "{wrong}"
        );
    }
}

async fn protocol_and_confidentiality_never_change(test: TestApp) {
    let realm = test.new_realm().await;
    let made = create(&test, realm, web()).await.ok();
    let path = format!("{}/{}", list_path(&test, realm), id(&made));
    for (member, value) in [("type", "oauth2"), ("confidentiality", "public")] {
        let refused = change(
            &test,
            &path,
            json!({ "protocol_config": { member: value, "pkce": "s256" } }),
        )
        .await;
        assert_eq!(violation(&refused), wrong(member, "cannot be changed"));
    }
    assert_eq!(test.manage(Method::GET, &path, None).await.ok(), made);
}

async fn references_are_removed_by_the_empty_string(test: TestApp) {
    let realm = test.made.realm.id;
    let application = with(
        web(),
        json!({
            "authenticator_config_id": test.made.console_config.id,
            "resource_server_id": management_server(&test),
            "protocol_config": { "allowed_scopes": ["realms:read"] },
        }),
    );
    let made = create(&test, realm, application).await.ok();
    assert_eq!(
        made["protocol_config"]["allowed_scopes"],
        json!(["realms:read"])
    );
    let path = format!("{}/{}", list_path(&test, realm), id(&made));
    let refused = change(&test, &path, json!({ "resource_server_id": "" })).await;
    assert_eq!(
        violation(&refused).0,
        "application.protocol_config.allowed_scopes"
    );
    let changed = change(
        &test,
        &path,
        json!({ "resource_server_id": "", "authenticator_config_id": "",
        "protocol_config": { "allowed_scopes": [] } }),
    )
    .await
    .ok();
    assert!(
        changed.get("resource_server_id").is_none()
            && changed.get("authenticator_config_id").is_none()
    );
}

async fn scopes_are_the_resource_servers_and_the_callers(test: TestApp) {
    let realm = test.made.realm.id;
    let path = list_path(&test, realm);
    let scopes = |scopes: [&str; 2]| json!({ "protocol_config": { "allowed_scopes": scopes } });
    let unknown = with(manager(&test), scopes(["realms:read", "openid"]));
    let expected = wrong("allowed_scopes", "must be scopes of the resource server");
    assert_eq!(violation(&create(&test, realm, unknown).await), expected);

    let body = json!({ "application": manager(&test) });
    let weak = ["applications:create", "applications:update"];
    call(&test, &weak, Method::POST, &path, body.clone())
        .await
        .refused(403);
    let made = call(
        &test,
        &[weak[0], weak[1], "realms:read"],
        Method::POST,
        &path,
        body,
    )
    .await
    .ok();
    let path = format!("{path}/{}", id(&made));
    // Not even a harmless change: it might be the redirect URI.
    let renamed = json!({ "application": { "display_name": "x" } });
    call(&test, &weak, Method::PATCH, &path, renamed.clone())
        .await
        .refused(403);
    let more = json!({ "application": scopes(["realms:read", "realms:delete"]) });
    call(&test, &[weak[1], "realms:read"], Method::PATCH, &path, more)
        .await
        .refused(403);
    call(
        &test,
        &[weak[1], "realms:read"],
        Method::PATCH,
        &path,
        renamed,
    )
    .await
    .ok();
}

async fn secrets_are_shown_to_their_maker_and_to_readers(test: TestApp) {
    let realm = test.new_realm().await;
    let path = list_path(&test, realm);
    let body = json!({ "application": machine() });
    let made = call(&test, &["applications:create"], Method::POST, &path, body)
        .await
        .ok();
    let secret = made["protocol_config"]["client_secret"].as_str().unwrap();
    let path = format!("{path}/{}", id(&made));
    let body = json!({ "application": { "display_name": "x" } });
    let blind = call(
        &test,
        &["applications:update"],
        Method::PATCH,
        &path,
        body.clone(),
    )
    .await
    .ok();
    assert!(blind["protocol_config"].get("client_secret").is_none());
    let both = ["applications:update", "applications:read"];
    let seen = call(&test, &both, Method::PATCH, &path, body).await.ok();
    assert_eq!(seen["protocol_config"]["client_secret"], secret);
    call(
        &test,
        &["applications:update"],
        Method::GET,
        &path,
        json!({}),
    )
    .await
    .refused(403);
}

async fn secrets_are_sealed_at_rest_and_in_no_event_or_debug_output(test: TestApp) {
    let realm = test.new_realm().await;
    let made = create(&test, realm, machine()).await.ok();
    let secret = Secret::new(made["protocol_config"]["client_secret"].as_str().unwrap());
    let (tenant, id) = (
        test.made.tenant.id,
        id(&made).parse::<ApplicationId>().unwrap(),
    );
    let (stored, sealed, events) = test.app.db.read(async |rx| {
        let (stored, sealed): (Option<Digest>, Vec<u8>) = rx.one(
            "SELECT client_secret_hash, client_secret_sealed FROM applications
                 WHERE tenant_id = $1 AND realm_id = $2 AND application_id = $3", &[&tenant, &realm, &id]).await?;
        let events: Vec<(String, String, Json<Value>)> = rx.all(
            "SELECT kind, outcome, details FROM events WHERE tenant_id = $1 AND realm_id = $2 AND resource_id = $3",
            &[&tenant, &realm, &id.to_string()]).await?;
        Ok((stored, sealed, events))
    }).await.unwrap();
    assert!(stored.is_some_and(|stored| stored.matches(&secret.digest())));
    let plain = secret.expose().as_bytes();
    assert!(!sealed.windows(plain.len()).any(|window| window == plain));
    assert_eq!(
        events,
        [(
            "ApplicationOperation".to_owned(),
            "CREATED".to_owned(),
            Json(json!({}))
        )]
    );
    let at = RealmRef {
        tenant_id: tenant,
        realm_id: realm,
    }
    .application_id(id);
    let revealed = ops::cached(&test.app, at).await.unwrap();
    assert!(!format!("{revealed:?}").contains(secret.expose()));
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

async fn a_realm_has_the_keys_that_its_applications_sign_with(test: TestApp) {
    let (realm, tenant) = (test.new_realm().await, test.made.tenant.id);
    let has = async |algorithm| {
        let keys = test
            .app
            .keys
            .of(RealmRef {
                tenant_id: tenant,
                realm_id: realm,
            })
            .await
            .unwrap();
        keys.signing(algorithm).is_ok()
    };
    let foreign = json!({ "authenticator_config_id": test.made.console_config.id });
    create(&test, realm, with(web(), foreign.clone()))
        .await
        .refused(400);
    assert!(!has(Algorithm::Es256).await);
    let tokens = json!({ "expires_after": 60, "token_signing_algorithm": "ES256" });
    let application = with(
        web(),
        json!({ "protocol_config": { "token_configuration": tokens } }),
    );
    let made = create(&test, realm, application).await.ok();
    assert_eq!(
        (has(Algorithm::Es256).await, has(Algorithm::Rs256).await),
        (true, false)
    );
    let path = format!("{}/{}", list_path(&test, realm), id(&made));
    let rsa = |more: Value| {
        with(
            json!({ "protocol_config": { "token_configuration": { "token_signing_algorithm": "RS256" } } }),
            more,
        )
    };
    change(&test, &path, rsa(json!({ "display_name": "" })))
        .await
        .refused(400);
    change(&test, &path, rsa(foreign)).await.refused(400);
    assert!(!has(Algorithm::Rs256).await);
    change(&test, &path, rsa(json!({}))).await.ok();
    assert!(has(Algorithm::Rs256).await);
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

async fn e4_a_cached_application_is_current_here_and_five_seconds_old_at_most(test: TestApp) {
    let (realm, tenant) = (test.new_realm().await, test.made.tenant.id);
    let made = create(&test, realm, web()).await.ok();
    let path = format!("{}/{}", list_path(&test, realm), id(&made));
    let id: ApplicationId = id(&made).parse().unwrap();
    let at = RealmRef {
        tenant_id: tenant,
        realm_id: realm,
    }
    .application_id(id);
    let name = async || {
        let found = ops::cached(&test.app, at).await.unwrap();
        found.map(|application| application.display_name.clone())
    };
    assert_eq!(name().await.as_deref(), Some("Pets: web"));
    change(&test, &path, json!({ "display_name": "ours" }))
        .await
        .ok();
    assert_eq!(name().await.as_deref(), Some("ours"));

    let by_another_node = Application {
        display_name: "theirs".to_owned(),
        ..ops::get(&test.context(), at).await.unwrap().application
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
    assert!(
        ops::cached(
            &test.app,
            test.made.realm.at().application_id(at.application_id)
        )
        .await
        .unwrap()
        .is_none()
    );
}

async fn tokens_of_a_deleted_application_are_no_longer_good(test: TestApp) {
    let realm = test.made.realm.id;
    let made = create(&test, realm, manager(&test)).await.ok();
    let application_id: ApplicationId = id(&made).parse().unwrap();
    let client_id = made["protocol_config"]["client_id"].as_str().unwrap();
    let application = test.made.realm.at().application_id(application_id);
    let token = access::issue(
        &test.app,
        test.app.now(),
        access::Grant {
            application,
            client_id,
            subject: client_id,
            principal: application.principal(),
            audience: vec![MANAGEMENT_AUDIENCE.to_owned()],
            scope: ScopeSet::from_tokens(["realms:read"]).unwrap(),
            grant_type: keymoor_oauth::client::GrantType::ClientCredentials,
            lifetime: Seconds::DAY,
            algorithm: Algorithm::Rs256,
        },
    )
    .await
    .unwrap()
    .token;
    assert!(
        access::verify_management(&test.app, &token, test.made.tenant.id)
            .await
            .is_ok()
    );
    let path = format!("{}/{}", list_path(&test, realm), id(&made));
    test.manage(Method::DELETE, &path, None).await.ok_empty();
    assert!(
        access::verify_management(&test.app, &token, test.made.tenant.id)
            .await
            .is_err()
    );
}
