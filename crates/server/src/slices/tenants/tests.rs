//! The tenant over HTTP, on both databases.

use axum::body::Body;
use axum::http::{Method, Request};
use keymoor_types::Seconds;
use serde_json::json;

use crate::slices::events::EventKind;
use crate::testing::{TestApp, both_apps, without_ids};

both_apps!(
    a_tenant_is_read_and_renamed,
    a_patch_without_changes_is_no_change,
    d3_wrong_fields_are_named_and_change_nothing,
    another_tenant_is_forbidden_and_no_token_is_unauthorized,
);

fn path(test: &TestApp) -> String {
    format!("/v1/tenants/{}", test.made.tenant.id)
}

async fn a_tenant_is_read_and_renamed(test: TestApp) {
    let tenant = test.manage(Method::GET, &path(&test), None).await.ok();
    assert_eq!(tenant["id"], test.made.tenant.id.to_string());
    assert_eq!(
        without_ids(tenant),
        json!({
            "id": "[id]",
            "display_name": "Acme",
            "create_time": "2026-01-01T00:00:00.000Z",
            "update_time": "2026-01-01T00:00:00.000Z"
        })
    );
    test.clock.advance(Seconds(1));
    let change =
        json!({ "tenant": { "id": "ignored", "create_time": 7, "display_name": "Acme & Co." } });
    let changed = test
        .manage(Method::PATCH, &path(&test), Some(change))
        .await
        .ok();
    assert_eq!(changed["display_name"], "Acme & Co.");
    assert_eq!(changed["create_time"], "2026-01-01T00:00:00.000Z");
    assert_eq!(changed["update_time"], "2026-01-01T00:00:01.000Z");
    assert_eq!(
        test.manage(Method::GET, &path(&test), None).await.ok(),
        changed
    );
    assert_eq!(
        test.outcomes(EventKind::TENANT_CHANGE).await,
        ["CREATED", "UPDATED"]
    );
}

async fn a_patch_without_changes_is_no_change(test: TestApp) {
    test.clock.advance(Seconds(1));
    let same = test
        .manage(Method::PATCH, &path(&test), Some(json!({ "tenant": {} })))
        .await
        .ok();
    assert_eq!(same["update_time"], "2026-01-01T00:00:00.000Z");
    assert_eq!(test.outcomes(EventKind::TENANT_CHANGE).await, ["CREATED"]);
}

async fn d3_wrong_fields_are_named_and_change_nothing(test: TestApp) {
    for (body, field) in [
        (
            json!({ "tenant": { "display_name": "" } }),
            "tenant.display_name",
        ),
        (
            json!({ "tenant": { "display_name": "x".repeat(65) } }),
            "tenant.display_name",
        ),
        (
            json!({ "tenant": { "display_name": "a\u{202e}b" } }),
            "tenant.display_name",
        ),
        (
            json!({ "tenant": { "display_name": 5 } }),
            "tenant.display_name",
        ),
        (json!({ "tenant": { "color": "red" } }), "tenant.color"),
        (json!({}), "tenant"),
    ] {
        let refused = test
            .manage(Method::PATCH, &path(&test), Some(body))
            .await
            .refused(400);
        assert_eq!(refused["details"][0]["field_violations"][0]["field"], field);
    }
    let tenant = test.manage(Method::GET, &path(&test), None).await.ok();
    assert_eq!(tenant["display_name"], "Acme");
}

async fn another_tenant_is_forbidden_and_no_token_is_unauthorized(test: TestApp) {
    let other = format!("/v1/tenants/{}", test.other_tenant().await.tenant.id);
    let rename = json!({ "tenant": { "display_name": "Mine" } });
    for (method, body) in [(Method::GET, None), (Method::PATCH, Some(rename))] {
        test.manage(method.clone(), &other, body.clone())
            .await
            .refused(403);
        let scope = if method == Method::GET {
            "tenants:update"
        } else {
            "tenants:read"
        };
        test.manage_as(&[scope], method.clone(), &path(&test), body)
            .await
            .refused(403);
        let bare = Request::builder()
            .method(method)
            .uri(path(&test))
            .body(Body::empty())
            .unwrap();
        test.management(bare).await.refused(401);
    }
}
