//! Assertions over a challenge of the server's making.

use keymoor_testkit::{AssertionOptions, Authenticator};
use serde_json::Value;

use super::hostile::{another_tenant, assert_refused};
use super::*;
use crate::slices::authenticator_configs::model::AuthenticationMethod;
use crate::testing::sign_in::{Passkey, Started};

both_apps!(
    sign_in_offers_options_without_rp_id_or_credentials,
    sign_in_offers_no_options_where_the_config_takes_no_webauthn,
    a_passkey_signs_in_without_anybody_being_named_and_its_counter_is_kept,
    the_identity_may_be_named_and_then_the_authenticator_need_not_name_it,
    a_credential_signs_in_by_either_mechanism_whichever_bound_it,
    c3_challenge_nonce_and_transaction_must_agree,
    c3_an_assertion_that_was_tampered_with_is_refused,
    c3_a_credential_of_another_realm_or_tenant_or_of_nobody_is_refused,
    c3_a_transaction_is_answered_once_and_within_ten_minutes,
    c4_a_suspended_or_revoked_subject_is_denied,
);

fn as_claims(proof: &Value) -> Value {
    json!({ "Fido2": proof.to_string() })
}

fn good(person: &Person, started: &Started) -> Value {
    as_claims(&person.fido2_proof(started, |_| ()))
}

/// The good proof with one member replaced, or taken out by `null`.
fn with(person: &Person, started: &Started, pointer: &str, value: Value) -> Value {
    let mut proof = person.fido2_proof(started, |_| ());
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = proof.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match value {
        Value::Null => parent.remove(name),
        value => parent.insert(name.to_owned(), value),
    };
    as_claims(&proof)
}

async fn sign_in_offers_options_without_rp_id_or_credentials(test: TestApp) {
    let site = Site::new(&test).await;
    let (one, two) = (site.start(&test, &[]).await, site.start(&test, &[]).await);
    let mut options = one.claims["authn"]["fido2"]["request_options"].clone();
    options["challenge"] = "[challenge]".into();
    assert_eq!(
        options,
        json!({
            "challenge": "[challenge]",
            "timeout": 300_000,
            "allowCredentials": [],
            "userVerification": "required",
        })
    );
    assert_eq!(one.fido2_challenge().len(), 32);
    assert_ne!(one.fido2_challenge(), two.fido2_challenge());
}

async fn sign_in_offers_no_options_where_the_config_takes_no_webauthn(test: TestApp) {
    let site = Site::with(&test, |site| {
        let methods = vec![AuthenticationMethod::SoftwarePasskey];
        site.embedded().authentication_methods = Some(methods);
    })
    .await;
    assert!(
        site.start(&test, &[]).await.claims["authn"]
            .get("fido2")
            .is_none()
    );
}

async fn a_passkey_signs_in_without_anybody_being_named_and_its_counter_is_kept(test: TestApp) {
    let (site, ada) = (
        Site::new(&test).await,
        Person::with_fido2(&test, "ada").await,
    );
    Person::with_fido2(&test, "eve").await;
    let sign = async |sign_count| {
        let started = site.start(&test, &[]).await;
        let proof = ada.fido2_proof(&started, |options| options.sign_count = sign_count);
        let answer = site.answer(&test, &as_claims(&proof)).await.ok();
        assert_eq!(answer["type"], "allow");
        let code = answer["code"].as_str().unwrap();
        let tokens = site.redeem(&test, code, &[]).await.ok();
        let claims = claims_of(tokens["id_token"].as_str().unwrap());
        assert_eq!(claims["sub"], ada.identity.id.to_string());
        test.count("SELECT MAX(sign_count) FROM credentials").await
    };
    assert_eq!(sign(5).await, 5);
    // A counter that goes back is recorded, and neither lowers it nor refuses anybody.
    assert_eq!(sign(4).await, 5);
    let regressed = "SELECT COUNT(*) FROM events
            WHERE details LIKE '%\"sign_count_regressed\":true%'";
    assert_eq!(test.count(regressed).await, 1);
}

