//! Fields that applications use as subject: no two identities of a realm share a value.

use std::sync::Arc;

use axum::http::Method;
use serde_json::{Value, json};

use crate::slices::applications::choices::SubjectField;
use crate::testing::sign_in::Site;
use crate::testing::{Answer, TestApp, both_apps};

both_apps!(
    c11_an_identity_cannot_take_a_subject_that_another_has,
    c11_identities_may_share_what_no_application_uses,
    c11_an_application_cannot_use_what_identities_share,
    c11_of_twenty_that_take_one_subject_exactly_one_gets_it,
);

async fn identified_by(test: &TestApp, field: SubjectField) -> Site {
    Site::with(test, |site| {
        let settings = &mut site.application.protocol.token_configuration;
        settings.subject_field = field;
    })
    .await
}

async fn create(test: &TestApp, username: &str, traits: Value) -> Answer {
    let mut all = json!({ "type": "traits_v0", "username": username });
    all.as_object_mut()
        .unwrap()
        .extend(traits.as_object().unwrap().clone());
    let body = json!({ "identity": { "display_name": "Someone", "traits": all } });
    let path = test.realm_path("/identities");
    test.manage(Method::POST, &path, Some(body)).await
}

async fn update(test: &TestApp, id: &Value, traits: Value) -> Answer {
    let path = test.realm_path(&format!("/identities/{}", id.as_str().unwrap()));
    let mut all = json!({ "type": "traits_v0" });
    let members = traits.as_object().unwrap().clone();
    all.as_object_mut().unwrap().extend(members);
    let body = json!({ "identity": { "traits": all } });
    test.manage(Method::PATCH, &path, Some(body)).await
}

/// Asserts a 409 that names the field.
fn duplicate(answer: &Answer, field: &str) {
    let body = answer.refused(409);
    let message = body["message"].as_str().unwrap();
    assert!(message.starts_with(field), "{message}");
    let detail = &body["details"][0];
    assert_eq!(detail["resource_type"], "Identity");
    assert_eq!(detail["description"], "duplicate");
}

async fn c11_an_identity_cannot_take_a_subject_that_another_has(test: TestApp) {
    identified_by(&test, SubjectField::Email).await;
    identified_by(&test, SubjectField::ExternalId).await;
    let ada = json!({ "primary_email_address": "Ada@Example.com", "external_id": "crm-1" });
    let ada = create(&test, "ada", ada).await.ok()["id"].clone();
    for (address, is_taken) in [
        ("ada@example.com", true),
        ("ADA@EXAMPLE.COM", true),
        ("ａda@example.com", true),
        ("ada@example.org", false),
    ] {
        let answer = create(&test, address, json!({ "primary_email_address": address })).await;
        if is_taken {
            duplicate(&answer, "primary_email_address");
        } else {
            answer.ok();
        }
    }
    let taken = create(&test, "bob", json!({ "external_id": "crm-1" })).await;
    duplicate(&taken, "external_id");
    // External ids are compared as they are.
    let other_case = create(&test, "bob", json!({ "external_id": "CRM-1" })).await;
    let bob = other_case.ok()["id"].clone();
    let taken = json!({ "primary_email_address": "ada@EXAMPLE.com" });
    duplicate(&update(&test, &bob, taken).await, "primary_email_address");
    duplicate(
        &update(&test, &bob, json!({ "external_id": "crm-1" })).await,
        "external_id",
    );
    // Neither may several lack it, nor is its holder in its own way.
    create(&test, "eve", json!({})).await.ok();
    let respelt = json!({ "primary_email_address": "ada@example.com", "title": "Countess" });
    update(&test, &ada, respelt).await.ok();
    // What is free again may be taken.
    let none = json!({ "primary_email_address": "" });
    update(&test, &ada, none).await.ok();
    let free = json!({ "primary_email_address": "ada@example.com" });
    update(&test, &bob, free).await.ok();
}

