//! Realms over HTTP, on both databases.

use axum::http::Method;
use keymoor_oauth::jose::Algorithm;
use keymoor_types::{ApplicationId, AuthenticatorConfigId, RealmId, ResourceServerId, Seconds};
use serde_json::{Value, json};

use crate::base::error::{Error, Kind};
use crate::base::refs::RealmRef;
use crate::infra::directory;
use crate::slices::applications::model::Application;
use crate::slices::authenticator_configs::model::AuthenticatorConfig;
use crate::slices::events::EventKind;
use crate::slices::resource_servers::model::ResourceServer;
use crate::slices::{applications, authenticator_configs, resource_servers};
use crate::testing::{Answer, TestApp, both_apps, without_ids};

both_apps!(
    a_realm_is_created_read_changed_and_deleted,
    d3_classifications_have_known_spellings_and_wrong_fields_are_named,
    names_are_unique_in_a_tenant_ignoring_case,
    a_conflict_says_that_the_realm_name_already_exists,
    a_conflict_says_that_the_realm_has_children,
    e3_lists_count_page_and_filter,
    a_deleted_realm_leaves_nothing_but_its_events,
    a_realm_with_identities_and_the_admin_realm_stay,
    an_identity_never_outlives_the_realm_it_is_made_in,
    nothing_is_made_in_a_realm_that_was_deleted_after_it_was_looked_at,
    another_tenants_realms_are_out_of_reach,
);

fn path(test: &TestApp, rest: &str) -> String {
    format!("/v1/tenants/{}/realms{rest}", test.made.tenant.id)
}

async fn create(test: &TestApp, realm: Value) -> Answer {
    test.manage(
        Method::POST,
        &path(test, ""),
        Some(json!({ "realm": realm })),
    )
    .await
}

/// The path of a new realm.
async fn new_realm(test: &TestApp, name: &str) -> String {
    let realm = create(test, json!({ "display_name": name })).await.ok();
    path(test, &format!("/{}", realm["id"].as_str().unwrap()))
}

async fn patch(test: &TestApp, at: &str, realm: Value) -> Answer {
    test.manage(Method::PATCH, at, Some(json!({ "realm": realm })))
        .await
}

async fn read(test: &TestApp, at: &str) -> Answer {
    test.manage(Method::GET, at, None).await
}

async fn delete(test: &TestApp, at: &str) -> Answer {
    test.manage(Method::DELETE, at, None).await
}

async fn new_identity(test: &TestApp, realm: &str, username: &str) -> Answer {
    let traits = json!({ "type": "traits_v0", "username": username });
    let body = json!({ "identity": { "display_name": username, "traits": traits } });
    test.manage(Method::POST, &format!("{realm}/identities"), Some(body))
        .await
}

fn names(list: &Value) -> Vec<&str> {
    let realms = list["realms"].as_array().unwrap();
    realms
        .iter()
        .map(|realm| realm["display_name"].as_str().unwrap())
        .collect()
}

/// Gives a realm one of everything that can be configured in it, and a signing key.
async fn furnish(test: &TestApp, realm_id: RealmId) {
    let ctx = test.context();
    let (now, rng) = (ctx.now, &*test.app.rng);
    let config = AuthenticatorConfig {
        realm_id,
        id: AuthenticatorConfigId::generate(now, rng),
        ..test.made.console_config.clone()
    };
    let server = ResourceServer {
        tenant_id: config.tenant_id,
        realm_id,
        id: ResourceServerId::generate(now, rng),
        display_name: "Pets".to_owned(),
        identifier: "https://pets.example".to_owned(),
        scopes: Vec::new(),
        is_managed: false,
        created_at: now,
        updated_at: now,
    };
    let application = Application {
        realm_id,
        id: ApplicationId::generate(now, rng),
        resource_server_id: Some(server.id),
        authenticator_config_id: Some(config.id),
        ..test.made.management.clone()
    };
    test.app
        .db
        .write(async move |tx| {
            authenticator_configs::store::insert(tx, &config).await?;
            resource_servers::store::insert(tx, &server).await?;
            applications::store::insert(tx, &application, None).await?;
            for directory in [
                authenticator_configs::store::DIRECTORY,
                resource_servers::store::DIRECTORY,
                applications::store::DIRECTORY,
            ] {
                directory::store::add(tx, config.at().realm(), directory, 1).await?;
            }
            Ok::<_, Error>(())
        })
        .await
        .unwrap();
    let keys = &test.app.keys;
    keys.ensure(test.made.tenant.at().realm_id(realm_id), Algorithm::Es256)
        .await
        .unwrap();
}