async fn the_identity_may_be_named_and_then_the_authenticator_need_not_name_it(test: TestApp) {
    let (site, ada) = (
        Site::new(&test).await,
        Person::with_fido2(&test, "ada").await,
    );
    for handle in [true, false] {
        let started = site.start(&test, &[]).await;
        let mut proof = ada.fido2_proof(&started, |_| ());
        proof["sub"] = ada.subject().into();
        if !handle {
            proof["credential"]["response"]
                .as_object_mut()
                .unwrap()
                .remove("userHandle");
        }
        assert_eq!(
            site.answer(&test, &as_claims(&proof)).await.ok()["type"],
            "allow"
        );
    }
}

async fn a_credential_signs_in_by_either_mechanism_whichever_bound_it(test: TestApp) {
    let site = Site::new(&test).await;
    for person in [
        Person::with_fido2(&test, "ada").await,
        Person::with_webauthn(&test, "bob").await,
    ] {
        let started = site.start(&test, &[]).await;
        let answer = site.answer(&test, &good(&person, &started)).await.ok();
        assert_eq!(answer["type"], "allow");
        let started = site.start(&test, &[]).await;
        let answer = site
            .answer(&test, &person.proof(&test, &started))
            .await
            .ok();
        assert_eq!(answer["type"], "allow");
    }
}

async fn c3_challenge_nonce_and_transaction_must_agree(test: TestApp) {
    let (site, other_site) = (Site::new(&test).await, Site::new(&test).await);
    let ada = Person::with_fido2(&test, "ada").await;
    let started = site.start(&test, &[]).await;
    let another = site.start(&test, &[]).await;
    let foreign = other_site.start(&test, &[]).await;
    let replace = |pointer: &str, value: &str| with(&ada, &started, pointer, value.into());
    let over = |challenge: Vec<u8>| {
        as_claims(&ada.fido2_proof(&started, |options| options.challenge = Some(challenge)))
    };
    let cases = [
        (
            "another transaction",
            replace("/transaction_id", &another.transaction_id),
        ),
        ("no transaction", replace("/transaction_id", "")),
        ("another nonce", replace("/nonce", &another.nonce)),
        (
            "an altered nonce",
            replace("/nonce", &format!("B{}", &started.nonce[1..])),
        ),
        ("a nonce of our own making", replace("/nonce", "bm9uY2U")),
        (
            "another transaction's challenge",
            over(another.fido2_challenge()),
        ),
        (
            "another application's challenge",
            over(foreign.fido2_challenge()),
        ),
        ("a challenge of our own making", over(vec![7; 32])),
        ("no challenge", over(Vec::new())),
        ("another application's everything", good(&ada, &foreign)),
    ];
    for (what, proof) in cases {
        assert_refused(&test, &site, what, &proof).await;
    }
    assert_eq!(
        site.answer(&test, &good(&ada, &started)).await.ok()["type"],
        "allow"
    );
}

