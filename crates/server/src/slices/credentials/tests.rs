//! Credentials over HTTP, on both databases.

use axum::http::Method;
use keymoor_types::Seconds;
use serde_json::{Value, json};

use crate::slices::events::EventKind;
use crate::testing::{Answer, TestApp, both_apps, without_ids};

both_apps!(
    d11_a_bound_passkey_is_shown_as_published,
    revoking_is_final_keeps_the_record_and_is_recorded_once,
    e3_lists_count_page_and_filter,
    what_is_not_the_identitys_is_not_found,
);

async fn identity(test: &TestApp, username: &str) -> String {
    let body = json!({ "identity": {
        "display_name": username,
        "traits": { "type": "traits_v0", "username": username },
    } });
    let made = test
        .manage(Method::POST, &test.realm_path("/identities"), Some(body))
        .await
        .ok();
    made["id"].as_str().unwrap().to_owned()
}

fn path(test: &TestApp, identity: &str, rest: &str) -> String {
    test.realm_path(&format!("/identities/{identity}/credentials{rest}"))
}

async fn read(test: &TestApp, path: &str) -> Answer {
    test.manage(Method::GET, path, None).await
}

async fn revoke(test: &TestApp, path: &str) -> Answer {
    test.manage(Method::POST, &format!("{path}:revoke"), None)
        .await
}

fn ids(list: &Value) -> Vec<&str> {
    let credentials = list["credentials"].as_array().unwrap();
    credentials
        .iter()
        .map(|credential| credential["id"].as_str().unwrap())
        .collect()
}

async fn d11_a_bound_passkey_is_shown_as_published(test: TestApp) {
    let ada = identity(&test, "ada").await;
    let id = test.bind_passkey(&ada).await;
    let credential = read(&test, &path(&test, &ada, &format!("/{id}")))
        .await
        .ok();
    assert_eq!(credential["identity_id"], ada.as_str());
    let jwk: Value = serde_json::from_str(credential["jwk_json"].as_str().unwrap()).unwrap();
    assert_eq!(jwk["crv"], "P-256");
    let thumbprint = credential["jwk_thumbprint"].as_str().unwrap().to_owned();
    assert_eq!((thumbprint.len(), thumbprint.ends_with('=')), (44, true));
    let mut shown = without_ids(credential);
    shown["jwk_json"] = "[jwk]".into();
    shown["jwk_thumbprint"] = "[thumbprint]".into();
    assert_eq!(
        shown,
        json!({
            "id": "[id]",
            "identity_id": "[identity_id]",
            "realm_id": "[realm_id]",
            "tenant_id": "[tenant_id]",
            "state": "ACTIVE",
            "csr_type": "JWT",
            "jwk_json": "[jwk]",
            "jwk_thumbprint": "[thumbprint]",
            "attestation": { "level": "unproven" },
            "create_time": "2026-01-01T00:00:00.000Z",
            "update_time": "2026-01-01T00:00:00.000Z"
        })
    );
}

async fn revoking_is_final_keeps_the_record_and_is_recorded_once(test: TestApp) {
    let ada = identity(&test, "ada").await;
    let at = path(&test, &ada, &format!("/{}", test.bind_passkey(&ada).await));
    test.clock.advance(Seconds(1));
    let revoked = revoke(&test, &at).await.ok();
    assert_eq!(revoked["state"], "REVOKED");
    assert_eq!(revoked["update_time"], "2026-01-01T00:00:01.000Z");
    test.clock.advance(Seconds(1));
    assert_eq!(revoke(&test, &at).await.ok(), revoked);
    assert_eq!(read(&test, &at).await.ok(), revoked);
    let outcomes = test.outcomes(EventKind::CREDENTIAL_CHANGE).await;
    assert_eq!(
        outcomes
            .iter()
            .filter(|outcome| *outcome == "REVOKED")
            .count(),
        1
    );
}