/// How many rows each table that belongs to a realm has for it.
async fn rows(test: &TestApp, realm: RealmId) -> Vec<i64> {
    const COUNTS: [&str; 7] = [
        "SELECT COUNT(*) FROM realms WHERE tenant_id = $1 AND realm_id = $2",
        "SELECT COUNT(*) FROM applications WHERE tenant_id = $1 AND realm_id = $2",
        "SELECT COUNT(*) FROM authenticator_configs WHERE tenant_id = $1 AND realm_id = $2",
        "SELECT COUNT(*) FROM resource_servers WHERE tenant_id = $1 AND realm_id = $2",
        "SELECT COUNT(*) FROM signing_keys WHERE tenant_id = $1 AND realm_id = $2",
        "SELECT COUNT(*) FROM directory_totals WHERE tenant_id = $1 AND realm_id = $2",
        "SELECT COUNT(*) FROM events WHERE tenant_id = $1 AND realm_id = $2",
    ];
    let tenant = test.made.tenant.id;
    let count = async |rx: &mut crate::db::Rx| {
        let mut counts = Vec::new();
        for sql in COUNTS {
            counts.push(rx.one(sql, &(tenant, realm)).await?);
        }
        Ok::<_, Error>(counts)
    };
    test.app.db.read(count).await.unwrap()
}

async fn a_realm_is_created_read_changed_and_deleted(test: TestApp) {
    let realm = create(&test, json!({ "display_name": "Shop", "id": "ignored" }))
        .await
        .ok();
    assert_eq!(
        without_ids(realm.clone()),
        json!({
            "id": "[id]",
            "tenant_id": "[tenant_id]",
            "display_name": "Shop",
            "classification": "SECURE_CUSTOMER",
            "create_time": "2026-01-01T00:00:00.000Z",
            "update_time": "2026-01-01T00:00:00.000Z"
        })
    );
    let at = path(&test, &format!("/{}", realm["id"].as_str().unwrap()));
    assert_eq!(read(&test, &at).await.ok(), realm);
    test.clock.advance(Seconds(1));
    let same = patch(&test, &at, json!({ "tenant_id": "ignored" }))
        .await
        .ok();
    assert_eq!(same, realm);
    let renamed = patch(&test, &at, json!({ "display_name": "Store" }))
        .await
        .ok();
    assert_eq!(
        (&renamed["display_name"], &renamed["classification"]),
        (&json!("Store"), &realm["classification"])
    );
    assert_eq!(renamed["update_time"], "2026-01-01T00:00:01.000Z");
    test.clock.advance(Seconds(1));
    let moved = patch(&test, &at, json!({ "classification": "SECURE_WORKFORCE" }))
        .await
        .ok();
    assert_eq!(moved["display_name"], "Store");
    assert_eq!(moved["classification"], "SECURE_WORKFORCE");
    test.clock.advance(Seconds(1));
    let gone = delete(&test, &at).await;
    assert_eq!((gone.status.as_u16(), gone.text.as_str()), (200, ""));
    let missing = read(&test, &at).await.refused(404);
    assert_eq!(missing["message"], "realm not found");
    assert_eq!(missing["details"][0]["description"], "realm not found");
    delete(&test, &at).await.refused(404);
    patch(&test, &at, json!({ "display_name": "Back" }))
        .await
        .refused(404);
    assert_eq!(
        test.outcomes(EventKind::REALM_CHANGE).await,
        ["CREATED", "UPDATED", "UPDATED", "DELETED"]
    );
}

