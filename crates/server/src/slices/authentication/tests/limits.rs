//! A stranger who is wrong all the time fills no disk.

use std::num::NonZeroU32;

use keymoor_types::IdentityId;

use super::*;
use crate::base::limits::LimitSettings;
use crate::db::testing::{TestDb, fresh_postgres, fresh_sqlite};
use crate::maintenance;

async fn three_wrong_proofs(db: TestDb) -> TestApp {
    let limits = LimitSettings {
        wrong_proofs_per_minute: NonZeroU32::new(3).unwrap(),
        ..LimitSettings::unlimited()
    };
    TestApp::with(db, limits).await
}

async fn forge(test: TestApp) {
    let (site, ada) = (Site::new(&test).await, Person::new(&test, "ada").await);
    let eve = Person::new(&test, "eve").await;
    let started = site.start(&test, &[]).await;
    let forged = json!({ "Jwt": ada.jws(&test, &started).signed_by(eve.key()) });
    for _ in 0..3 {
        site.answer(&test, &forged).await.refused(400);
    }
    let limited = site.answer(&test, &forged).await;
    assert_eq!(limited.refused(429)["code"], "too_many_requests");
    assert_eq!(limited.header("retry-after"), "60");
    // Repeated refusals are one event with a count.
    assert_eq!(test.events("AuthenticationTransaction").await, ["ERROR"]);
    maintenance::sweep(&test.app).await;
    maintenance::sweep(&test.app).await;
    assert_eq!(test.events("AuthenticationTransaction").await, ["ERROR"; 2]);
    let counted = "SELECT COUNT(*) FROM events WHERE details LIKE '%\"repeated\":2%'";
    assert_eq!(test.count(counted).await, 1);
    // Who can prove the passkey is not locked out by those who can't.
    let proof = ada.proof(&test, &started);
    assert_eq!(site.answer(&test, &proof).await.ok()["type"], "allow");
    site.answer(&test, &proof).await.refused(429);
    assert_eq!(test.events("AuthenticationTransaction").await.len(), 3);
}

async fn name_nobody(test: TestApp) {
    let (site, ada) = (Site::new(&test).await, Person::new(&test, "ada").await);
    let started = site.start(&test, &[]).await;
    let nobody = test.made.realm.at().identity_id(IdentityId::from_i64(1));
    let mut claims = ada.claims(&test, &started);
    claims["sub"] = nobody.distinguished_name().into();
    let proof = ada.sign(&claims);
    for _ in 0..3 {
        site.answer(&test, &proof).await.refused(400);
    }
    site.answer(&test, &proof).await.refused(429);
    assert!(test.events("AuthenticationTransaction").await.is_empty());
}

async fn deny(test: TestApp) {
    let (site, ada) = (Site::new(&test).await, Person::new(&test, "ada").await);
    ada.suspend(&test).await;
    for _ in 0..3 {
        let started = site.start(&test, &[]).await;
        let answer = site.answer(&test, &ada.proof(&test, &started)).await.ok();
        assert_eq!(answer["type"], "deny");
    }
    let started = site.start(&test, &[]).await;
    site.answer(&test, &ada.proof(&test, &started))
        .await
        .refused(429);
    assert_eq!(
        test.events("AuthenticationTransaction").await,
        ["COMPLETE:DENY"; 3]
    );
    assert_eq!(
        test.count("SELECT COUNT(*) FROM authorization_codes").await,
        3
    );
}

async fn replay_codes(test: TestApp) {
    let (site, ada) = (Site::new(&test).await, Person::new(&test, "ada").await);
    let wrong = site.sign_in(&test, &ada, &[]).await;
    for _ in 0..3 {
        let other_uri = [("redirect_uri", "https://app.example/other")];
        site.redeem(&test, &wrong, &other_uri)
            .await
            .oauth_error(400, "invalid_grant");
    }
    let code = site.sign_in(&test, &ada, &[]).await;
    let redeemed = site.redeem(&test, &code, &[]).await.ok();
    let token = redeemed["access_token"].as_str().unwrap();
    site.userinfo(&test, token).await.ok();
    let limited = site.redeem(&test, &code, &[]).await;
    limited.oauth_error(429, "temporarily_unavailable");
    assert_eq!(test.events("TokenRequest").await, ["ACCEPTED", "ERROR"]);
    // The limit spares the event and nothing else: the code was copied, so its token is revoked.
    site.userinfo(&test, token)
        .await
        .oauth_error(401, "invalid_token");
    // Once that is known, the same again writes nothing.
    let forget = async |tx: &mut Tx| -> crate::base::error::Result<u64> {
        Ok(tx.exec("DELETE FROM revoked_tokens", &()).await?)
    };
    assert_eq!(test.app.db.write(forget).await.unwrap(), 1);
    let limited = site.redeem(&test, &code, &[]).await;
    limited.oauth_error(429, "temporarily_unavailable");
    assert_eq!(test.count("SELECT COUNT(*) FROM revoked_tokens").await, 0);
}

macro_rules! on_both {
    ($($name:ident: $check:ident;)*) => {$(
        mod $name {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                Box::pin($check(three_wrong_proofs(fresh_sqlite().await).await)).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                Box::pin($check(three_wrong_proofs(fresh_postgres().await).await)).await;
            }
        }
    )*};
}

on_both! {
    d16_forged_and_replayed_proofs_are_limited_and_one_event_with_a_count: forge;
    proofs_that_name_nobody_are_limited_like_those_that_name_somebody: name_nobody;
    denied_proofs_are_limited_by_network: deny;
    replayed_codes_are_limited_by_network_and_still_revoke: replay_codes;
}