async fn c11_identities_may_share_what_no_application_uses(test: TestApp) {
    identified_by(&test, SubjectField::Username).await;
    identified_by(&test, SubjectField::ExternalId).await;
    for name in ["ada", "bob"] {
        let shared = json!({ "primary_email_address": "family@example.com" });
        create(&test, name, shared).await.ok();
    }
}

async fn c11_an_application_cannot_use_what_identities_share(test: TestApp) {
    let shared = json!({ "primary_email_address": "family@example.com", "external_id": "1" });
    create(&test, "ada", shared).await.ok();
    let shared = json!({ "primary_email_address": "Family@example.com", "external_id": "1" });
    let bob = create(&test, "bob", shared).await.ok()["id"].clone();
    let applications = test.realm_path("/applications");
    let application = |field: &str| {
        json!({ "application": {
            "display_name": "Shop",
            "protocol_config": {
                "type": "oidc",
                "grant_type": ["authorization_code"],
                "redirect_uris": ["https://app.example/cb"],
                "token_configuration": { "expires_after": 3600, "subject_field": field },
            },
        } })
    };
    let creating = async |field: &str| {
        let body = Some(application(field));
        test.manage(Method::POST, &applications, body).await
    };
    for (field, name) in [
        ("email", "primary_email_address"),
        ("external_id", "external_id"),
    ] {
        let body = creating(field).await.refused(409);
        let message = body["message"].as_str().unwrap();
        assert!(message.contains(name), "{message}");
        assert_eq!(body["details"][0]["resource_type"], "Realm");
    }
    let made = creating("id").await.ok();
    let path = format!("{applications}/{}", made["id"].as_str().unwrap());
    let change = json!({ "application": { "protocol_config": {
        "token_configuration": { "subject_field": "email" },
    } } });
    let changing = async || {
        test.manage(Method::PATCH, &path, Some(change.clone()))
            .await
    };
    changing().await.refused(409);
    creating("username").await.ok();
    let apart = json!({ "primary_email_address": "bob@example.com" });
    update(&test, &bob, apart).await.ok();
    changing().await.ok();
    creating("email").await.ok();
    // From now on none may be shared.
    let taken = json!({ "primary_email_address": "family@example.com" });
    duplicate(&update(&test, &bob, taken).await, "primary_email_address");
}

async fn c11_of_twenty_that_take_one_subject_exactly_one_gets_it(test: TestApp) {
    identified_by(&test, SubjectField::Email).await;
    identified_by(&test, SubjectField::ExternalId).await;
    let shared = json!({ "primary_email_address": "ada@example.com", "external_id": "1" });
    let names: Vec<String> = (0..20).map(|number| format!("ada{number}")).collect();
    let attempts = names.iter().map(|name| create(&test, name, shared.clone()));
    let answers = futures_util::future::join_all(attempts).await;
    let created = answers.iter().filter(|answer| answer.status == 200).count();
    let refused = answers.iter().filter(|answer| answer.status == 409).count();
    assert_eq!((created, refused), (1, 19));
}

/// Whichever commits first, the other learns of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c11_an_application_and_an_identity_that_race_agree_on_postgres() {
    let test = Arc::new(TestApp::postgres().await);
    let shared = json!({ "primary_email_address": "family@example.com" });
    create(&test, "ada", shared.clone()).await.ok();
    // An application that starts to use addresses, and has not committed yet.
    let site = Site::new(&test).await;
    let held = keymoor_db::testing::HeldTransaction::begin(test.database()).await;
    let realm = test.made.realm.at();
    let lock = "SELECT 1 FROM realms WHERE tenant_id = $1 AND realm_id = $2 FOR UPDATE";
    assert_eq!(held.exec(lock, &realm).await, 1);
    let change = "UPDATE applications SET subject_field = 'email' WHERE application_id = $1";
    assert_eq!(held.exec(change, &site.application.id).await, 1);
    let racing = test.clone();
    let racer = tokio::spawn(async move { create(&racing, "bob", shared).await });
    duplicate(&held.commit_against(racer).await, "primary_email_address");
}
