//! Proofs that differ from a good one in one thing.

use axum::body::Body;
use axum::http::Request;
use keymoor_testkit::{Authenticator, SoftwareKey};
use keymoor_types::{RealmId, TenantId};
use serde_json::Value;

use super::*;
use crate::slices::provision::{self, NewTenant};
use crate::testing::sign_in::{Passkey, Started, as_form, form};

both_apps!(
    c3_claims_key_and_seal_must_agree,
    c3_a_software_proof_that_was_tampered_with_is_refused,
    c3_a_webauthn_proof_that_was_tampered_with_is_refused,
    c3_passkeys_and_challenges_stay_in_their_realm,
    c3_a_replayed_proof_gets_no_second_code,
    a_body_that_is_no_proof_is_refused_in_the_published_shape,
    an_unknown_application_is_not_found,
    a_challenge_dies_with_the_config_that_it_was_made_for,
    d2_a_page_that_is_not_trusted_is_refused_before_any_effect,
);

pub(super) async fn another_tenant(test: &TestApp) -> (TenantId, RealmId) {
    let new = NewTenant {
        display_name: "Globex".to_owned(),
        admin_username: "admin".to_owned(),
        admin_email_address: None,
    };
    let made = Box::pin(provision::tenant(&test.context(), &new))
        .await
        .unwrap();
    (made.tenant.id, made.realm.id)
}

/// The proof is refused in the published shape, without a word about why, and nothing is made.
pub(super) async fn assert_refused(test: &TestApp, site: &Site, what: &str, proof: &Value) {
    let answer = site.answer(test, proof).await;
    assert_eq!(answer.status, 400, "{what}: {}", answer.text);
    let body = answer.json();
    assert_eq!(body["code"], "bad_request", "{what}");
    let violation = &body["details"][0]["field_violations"][0];
    assert_eq!(violation["field"], "claims", "{what}");
    assert_eq!(
        violation["description"], "the proof does not verify",
        "{what}"
    );
    let codes = "SELECT COUNT(*) FROM authorization_codes";
    assert_eq!(test.count(codes).await, 0, "{what}");
}

async fn c3_claims_key_and_seal_must_agree(test: TestApp) {
    let (site, other_site) = (Site::new(&test).await, Site::new(&test).await);
    let (ada, eve) = (
        Person::new(&test, "ada").await,
        Person::new(&test, "eve").await,
    );
    let started = site.start(&test, &[]).await;
    let another = site.start(&test, &[]).await;
    let foreign = other_site.start(&test, &[]).await;
    let (realm, tenant) = (test.made.realm.id, test.made.tenant.id);
    let ada_id = ada.identity.id;
    let cases: Vec<(&str, &str, Value)> = vec![
        ("another subject", "sub", eve.subject().into()),
        (
            "a subject that is nobody",
            "sub",
            "CN=0000000000000001, OU=x, O=y".into(),
        ),
        (
            "no subject of ours",
            "sub",
            format!("CN={ada_id}, OU={realm}, O={tenant}, C=x").into(),
        ),
        ("an empty subject", "sub", "".into()),
        ("another audience", "aud", json!([foreign.audience])),
        (
            "two audiences",
            "aud",
            json!([started.audience, foreign.audience]),
        ),
        ("no audience", "aud", json!([])),
        (
            "another transaction",
            "bi_tid",
            another.transaction_id.as_str().into(),
        ),
        ("no transaction", "bi_tid", "".into()),
        ("another nonce", "bi_non", another.nonce.as_str().into()),
        (
            "another application's nonce",
            "bi_non",
            foreign.nonce.as_str().into(),
        ),
        (
            "a nonce that was altered",
            "bi_non",
            format!("B{}", &started.nonce[1..]).into(),
        ),
        ("a nonce of our own making", "bi_non", "bm9uY2U".into()),
        (
            "a one-time code",
            "authentication_control",
            json!({ "control": "email_otp_initiate" }),
        ),
    ];
    for (what, claim, value) in cases {
        let mut claims = ada.claims(&test, &started);
        claims[claim] = value;
        assert_refused(&test, &site, what, &ada.sign(&claims)).await;
    }
    // Both from the other transaction: the nonce and the transaction agree, the path does not.
    let mut claims = ada.claims(&test, &foreign);
    claims["aud"] = json!([started.audience]);
    assert_refused(
        &test,
        &site,
        "another application's challenge",
        &ada.sign(&claims),
    )
    .await;
    // The same proof, unspoilt.
    assert_eq!(
        site.answer(&test, &ada.proof(&test, &started)).await.ok()["type"],
        "allow"
    );
}

