//! What a grant rests on: a passkey that the config permits, a subject of one identity, and an
//! owner who is not suspended. Each may change at any time.

use std::sync::Arc;

use axum::http::Method as Verb;
use serde_json::{Value, json};

use super::*;
use crate::testing::Answer;

both_apps!(
    c10_a_method_that_was_withdrawn_no_longer_signs_in,
    c10_a_config_is_asked_again_when_the_code_is_redeemed,
    e8_c10_a_config_that_lists_no_methods_permits_every_passkey,
    c11_identities_that_share_a_subject_are_denied,
    c11_a_subject_that_became_ambiguous_redeems_no_code,
    c11_an_identity_never_has_the_subject_of_its_application,
    c12_revoking_a_passkey_revokes_what_rests_on_it_and_nothing_else,
    c12_a_token_of_an_older_version_ends_with_any_passkey_of_its_owner,
    c12_suspending_an_identity_revokes_what_was_issued_and_nothing_revives,
    c12_a_code_does_not_outlive_a_suspension_that_was_lifted,
    c12_deleting_an_identity_revokes_its_tokens,
    c12_another_subject_revokes_what_was_issued_under_the_former_one,
    c12_another_subject_field_revokes_the_tokens_of_the_application,
);

async fn patch(test: &TestApp, path: &str, body: Value) -> Answer {
    test.manage(Verb::PATCH, path, Some(body)).await
}

/// Restricts a site's config to these methods.
async fn permit(test: &TestApp, site: &Site, methods: &[&str]) {
    let methods: Vec<Value> = methods.iter().map(|kind| json!({ "type": kind })).collect();
    let config = json!({ "type": "embedded", "authentication_methods": methods });
    let path = test.realm_path(&format!("/authenticator-configs/{}", site.config.id));
    let body = json!({ "authenticator_config": { "config": config } });
    patch(test, &path, body).await.ok();
}

fn path_of(test: &TestApp, person: &Person) -> String {
    test.realm_path(&format!("/identities/{}", person.identity.id))
}

async fn set(test: &TestApp, person: &Person, change: Value) -> Answer {
    patch(test, &path_of(test, person), json!({ "identity": change })).await
}

async fn revoke_passkey(test: &TestApp, person: &Person) {
    let path = format!(
        "{}/credentials/{}:revoke",
        path_of(test, person),
        person.credential.id
    );
    test.manage(Verb::POST, &path, None).await.ok();
}

async fn identified_by(test: &TestApp, field: SubjectField) -> Site {
    Site::with(test, |site| {
        let settings = &mut site.application.protocol.token_configuration;
        settings.subject_field = field;
    })
    .await
}

async fn token(test: &TestApp, site: &Site, person: &Person) -> String {
    let code = site.sign_in(test, person, &[]).await;
    let answer = site.redeem(test, &code, &[]).await.ok();
    answer["access_token"].as_str().unwrap().to_owned()
}

async fn is_good(test: &TestApp, site: &Site, token: &str) -> bool {
    site.userinfo(test, token).await.status == 200
}

/// The message of the denial that `person` must get.
async fn denied(test: &TestApp, site: &Site, person: &Person) -> String {
    let started = site.start(test, &[]).await;
    let answer = site.answer(test, &person.proof(test, &started)).await.ok();
    assert_eq!(answer["type"], "deny", "{answer}");
    answer["message"].as_str().unwrap().to_owned()
}

/// The reasons that the audit events of this kind give.
async fn reasons(test: &TestApp, kind: &'static str) -> Vec<String> {
    let sql = "SELECT details FROM events WHERE kind = $1 ORDER BY event_id";
    let read = async |rx: &mut crate::db::Rx| Ok(rx.all(sql, &kind).await?);
    let details: Vec<String> = test.app.db.read(read).await.unwrap();
    let reason = |details: &String| -> Option<String> {
        let details: Value = serde_json::from_str(details).unwrap();
        Some(details["reason"].as_str()?.to_owned())
    };
    details.iter().filter_map(reason).collect()
}

