//! Signing in over HTTP, on both databases.

mod fido2;
mod grants;
mod hostile;
mod limits;
mod races;

use keymoor_oauth::client::Protocol;
use keymoor_oauth::scope::ScopeSet;
use keymoor_testkit::flags;
use keymoor_types::{ApplicationId, Seconds};
use serde_json::json;

use super::model::{CodeKey, GrantFacts, Method, Requested, TransactionId};
use super::ops;
use super::store::{self, NewCode};
use crate::db::Tx;
use crate::slices::applications::choices::SubjectField;
use crate::slices::identities;
use crate::slices::tokens::revocations::Revocations;
use crate::testing::sign_in::{Person, Site, another_realm, claims_of};
use crate::testing::{TestApp, both_apps};

both_apps!(
    a_software_passkey_signs_in,
    a_webauthn_passkey_signs_in_and_its_counter_is_kept,
    a_passkey_that_becomes_backup_eligible_is_not_the_one_that_was_bound,
    c4_a_suspended_or_revoked_subject_is_denied_and_recorded,
    c4_a_denied_proof_is_a_replay_even_once_the_reason_is_gone,
    a_redirect_uri_that_was_withdrawn_meanwhile_gets_no_code,
    a_redirect_uri_that_was_left_out_counts_as_withdrawn_too,
    scopes_that_were_withdrawn_meanwhile_are_not_granted,
    c4_only_a_valid_proof_learns_that_the_account_is_suspended,
    an_identity_without_the_subject_that_the_application_wants_is_denied,
    c3_a_challenge_is_answered_within_ten_minutes_of_the_servers_clock,
    c3_the_row_is_made_only_while_passkey_identity_and_application_permit,
    c3_a_browser_clock_may_be_seventy_minutes_off,
    c3_a_sweep_never_makes_a_replay_possible,
    a_sweep_goes_on_slice_by_slice_and_leaves_what_is_needed,
);

async fn a_software_passkey_signs_in(test: TestApp) {
    let (site, ada) = (Site::new(&test).await, Person::new(&test, "ada").await);
    let started = site.start(&test, &[("state", "xyz")]).await;
    let answer = site.answer(&test, &ada.proof(&test, &started)).await;
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    let answer = answer.ok();
    assert_eq!(answer["type"], "allow");
    assert_eq!(answer["code"].as_str().unwrap().len(), 75);
    assert_eq!(test.events("AuthorizeRequest").await, ["ACCEPTED"]);
    assert_eq!(
        test.events("AuthenticationTransaction").await,
        ["COMPLETE:ALLOW"]
    );
}

async fn a_webauthn_passkey_signs_in_and_its_counter_is_kept(test: TestApp) {
    let (site, ada) = (
        Site::new(&test).await,
        Person::with_webauthn(&test, "ada").await,
    );
    let sign = async |sign_count| {
        let started = site.start(&test, &[]).await;
        let mut options = ada.assertion(&test, &started);
        options.sign_count = sign_count;
        let proof = json!({ "WebAuthn": ada.authenticator().assert(&options) });
        let answer = site.answer(&test, &proof).await.ok();
        assert_eq!(answer["type"], "allow");
        let stored = "SELECT sign_count FROM credentials";
        test.count(stored).await
    };
    assert_eq!(sign(0).await, 0);
    assert_eq!(sign(5).await, 5);
    // A counter that goes back is recorded, and neither lowers it nor refuses anybody.
    assert_eq!(sign(4).await, 5);
    let regressed = "SELECT COUNT(*) FROM events
            WHERE details LIKE '%\"sign_count_regressed\":true%'";
    assert_eq!(test.count(regressed).await, 1);
}

async fn a_passkey_that_becomes_backup_eligible_is_not_the_one_that_was_bound(test: TestApp) {
    let (site, ada) = (
        Site::new(&test).await,
        Person::with_webauthn(&test, "ada").await,
    );
    let started = site.start(&test, &[]).await;
    let mut options = ada.assertion(&test, &started);
    options.flags |= flags::BE;
    let proof = json!({ "WebAuthn": ada.authenticator().assert(&options) });
    site.answer(&test, &proof).await.refused(400);
}

async fn c4_a_suspended_or_revoked_subject_is_denied_and_recorded(test: TestApp) {
    let site = Site::new(&test).await;
    let (ada, bob) = (
        Person::new(&test, "ada").await,
        Person::new(&test, "bob").await,
    );
    let for_ada = site.start(&test, &[]).await;
    let for_bob = site.start(&test, &[]).await;
    ada.suspend(&test).await;
    bob.revoke_passkey(&test).await;
    let denied = site.answer(&test, &ada.proof(&test, &for_ada)).await.ok();
    assert_eq!(
        denied,
        json!({ "type": "deny", "message": "This account is suspended." })
    );
    let denied = site.answer(&test, &bob.proof(&test, &for_bob)).await.ok();
    assert_eq!(
        denied,
        json!({ "type": "deny", "message": "This passkey was revoked." })
    );
    assert_eq!(
        test.events("AuthenticationTransaction").await,
        ["COMPLETE:DENY", "COMPLETE:DENY"]
    );
    let redeemable = "SELECT COUNT(*) FROM authorization_codes
            WHERE expires_at > authenticated_at";
    assert_eq!(test.count(redeemable).await, 0);
}

