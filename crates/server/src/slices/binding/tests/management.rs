//! Creating, listing, reading and revoking jobs.

use axum::http::Method;
use keymoor_types::Seconds;
use serde_json::{Value, json};

use super::{Customers, Job, events, set_status};
use crate::slices::binding::link;
use crate::slices::identities::model::Status;
use crate::testing::{TestApp, both_apps};

both_apps!(
    a_returned_job_has_the_published_shape_and_its_link,
    a5_a_mailed_job_shows_no_link_and_keeps_its_token_sealed,
    an_identity_without_an_address_cannot_be_mailed,
    without_a_mail_server_no_mail_is_written,
    a7_the_lifetime_is_seven_days_or_what_was_asked_within_bounds,
    wrong_fields_are_named,
    unknown_and_suspended_identities_get_no_job,
    a10_an_administrators_link_needs_every_scope,
    lists_page_filter_and_count,
    jobs_are_found_under_their_own_realm_and_identity_only,
    revoking_ends_a_job_once,
);

/// `answer` with what differs from run to run taken out.
fn redacted(mut answer: Value, customers: &Customers) -> String {
    let job = match answer.get_mut("credential_binding_job") {
        Some(job) => job,
        None => &mut answer,
    };
    job["id"] = "[job]".into();
    let text = serde_json::to_string_pretty(&answer).unwrap();
    text.replace(&customers.realm.tenant_id.to_string(), "[tenant]")
        .replace(&customers.realm.id.to_string(), "[realm]")
        .replace(&customers.identity.id.to_string(), "[identity]")
        .replace(&customers.config.id.to_string(), "[config]")
}

async fn count(test: &TestApp, sql: &'static str) -> i64 {
    test.app
        .db
        .read(async |rx| Ok(rx.one(sql, &()).await?))
        .await
        .unwrap()
}

/// The sealed token of the only job.
async fn sealed_token(test: &TestApp) -> Option<Vec<u8>> {
    test.app
        .db
        .read(async |rx| Ok(rx.one("SELECT token_sealed FROM binding_jobs", &()).await?))
        .await
        .unwrap()
}