async fn c10_a_method_that_was_withdrawn_no_longer_signs_in(test: TestApp) {
    let site = Site::new(&test).await;
    let software = Person::new(&test, "ada").await;
    let webauthn = Person::with_webauthn(&test, "bob").await;
    let fido2 = Person::with_fido2(&test, "eve").await;
    // The challenges are older than the change.
    let started = site.start(&test, &[]).await;
    permit(&test, &site, &["webauthn_passkey"]).await;
    let proof = software.proof(&test, &started);
    let answer = site.answer(&test, &proof).await.ok();
    assert_eq!(answer["type"], "deny");
    let message = answer["message"].as_str().unwrap();
    assert!(message.contains("new passkey"), "{message}");
    assert_eq!(reasons(&test, "AuthenticationTransaction").await, [message]);
    site.sign_in(&test, &webauthn, &[]).await;
    permit(&test, &site, &["software_passkey"]).await;
    site.sign_in(&test, &software, &[]).await;
    denied(&test, &site, &webauthn).await;
    denied(&test, &site, &fido2).await;
    permit(&test, &site, &["email_one_time_password"]).await;
    denied(&test, &site, &software).await;
}

async fn c10_a_config_is_asked_again_when_the_code_is_redeemed(test: TestApp) {
    let (site, ada) = (Site::new(&test).await, Person::new(&test, "ada").await);
    let code = site.sign_in(&test, &ada, &[]).await;
    permit(&test, &site, &["webauthn_passkey"]).await;
    site.redeem(&test, &code, &[])
        .await
        .oauth_error(400, "invalid_grant");
    let [reason] = &reasons(&test, "TokenRequest").await[..] else {
        panic!("one event with a reason");
    };
    assert!(reason.contains("kind of passkey"), "{reason}");
    assert_eq!(test.count("SELECT COUNT(*) FROM issued_tokens").await, 0);
}

async fn e8_c10_a_config_that_lists_no_methods_permits_every_passkey(test: TestApp) {
    let site = Site::new(&test).await;
    for person in [
        Person::new(&test, "ada").await,
        Person::with_webauthn(&test, "bob").await,
        Person::with_fido2(&test, "eve").await,
    ] {
        token(&test, &site, &person).await;
    }
}

/// Such identities are older than the rule, since creating them is refused.
async fn c11_identities_that_share_a_subject_are_denied(test: TestApp) {
    let by_address = identified_by(&test, SubjectField::Email).await;
    let by_external_id = identified_by(&test, SubjectField::ExternalId).await;
    let by_id = Site::new(&test).await;
    let (ada, bob) = (
        Person::new(&test, "ada").await,
        Person::new(&test, "bob").await,
    );
    site_signs_in(&test, &by_address, &ada).await;
    share(&test, &ada, &bob).await;
    for person in [&ada, &bob] {
        for site in [&by_address, &by_external_id] {
            let message = denied(&test, site, person).await;
            assert!(message.contains("can't tell"), "{message}");
            let recorded = reasons(&test, "AuthenticationTransaction").await;
            assert_eq!(recorded.last(), Some(&message));
        }
        site_signs_in(&test, &by_id, person).await;
    }
}

async fn site_signs_in(test: &TestApp, site: &Site, person: &Person) {
    site.sign_in(test, person, &[]).await;
}

/// Gives two identities the same address but for its case, and the same external id.
async fn share(test: &TestApp, ada: &Person, bob: &Person) {
    let ids = [ada.identity.at(), bob.identity.at()];
    let change = async move |tx: &mut Tx| {
        for (at, address) in ids
            .into_iter()
            .zip(["Shared@example.com", "shared@example.com"])
        {
            let mut identity = identities::store::find(tx, at).await?.unwrap();
            identity.traits.primary_email_address = Some(address.to_owned());
            identity.traits.external_id = Some("shared".to_owned());
            identities::store::update(tx, &identity).await?;
        }
        Ok(())
    };
    test.app.db.write(change).await.unwrap();
}

async fn c11_a_subject_that_became_ambiguous_redeems_no_code(test: TestApp) {
    let site = identified_by(&test, SubjectField::Email).await;
    let (ada, bob) = (
        Person::new(&test, "ada").await,
        Person::new(&test, "bob").await,
    );
    let code = site.sign_in(&test, &ada, &[]).await;
    share(&test, &ada, &bob).await;
    site.redeem(&test, &code, &[])
        .await
        .oauth_error(400, "invalid_grant");
    assert_eq!(reasons(&test, "TokenRequest").await.len(), 1);
}