async fn c3_a_software_proof_that_was_tampered_with_is_refused(test: TestApp) {
    let (site, ada) = (Site::new(&test).await, Person::new(&test, "ada").await);
    let eve = Person::new(&test, "eve").await;
    let started = site.start(&test, &[]).await;
    let jws = || ada.jws(&test, &started);
    let point = ada.key().point().to_vec();
    let cases = [
        ("another key's signature", jws().signed_by(eve.key())),
        ("an unknown key", jws().signed_by(&SoftwareKey::generate())),
        (
            "another's kid",
            jws()
                .header("kid", eve.key().thumbprint())
                .signed_by(eve.key()),
        ),
        (
            "a kid that is none",
            jws().header("kid", "x").signed_by(ada.key()),
        ),
        ("no kid", jws().without_header("kid").signed_by(ada.key())),
        ("alg none", jws().unsigned()),
        ("alg HS256 with the public key", jws().hmac_signed(&point)),
        (
            "alg RS256",
            jws().header("alg", "RS256").signed_by(ada.key()),
        ),
        (
            "a jwk of its own",
            jws().header("jwk", eve.key().jwk()).signed_by(eve.key()),
        ),
        (
            "jku",
            jws()
                .header("jku", "https://evil.example/jwks")
                .signed_by(ada.key()),
        ),
        (
            "x5u",
            jws()
                .header("x5u", "https://evil.example/x5u")
                .signed_by(ada.key()),
        ),
        (
            "crit",
            jws().header("crit", json!(["exp"])).signed_by(ada.key()),
        ),
        ("other claims", jws().payload("{}").signed_by(ada.key())),
        ("no JWS", "a.b".to_owned()),
    ];
    for (what, proof) in cases {
        assert_refused(&test, &site, what, &json!({ "Jwt": proof })).await;
    }
    // Failed proofs for somebody known are in the audit log, and the transaction is still open.
    let errors = test.events("AuthenticationTransaction").await;
    assert!(!errors.is_empty() && errors.iter().all(|outcome| outcome == "ERROR"));
    assert_eq!(
        site.answer(&test, &ada.proof(&test, &started)).await.ok()["type"],
        "allow"
    );
}

async fn c3_a_webauthn_proof_that_was_tampered_with_is_refused(test: TestApp) {
    let (site, ada) = (
        Site::new(&test).await,
        Person::with_webauthn(&test, "ada").await,
    );
    let eve = Authenticator::generate();
    let started = site.start(&test, &[]).await;
    let assertion = |spoil: &dyn Fn(&mut keymoor_testkit::AssertionOptions)| {
        let mut options = ada.assertion(&test, &started);
        spoil(&mut options);
        ada.authenticator().assert(&options)
    };
    let options = ada.assertion(&test, &started);
    let cases = [
        (
            "another origin",
            assertion(&|o| o.client_data.origin = "https://evil.example".into()),
        ),
        (
            "another port",
            assertion(&|o| o.client_data.origin = "https://app.example:444".into()),
        ),
        (
            "another RP ID",
            assertion(&|o| o.rp_id = "evil.example".into()),
        ),
        (
            "cross-origin",
            assertion(&|o| o.client_data.cross_origin = Some(true)),
        ),
        (
            "another ceremony",
            assertion(&|o| o.client_data.kind = "webauthn.create".into()),
        ),
        ("no user verification", assertion(&|o| o.flags = flags::UP)),
        ("no user presence", assertion(&|o| o.flags = flags::UV)),
        (
            "another challenge",
            assertion(&|o| o.challenge = Some(b"{}".to_vec())),
        ),
        (
            "another credential",
            assertion(&|o| o.claims["pub_key_cred_id"] = "AAAA".into()),
        ),
        (
            "another key's signature",
            ada.authenticator().assert_signed_by(eve.key(), &options),
        ),
        ("another authenticator", eve.assert(&options)),
        ("no JSON", "x".to_owned()),
    ];
    for (what, proof) in cases {
        assert_refused(&test, &site, what, &json!({ "WebAuthn": proof })).await;
    }
    let as_software = ada.jws(&test, &started).signed_by(ada.key());
    assert_refused(
        &test,
        &site,
        "the other kind",
        &json!({ "Jwt": as_software }),
    )
    .await;
    assert_eq!(
        site.answer(&test, &ada.proof(&test, &started)).await.ok()["type"],
        "allow"
    );
}

async fn c3_passkeys_and_challenges_stay_in_their_realm(test: TestApp) {
    let here = (test.made.tenant.id, test.made.realm.id);
    let elsewhere = [
        (test.made.tenant.id, another_realm(&test).await),
        another_tenant(&test).await,
    ];
    let site = Site::new(&test).await;
    let started = site.start(&test, &[]).await;
    for there in elsewhere {
        let passkey = Passkey::Software(SoftwareKey::generate());
        let stranger = Person::of(&test, there, "ada", passkey).await;
        let proof = stranger.proof(&test, &started);
        assert_refused(&test, &site, "a passkey of another realm", &proof).await;

        let their_site = Site::of(&test, there, |_| ()).await;
        let theirs = their_site.start(&test, &[]).await;
        let passkey = Passkey::Software(SoftwareKey::generate());
        let ada = Person::of(&test, here, &format!("ada-{}", there.1), passkey).await;
        // Everything but the seal says that this challenge is ours.
        let relabelled = Started {
            audience: started.audience.clone(),
            ..theirs
        };
        let proof = ada.proof(&test, &relabelled);
        assert_refused(&test, &site, "a challenge of another realm", &proof).await;
        assert_refused(
            &test,
            &their_site,
            "sent there",
            &ada.proof(&test, &relabelled),
        )
        .await;
    }
}

