//! Resource servers over HTTP, on both databases.

use axum::http::Method;

use crate::base::scope;
use crate::testing::{TestApp, both_apps};

both_apps!(
    the_built_in_one_is_listed_and_read,
    d6_a_page_after_the_last_row_is_empty,
    what_is_not_in_the_realm_is_not_found,
);

async fn the_built_in_one_is_listed_and_read(test: TestApp) {
    let list = test
        .manage(Method::GET, &test.realm_path("/resource-servers"), None)
        .await
        .ok();
    assert_eq!(list["total_size"], 1);
    assert!(list.get("next_page_token").is_none());
    let server = &list["resource_servers"][0];
    assert_eq!(server["identifier"], "urn:keymoor:management");
    assert_eq!(server["is_managed"], true);
    assert_eq!(server["realm_id"], test.made.realm.id.to_string());
    assert_eq!(server["scopes"].as_array().unwrap().len(), scope::ALL.len());
    assert!(server.get("create_time").is_none());
    let path = test.realm_path(&format!(
        "/resource-servers/{}",
        server["id"].as_str().unwrap()
    ));
    assert_eq!(&test.manage(Method::GET, &path, None).await.ok(), server);
}

async fn d6_a_page_after_the_last_row_is_empty(test: TestApp) {
    let skipped = test.realm_path("/resource-servers?skip=1");
    let list = test.manage(Method::GET, &skipped, None).await.ok();
    assert_eq!(list["resource_servers"].as_array().unwrap().len(), 0);
    assert_eq!(list["total_size"], 1);
    let filtered = test.realm_path("/resource-servers?filter=id%20eq%20%22x%22");
    let refused = test.manage(Method::GET, &filtered, None).await.refused(400);
    assert_eq!(
        refused["details"][0]["field_violations"][0]["field"],
        "filter"
    );
}

async fn what_is_not_in_the_realm_is_not_found(test: TestApp) {
    let other = test.other_tenant().await;
    let theirs = other.management.resource_server_id.unwrap();
    let ours = test.made.management.resource_server_id.unwrap();
    let read = |path: String| {
        let test = &test;
        async move { test.manage(Method::GET, &path, None).await }
    };
    let missing = read(test.realm_path(&format!("/resource-servers/{theirs}")))
        .await
        .refused(404);
    assert_eq!(missing["message"], "resource server not found");
    assert_eq!(missing["details"][0]["resource_type"], "ResourceServer");
    read(test.realm_path("/resource-servers/nonsense"))
        .await
        .refused(404);
    let mixed = format!(
        "/v1/tenants/{}/realms/{}/resource-servers",
        test.made.tenant.id, other.realm.id
    );
    assert_eq!(
        read(mixed.clone()).await.refused(404)["message"],
        "realm not found"
    );
    read(format!("{mixed}/{theirs}")).await.refused(404);
    read(format!("{mixed}/{ours}")).await.refused(404);
    let foreign = format!(
        "/v1/tenants/{}/realms/{}/resource-servers",
        other.tenant.id, other.realm.id
    );
    read(foreign.clone()).await.refused(403);
    read(format!("{foreign}/{theirs}")).await.refused(403);
}