async fn d3_classifications_have_known_spellings_and_wrong_fields_are_named(test: TestApp) {
    for (name, given, shown) in [
        ("A", "Secure Customer", "SECURE_CUSTOMER"),
        ("B", "Secure Workforce", "SECURE_WORKFORCE"),
        ("C", "SECURE_WORFORCE", "SECURE_WORKFORCE"),
    ] {
        let realm = create(
            &test,
            json!({ "display_name": name, "classification": given }),
        )
        .await
        .ok();
        assert_eq!(realm["classification"], shown);
    }
    for (realm, field) in [
        (json!({}), "realm.display_name"),
        (json!({ "display_name": "a<b" }), "realm.display_name"),
        (
            json!({ "display_name": "D", "classification": "OPEN" }),
            "realm.classification",
        ),
        (
            json!({ "display_name": "D", "is_admin": true }),
            "realm.is_admin",
        ),
    ] {
        let refused = create(&test, realm).await.refused(400);
        assert_eq!(refused["details"][0]["field_violations"][0]["field"], field);
    }
}

async fn names_are_unique_in_a_tenant_ignoring_case(test: TestApp) {
    let shop = new_realm(&test, "Shop").await;
    let staff = new_realm(&test, "Staff").await;
    let refused = create(&test, json!({ "display_name": "SHOP" }))
        .await
        .refused(409);
    assert_eq!(refused["message"], "realm name already exists");
    patch(&test, &staff, json!({ "display_name": "shop" }))
        .await
        .refused(409);
    assert_eq!(
        patch(&test, &shop, json!({ "display_name": "SHOP" }))
            .await
            .ok()["display_name"],
        "SHOP"
    );
    // Another tenant has an admin realm of the same name.
    test.other_tenant().await;
}

async fn a_conflict_says_that_the_realm_name_already_exists(test: TestApp) {
    new_realm(&test, "Shop").await;
    let staff = new_realm(&test, "Staff").await;
    let name = json!({ "display_name": "Shop" });
    for refused in [
        create(&test, name.clone()).await,
        patch(&test, &staff, name).await,
    ] {
        let body = refused.refused(409);
        assert_eq!(body["message"], "realm name already exists");
        assert_eq!(body["details"][0]["resource_type"], "Realm");
        assert_eq!(body["details"][0]["description"], "duplicate");
    }
}

async fn a_conflict_says_that_the_realm_has_children(test: TestApp) {
    let at = new_realm(&test, "Shop").await;
    new_identity(&test, &at, "ada").await.ok();
    let body = delete(&test, &at).await.refused(409);
    assert_eq!(body["message"], "realm has children");
    let detail = &body["details"][0];
    assert_eq!(detail["resource_type"], "Realm");
    assert_eq!(detail["id"], at.rsplit_once('/').unwrap().1);
    read(&test, &at).await.ok();
}

async fn e3_lists_count_page_and_filter(test: TestApp) {
    for name in ["One", "Two", "Three"] {
        test.clock.advance(Seconds(1));
        new_realm(&test, name).await;
    }
    test.other_tenant().await;
    let list = |query: &str| {
        let (test, at) = (&test, path(&test, query));
        async move { read(test, &at).await.ok() }
    };
    let all = list("").await;
    assert_eq!(names(&all), ["Keymoor Admin", "One", "Two", "Three"]);
    assert_eq!(all["total_size"], 4);
    assert!(all.get("next_page_token").is_none());
    let first = list("?page_size=3").await;
    assert_eq!((names(&first).len(), &first["total_size"]), (3, &json!(4)));
    let token = first["next_page_token"].as_str().unwrap();
    let second = list(&format!("?page_token={token}")).await;
    assert_eq!(
        (names(&second), &second["total_size"]),
        (vec!["Three"], &json!(4))
    );
    assert!(second.get("next_page_token").is_none());
    assert_eq!(names(&list("?skip=2").await), ["Two", "Three"]);

    let found = list("?filter=display_name%20eq%20%22tWO%22").await;
    assert_eq!(
        (names(&found), &found["total_size"]),
        (vec!["Two"], &json!(1))
    );
    let id = found["realms"][0]["id"].as_str().unwrap();
    assert_eq!(
        names(&list(&format!("?filter=id%20eq%20%22{id}%22")).await),
        ["Two"]
    );
    assert_eq!(
        list("?filter=id%20eq%20%22nonsense%22").await["total_size"],
        0
    );

    delete(&test, &path(&test, &format!("/{id}"))).await;
    assert_eq!(list("").await["total_size"], 3);
}