async fn e3_lists_count_page_and_filter(test: TestApp) {
    let (ada, bob) = (identity(&test, "ada").await, identity(&test, "bob").await);
    let mut made = Vec::new();
    for owner in [&ada, &bob, &ada] {
        test.clock.advance(Seconds(1));
        made.push(test.bind_passkey(owner).await);
    }
    revoke(&test, &path(&test, &ada, &format!("/{}", made[0])))
        .await
        .ok();
    let list = |identity: &str, query: &str| {
        let (test, at) = (&test, path(&test, identity, query));
        async move { read(test, &at).await.ok() }
    };

    let all = list("-", "").await;
    assert_eq!(
        (ids(&all), &all["total_size"]),
        (made.iter().map(String::as_str).collect(), &json!(3))
    );
    assert!(all.get("next_page_token").is_none());
    let of_ada = list(&ada, "").await;
    assert_eq!(
        (ids(&of_ada), &of_ada["total_size"]),
        (vec![&*made[0], &*made[2]], &json!(2))
    );

    let first = list("-", "?page_size=2").await;
    assert_eq!((ids(&first).len(), &first["total_size"]), (2, &json!(3)));
    let token = first["next_page_token"].as_str().unwrap();
    assert_eq!(
        ids(&list("-", &format!("?page_token={token}")).await),
        [&made[2]]
    );
    assert_eq!(ids(&list("-", "?skip=2").await), [&made[2]]);

    let active = list("-", "?filter=state%20eq%20%22ACTIVE%22").await;
    assert_eq!(
        (ids(&active), &active["total_size"]),
        (vec![&*made[1], &*made[2]], &json!(2))
    );
    let revoked = list(&ada, "?filter=state%20eq%20%22REVOKED%22").await;
    assert_eq!(
        (ids(&revoked), &revoked["total_size"]),
        (vec![&*made[0]], &json!(1))
    );
    let padded = all["credentials"][1]["jwk_thumbprint"].as_str().unwrap();
    for thumbprint in [padded, padded.trim_end_matches('=')] {
        let filter = format!("?filter=jwk_thumbprint%20eq%20%22{thumbprint}%22");
        assert_eq!(ids(&list("-", &filter).await), [&made[1]]);
        assert_eq!(ids(&list(&bob, &filter).await), [&made[1]]);
        assert_eq!(list(&ada, &filter).await["total_size"], 0);
    }
    let nonsense = list("-", "?filter=jwk_thumbprint%20eq%20%22*%22").await;
    assert_eq!(nonsense["total_size"], 0);
}

async fn what_is_not_the_identitys_is_not_found(test: TestApp) {
    let (ada, bob) = (identity(&test, "ada").await, identity(&test, "bob").await);
    let id = test.bind_passkey(&ada).await;
    let other = test.other_tenant().await;
    let mixed = format!(
        "/v1/tenants/{}/realms/{}/identities",
        test.made.tenant.id, other.realm.id
    );
    for at in [
        path(&test, &bob, &format!("/{id}")),
        path(&test, &ada, "/0000000000000001"),
        path(&test, &ada, "/nonsense"),
        format!("{mixed}/{ada}/credentials/{id}"),
    ] {
        assert_eq!(
            read(&test, &at).await.refused(404)["message"],
            "credential not found"
        );
        assert_eq!(
            revoke(&test, &at).await.refused(404)["details"][0]["resource_type"],
            "Credential"
        );
    }
    for (at, message) in [
        (path(&test, "0000000000000001", ""), "identity not found"),
        (
            path(&test, &other.administrator.id.to_string(), ""),
            "identity not found",
        ),
        (format!("{mixed}/{ada}/credentials"), "identity not found"),
        (format!("{mixed}/-/credentials"), "realm not found"),
    ] {
        assert_eq!(read(&test, &at).await.refused(404)["message"], message);
    }
    let foreign = format!(
        "/v1/tenants/{}/realms/{}/identities",
        other.tenant.id, other.realm.id
    );
    let theirs = format!("{foreign}/{}/credentials", other.administrator.id);
    read(&test, &theirs).await.refused(403);
    read(&test, &format!("{theirs}/{id}")).await.refused(403);
    revoke(&test, &format!("{theirs}/{id}")).await.refused(403);
    let ours = path(&test, &ada, &format!("/{id}"));
    assert_eq!(read(&test, &ours).await.ok()["state"], "ACTIVE");
}
