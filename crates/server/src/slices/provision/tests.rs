//! Handing a tenant over, on both databases.

use axum::body::Body;
use axum::http::{Method, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keymoor_testkit::SoftwareKey;
use serde_json::{Value, json};

use super::*;
use crate::slices::provision::handover::{AdminAccess, Wanted};
use crate::slices::provision::rotation::Rotation;
use crate::testing::{TestApp, both_apps};

both_apps!(
    what_is_handed_over_has_this_form,
    a5_each_hand_over_gives_a_fresh_link_until_an_administrator_has_a_passkey,
    a5_a_passkey_that_nobody_can_use_does_not_count,
    a5_of_many_hand_overs_at_once_one_link_works,
    a10_only_the_operator_makes_an_administrators_link_without_every_scope,
    there_is_one_first_tenant_however_many_ask_at_once,
    both_secrets_work_while_they_overlap_and_no_longer,
);

const BASE: &str = "http://localhost:8021";

async fn printed(test: &TestApp) -> Value {
    let ctx = test.context();
    let handover = handover::of(&ctx, test.made.tenant.id).await.unwrap();
    serde_json::to_value(handover.printed(&ctx)).unwrap()
}

/// What an administrator of the first tenant gets.
async fn access(test: &TestApp) -> AdminAccess {
    let (ctx, realm) = (test.context(), test.made.realm.clone());
    handover::admin_access(&ctx, &realm, Wanted::FirstPasskey)
        .await
        .unwrap()
}

async fn link(test: &TestApp) -> Option<String> {
    let link = printed(test).await["admin_binding_link"].take();
    link.as_str().map(str::to_owned)
}

/// Opens a link as a device does; its status.
async fn open(test: &TestApp, link: &str) -> u16 {
    let request = Request::get(link.strip_prefix(BASE).unwrap());
    let request = request.header("accept", "application/json");
    test.auth(request.body(Body::empty()).unwrap())
        .await
        .status
        .as_u16()
}

/// Binds a software key by a link of the first administrator.
async fn bind(test: &TestApp, link: &str) {
    let (path, token) = link.split_once(":invokeAuthenticator?token=").unwrap();
    let subject = format!(
        "CN={}, OU={}, O={}",
        test.made.administrator.id, test.made.realm.id, test.made.tenant.id
    );
    let proof = SoftwareKey::generate().binding_jws(&subject, token);
    let request = Request::post(format!("{}:bind", path.strip_prefix(BASE).unwrap()))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json");
    let body = json!({ "type": "JWT", "raw": proof }).to_string();
    test.auth(request.body(Body::from(body)).unwrap())
        .await
        .ok();
}

async fn what_is_handed_over_has_this_form(test: TestApp) {
    let printed = printed(&test).await;
    let management = &test.made.management;
    let (tenant, realm) = (test.made.tenant.id, test.made.realm.id);
    let endpoint = format!(
        "{BASE}/v1/tenants/{tenant}/realms/{realm}/applications/{}/token",
        management.id
    );
    assert_eq!(
        printed,
        json!({
            "auth_url": BASE,
            "api_url": "http://localhost:8023",
            "tenant_id": tenant,
            "admin_realm_id": realm,
            "management": {
                "application_id": management.id,
                "client_id": management.client_id,
                "client_secret": test.made.management_secret.expose(),
                "token_endpoint": endpoint,
            },
            "admin_binding_link": printed["admin_binding_link"],
        })
    );
}

async fn a5_each_hand_over_gives_a_fresh_link_until_an_administrator_has_a_passkey(test: TestApp) {
    let first = link(&test).await.unwrap();
    assert_eq!(open(&test, &first).await, 200);
    let second = link(&test).await.unwrap();
    assert_ne!(first, second);
    assert_eq!(open(&test, &first).await, 409);
    assert_eq!(open(&test, &second).await, 200);
    bind(&test, &second).await;
    assert_eq!(link(&test).await, None);
    assert!(matches!(access(&test).await, AdminAccess::Passkey));
}

async fn a5_a_passkey_that_nobody_can_use_does_not_count(test: TestApp) {
    bind(&test, &link(&test).await.unwrap()).await;
    let revoke = async |tx: &mut Tx| {
        Ok(tx
            .exec("UPDATE credentials SET state = 'REVOKED'", &())
            .await?)
    };
    test.app.db.write(revoke).await.unwrap();
    let fresh = link(&test).await.unwrap();
    bind(&test, &fresh).await;
    assert_eq!(link(&test).await, None);
    let suspend = async |tx: &mut Tx| {
        Ok(tx
            .exec("UPDATE identities SET status = 'suspended'", &())
            .await?)
    };
    test.app.db.write(suspend).await.unwrap();
    assert_eq!(link(&test).await, None);
    assert!(matches!(access(&test).await, AdminAccess::Nobody));
}

async fn a5_of_many_hand_overs_at_once_one_link_works(test: TestApp) {
    let asking: Vec<_> = (0..8)
        .map(|_| {
            let (ctx, realm) = (test.context(), test.made.realm.clone());
            tokio::spawn(async move {
                let access = handover::admin_access(&ctx, &realm, Wanted::FirstPasskey);
                match access.await.unwrap() {
                    AdminAccess::Link(new) => new.link,
                    AdminAccess::Passkey | AdminAccess::Nobody => panic!("no passkey was made yet"),
                }
            })
        })
        .collect();
    let mut links = Vec::new();
    for asked in asking {
        links.push(asked.await.unwrap());
    }
    let mut working = 0;
    for link in links {
        working += usize::from(open(&test, link.expose()).await == 200);
    }
    assert_eq!(working, 1);
}

async fn a10_only_the_operator_makes_an_administrators_link_without_every_scope(test: TestApp) {
    let jobs = test.realm_path(&format!(
        "/identities/{}/credential-binding-jobs",
        test.made.administrator.id
    ));
    let token = test.token(&["credential-binding-jobs:create"]).await;
    let body = json!({ "job": {
        "delivery_method": "RETURN",
        "authenticator_config_id": test.made.console_config.id,
    } });
    let request = Request::builder()
        .method(Method::POST)
        .uri(jobs)
        .header("authorization", format!("Bearer {}", token.expose()))
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()));
    test.management(request.unwrap()).await.refused(403);
}