async fn a_deleted_realm_leaves_nothing_but_its_events(test: TestApp) {
    let at = new_realm(&test, "Shop").await;
    let id: RealmId = at.rsplit_once('/').unwrap().1.parse().unwrap();
    furnish(&test, id).await;
    assert_eq!(rows(&test, id).await, [1, 1, 1, 1, 1, 3, 1]);
    assert_eq!(delete(&test, &at).await.status, 200);
    assert_eq!(rows(&test, id).await, [0, 0, 0, 0, 0, 0, 2]);
    let keys = test
        .app
        .keys
        .of(test.made.tenant.at().realm_id(id))
        .await
        .unwrap();
    assert!(
        keys.signing(Algorithm::Es256).is_err(),
        "a deleted realm still signs"
    );
    assert_eq!(rows(&test, test.made.realm.id).await[..5], [1, 1, 1, 1, 1]);
}

async fn a_realm_with_identities_and_the_admin_realm_stay(test: TestApp) {
    let at = new_realm(&test, "Shop").await;
    let ada = new_identity(&test, &at, "ada").await.ok();
    assert_eq!(
        delete(&test, &at).await.refused(409)["message"],
        "realm has children"
    );
    let ada = format!("{at}/identities/{}", ada["id"].as_str().unwrap());
    assert_eq!(delete(&test, &ada).await.status, 200);
    assert_eq!(delete(&test, &at).await.status, 200);

    let administrator = test.realm_path(&format!("/identities/{}", test.made.administrator.id));
    delete(&test, &administrator).await;
    delete(&test, &test.realm_path("")).await.refused(409);
    read(&test, &test.realm_path("")).await.ok();
}

async fn an_identity_never_outlives_the_realm_it_is_made_in(test: TestApp) {
    for round in 0..8 {
        let at = new_realm(&test, "Shop").await;
        let (made, deleted) = tokio::join!(new_identity(&test, &at, "ada"), delete(&test, &at));
        if deleted.status == 200 {
            made.refused(404);
            continue;
        }
        deleted.refused(409);
        let id = made.ok()["id"].as_str().unwrap().to_owned();
        delete(&test, &format!("{at}/identities/{id}")).await;
        assert_eq!(delete(&test, &at).await.status, 200, "round {round}");
    }
}

async fn nothing_is_made_in_a_realm_that_was_deleted_after_it_was_looked_at(test: TestApp) {
    let tenant = test.made.tenant.id;
    let gone = RealmId::generate(test.app.now(), &*test.app.rng);
    let config = AuthenticatorConfig {
        realm_id: gone,
        ..test.made.console_config.clone()
    };
    let application = Application {
        realm_id: gone,
        resource_server_id: None,
        authenticator_config_id: None,
        ..test.made.management.clone()
    };
    let refusals = [
        test.app
            .keys
            .ensure(
                RealmRef {
                    tenant_id: tenant,
                    realm_id: gone,
                },
                Algorithm::Rs256,
            )
            .await,
        test.app
            .db
            .write(async move |tx| authenticator_configs::store::insert(tx, &config).await)
            .await,
        test.app
            .db
            .write(async move |tx| applications::store::insert(tx, &application, None).await)
            .await,
    ];
    for refusal in refusals {
        assert!(
            matches!(&refusal, Err(Error::NotFound(what)) if what.kind == Kind::REALM),
            "{refusal:?}"
        );
    }
}

async fn another_tenants_realms_are_out_of_reach(test: TestApp) {
    let other = test.other_tenant().await;
    let theirs = format!("/v1/tenants/{}/realms", other.tenant.id);
    let rename = json!({ "realm": { "display_name": "Mine" } });
    for (method, at, body) in [
        (Method::POST, theirs.clone(), Some(rename.clone())),
        (Method::GET, theirs.clone(), None),
        (Method::GET, format!("{theirs}/{}", other.realm.id), None),
        (
            Method::PATCH,
            format!("{theirs}/{}", other.realm.id),
            Some(rename.clone()),
        ),
        (Method::DELETE, format!("{theirs}/{}", other.realm.id), None),
    ] {
        test.manage(method, &at, body).await.refused(403);
    }
    for id in [other.realm.id.to_string(), "nonsense".to_owned()] {
        let mixed = path(&test, &format!("/{id}"));
        read(&test, &mixed).await.refused(404);
        test.manage(Method::PATCH, &mixed, Some(rename.clone()))
            .await
            .refused(404);
        delete(&test, &mixed).await.refused(404);
    }
}