async fn a_returned_job_has_the_published_shape_and_its_link(test: TestApp) {
    let customers = Customers::new(&test).await;
    let asked = json!({
        "delivery_method": "RETURN",
        "post_binding_redirect_uri": "https://app.example/done",
    });
    let mut answer = customers.create(&test, asked).await.ok();
    let link = answer
        .as_object_mut()
        .unwrap()
        .remove("credential_binding_link")
        .unwrap();
    let job = Job::of_link(link.as_str().unwrap());
    assert_eq!(answer["credential_binding_job"]["id"], job.ids()[3]);
    assert_eq!(job.token.len(), 64);
    insta::allow_duplicates! {
        insta::assert_snapshot!(redacted(answer, &customers), @r#"
        {
          "credential_binding_job": {
            "authenticator_config_id": "[config]",
            "create_time": "2026-01-01T00:00:00.000Z",
            "delivery_method": "RETURN",
            "expire_time": "2026-01-08T00:00:00.000Z",
            "id": "[job]",
            "identity_id": "[identity]",
            "post_binding_redirect_uri": "https://app.example/done",
            "realm_id": "[realm]",
            "state": "LINK_SENT",
            "tenant_id": "[tenant]",
            "update_time": "2026-01-01T00:00:00.000Z"
          }
        }
        "#);
    }
    assert_eq!(
        events(&test, customers.realm.id).await,
        [(
            "CredentialBindingJobChange".to_owned(),
            "LINK_SENT".to_owned()
        )]
    );
}

async fn a5_a_mailed_job_shows_no_link_and_keeps_its_token_sealed(test: TestApp) {
    let customers = Customers::new(&test).await;
    let answer = customers
        .create(&test, json!({ "delivery_method": "EMAIL" }))
        .await
        .ok();
    assert!(answer.get("credential_binding_link").is_none(), "{answer}");
    assert_eq!(answer["credential_binding_job"]["state"], "LINK_SENT");
    let tasks: i64 = count(
        &test,
        "SELECT COUNT(*) FROM outbox WHERE kind = 'binding_link'",
    )
    .await;
    assert_eq!(tasks, 1);
    let sealed = sealed_token(&test)
        .await
        .expect("a token that is still to be mailed is kept");
    let job = answer["credential_binding_job"]["id"].as_str().unwrap();
    let job = Job {
        path: format!("{}/{job}", customers.jobs()),
        token: String::new(),
    };
    let token = link::open_token(&test.app, job.at(), &sealed).unwrap();
    assert!(
        !sealed
            .windows(token.expose().len())
            .any(|window| window == token.expose().as_bytes())
    );
    let job = Job {
        token: token.expose().to_owned(),
        ..job
    };
    job.bind_new_key(&test).await.ok();
    assert_eq!(sealed_token(&test).await, None);

    let answer = customers
        .create(&test, json!({ "delivery_method": "EMAIL" }))
        .await
        .ok();
    let id = answer["credential_binding_job"]["id"].as_str().unwrap();
    test.manage(
        Method::POST,
        &format!("{}/{id}:revoke", customers.jobs()),
        None,
    )
    .await
    .ok();
    let kept = "SELECT COUNT(*) FROM binding_jobs WHERE token_sealed IS NOT NULL";
    assert_eq!(count(&test, kept).await, 0);
}

async fn an_identity_without_an_address_cannot_be_mailed(test: TestApp) {
    let customers = Customers::with(&test, |identity, _| {
        identity.traits.primary_email_address = None;
    })
    .await;
    let refusal = customers
        .create(&test, json!({ "delivery_method": "EMAIL" }))
        .await
        .refused(422);
    assert_eq!(refusal["message"], "Identity missing email address");
    assert_eq!(refusal["details"][0]["resource_type"], "Identity");
    customers
        .create(&test, json!({ "delivery_method": "RETURN" }))
        .await
        .ok();
}

async fn without_a_mail_server_no_mail_is_written(test: TestApp) {
    test.mailbox.remove();
    let customers = Customers::new(&test).await;
    let refusal = customers
        .create(&test, json!({ "delivery_method": "EMAIL" }))
        .await
        .refused(422);
    assert_eq!(refusal["message"], "no mail server is configured");
    assert_eq!(count(&test, "SELECT COUNT(*) FROM binding_jobs").await, 0);
    customers.job(&test).await.bind_new_key(&test).await.ok();
    assert_eq!(count(&test, "SELECT COUNT(*) FROM outbox").await, 0);
}

async fn a7_the_lifetime_is_seven_days_or_what_was_asked_within_bounds(test: TestApp) {
    let customers = Customers::new(&test).await;
    let expire_time = async |expires_in: Value| {
        let asked = json!({ "delivery_method": "RETURN", "expires_in": expires_in });
        let answer = customers.create(&test, asked).await.ok();
        answer["credential_binding_job"]["expire_time"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(expire_time(json!(3_600)).await, "2026-01-01T01:00:00.000Z");
    assert_eq!(expire_time(Value::Null).await, "2026-01-08T00:00:00.000Z");
    for outside in [0, -1, 59, 30 * 86_400 + 1] {
        let asked = json!({ "delivery_method": "RETURN", "expires_in": outside });
        let refusal = customers.create(&test, asked).await.refused(400);
        assert_eq!(
            refusal["details"][0]["field_violations"][0]["field"],
            "job.expires_in"
        );
    }
    let ignored = json!({ "delivery_method": "RETURN", "expire_time": "2036-01-01T00:00:00.000Z" });
    let answer = customers.create(&test, ignored).await.ok();
    assert_eq!(
        answer["credential_binding_job"]["expire_time"],
        "2026-01-08T00:00:00.000Z"
    );
}

async fn wrong_fields_are_named(test: TestApp) {
    let customers = Customers::new(&test).await;
    for (asked, field, description) in [
        (json!({}), "job.delivery_method", "missing"),
        (
            json!({ "delivery_method": "PIGEON" }),
            "job.delivery_method",
            "expected `RETURN` or `EMAIL`",
        ),
        (
            json!({ "delivery_method": "RETURN", "colour": 1 }),
            "job.colour",
            "unknown field",
        ),
        (
            json!({ "delivery_method": "RETURN", "authenticator_config_id": "" }),
            "job.authenticator_config_id",
            "empty string",
        ),
        (
            json!({ "delivery_method": "RETURN", "authenticator_config_id": "67bb0acf12e5c899" }),
            "job.authenticator_config_id",
            "no such authenticator config",
        ),
        (
            json!({
                "delivery_method": "RETURN",
                "authenticator_config_id": test.made.console_config.id,
            }),
            "job.authenticator_config_id",
            "no such authenticator config",
        ),
        (
            json!({
                "delivery_method": "RETURN",
                "post_binding_redirect_uri": "javascript:alert(1)",
            }),
            "job.post_binding_redirect_uri",
            "must not use this scheme: use https, http or your own app's",
        ),
        (
            json!({
                "delivery_method": "RETURN",
                "post_binding_redirect_uri": "localhost:3000/welcome",
            }),
            "job.post_binding_redirect_uri",
            "must start with https:// or http://: without it, the host is read as the scheme",
        ),
    ] {
        let refusal = customers.create(&test, asked).await.refused(400);
        let expected = json!([{ "field": field, "description": description }]);
        assert_eq!(refusal["details"][0]["field_violations"], expected);
    }
}

async fn unknown_and_suspended_identities_get_no_job(test: TestApp) {
    let customers = Customers::new(&test).await;
    let elsewhere = customers
        .jobs()
        .replace(&customers.identity.id.to_string(), "0000000000000001");
    let body = json!({ "job": {
        "delivery_method": "RETURN",
        "authenticator_config_id": customers.config.id,
    } });
    test.manage(Method::GET, &elsewhere, None)
        .await
        .refused(404);
    let refusal = test
        .manage(Method::POST, &elsewhere, Some(body.clone()))
        .await
        .refused(404);
    assert_eq!(refusal["message"], "identity not found");
    let no_id = customers
        .jobs()
        .replace(&customers.identity.id.to_string(), "no-id");
    test.manage(Method::POST, &no_id, Some(body))
        .await
        .refused(404);
    set_status(&test, &customers.identity, Status::Suspended).await;
    customers
        .create(&test, json!({ "delivery_method": "RETURN" }))
        .await
        .refused(409);
}

async fn a10_an_administrators_link_needs_every_scope(test: TestApp) {
    let path = test.realm_path(&format!(
        "/identities/{}/credential-binding-jobs",
        test.made.administrator.id
    ));
    let config = test.made.console_config.id;
    let body = json!({ "job": { "delivery_method": "RETURN", "authenticator_config_id": config } });
    let scope = "credential-binding-jobs:create";
    test.manage_as(&[scope], Method::POST, &path, Some(body.clone()))
        .await
        .refused(403);
    test.manage(Method::POST, &path, Some(body)).await.ok();
    let customers = Customers::new(&test).await;
    let body = json!({ "job": {
        "delivery_method": "RETURN",
        "authenticator_config_id": customers.config.id,
    } });
    test.manage_as(&[scope], Method::POST, &customers.jobs(), Some(body))
        .await
        .ok();
}

async fn lists_page_filter_and_count(test: TestApp) {
    let customers = Customers::new(&test).await;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(customers.job(&test).await.ids()[3].to_owned());
        test.clock.advance(Seconds(1));
    }
    customers
        .create(&test, json!({ "delivery_method": "EMAIL" }))
        .await
        .ok();
    let everyone = customers
        .jobs()
        .replace(&customers.identity.id.to_string(), "-");
    for path in [customers.jobs(), everyone] {
        let list = async |query: &str| {
            test.manage(Method::GET, &format!("{path}?{query}"), None)
                .await
                .ok()
        };
        let listed = |page: &Value| -> Vec<String> {
            let jobs = page["credential_binding_jobs"].as_array().unwrap();
            jobs.iter()
                .map(|job| job["id"].as_str().unwrap().to_owned())
                .collect()
        };
        let first = list("page_size=2").await;
        assert_eq!(
            (listed(&first).as_slice(), &first["total_size"]),
            (&ids[..2], &json!(4))
        );
        let token = first["next_page_token"].as_str().unwrap();
        let second = list(&format!("page_token={token}")).await;
        assert_eq!(listed(&second)[0], ids[2]);
        assert_eq!(listed(&second).len(), 2);
        assert!(second.get("next_page_token").is_none(), "{second}");
        assert_eq!(listed(&list("skip=3").await).len(), 1);

        let mailed = list("filter=delivery_method%20eq%20%22EMAIL%22").await;
        assert_eq!(
            (listed(&mailed).len(), &mailed["total_size"]),
            (1, &json!(1))
        );
        assert_eq!(
            list("filter=state%20eq%20%22COMPLETE%22").await["total_size"],
            0
        );
        let refusal = test
            .manage(Method::GET, &format!("{path}?page_size=-1"), None)
            .await
            .refused(400);
        assert_eq!(
            refusal["details"][0]["field_violations"][0]["field"],
            "page_size"
        );
        test.manage(Method::GET, &format!("{path}?page_token=foreign"), None)
            .await
            .refused(400);
    }
    test.clock.advance(Seconds::DAY.times(8));
    let expired = format!("{}?filter=state%20eq%20%22EXPIRED%22", customers.jobs());
    assert_eq!(
        test.manage(Method::GET, &expired, None).await.ok()["total_size"],
        4
    );
}

async fn jobs_are_found_under_their_own_realm_and_identity_only(test: TestApp) {
    let customers = Customers::new(&test).await;
    let job = customers.job(&test).await;
    let [tenant, realm, identity, _] = job.ids();
    let other_realm = job.path.replace(realm, &test.made.realm.id.to_string());
    let other_identity = job
        .path
        .replace(identity, &test.made.administrator.id.to_string());
    let no_job = job.path.replace(job.ids()[3], "not-an-id");
    for path in [other_realm, other_identity, no_job] {
        let refusal = test.manage(Method::GET, &path, None).await.refused(404);
        assert_eq!(refusal["message"], "credential binding job not found");
        test.manage(Method::POST, &format!("{path}:revoke"), None)
            .await
            .refused(404);
    }
    let other_tenant = job.path.replace(tenant, "0000000000000001");
    test.manage(Method::GET, &other_tenant, None)
        .await
        .refused(403);
    assert_eq!(job.state(&test).await, "LINK_SENT");
}

async fn revoking_ends_a_job_once(test: TestApp) {
    let customers = Customers::new(&test).await;
    let job = customers.job(&test).await;
    let revoke = async || {
        test.manage(Method::POST, &format!("{}:revoke", job.path), None)
            .await
    };
    assert_eq!(revoke().await.ok()["state"], "REVOKED");
    let told = events(&test, customers.realm.id).await;
    assert!(
        told.contains(&(
            "CredentialBindingJobChange".to_owned(),
            "REVOKED".to_owned()
        )),
        "{told:?}"
    );
    let again = revoke().await.refused(409);
    assert_eq!(again["details"][0]["description"], "revoked");
    assert_eq!(
        job.bind_new_key(&test).await.refused(409)["details"][0]["description"],
        "revoked"
    );

    let complete = customers.job(&test).await;
    complete.bind_new_key(&test).await.ok();
    test.manage(Method::POST, &format!("{}:revoke", complete.path), None)
        .await
        .refused(409);
    assert_eq!(complete.state(&test).await, "COMPLETE");

    let late = customers.job(&test).await;
    test.clock.advance(Seconds::DAY.times(7));
    let refusal = test
        .manage(Method::POST, &format!("{}:revoke", late.path), None)
        .await
        .refused(409);
    assert_eq!(refusal["details"][0]["description"], "expired");
}
