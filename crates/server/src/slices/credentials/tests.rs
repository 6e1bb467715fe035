//! Credentials over HTTP, on both databases.

use axum::http::Method;
use keymoor_types::{Seconds, Timestamp};
use serde_json::{Value, json};

use super::model::Use;
use super::store;
use crate::db::Tx;
use crate::slices::events::EventKind;
use crate::testing::sign_in::{Person, Site};
use crate::testing::{Answer, TestApp, both_apps, without_ids};

both_apps!(
    d11_a_bound_passkey_is_shown_as_published,
    a_passkey_is_named_and_says_where_it_was_bound,
    d3_wrong_names_are_refused_and_change_nothing,
    the_first_use_of_an_hour_is_recorded,
    a_concurrent_use_of_the_same_hour_writes_nothing,
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
            "display_name": "Passkey",
            "created_from": {
                "credential_binding_job_id": "[credential_binding_job_id]",
                "ip_address": "127.0.0.1"
            },
            "create_time": "2026-01-01T00:00:00.000Z",
            "update_time": "2026-01-01T00:00:00.000Z"
        })
    );
}

async fn rename(test: &TestApp, path: &str, credential: Value) -> Answer {
    let body = json!({ "credential": credential });
    test.manage(Method::PATCH, path, Some(body)).await
}

async fn a_passkey_is_named_and_says_where_it_was_bound(test: TestApp) {
    const CHROME: &str = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) \
                          Chrome/142.0.0.0 Mobile Safari/537.36";
    let ada = identity(&test, "ada").await;
    let id = test.bind_passkey_from(&ada, Some(CHROME)).await;
    let at = path(&test, &ada, &format!("/{id}"));
    let bound = read(&test, &at).await.ok();
    assert_eq!(bound["display_name"], "Chrome on Android");
    assert_eq!(bound["created_from"]["user_agent"], CHROME);
    assert_eq!(bound["created_from"]["ip_address"], "127.0.0.1");
    let jobs = test.realm_path(&format!("/identities/{ada}/credential-binding-jobs"));
    let job = bound["created_from"]["credential_binding_job_id"]
        .as_str()
        .unwrap();
    let job = read(&test, &format!("{jobs}/{job}")).await.ok();
    assert_eq!(job["credential_id"], id.as_str());

    test.clock.advance(Seconds(1));
    assert_eq!(rename(&test, &at, json!({})).await.ok(), bound);
    let renamed = rename(
        &test,
        &at,
        json!({ "display_name": "Work phone", "state": "REVOKED" }),
    )
    .await
    .ok();
    assert_eq!(renamed["display_name"], "Work phone");
    assert_eq!(renamed["update_time"], "2026-01-01T00:00:01.000Z");
    assert_eq!(renamed["state"], "ACTIVE", "read-only");
    assert_eq!(read(&test, &at).await.ok(), renamed);
    test.clock.advance(Seconds(1));
    revoke(&test, &at).await.ok();
    test.clock.advance(Seconds(1));
    let again = rename(&test, &at, json!({ "display_name": "Lost phone" }))
        .await
        .ok();
    assert_eq!(
        (&again["display_name"], &again["state"]),
        (&json!("Lost phone"), &json!("REVOKED"))
    );
    assert_eq!(
        test.outcomes(EventKind::CREDENTIAL_CHANGE).await,
        ["BOUND", "UPDATED", "REVOKED", "UPDATED"]
    );
}

async fn d3_wrong_names_are_refused_and_change_nothing(test: TestApp) {
    let ada = identity(&test, "ada").await;
    let id = test.bind_passkey(&ada).await;
    let at = path(&test, &ada, &format!("/{id}"));
    let before = read(&test, &at).await.ok();
    for (credential, field) in [
        (json!({ "display_name": "" }), "credential.display_name"),
        (
            json!({ "display_name": "a\u{202e}b" }),
            "credential.display_name",
        ),
        (
            json!({ "display_name": "x".repeat(65) }),
            "credential.display_name",
        ),
        (json!({ "display_name": 1 }), "credential.display_name"),
        (json!({ "colour": "red" }), "credential.colour"),
    ] {
        let refused = rename(&test, &at, credential).await.refused(400);
        assert_eq!(refused["details"][0]["field_violations"][0]["field"], field);
    }
    let missing = path(&test, &ada, "/0000000000000001");
    rename(&test, &missing, json!({ "display_name": "x" }))
        .await
        .refused(404);
    assert_eq!(read(&test, &at).await.ok(), before);
    assert_eq!(test.outcomes(EventKind::CREDENTIAL_CHANGE).await, ["BOUND"]);
}

/// The time of the last use, as it is shown.
async fn last_used(test: &TestApp, person: &Person) -> Value {
    let (identity, id) = (person.identity.id.to_string(), person.credential.id);
    let shown = read(test, &path(test, &identity, &format!("/{id}")))
        .await
        .ok();
    assert_eq!(shown["update_time"], "2026-01-01T00:00:00.000Z");
    shown["last_used_time"].clone()
}

async fn the_first_use_of_an_hour_is_recorded(test: TestApp) {
    let site = Site::new(&test).await;
    let people = [
        Person::new(&test, "ada").await,
        Person::with_webauthn(&test, "bob").await,
    ];
    for person in &people {
        assert_eq!(last_used(&test, person).await, Value::Null);
    }
    for (minutes, hour) in [(59, "00"), (0, "00"), (1, "01"), (59, "01"), (300, "06")] {
        test.clock.advance(Seconds::MINUTE.times(minutes));
        for person in &people {
            let started = site.start(&test, &[]).await;
            let answer = site
                .answer(&test, &person.proof(&test, &started))
                .await
                .ok();
            assert_eq!(answer["type"], "allow");
            let expected = format!("2026-01-01T{hour}:00:00.000Z");
            assert_eq!(last_used(&test, person).await, expected.as_str());
        }
    }
}

async fn a_concurrent_use_of_the_same_hour_writes_nothing(test: TestApp) {
    let ada = Person::new(&test, "ada").await;
    let at = ada.credential.at();
    let record = async |hour: i64| {
        let used = Use {
            hour: Timestamp::from_seconds(hour * 3_600),
            sign_count: 0,
            backup_state: false,
        };
        let write = async move |tx: &mut Tx| store::record_use(tx, at, used).await;
        test.app.db.write(write).await.unwrap();
        let found = test.app.db.read(async |rx| store::find(rx, at).await).await;
        found.unwrap().unwrap().last_used_at.unwrap().as_seconds() / 3_600
    };
    for (hour, kept) in [(2, 2), (2, 2), (1, 2), (3, 3)] {
        assert_eq!(record(hour).await, kept);
    }
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
