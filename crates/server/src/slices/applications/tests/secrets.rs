//! Who sees an application's secret, and who may have one that does as much.

use super::*;
use crate::base::secret::{Digest, Secret};
use crate::db::Json;

both_apps!(
    a10_the_management_secret_is_for_callers_who_may_do_as_much,
    scopes_are_the_resource_servers_and_the_callers,
    secrets_are_shown_to_their_maker_and_to_readers,
    secrets_are_sealed_at_rest_and_in_no_event_or_debug_output,
);

async fn a10_the_management_secret_is_for_callers_who_may_do_as_much(test: TestApp) {
    let path = test.realm_path(&format!("/applications/{}", test.made.management.id));
    let secret = async |scopes: &[&str]| {
        let answer = test.manage_as(scopes, Method::GET, &path, None).await.ok();
        answer["protocol_config"].get("client_secret").is_some()
    };
    assert!(!secret(&["applications:read"]).await);
    assert!(secret(scope::ALL).await);
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
    let (stored, sealed, events) = test
        .app
        .db
        .read(async |rx| {
            let sql = "SELECT client_secret_hash, client_secret_sealed FROM applications
                WHERE tenant_id = $1 AND realm_id = $2 AND application_id = $3";
            let (stored, sealed): (Option<Digest>, Vec<u8>) =
                rx.one(sql, &(tenant, realm, id)).await?;
            let sql = "SELECT kind, outcome, details FROM events
                WHERE tenant_id = $1 AND realm_id = $2 AND resource_id = $3";
            let events: Vec<(String, String, Json<Value>)> =
                rx.all(sql, &(tenant, realm, id.to_string())).await?;
            Ok((stored, sealed, events))
        })
        .await
        .unwrap();
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
