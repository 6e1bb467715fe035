//! What a batch and a job may ask for.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

use super::{Realm, count, mailed, read, work};
use crate::slices::batches::ops::BATCH_CHANGE;
use crate::testing::{TestApp, both_apps};

both_apps!(
    wrong_requests_are_refused_and_change_nothing,
    a10_a_batch_of_administrators_needs_every_scope,
    a_job_may_bring_its_own_config,
);

async fn wrong_requests_are_refused_and_change_nothing(test: TestApp) {
    let realm = Realm::new(&test).await;
    let template = json!({ "authenticator_config_id": realm.config });
    let one = json!(["0000000000000001"]);
    let inline = json!({ "config": { "type": "embedded", "invoke_url": "https://app.example" } });
    let prefix = "batch_credential_binding_job";
    for (ids, template, field) in [
        (json!([]), template.clone(), "identity_ids"),
        (json!(vec!["1"; 1_001]), template.clone(), "identity_ids"),
        (json!([""]), template.clone(), "identity_ids[0]"),
        (
            one.clone(),
            json!({}),
            "job_template.authenticator_config_id",
        ),
        (
            one.clone(),
            json!({ "authenticator_config_id": "x" }),
            "job_template.authenticator_config_id",
        ),
        (
            one.clone(),
            json!({ "authenticator_config_id": "019cade2-38b9-7181-90ed-90479531985d" }),
            "job_template.authenticator_config_id",
        ),
        (
            one.clone(),
            json!({ "authenticator_config_id": realm.config, "authenticator_config": inline }),
            "job_template.authenticator_config_id",
        ),
        (
            one.clone(),
            json!({ "authenticator_config": { "config": { "type": "hosted_web" } } }),
            "job_template.authenticator_config.config.type",
        ),
        (
            one.clone(),
            json!({ "authenticator_config_id": realm.config, "post_binding_redirect_uri": "javascript:1" }),
            "job_template.post_binding_redirect_uri",
        ),
        (
            one.clone(),
            json!({ "authenticator_config_id": realm.config, "colour": 1 }),
            "job_template.colour",
        ),
    ] {
        let refused = realm.create_with(&test, ids, template).await.refused(400);
        let violations = &refused["details"][0]["field_violations"];
        assert_eq!(
            violations[0]["field"],
            format!("{prefix}.{field}"),
            "{refused}"
        );
    }
    test.mailbox.remove();
    realm.create_with(&test, one, template).await.refused(422);
    assert_eq!(count(&test, "SELECT COUNT(*) FROM batches").await, 0);
    assert!(test.outcomes(BATCH_CHANGE).await.is_empty());
}

async fn a10_a_batch_of_administrators_needs_every_scope(test: TestApp) {
    let body = json!({ "batch_credential_binding_job": {
        "identity_ids": [test.made.administrator.id],
        "job_template": { "authenticator_config_id": test.made.console_config.id },
    } });
    let path = test.realm_path("/batch-credential-binding-jobs");
    let scope = "credential-binding-jobs:create";
    test.manage_as(&[scope], Method::POST, &path, Some(body.clone()))
        .await
        .refused(403);
    test.manage(Method::POST, &path, Some(body)).await.ok();
    work(&test).await;
    assert_eq!(mailed(&test).await.len(), 1);
}

async fn a_job_may_bring_its_own_config(test: TestApp) {
    let realm = Realm::new(&test).await;
    let person = realm.people(&test, 1).await.remove(0);
    let jobs = format!("{}/identities/{person}/credential-binding-jobs", realm.path);
    let create = async |job: Value| {
        let body = json!({ "job": job });
        test.manage(Method::POST, &jobs, Some(body)).await
    };
    let inline = json!({ "config": {
        "type": "embedded",
        "invoke_url": "https://other.example/go",
        "authentication_methods": [{ "type": "software_passkey" }],
    } });
    let made = create(json!({ "delivery_method": "RETURN", "authenticator_config": inline }))
        .await
        .ok();
    let job = &made["credential_binding_job"];
    assert!(job.get("authenticator_config_id").is_none(), "{job}");
    assert_eq!(
        job["authenticator_config"]["config"],
        json!({
            "type": "embedded",
            "invocation_type": "automatic",
            "invoke_url": "https://other.example/go",
            "trusted_origins": [],
            "authentication_methods": [{ "type": "software_passkey" }],
        })
    );
    let at = format!("{jobs}/{}", job["id"].as_str().unwrap());
    assert_eq!(read(&test, &at).await, *job);
    let link = made["credential_binding_link"].as_str().unwrap();
    let link = link.strip_prefix("http://localhost:8021").unwrap();
    let open = Request::get(link).header("accept", "text/html");
    let opened = test.auth(open.body(Body::empty()).unwrap()).await;
    assert_eq!(opened.status, 302);
    assert!(
        opened
            .header("location")
            .starts_with("https://other.example/go/bind?")
    );
    for (config, field) in [
        (json!({ "type": "embedded" }), "invoke_url"),
        (json!({ "type": "hosted_web" }), "type"),
        (json!({ "invoke_url": "https://app.example" }), "type"),
        (
            json!({ "type": "embedded", "invoke_url": "javascript:1" }),
            "invoke_url",
        ),
        (
            json!({ "type": "embedded", "invoke_url": "https://a.example", "trusted_origins": ["x"] }),
            "trusted_origins[0]",
        ),
    ] {
        let job =
            json!({ "delivery_method": "RETURN", "authenticator_config": { "config": config } });
        let refused = create(job).await.refused(400);
        assert_eq!(
            refused["details"][0]["field_violations"][0]["field"],
            format!("job.authenticator_config.config.{field}")
        );
    }
    let both = json!({
        "delivery_method": "RETURN",
        "authenticator_config_id": realm.config,
        "authenticator_config": { "config": { "type": "embedded", "invoke_url": "https://a.example" } },
    });
    create(both).await.refused(400);
    create(json!({ "delivery_method": "RETURN" }))
        .await
        .refused(400);
}