async fn c4_a_denied_proof_is_a_replay_even_once_the_reason_is_gone(test: TestApp) {
    let (site, ada) = (Site::new(&test).await, Person::new(&test, "ada").await);
    let started = site.start(&test, &[]).await;
    let proof = ada.proof(&test, &started);
    ada.suspend(&test).await;
    assert_eq!(site.answer(&test, &proof).await.ok()["type"], "deny");
    ada.activate(&test).await;
    site.answer(&test, &proof).await.refused(400);
    let fresh = ada.claims(&test, &started);
    site.answer(&test, &ada.sign(&fresh)).await.refused(400);
}

async fn a_redirect_uri_that_was_withdrawn_meanwhile_gets_no_code(test: TestApp) {
    let mut site = Site::with(&test, |site| {
        let uris = &mut site.application.protocol.redirect_uris;
        uris.push("https://app.example/other".to_owned());
    })
    .await;
    let ada = Person::new(&test, "ada").await;
    let kept = site
        .start(&test, &[("redirect_uri", "https://app.example/other")])
        .await;
    let withdrawn = site.start(&test, &[]).await;
    site.application.protocol.redirect_uris.remove(0);
    site.store_protocol(&test).await;
    let denied = site.answer(&test, &ada.proof(&test, &withdrawn)).await.ok();
    assert_eq!(denied["type"], "deny");
    assert_eq!(
        site.answer(&test, &ada.proof(&test, &kept)).await.ok()["type"],
        "allow"
    );
}

async fn a_redirect_uri_that_was_left_out_counts_as_withdrawn_too(test: TestApp) {
    let mut site = Site::with(&test, |site| {
        site.application.protocol.protocol = Protocol::OAuth2;
    })
    .await;
    let ada = Person::new(&test, "ada").await;
    let started = site
        .start(&test, &[("redirect_uri", ""), ("scope", "")])
        .await;
    site.application.protocol.redirect_uris = vec!["https://app.example/new".to_owned()];
    site.store_protocol(&test).await;
    let denied = site.answer(&test, &ada.proof(&test, &started)).await.ok();
    assert_eq!(denied["type"], "deny");
}

async fn scopes_that_were_withdrawn_meanwhile_are_not_granted(test: TestApp) {
    let mut site = Site::with(&test, |site| {
        site.application.protocol.protocol = Protocol::OAuth2;
        site.application.protocol.allowed_scopes = "orders:read orders:write".parse().unwrap();
    })
    .await;
    let ada = Person::new(&test, "ada").await;
    let both = site
        .start(&test, &[("scope", "orders:read orders:write")])
        .await;
    let one = site.start(&test, &[("scope", "orders:write")]).await;
    site.application.protocol.allowed_scopes = "orders:read".parse().unwrap();
    site.store_protocol(&test).await;
    let allowed = site.answer(&test, &ada.proof(&test, &both)).await.ok();
    let code = allowed["code"].as_str().unwrap();
    assert_eq!(
        site.redeem(&test, code, &[]).await.ok()["scope"],
        "orders:read"
    );
    let denied = site.answer(&test, &ada.proof(&test, &one)).await.ok();
    assert_eq!(
        denied,
        json!({
            "type": "deny",
            "message": "The app no longer accepts the sign-in that it asked for.",
        })
    );
}

async fn c4_only_a_valid_proof_learns_that_the_account_is_suspended(test: TestApp) {
    let (site, ada) = (Site::new(&test).await, Person::new(&test, "ada").await);
    let eve = Person::new(&test, "eve").await;
    ada.suspend(&test).await;
    let started = site.start(&test, &[]).await;
    let forged = ada.jws(&test, &started).signed_by(eve.key());
    site.answer(&test, &json!({ "Jwt": forged }))
        .await
        .refused(400);
}

async fn an_identity_without_the_subject_that_the_application_wants_is_denied(test: TestApp) {
    let site = Site::with(&test, |site| {
        let settings = &mut site.application.protocol.token_configuration;
        settings.subject_field = SubjectField::ExternalId;
    })
    .await;
    let ada = Person::new(&test, "ada").await;
    let started = site.start(&test, &[]).await;
    let answer = site.answer(&test, &ada.proof(&test, &started)).await.ok();
    assert_eq!(answer["type"], "deny");
}