/// RFC 9068, section 5: the subject of a person is not that of a client.
async fn c11_an_identity_never_has_the_subject_of_its_application(test: TestApp) {
    let site = identified_by(&test, SubjectField::Username).await;
    let person = Person::new(&test, &site.application.client_id).await;
    denied(&test, &site, &person).await;
}

async fn c12_revoking_a_passkey_revokes_what_rests_on_it_and_nothing_else(test: TestApp) {
    let site = Site::new(&test).await;
    let (ada, bob) = (
        Person::new(&test, "ada").await,
        Person::new(&test, "bob").await,
    );
    let other_passkey = ada.another_passkey(&test).await;
    let (first, second) = (
        token(&test, &site, &ada).await,
        token(&test, &site, &ada).await,
    );
    let others = [
        token(&test, &site, &other_passkey).await,
        token(&test, &site, &bob).await,
    ];
    let code = site.sign_in(&test, &ada, &[]).await;
    revoke_passkey(&test, &ada).await;
    for token in [&first, &second] {
        assert!(!is_good(&test, &site, token).await);
    }
    for token in &others {
        assert!(is_good(&test, &site, token).await);
    }
    site.redeem(&test, &code, &[])
        .await
        .oauth_error(400, "invalid_grant");
    // Other nodes learn of it, and the list of issued tokens no longer has them.
    let elsewhere = Revocations::new(test.app.db.clone(), test.app.clock.clone());
    elsewhere.refresh().await.unwrap();
    let id = claims_of(&first)["jti"].as_str().unwrap().parse().unwrap();
    assert!(elsewhere.contains(test.made.realm.at(), id));
    assert_eq!(test.count("SELECT COUNT(*) FROM issued_tokens").await, 2);
    assert_eq!(test.count("SELECT COUNT(*) FROM revoked_tokens").await, 2);
    // Revoking again changes nothing.
    revoke_passkey(&test, &ada).await;
    assert!(is_good(&test, &site, &others[0]).await);
}

async fn c12_a_token_of_an_older_version_ends_with_any_passkey_of_its_owner(test: TestApp) {
    let (site, ada) = (Site::new(&test).await, Person::new(&test, "ada").await);
    let other_passkey = ada.another_passkey(&test).await;
    let token = token(&test, &site, &ada).await;
    let older = async move |tx: &mut Tx| {
        let sql = "UPDATE issued_tokens SET credential_id = NULL";
        Ok(tx.exec(sql, &()).await?)
    };
    assert_eq!(test.app.db.write(older).await.unwrap(), 1);
    revoke_passkey(&test, &other_passkey).await;
    assert!(!is_good(&test, &site, &token).await);
}

async fn c12_suspending_an_identity_revokes_what_was_issued_and_nothing_revives(test: TestApp) {
    let site = Site::new(&test).await;
    let (ada, bob) = (
        Person::new(&test, "ada").await,
        Person::new(&test, "bob").await,
    );
    let (of_ada, of_bob) = (
        token(&test, &site, &ada).await,
        token(&test, &site, &bob).await,
    );
    set(&test, &ada, json!({ "status": "suspended" }))
        .await
        .ok();
    assert!(!is_good(&test, &site, &of_ada).await);
    set(&test, &ada, json!({ "status": "active" })).await.ok();
    assert!(!is_good(&test, &site, &of_ada).await);
    assert!(is_good(&test, &site, &of_bob).await);
    let fresh = token(&test, &site, &ada).await;
    assert!(is_good(&test, &site, &fresh).await);
    // Other changes revoke nothing.
    set(&test, &ada, json!({ "display_name": "Ada" }))
        .await
        .ok();
    set(&test, &ada, json!({ "status": "active" })).await.ok();
    let renamed = json!({ "traits": { "type": "traits_v0", "username": "countess" } });
    set(&test, &ada, renamed).await.ok();
    assert!(is_good(&test, &site, &fresh).await);
}

async fn c12_a_code_does_not_outlive_a_suspension_that_was_lifted(test: TestApp) {
    let (site, ada) = (Site::new(&test).await, Person::new(&test, "ada").await);
    let code = site.sign_in(&test, &ada, &[]).await;
    for status in ["suspended", "active"] {
        set(&test, &ada, json!({ "status": status })).await.ok();
    }
    site.redeem(&test, &code, &[])
        .await
        .oauth_error(400, "invalid_grant");
    let code = site.sign_in(&test, &ada, &[]).await;
    site.redeem(&test, &code, &[]).await.ok();
}