async fn c3_an_assertion_that_was_tampered_with_is_refused(test: TestApp) {
    let site = Site::new(&test).await;
    let ada = Person::with_fido2(&test, "ada").await;
    let eve = Person::with_fido2(&test, "eve").await;
    let started = site.start(&test, &[]).await;
    let spoilt = |spoil: &dyn Fn(&mut AssertionOptions)| {
        as_claims(&ada.fido2_proof(&started, |options| spoil(options)))
    };
    let replace = |pointer: &str, value: Value| with(&ada, &started, pointer, value);
    let of_eve = eve.fido2_proof(&started, |_| ());
    let mut with_eves_signature = ada.fido2_proof(&started, |_| ());
    with_eves_signature["credential"]["response"]["signature"] =
        of_eve["credential"]["response"]["signature"].clone();
    let mut as_eve = ada.fido2_proof(&started, |_| ());
    as_eve["credential"]["id"] = of_eve["credential"]["id"].clone();
    let by_ids_that_differ = as_claims(&as_eve);
    as_eve["credential"]["rawId"] = of_eve["credential"]["id"].clone();
    let handle = "/credential/response/userHandle";
    let eves_handle = &of_eve["credential"]["response"]["userHandle"];
    let other_protocol = ada.proof(&test, &started);
    let cases = [
        ("another key's signature", as_claims(&with_eves_signature)),
        ("ids that differ", by_ids_that_differ),
        ("another's credential", as_claims(&as_eve)),
        (
            "another's user handle",
            replace(handle, eves_handle.clone()),
        ),
        ("an empty user handle", replace(handle, "".into())),
        ("nobody named at all", replace(handle, Value::Null)),
        ("another subject", replace("/sub", eve.subject().into())),
        ("a subject that is nobody", replace("/sub", "CN=x".into())),
        (
            "another type",
            replace("/credential/type", "password".into()),
        ),
        (
            "no signature",
            replace("/credential/response/signature", Value::Null),
        ),
        (
            "another RP ID",
            spoilt(&|o| o.rp_id = "evil.example".to_owned()),
        ),
        (
            "another origin",
            spoilt(&|o| o.client_data.origin = "https://evil.example".to_owned()),
        ),
        (
            "a cross-origin frame",
            spoilt(&|o| o.client_data.cross_origin = Some(true)),
        ),
        (
            "the other ceremony",
            spoilt(&|o| o.client_data.kind = "webauthn.create".to_owned()),
        ),
        ("no user verification", spoilt(&|o| o.flags &= !flags::UV)),
        ("no user presence", spoilt(&|o| o.flags &= !flags::UP)),
        (
            "another backup eligibility",
            spoilt(&|o| o.flags |= flags::BE),
        ),
        (
            "the other protocol's proof",
            json!({ "Fido2": other_protocol["WebAuthn"] }),
        ),
        (
            "this proof as the other protocol's",
            json!({ "WebAuthn": good(&ada, &started)["Fido2"] }),
        ),
        ("no JSON", json!({ "Fido2": "nonsense" })),
    ];
    for (what, proof) in cases {
        assert_refused(&test, &site, what, &proof).await;
    }
    assert_eq!(
        site.answer(&test, &good(&ada, &started)).await.ok()["type"],
        "allow"
    );
}

async fn c3_a_credential_of_another_realm_or_tenant_or_of_nobody_is_refused(test: TestApp) {
    let site = Site::new(&test).await;
    let tenant = test.made.tenant.id;
    let foreign = [
        (tenant, another_realm(&test).await),
        another_tenant(&test).await,
    ];
    let started = site.start(&test, &[]).await;
    for at in foreign {
        let eve = Person::of(&test, at, "eve", Passkey::Fido2(Authenticator::generate())).await;
        assert_refused(&test, &site, "a foreign credential", &good(&eve, &started)).await;
    }
    let mut nobody = Person::with_fido2(&test, "ada").await;
    nobody.passkey = Passkey::Fido2(Authenticator::generate());
    assert_refused(
        &test,
        &site,
        "an unknown credential",
        &good(&nobody, &started),
    )
    .await;
}

async fn c3_a_transaction_is_answered_once_and_within_ten_minutes(test: TestApp) {
    let (site, ada) = (
        Site::new(&test).await,
        Person::with_fido2(&test, "ada").await,
    );
    let (started, late) = (site.start(&test, &[]).await, site.start(&test, &[]).await);
    let proof = good(&ada, &started);
    assert_eq!(site.answer(&test, &proof).await.ok()["type"], "allow");
    for again in [&proof, &good(&ada, &started), &ada.proof(&test, &started)] {
        let body = site.answer(&test, again).await.refused(400);
        assert_eq!(
            body["details"][0]["field_violations"][0]["description"],
            "the sign-in request was already answered"
        );
    }
    assert_eq!(
        test.count("SELECT COUNT(*) FROM authorization_codes").await,
        1
    );
    test.clock.advance(Seconds(600));
    let body = site.answer(&test, &good(&ada, &late)).await.refused(400);
    assert_eq!(
        body["details"][0]["field_violations"][0]["description"],
        "the sign-in request has expired"
    );
}

async fn c4_a_suspended_or_revoked_subject_is_denied(test: TestApp) {
    let site = Site::new(&test).await;
    let ada = Person::with_fido2(&test, "ada").await;
    let bob = Person::with_fido2(&test, "bob").await;
    ada.suspend(&test).await;
    bob.revoke_passkey(&test).await;
    for (person, message) in [
        (ada, "This account is suspended."),
        (bob, "This passkey was revoked."),
    ] {
        let started = site.start(&test, &[]).await;
        let denied = site.answer(&test, &good(&person, &started)).await.ok();
        assert_eq!(denied, json!({ "type": "deny", "message": message }));
    }
}