async fn c3_a_challenge_is_answered_within_ten_minutes_of_the_servers_clock(test: TestApp) {
    let (site, ada) = (Site::new(&test).await, Person::new(&test, "ada").await);
    let (early, late) = (site.start(&test, &[]).await, site.start(&test, &[]).await);
    test.clock.advance(Seconds(599));
    assert_eq!(
        site.answer(&test, &ada.proof(&test, &early)).await.ok()["type"],
        "allow"
    );
    test.clock.advance(Seconds(1));
    let body = site
        .answer(&test, &ada.proof(&test, &late))
        .await
        .refused(400);
    assert_eq!(
        body["details"][0]["field_violations"][0]["description"],
        "the sign-in request has expired"
    );
}

async fn c3_the_row_is_made_only_while_passkey_identity_and_application_permit(test: TestApp) {
    let site = Site::new(&test).await;
    let row = |person: &Person| {
        let transaction = TransactionId::generate(test.app.now(), &*test.app.rng);
        let (_, key) = CodeKey::generate(transaction, &*test.app.rng);
        NewCode {
            tenant_id: test.made.tenant.id,
            realm_id: test.made.realm.id,
            key,
            application_id: site.application.id,
            identity_id: person.identity.id,
            credential_id: person.credential.id,
            facts: GrantFacts {
                requested: Requested {
                    redirect_uri: None,
                    scopes: ScopeSet::default(),
                    nonce: None,
                    pkce: None,
                },
                method: Method::Software,
            },
            authenticated_at: test.app.now(),
            expires_at: test.app.now(),
            keep_until: test.app.now(),
        }
    };
    let insert = async |code: NewCode| {
        let write = async move |tx: &mut Tx| store::insert_if_permitted(tx, &code).await;
        test.app.db.write(write).await.unwrap()
    };
    let [ada, bob, eve] = [
        Person::new(&test, "ada").await,
        Person::new(&test, "bob").await,
        Person::new(&test, "eve").await,
    ];
    let code = row(&ada);
    assert!(insert(code.clone()).await);
    assert!(!insert(code).await, "twice");
    let elsewhere = another_realm(&test).await;
    assert!(
        !insert(NewCode {
            realm_id: elsewhere,
            ..row(&ada)
        })
        .await
    );
    assert!(
        !insert(NewCode {
            credential_id: bob.credential.id,
            ..row(&ada)
        })
        .await
    );
    let unknown = ApplicationId::generate(test.app.now(), &*test.app.rng);
    assert!(
        !insert(NewCode {
            application_id: unknown,
            ..row(&ada)
        })
        .await
    );
    bob.suspend(&test).await;
    assert!(!insert(row(&bob)).await);
    eve.revoke_passkey(&test).await;
    assert!(!insert(row(&eve)).await);
}

async fn c3_a_browser_clock_may_be_seventy_minutes_off(test: TestApp) {
    let (site, ada) = (Site::new(&test).await, Person::new(&test, "ada").await);
    let now = test.app.now().as_seconds();
    for (off_by, status) in [(-4_199, 200), (4_199, 200), (-4_201, 400), (4_201, 400)] {
        let started = site.start(&test, &[]).await;
        let mut claims = ada.claims(&test, &started);
        for (claim, at) in [("iat", 0), ("nbf", -4_200), ("exp", 4_200)] {
            claims[claim] = (now + off_by + at).into();
        }
        let answer = site.answer(&test, &ada.sign(&claims)).await;
        assert_eq!(answer.status, status, "{off_by}: {}", answer.text);
    }
}

async fn c3_a_sweep_never_makes_a_replay_possible(test: TestApp) {
    let (site, ada) = (Site::new(&test).await, Person::new(&test, "ada").await);
    let started = site.start(&test, &[]).await;
    let proof = ada.proof(&test, &started);
    site.answer(&test, &proof).await.ok();
    let mut was_swept = false;
    for _ in 0..20 {
        test.clock.advance(Seconds::MINUTE.times(5));
        was_swept |= ops::sweep(&test.app).await.unwrap() == 1;
        site.answer(&test, &proof).await.refused(400);
        let fresh = ada.claims(&test, &started);
        site.answer(&test, &ada.sign(&fresh)).await.refused(400);
    }
    assert!(was_swept);
    assert_eq!(
        test.count("SELECT COUNT(*) FROM authorization_codes").await,
        0
    );
}

async fn a_sweep_goes_on_slice_by_slice_and_leaves_what_is_needed(test: TestApp) {
    let (site, ada) = (Site::new(&test).await, Person::new(&test, "ada").await);
    for _ in 0..105 {
        site.sign_in(&test, &ada, &[]).await;
    }
    assert_eq!(ops::sweep(&test.app).await.unwrap(), 0);
    test.clock.advance(Seconds(4_799));
    site.sign_in(&test, &ada, &[]).await;
    assert_eq!(ops::sweep(&test.app).await.unwrap(), 0);
    test.clock.advance(Seconds(1));
    assert_eq!(ops::sweep(&test.app).await.unwrap(), 105);
    assert_eq!(
        test.count("SELECT COUNT(*) FROM authorization_codes").await,
        1
    );
}
