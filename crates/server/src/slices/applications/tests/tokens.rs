//! What follows an application's changes: keys, caches and tokens.

use keymoor_oauth::jose::Algorithm;
use keymoor_oauth::scope::ScopeSet;

use super::*;
use crate::base::scope::MANAGEMENT_AUDIENCE;
use crate::slices::applications::model::Application;
use crate::slices::applications::store;
use crate::slices::tokens::access;

both_apps!(
    a_realm_has_the_keys_that_its_applications_sign_with,
    e4_a_cached_application_is_current_here_and_five_seconds_old_at_most,
    tokens_of_a_deleted_application_are_no_longer_good,
);

async fn a_realm_has_the_keys_that_its_applications_sign_with(test: TestApp) {
    let (realm, tenant) = (test.new_realm().await, test.made.tenant.id);
    let has = async |algorithm| {
        let keys = test
            .app
            .keys
            .of(RealmRef {
                tenant_id: tenant,
                realm_id: realm,
            })
            .await
            .unwrap();
        keys.signing(algorithm).is_ok()
    };
    let foreign = json!({ "authenticator_config_id": test.made.console_config.id });
    create(&test, realm, with(web(), foreign.clone()))
        .await
        .refused(400);
    assert!(!has(Algorithm::Es256).await);
    let tokens = json!({ "expires_after": 60, "token_signing_algorithm": "ES256" });
    let application = with(
        web(),
        json!({ "protocol_config": { "token_configuration": tokens } }),
    );
    let made = create(&test, realm, application).await.ok();
    assert_eq!(
        (has(Algorithm::Es256).await, has(Algorithm::Rs256).await),
        (true, false)
    );
    let path = format!("{}/{}", list_path(&test, realm), id(&made));
    let rsa = |more: Value| {
        let tokens = json!({ "token_signing_algorithm": "RS256" });
        with(
            json!({ "protocol_config": { "token_configuration": tokens } }),
            more,
        )
    };
    change(&test, &path, rsa(json!({ "display_name": "" })))
        .await
        .refused(400);
    change(&test, &path, rsa(foreign)).await.refused(400);
    assert!(!has(Algorithm::Rs256).await);
    change(&test, &path, rsa(json!({}))).await.ok();
    assert!(has(Algorithm::Rs256).await);
}

async fn e4_a_cached_application_is_current_here_and_five_seconds_old_at_most(test: TestApp) {
    let (realm, tenant) = (test.new_realm().await, test.made.tenant.id);
    let made = create(&test, realm, web()).await.ok();
    let path = format!("{}/{}", list_path(&test, realm), id(&made));
    let id: ApplicationId = id(&made).parse().unwrap();
    let at = RealmRef {
        tenant_id: tenant,
        realm_id: realm,
    }
    .application_id(id);
    let name = async || {
        let found = ops::cached(&test.app, at).await.unwrap();
        found.map(|application| application.display_name.clone())
    };
    assert_eq!(name().await.as_deref(), Some("Pets: web"));
    change(&test, &path, json!({ "display_name": "ours" }))
        .await
        .ok();
    assert_eq!(name().await.as_deref(), Some("ours"));

    let by_another_node = Application {
        display_name: "theirs".to_owned(),
        ..ops::get(&test.context(), at).await.unwrap().application
    };
    test.app
        .db
        .write(async move |tx| store::update(tx, &by_another_node).await)
        .await
        .unwrap();
    assert_eq!(name().await.as_deref(), Some("ours"));
    test.clock.advance(Seconds(5));
    assert_eq!(name().await.as_deref(), Some("theirs"));

    test.manage(Method::DELETE, &path, None).await.ok_empty();
    assert_eq!(name().await, None);
    assert!(
        ops::cached(
            &test.app,
            test.made.realm.at().application_id(at.application_id)
        )
        .await
        .unwrap()
        .is_none()
    );
}

async fn tokens_of_a_deleted_application_are_no_longer_good(test: TestApp) {
    let realm = test.made.realm.id;
    let made = create(&test, realm, manager(&test)).await.ok();
    let application_id: ApplicationId = id(&made).parse().unwrap();
    let client_id = made["protocol_config"]["client_id"].as_str().unwrap();
    let application = test.made.realm.at().application_id(application_id);
    let token = access::issue(
        &test.app,
        test.app.now(),
        access::Grant {
            application,
            client_id,
            subject: client_id,
            principal: application.principal(),
            credential: None,
            audience: vec![MANAGEMENT_AUDIENCE.to_owned()],
            scope: ScopeSet::from_tokens(["realms:read"]).unwrap(),
            grant_type: keymoor_oauth::client::GrantType::ClientCredentials,
            lifetime: Seconds::DAY,
            algorithm: Algorithm::Rs256,
        },
    )
    .await
    .unwrap()
    .token;
    assert!(
        access::verify_management(&test.app, &token, test.made.tenant.id)
            .await
            .is_ok()
    );
    let path = format!("{}/{}", list_path(&test, realm), id(&made));
    test.manage(Method::DELETE, &path, None).await.ok_empty();
    assert!(
        access::verify_management(&test.app, &token, test.made.tenant.id)
            .await
            .is_err()
    );
}