async fn c12_deleting_an_identity_revokes_its_tokens(test: TestApp) {
    let site = identified_by(&test, SubjectField::Username).await;
    let ada = Person::new(&test, "ada").await;
    let former = token(&test, &site, &ada).await;
    let path = path_of(&test, &ada);
    test.manage(Verb::DELETE, &path, None).await.ok_empty();
    let next = Person::new(&test, "ada").await;
    let current = token(&test, &site, &next).await;
    assert_eq!(claims_of(&former)["sub"], claims_of(&current)["sub"]);
    assert!(!is_good(&test, &site, &former).await);
    assert!(is_good(&test, &site, &current).await);
    let revoked = "SELECT COUNT(*) FROM revoked_tokens";
    assert_eq!(test.count(revoked).await, 1);
}

async fn c12_another_subject_field_revokes_the_tokens_of_the_application(test: TestApp) {
    let (site, other) = (Site::new(&test).await, Site::new(&test).await);
    let ada = Person::new(&test, "ada").await;
    let (former, kept) = (
        token(&test, &site, &ada).await,
        token(&test, &other, &ada).await,
    );
    let path = test.realm_path(&format!("/applications/{}", site.application.id));
    let same = json!({ "application": { "display_name": "Shop" } });
    patch(&test, &path, same).await.ok();
    assert!(is_good(&test, &site, &former).await);
    let tokens = json!({ "token_configuration": { "subject_field": "username" } });
    let changed = json!({ "application": { "protocol_config": tokens } });
    patch(&test, &path, changed).await.ok();
    assert!(!is_good(&test, &site, &former).await);
    assert!(is_good(&test, &other, &kept).await);
    let elsewhere = Revocations::new(test.app.db.clone(), test.app.clock.clone());
    elsewhere.refresh().await.unwrap();
    assert_eq!(test.count("SELECT COUNT(*) FROM revoked_tokens").await, 1);
}

async fn c12_another_subject_revokes_what_was_issued_under_the_former_one(test: TestApp) {
    let by_username = identified_by(&test, SubjectField::Username).await;
    let by_id = Site::new(&test).await;
    let ada = Person::new(&test, "ada").await;
    let (former, kept) = (
        token(&test, &by_username, &ada).await,
        token(&test, &by_id, &ada).await,
    );
    let code = by_username.sign_in(&test, &ada, &[]).await;
    let renamed = json!({ "traits": { "type": "traits_v0", "username": "countess" } });
    set(&test, &ada, renamed).await.ok();
    assert!(!is_good(&test, &by_username, &former).await);
    assert!(is_good(&test, &by_id, &kept).await);
    by_username
        .redeem(&test, &code, &[])
        .await
        .oauth_error(400, "invalid_grant");
}

/// A code that is redeemed while its passkey is being revoked yields no token that outlives it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c12_a_redemption_that_commits_first_is_revoked_with_its_passkey_on_postgres() {
    let test = Arc::new(TestApp::postgres().await);
    let (site, ada) = (Site::new(&test).await, Person::new(&test, "ada").await);
    let token = token(&test, &site, &ada).await;
    let held = keymoor_db::testing::HeldTransaction::begin(test.database()).await;
    // What a redemption does: it locks the passkey, and inserts a token.
    let lock = "SELECT 1 FROM credentials WHERE credential_id = $1 FOR SHARE";
    assert_eq!(held.exec(lock, &ada.credential.id).await, 1);
    let another = "INSERT INTO issued_tokens
        SELECT tenant_id, realm_id, application_id, $1, identity_id, scopes, suffix, issued_at, expires_at, credential_id
        FROM issued_tokens";
    let id = crate::base::long_id::TokenId::generate(test.app.now(), &*test.app.rng);
    assert_eq!(held.exec(another, &id).await, 1);
    let (racing, ada) = (test.clone(), Arc::new(ada));
    let owner = ada.clone();
    let racer = tokio::spawn(async move { revoke_passkey(&racing, &owner).await });
    held.commit_against(racer).await;
    assert!(!is_good(&test, &site, &token).await);
    assert!(test.app.revocations.contains(test.made.realm.at(), id));
    assert_eq!(test.count("SELECT COUNT(*) FROM issued_tokens").await, 0);
}
