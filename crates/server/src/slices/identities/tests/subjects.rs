//! Fields that applications use as subject: no two identities of a realm share a value.

use std::sync::Arc;

use axum::http::Method;
use keymoor_types::Seconds;
use serde_json::{Value, json};

use crate::base::error::Result;
use crate::base::refs::ApplicationRef;
use crate::db::{Rx, Tx};
use crate::maintenance;
use crate::slices::applications;
use crate::slices::applications::choices::SubjectField;
use crate::slices::applications::model::Reservation;
use crate::testing::sign_in::Site;
use crate::testing::{Answer, TestApp, both_apps};

both_apps!(
    c11_an_identity_cannot_take_a_subject_that_another_has,
    c11_identities_may_share_what_no_application_uses,
    c11_an_application_cannot_use_what_identities_share,
    c11_of_twenty_that_take_one_subject_exactly_one_gets_it,
    c11_no_value_becomes_shared_while_a_realm_is_searched_for_shared_ones,
    c11_a_reservation_is_used_once_and_for_its_field,
    c11_a_reserved_field_is_free_after_a_refusal_and_after_a_crash,
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

/// What the application's request reserves for as long as it searches.
async fn reserve(test: &TestApp, application: ApplicationRef, field: SubjectField) -> Reservation {
    let reservation = Reservation {
        application,
        field,
        created_at: test.app.now(),
    };
    let write = async move |tx: &mut Tx| applications::store::reserve(tx, &reservation).await;
    test.app.db.write(write).await.unwrap();
    reservation
}

async fn reservations(test: &TestApp) -> i64 {
    let count = async |rx: &mut Rx| -> Result<i64> {
        let sql = "SELECT COUNT(*) FROM subject_reservations";
        Ok(rx.one(sql, &()).await?)
    };
    test.app.db.read(count).await.unwrap()
}

/// Changes the subject of an application.
async fn change_subject(test: &TestApp, at: ApplicationRef, field: &str) -> Answer {
    let path = test.realm_path(&format!("/applications/{}", at.application_id));
    let tokens = json!({ "token_configuration": { "subject_field": field } });
    let body = json!({ "application": { "protocol_config": tokens } });
    test.manage(Method::PATCH, &path, Some(body)).await
}

async fn c11_no_value_becomes_shared_while_a_realm_is_searched_for_shared_ones(test: TestApp) {
    let site = Site::new(&test).await;
    let shared = json!({ "primary_email_address": "family@example.com", "external_id": "1" });
    create(&test, "ada", shared.clone()).await.ok();
    let bob = create(&test, "bob", json!({})).await.ok()["id"].clone();
    reserve(&test, site.application.at(), SubjectField::Email).await;
    let taken = create(&test, "eve", shared.clone()).await;
    duplicate(&taken, "primary_email_address");
    duplicate(&update(&test, &bob, shared).await, "primary_email_address");
    create(&test, "eve", json!({ "external_id": "1" }))
        .await
        .ok();
    change_subject(&test, site.application.at(), "email")
        .await
        .ok();
}

async fn c11_a_reservation_is_used_once_and_for_its_field(test: TestApp) {
    let site = Site::new(&test).await;
    let reservation = reserve(&test, site.application.at(), SubjectField::Email).await;
    let other = Reservation {
        field: SubjectField::ExternalId,
        ..reservation
    };
    for (reservation, holds) in [(other, false), (reservation, true), (reservation, false)] {
        let write =
            async move |tx: &mut Tx| applications::store::use_reservation(tx, &reservation).await;
        assert_eq!(test.app.db.write(write).await.unwrap(), holds);
    }
}

async fn c11_a_reserved_field_is_free_after_a_refusal_and_after_a_crash(test: TestApp) {
    let site = Site::new(&test).await;
    let shared = json!({ "primary_email_address": "family@example.com" });
    for name in ["ada", "bob"] {
        create(&test, name, shared.clone()).await.ok();
    }
    change_subject(&test, site.application.at(), "email")
        .await
        .refused(409);
    assert_eq!(reservations(&test).await, 0);
    change_subject(&test, site.application.at(), "external_id")
        .await
        .ok();
    assert_eq!(reservations(&test).await, 0);

    reserve(&test, site.application.at(), SubjectField::Email).await;
    test.clock.advance(Seconds::MINUTE.times(14));
    maintenance::sweep(&test.app).await;
    duplicate(
        &create(&test, "eve", shared.clone()).await,
        "primary_email_address",
    );
    test.clock.advance(Seconds::MINUTE.times(2));
    maintenance::sweep(&test.app).await;
    create(&test, "eve", shared).await.ok();
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
