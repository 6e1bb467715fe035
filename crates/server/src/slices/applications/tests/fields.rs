//! What an application may consist of.

use super::*;

both_apps!(
    wrong_fields_are_named,
    d5_dangerous_redirect_uris_are_refused,
    the_content_of_id_tokens_is_a_setting_of_openid_connect_applications,
    protocol_and_confidentiality_never_change,
    references_are_removed_by_the_empty_string,
);

/// A refused application, the field that is named for it, and what is said.
type Case = (Value, &'static str, &'static str);

fn protocol(more: Value) -> Value {
    json!({ "protocol_config": more })
}

fn tokens(more: Value) -> Value {
    protocol(json!({ "token_configuration": more }))
}

fn missing_and_unknown_fields() -> Vec<Case> {
    vec![
        (
            json!({ "display_name": "A" }),
            "protocol_config.type",
            "missing",
        ),
        (
            protocol(json!({ "type": "oidc" })),
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
    ]
}

fn wrong_protocols() -> Vec<Case> {
    [
        (
            web(),
            json!({ "grant_type": ["client_credentials"] }),
            "protocol_config.grant_type",
            "must be authorization_code for oidc",
        ),
        (
            web(),
            json!({ "redirect_uris": [] }),
            "protocol_config.redirect_uris",
            "required for authorization_code",
        ),
        (
            web(),
            json!({ "redirect_uris": ["https://a.example/#x"] }),
            "protocol_config.redirect_uris[0]",
            "must not have a fragment",
        ),
        (
            web(),
            json!({ "allowed_scopes": ["pets:read"] }),
            "protocol_config.allowed_scopes",
            "must be empty without a resource server",
        ),
        (
            web(),
            json!({ "allowed_scopes": ["a b"] }),
            "protocol_config.allowed_scopes",
            "not a valid scope",
        ),
        (
            web(),
            json!({ "token_format": "referential" }),
            "protocol_config.token_format",
            "referential is not supported yet",
        ),
        (
            machine(),
            json!({ "confidentiality": "public", "pkce": "s256" }),
            "protocol_config.grant_type",
            "client_credentials is for confidential applications",
        ),
    ]
    .map(|(base, more, field, description)| (with(base, protocol(more)), field, description))
    .into()
}

fn wrong_token_configurations() -> Vec<Case> {
    [
        (
            web(),
            json!({}),
            "protocol_config.token_configuration.expires_after",
            "missing",
        ),
        (
            web(),
            json!({ "expires_after": 59 }),
            "protocol_config.token_configuration.expires_after",
            "must be from 60 to 7776000 seconds",
        ),
        (
            web(),
            json!({ "expires_after": 7_776_001 }),
            "protocol_config.token_configuration.expires_after",
            "must be from 60 to 7776000 seconds",
        ),
        (
            web(),
            json!({ "expires_after": -1 }),
            "protocol_config.token_configuration.expires_after",
            "expected u32",
        ),
        (
            web(),
            json!({ "expires_after": 60, "token_signing_algorithm": "none" }),
            "protocol_config.token_configuration.token_signing_algorithm",
            "expected `RS256` or `ES256`",
        ),
        (
            machine(),
            json!({ "expires_after": 60, "subject_field": "email" }),
            "protocol_config.token_configuration.subject_field",
            "must be id with client_credentials",
        ),
    ]
    .map(|(base, more, field, description)| (with(base, tokens(more)), field, description))
    .into()
}

fn wrong_references(test: &TestApp) -> Vec<Case> {
    [
        (
            web(),
            json!({ "resource_server_id": "x" }),
            "resource_server_id",
            "no such resource server",
        ),
        // The admin realm's is not this realm's.
        (
            web(),
            json!({ "resource_server_id": management_server(test) }),
            "resource_server_id",
            "no such resource server",
        ),
        (
            web(),
            json!({ "authenticator_config_id": test.made.console_config.id }),
            "authenticator_config_id",
            "no such authenticator config",
        ),
        (
            machine(),
            json!({ "authenticator_config_id": test.made.console_config.id }),
            "authenticator_config_id",
            "must be absent with client_credentials",
        ),
    ]
    .map(|(base, more, field, description)| (with(base, more), field, description))
    .into()
}

async fn wrong_fields_are_named(test: TestApp) {
    let realm = test.new_realm().await;
    let cases = [
        missing_and_unknown_fields(),
        wrong_protocols(),
        wrong_token_configurations(),
        wrong_references(&test),
    ];
    for (application, field, description) in cases.concat() {
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
        "filesystem:https://a/x",
        "intent://a#Intent;end",
        "mailto:a@b.example",
        "localhost:3000/callback",
        "https://*.example.com/cb",
        "https://app.example.com/*",
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

async fn the_content_of_id_tokens_is_a_setting_of_openid_connect_applications(test: TestApp) {
    let realm = test.new_realm().await;
    let made = create(&test, realm, web()).await.ok();
    assert_eq!(made["protocol_config"]["id_token_claims"], "scopes");
    let path = format!("{}/{}", list_path(&test, realm), id(&made));
    let set = |value: &str| json!({ "protocol_config": { "id_token_claims": value } });
    let changed = change(&test, &path, set("subject")).await.ok();
    assert_eq!(changed["protocol_config"]["id_token_claims"], "subject");
    let kept = change(&test, &path, json!({ "display_name": "B" }))
        .await
        .ok();
    assert_eq!(kept["protocol_config"]["id_token_claims"], "subject");
    assert_eq!(
        violation(&change(&test, &path, set("email")).await),
        wrong("id_token_claims", "expected `scopes` or `subject`")
    );
    let refused = create(&test, realm, with(machine(), set("subject"))).await;
    assert_eq!(
        violation(&refused),
        wrong("id_token_claims", "must be scopes for oauth2")
    );
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
        json!({
            "resource_server_id": "",
            "authenticator_config_id": "",
            "protocol_config": { "allowed_scopes": [] },
        }),
    )
    .await
    .ok();
    assert!(
        changed.get("resource_server_id").is_none()
            && changed.get("authenticator_config_id").is_none()
    );
}
