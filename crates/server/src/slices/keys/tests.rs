//! What is remembered of a realm's keys, and for how long.

use axum::body::Body;
use axum::http::Request;
use keymoor_oauth::jose::{JwtHeader, TokenType};
use keymoor_types::Seconds;
use serde_json::json;

use super::*;
use crate::db::Tx;
use crate::testing::{TestApp, both_apps};

both_apps!(
    e4_a_rotated_key_signs_and_is_published_after_five_seconds,
    an_unknown_key_is_looked_for_at_once_but_only_once_a_second,
    a_realm_without_keys_is_not_remembered,
);

async fn of(test: &TestApp) -> Arc<RealmKeys> {
    test.app.keys.of(test.made.realm.at()).await.unwrap()
}

/// Another node retires the realm's key and makes a new one, which it returns.
async fn rotate_elsewhere(test: &TestApp) -> SigningKey {
    let realm = test.made.realm.at();
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let row = test.app.keys.sealed(realm, Algorithm::Es256, &key);
    let write = async move |tx: &mut Tx| {
        let retire = "UPDATE signing_keys SET retired_at = $3
            WHERE tenant_id = $1 AND realm_id = $2 AND retired_at IS NULL";
        tx.exec(retire, &(realm, row.created_at)).await?;
        store::insert_unless_current(tx, &row).await
    };
    test.app.db.write(write).await.unwrap();
    key
}

/// A token of the management application that `key` signs, with no claim that would do.
fn token_by(test: &TestApp, key: &SigningKey) -> String {
    let application = &test.made.management;
    let azp = format!(
        "tenants/{}/realms/{}/applications/{}",
        application.tenant_id, application.realm_id, application.id
    );
    let typ = TokenType::AccessToken;
    key.sign(JwtHeader { typ, jku: None }, &json!({ "azp": azp }))
}

async fn e4_a_rotated_key_signs_and_is_published_after_five_seconds(test: TestApp) {
    let before = of(&test).await;
    let old = before.signing(Algorithm::Es256).unwrap().kid().to_owned();
    let new = rotate_elsewhere(&test).await;
    test.clock.advance(Seconds(4));
    assert_eq!(
        of(&test).await.signing(Algorithm::Es256).unwrap().kid(),
        old
    );
    test.clock.advance(Seconds(1));
    let after = of(&test).await;
    assert_eq!(after.signing(Algorithm::Es256).unwrap().kid(), new.kid());
    let published: Vec<_> = after.jwks["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["kid"].clone())
        .collect();
    assert!(published.contains(&json!(old)) && published.contains(&json!(new.kid())));
}

async fn an_unknown_key_is_looked_for_at_once_but_only_once_a_second(test: TestApp) {
    let call = async |token: String| {
        let request = Request::get(test.realm_path("/identities"))
            .header("authorization", format!("Bearer {token}"));
        test.management(request.body(Body::empty()).unwrap())
            .await
            .refused(401)
    };
    of(&test).await;
    let new = rotate_elsewhere(&test).await;
    let remembered = of(&test).await;
    for _ in 0..50 {
        call(token_by(
            &test,
            &SigningKey::generate(Algorithm::Es256).unwrap(),
        ))
        .await;
    }
    assert!(
        Arc::ptr_eq(&remembered, &of(&test).await),
        "read again within the second"
    );
    test.clock.advance(Seconds(1));
    call(token_by(&test, &new)).await;
    let refreshed = of(&test).await;
    assert_eq!(
        refreshed.signing(Algorithm::Es256).unwrap().kid(),
        new.kid()
    );
    for _ in 0..50 {
        call(token_by(
            &test,
            &SigningKey::generate(Algorithm::Es256).unwrap(),
        ))
        .await;
    }
    assert!(
        Arc::ptr_eq(&refreshed, &of(&test).await),
        "read again within the second"
    );
}

async fn a_realm_without_keys_is_not_remembered(test: TestApp) {
    let realm = test
        .made
        .realm
        .at()
        .tenant()
        .realm_id(test.new_realm().await);
    let keys = test.app.keys.of(realm).await.unwrap();
    assert!(keys.signing(Algorithm::Es256).is_err());
    let made = test.app.keys.with_current(realm, Algorithm::Es256).await;
    made.unwrap().signing(Algorithm::Es256).unwrap();
}