async fn c3_a_replayed_proof_gets_no_second_code(test: TestApp) {
    let (site, ada) = (Site::new(&test).await, Person::new(&test, "ada").await);
    let eve = Person::new(&test, "eve").await;
    let started = site.start(&test, &[]).await;
    let proof = ada.proof(&test, &started);
    site.answer(&test, &proof).await.ok();
    let body = site.answer(&test, &proof).await.refused(400);
    insta::allow_duplicates! {
        insta::assert_json_snapshot!(body, @r#"
            {
              "code": "bad_request",
              "details": [
                {
                  "field_violations": [
                    {
                      "description": "the sign-in request was already answered",
                      "field": "claims"
                    }
                  ],
                  "type": "FieldViolations"
                }
              ],
              "message": "invalid parameters"
            }
            "#);
    }
    // Nor does somebody else with the same challenge.
    site.answer(&test, &eve.proof(&test, &started))
        .await
        .refused(400);
    assert_eq!(
        test.count("SELECT COUNT(*) FROM authorization_codes").await,
        1
    );
}

async fn a_body_that_is_no_proof_is_refused_in_the_published_shape(test: TestApp) {
    let site = Site::new(&test).await;
    let path = site.path("/bi-authenticate");
    let jwt_is_a_number = "claims=%7B%22Jwt%22%3A1%7D";
    for body in [
        "",
        "claims=",
        "claims=x",
        "claims=%7B%7D",
        jwt_is_a_number,
        "claims=a&claims=b",
    ] {
        test.auth(as_form(Request::post(&path), body.to_owned()))
            .await
            .refused(400);
    }
    let json = Request::post(&path).header("content-type", "application/json");
    test.auth(json.body(Body::from("{}")).unwrap())
        .await
        .refused(400);
    let large = as_form(
        Request::post(&path),
        format!("claims={}", "x".repeat(70_000)),
    );
    test.auth(large).await.refused(413);
    test.auth(Request::get(&path).body(Body::empty()).unwrap())
        .await
        .refused(405);
}

async fn an_unknown_application_is_not_found(test: TestApp) {
    let (site, ada) = (Site::new(&test).await, Person::new(&test, "ada").await);
    let started = site.start(&test, &[]).await;
    let proof = ada.proof(&test, &started);
    let mut gone = Site::new(&test).await;
    gone.application.id = ApplicationId::generate(test.app.now(), &*test.app.rng);
    let body = gone.answer(&test, &proof).await.refused(404);
    assert_eq!(body["message"], "application not found");
}

async fn a_challenge_dies_with_the_config_that_it_was_made_for(test: TestApp) {
    let (site, ada) = (Site::new(&test).await, Person::new(&test, "ada").await);
    let other = Site::new(&test).await;
    let started = site.start(&test, &[]).await;
    let (id, config) = (site.application.id, other.config.id);
    let (tenant, realm) = (test.made.tenant.id, test.made.realm.id);
    let change = async move |tx: &mut Tx| {
        let sql = "UPDATE applications SET authenticator_config_id = $4
                WHERE tenant_id = $1 AND realm_id = $2 AND application_id = $3";
        Ok(tx.exec(sql, &(tenant, realm, id, config)).await?)
    };
    test.app.db.write(change).await.unwrap();
    test.clock.advance(Seconds(5));
    assert_refused(&test, &site, "another config", &ada.proof(&test, &started)).await;
}

async fn d2_a_page_that_is_not_trusted_is_refused_before_any_effect(test: TestApp) {
    let (site, ada) = (Site::new(&test).await, Person::new(&test, "ada").await);
    let started = site.start(&test, &[]).await;
    let claims = form(&[], &[("claims", &ada.proof(&test, &started).to_string())]);
    let post = |origin: &str| {
        let request = Request::post(site.path("/bi-authenticate")).header("origin", origin);
        as_form(request, claims.clone())
    };
    for origin in ["https://evil.example", "http://app.example", "null"] {
        test.auth(post(origin)).await.refused(403);
    }
    assert_eq!(
        test.count("SELECT COUNT(*) FROM authorization_codes").await,
        0
    );
    assert_eq!(
        test.auth(post("https://app.example")).await.ok()["type"],
        "allow"
    );
    let preflight = Request::options(site.path("/bi-authenticate"));
    let preflight = preflight.header("origin", "https://evil.example");
    let preflight = test.auth(preflight.body(Body::empty()).unwrap()).await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-origin"), "*");
}