async fn there_is_one_first_tenant_however_many_ask_at_once(test: TestApp) {
    let new = NewTenant {
        display_name: "Other".to_owned(),
        admin_username: "admin".to_owned(),
        admin_email_address: None,
    };
    let forget = async |tx: &mut Tx| {
        for sql in [
            "DELETE FROM signing_keys",
            "DELETE FROM applications",
            "DELETE FROM resource_servers",
            "DELETE FROM authenticator_configs",
            "DELETE FROM identities",
            "DELETE FROM realms",
            "DELETE FROM tenants",
        ] {
            tx.exec(sql, &()).await?;
        }
        Ok(())
    };
    test.app.db.write(forget).await.unwrap();
    let asking: Vec<_> = (0..10)
        .map(|_| {
            let (ctx, new) = (test.context(), new.clone());
            tokio::spawn(async move { first_tenant(&ctx, &new).await.unwrap() })
        })
        .collect();
    let mut tenants = Vec::new();
    for asked in asking {
        tenants.push(asked.await.unwrap());
    }
    assert!(
        tenants.iter().all(|tenant| *tenant == tenants[0]),
        "{tenants:?}"
    );
    assert_ne!(tenants[0], test.made.tenant.id);
}

/// The status of a token request with this secret.
async fn token_request(test: &TestApp, secret: &str) -> u16 {
    let management = &test.made.management;
    let path = test.realm_path(&format!("/applications/{}/token", management.id));
    let basic = STANDARD.encode(format!("{}:{secret}", management.client_id));
    let request = Request::post(path)
        .header("authorization", format!("Basic {basic}"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from("grant_type=client_credentials"));
    test.auth(request.unwrap()).await.status.as_u16()
}

async fn both_secrets_work_while_they_overlap_and_no_longer(test: TestApp) {
    let rotate = async |overlap: Seconds| {
        let rotation = Rotation {
            overlap,
            token_seconds: None,
            revoke_tokens: false,
        };
        let (ctx, tenant) = (test.context(), test.made.tenant.id);
        let rotated = rotation::rotate(&ctx, tenant, rotation).await.unwrap();
        rotated.printed().management.client_secret.to_owned()
    };
    let statuses = async |secrets: [&str; 3]| {
        let [first, second, third] = secrets;
        [
            token_request(&test, first).await,
            token_request(&test, second).await,
            token_request(&test, third).await,
        ]
    };
    let first = test.made.management_secret.expose().to_owned();
    let second = rotate(Seconds::MINUTE).await;
    assert_eq!(statuses([&first, &second, "wrong"]).await, [200, 200, 401]);
    test.clock.advance(Seconds(59));
    assert_eq!(statuses([&first, &second, ""]).await, [200, 200, 401]);
    test.clock.advance(Seconds(1));
    assert_eq!(statuses([&first, &second, "wrong"]).await, [401, 200, 401]);
    // A rotation ends an earlier overlap.
    let third = rotate(Seconds::MINUTE).await;
    let fourth = rotate(Seconds::MINUTE).await;
    assert_eq!(statuses([&second, &third, &fourth]).await, [401, 200, 200]);
    let fifth = rotate(Seconds(0)).await;
    assert_eq!(statuses([&third, &fourth, &fifth]).await, [401, 401, 200]);
    let rotations = test.outcomes(EventKind::APPLICATION_OPERATION).await;
    assert_eq!(rotations, ["SECRET_ROTATED"; 4]);
}
