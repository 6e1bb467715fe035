//! Proofs: what binds a key, and everything that must not.

use axum::http::Method;
use keymoor_testkit::{
    Attestation, Authenticator, Authority, CredentialKey, Jws, PackedStatement,
    RegistrationOptions, SoftwareKey, flags,
};
use serde_json::{Value, json};

use super::{APP, Customers, Job, events, row_counts};
use crate::slices::authenticator_configs::model::AuthenticationMethod;
use crate::slices::binding::model::MAX_FAILED_PROOFS;
use crate::testing::{Answer, TestApp, attestation_authority, both_apps};

both_apps!(
    b1_a12_bad_software_proofs_all_look_alike_and_change_nothing,
    b2_a12_bad_webauthn_proofs_all_look_alike_and_change_nothing,
    b2_a_webauthn_registration_binds,
    what_an_attestation_has_shown_is_kept_and_told,
    b4_a_key_is_bound_once_in_a_realm,
    a4_ten_failed_proofs_with_the_right_token_end_a_job,
    a4_malformed_bodies_are_refused_and_counted,
    a4_every_refusal_with_the_right_token_counts,
    a_token_for_another_job_opens_nothing,
);

pub(super) const HOST: &str = "app.example";

pub(super) fn registration(job: &Job) -> RegistrationOptions {
    RegistrationOptions::new(APP, HOST, &job.subject(), &job.token)
}

/// A proof that must fail, and what is wrong with it.
struct Bad {
    why: &'static str,
    kind: &'static str,
    raw: String,
}

fn bad_software_proofs(job: &Job) -> Vec<Bad> {
    let key = SoftwareKey::from_seed(1);
    let other = SoftwareKey::from_seed(2);
    let (subject, token) = (job.subject(), job.token.as_str());
    let jws = || Jws::binding(&key, &subject, token);
    let [tenant, realm, identity, _] = job.ids();
    let mut off_curve = key.jwk();
    off_curve["y"] = other.jwk()["y"].clone();
    let extra = json!({ "sub": subject, "token": token, "extra": 1 }).to_string();
    let cases = [
        ("signed by another key", jws().signed_by(&other)),
        (
            "over another token",
            key.binding_jws(&subject, "another token"),
        ),
        ("with a changed payload", tampered(&jws().signed_by(&key))),
        (
            "with more in its payload",
            jws().payload(extra).signed_by(&key),
        ),
        (
            "for another identity",
            key.binding_jws(&format!("CN=1, OU={realm}, O={tenant}"), token),
        ),
        (
            "for another realm",
            key.binding_jws(&format!("CN={identity}, OU=1, O={tenant}"), token),
        ),
        (
            "for another tenant",
            key.binding_jws(&format!("CN={identity}, OU={realm}, O=1"), token),
        ),
        ("with alg none", jws().unsigned()),
        ("with alg HS256", jws().hmac_signed(key.point())),
        (
            "with alg RS256",
            jws().header("alg", "RS256").signed_by(&key),
        ),
        (
            "with jku",
            jws()
                .header("jku", "https://evil.example/keys")
                .signed_by(&key),
        ),
        (
            "with x5u",
            jws()
                .header("x5u", "https://evil.example/chain")
                .signed_by(&key),
        ),
        ("with x5c", jws().header("x5c", json!([])).signed_by(&key)),
        (
            "with crit",
            jws().header("crit", json!(["exp"])).signed_by(&key),
        ),
        (
            "with an off-curve jwk",
            jws().header("jwk", off_curve).signed_by(&key),
        ),
        (
            "with a private jwk",
            jws().header("jwk", key.private_jwk()).signed_by(&key),
        ),
        ("without jwk", jws().without_header("jwk").signed_by(&key)),
        ("that is no JWS", "nonsense".to_owned()),
    ];
    cases
        .into_iter()
        .map(|(why, raw)| Bad {
            why,
            kind: "JWT",
            raw,
        })
        .collect()
}

/// The same signature under a payload that differs in one character.
fn tampered(jws: &str) -> String {
    let mut parts: Vec<String> = jws.split('.').map(str::to_owned).collect();
    let other = if parts[1].starts_with('e') { "f" } else { "e" };
    parts[1].replace_range(..1, other);
    parts.join(".")
}

fn bad_webauthn_proofs(job: &Job) -> Vec<Bad> {
    let make = |change: &dyn Fn(&mut RegistrationOptions)| {
        let mut options = registration(job);
        change(&mut options);
        Authenticator::from_seed(3).register(&options)
    };
    let challenge = |value: Value| value.to_string().into_bytes();
    let cases = [
        (
            "from an untrusted origin",
            make(&|o| o.client_data.origin = "https://evil.example".to_owned()),
        ),
        (
            "for another RP ID",
            make(&|o| o.rp_id = "evil.example".to_owned()),
        ),
        (
            "with a wrong challenge",
            make(&|o| o.challenge = challenge(json!({ "sub": job.subject(), "token": "x" }))),
        ),
        (
            "with a foreign challenge",
            make(&|o| o.challenge = vec![7; 32]),
        ),
        (
            "without user verification",
            make(&|o| o.flags &= !flags::UV),
        ),
        ("without user presence", make(&|o| o.flags &= !flags::UP)),
        (
            "from a cross-origin frame",
            make(&|o| o.client_data.cross_origin = Some(true)),
        ),
        (
            "of the other ceremony",
            make(&|o| o.client_data.kind = "webauthn.get".to_owned()),
        ),
        ("that is no registration", "{}".to_owned()),
    ];
    cases
        .into_iter()
        .map(|(why, raw)| Bad {
            why,
            kind: "WEBAUTHN",
            raw,
        })
        .collect()
}

pub(super) fn does_not_verify(answer: &Answer, why: &str) {
    assert_eq!(answer.status, 400, "a proof {why} gave {}", answer.text);
    assert_eq!(
        answer.json(),
        json!({
            "code": "bad_request",
            "message": "invalid parameters",
            "details": [{
                "type": "FieldViolations",
                "field_violations": [
                    { "field": "raw", "description": "the proof does not verify" },
                ],
            }],
        }),
        "a proof {why}"
    );
}

async fn b1_a12_bad_software_proofs_all_look_alike_and_change_nothing(test: TestApp) {
    let customers = Customers::new(&test).await;
    let before = row_counts(&test).await;
    for index in 0..bad_software_proofs(&customers.job(&test).await).len() {
        let job = customers.job(&test).await;
        let bad = bad_software_proofs(&job).swap_remove(index);
        does_not_verify(&job.bind(&test, bad.kind, &bad.raw).await, bad.why);
        assert_eq!(job.state(&test).await, "LINK_SENT");
    }
    assert_eq!(row_counts(&test).await, before);
}

async fn b2_a12_bad_webauthn_proofs_all_look_alike_and_change_nothing(test: TestApp) {
    let customers = Customers::new(&test).await;
    let before = row_counts(&test).await;
    for index in 0..bad_webauthn_proofs(&customers.job(&test).await).len() {
        let job = customers.job(&test).await;
        let bad = bad_webauthn_proofs(&job).swap_remove(index);
        does_not_verify(&job.bind(&test, bad.kind, &bad.raw).await, bad.why);
    }
    assert_eq!(row_counts(&test).await, before);
}

async fn b2_a_webauthn_registration_binds(test: TestApp) {
    let customers = Customers::new(&test).await;
    let job = customers.job(&test).await;
    let raw = Authenticator::from_seed(4).register(&registration(&job));
    job.bind(&test, "WEBAUTHN", &raw).await.ok();
    let facts: (String, Option<String>, bool) = test
        .app
        .db
        .read(async |rx| {
            let sql = "SELECT csr_type, rp_id, webauthn_id IS NOT NULL FROM credentials";
            Ok(rx.one(sql, &()).await?)
        })
        .await
        .unwrap();
    assert_eq!(facts, ("WEBAUTHN".to_owned(), Some(HOST.to_owned()), true));
}

async fn what_an_attestation_has_shown_is_kept_and_told(test: TestApp) {
    let customers = Customers::new(&test).await;
    let by = |authority: CredentialKey| {
        let authority = Authority::new("Attestation CA", authority);
        Attestation::by(PackedStatement::new(authority, CredentialKey::es256(2)))
    };
    let key = attestation_authority();
    for (authenticator, attestation, more, level, format) in [
        (
            Authenticator::from_seed(10),
            by(key.clone()),
            0,
            "attested",
            "packed",
        ),
        (
            Authenticator::with_key(CredentialKey::rs256()),
            by(key),
            flags::BE,
            "attested",
            "packed",
        ),
        (
            Authenticator::from_seed(11),
            by(CredentialKey::es256(9)),
            0,
            "flagged",
            "packed",
        ),
        (
            Authenticator::with_key(CredentialKey::ed25519(1)),
            Attestation::None,
            0,
            "flagged",
            "none",
        ),
        (
            Authenticator::with_key(CredentialKey::es384()),
            Attestation::PackedSelf,
            flags::BE,
            "unproven",
            "packed",
        ),
    ] {
        let job = customers.job(&test).await;
        let mut options = registration(&job);
        (options.attestation, options.flags) = (attestation, options.flags | more);
        let raw = authenticator.register(&options);
        let bound = job.bind(&test, "WEBAUTHN", &raw).await.ok();
        let [tenant, realm, identity, _] = job.ids();
        let path = format!(
            "/v1/tenants/{tenant}/realms/{realm}/identities/{identity}/credentials/{}",
            bound["id"].as_str().unwrap()
        );
        let shown = test.manage(Method::GET, &path, None).await.ok();
        assert_eq!(
            shown["attestation"],
            json!({ "level": level, "format": format })
        );
        let jwk: Value = serde_json::from_str(shown["jwk_json"].as_str().unwrap()).unwrap();
        assert_eq!(jwk, authenticator.credential_key().jwk());
    }
}

async fn b4_a_key_is_bound_once_in_a_realm(test: TestApp) {
    let customers = Customers::new(&test).await;
    let key = SoftwareKey::from_seed(5);
    let authenticator = Authenticator::from_seed(6);
    for round in [200, 409] {
        let job = customers.job(&test).await;
        let answer = job
            .bind(&test, "JWT", &key.binding_jws(&job.subject(), &job.token))
            .await;
        assert_eq!(answer.status, round, "{}", answer.text);
        let expected = if round == 200 {
            "COMPLETE"
        } else {
            "LINK_SENT"
        };
        assert_eq!(job.state(&test).await, expected);
        let job = customers.job(&test).await;
        let answer = job
            .bind(
                &test,
                "WEBAUTHN",
                &authenticator.register(&registration(&job)),
            )
            .await;
        assert_eq!(answer.status, round, "{}", answer.text);
    }
    // Another key under a credential id that is taken.
    let job = customers.job(&test).await;
    let mut options = registration(&job);
    options.credential_id = Some(authenticator.credential_id().to_vec());
    job.bind(
        &test,
        "WEBAUTHN",
        &Authenticator::from_seed(7).register(&options),
    )
    .await
    .refused(409);
}

async fn a4_ten_failed_proofs_with_the_right_token_end_a_job(test: TestApp) {
    let customers = Customers::new(&test).await;
    let job = customers.job(&test).await;
    let stranger = Job {
        token: "wrong".to_owned(),
        ..job.clone()
    };
    for _ in 0..20 {
        stranger.bind(&test, "JWT", "nonsense").await.refused(404);
    }
    for failed in 1..=MAX_FAILED_PROOFS {
        job.bind(&test, "JWT", "nonsense").await.refused(400);
        let expected = if failed < MAX_FAILED_PROOFS {
            "LINK_SENT"
        } else {
            "REVOKED"
        };
        assert_eq!(job.state(&test).await, expected, "after {failed}");
    }
    assert_eq!(
        job.bind_new_key(&test).await.refused(409)["details"][0]["description"],
        "revoked"
    );
    let told: Vec<String> = events(&test, customers.realm.id)
        .await
        .into_iter()
        .map(|(_, outcome)| outcome)
        .collect();
    let refusals = told
        .iter()
        .filter(|outcome| *outcome == "PROOF_REFUSED")
        .count();
    assert_eq!(i64::try_from(refusals).unwrap(), MAX_FAILED_PROOFS);
    assert!(told.contains(&"REVOKED".to_owned()), "{told:?}");
}

async fn a4_malformed_bodies_are_refused_and_counted(test: TestApp) {
    let customers = Customers::new(&test).await;
    let job = customers.job(&test).await;
    let json_type = [("content-type", "application/json")];
    for body in [
        "",
        "{",
        "[]",
        "{\"type\":\"JWT\"}",
        "{\"type\":\"PIGEON\",\"raw\":\"\"}",
        "{\"type\":\"JWT\",\"raw\":5}",
    ] {
        job.post(&test, "bind", &json_type, body.to_owned())
            .await
            .refused(400);
    }
    let form = [("content-type", "application/x-www-form-urlencoded")];
    job.post(&test, "bind", &form, "type=JWT".to_owned())
        .await
        .refused(415);
    let oversized = json!({ "type": "JWT", "raw": "x".repeat(100_000) }).to_string();
    job.post(&test, "bind", &json_type, oversized)
        .await
        .refused(413);
    // What is too large is never read to its end, and nobody knows who sent it.
    assert_eq!(failed_proofs(&test, &job).await, 7);
    // Nor does what is sent with another token count.
    let stranger = Job {
        token: "wrong".to_owned(),
        ..job.clone()
    };
    stranger
        .post(&test, "bind", &json_type, "{".to_owned())
        .await
        .refused(404);
    assert_eq!(failed_proofs(&test, &job).await, 7);
}

async fn failed_proofs(test: &TestApp, job: &Job) -> i64 {
    let id = job.at().job_id;
    let sql = "SELECT failed_proofs FROM binding_jobs WHERE binding_job_id = $1";
    let read = async |rx: &mut crate::db::Rx| Ok(rx.one(sql, &id).await?);
    test.app.db.read(read).await.unwrap()
}

async fn a4_every_refusal_with_the_right_token_counts(test: TestApp) {
    let software = vec![AuthenticationMethod::SoftwarePasskey];
    let customers = Customers::with(&test, |_, config| {
        config.authentication_methods = Some(software);
    })
    .await;
    let key = SoftwareKey::from_seed(5);
    let proof = |job: &Job| key.binding_jws(&job.subject(), &job.token);
    let first = customers.job(&test).await;
    first.bind(&test, "JWT", &proof(&first)).await.ok();
    // A complete job is neither counted nor ended again.
    first.bind(&test, "JWT", &proof(&first)).await;
    first.bind_new_key(&test).await.refused(409);
    assert_eq!(failed_proofs(&test, &first).await, 0);
    assert_eq!(first.state(&test).await, "COMPLETE");

    let job = customers.job(&test).await;
    let elsewhere = [("origin", "https://evil.example")];
    let body = |kind: &str, raw: &str| json!({ "type": kind, "raw": raw }).to_string();
    let webauthn = Authenticator::from_seed(6).register(&registration(&job));
    let mut refused = 0;
    while refused < MAX_FAILED_PROOFS {
        let answers = [
            job.bind(&test, "JWT", &proof(&job)).await,
            job.bind(&test, "WEBAUTHN", &webauthn).await,
            job.post(&test, "bind", &elsewhere, body("JWT", &proof(&job)))
                .await,
            job.bind(&test, "FIDO2", "{}").await,
            job.bind(&test, "PIGEON", "").await,
        ];
        let statuses = answers.map(|answer| answer.status.as_u16());
        assert_eq!(statuses, [409, 403, 403, 400, 400]);
        refused += 5;
        assert_eq!(failed_proofs(&test, &job).await, refused);
    }
    assert_eq!(job.state(&test).await, "REVOKED");
    assert_eq!(
        job.bind_new_key(&test).await.refused(409)["details"][0]["description"],
        "revoked"
    );
}

async fn a_token_for_another_job_opens_nothing(test: TestApp) {
    let customers = Customers::new(&test).await;
    let (one, two) = (customers.job(&test).await, customers.job(&test).await);
    let crossed = Job {
        token: two.token.clone(),
        ..one.clone()
    };
    crossed.bind_new_key(&test).await.refused(404);
    let [tenant, realm, identity, _] = one.ids();
    let (admin_realm, admin) = (
        test.made.realm.id.to_string(),
        test.made.administrator.id.to_string(),
    );
    for path in [
        one.path.replace(tenant, "0000000000000001"),
        one.path.replace(realm, &admin_realm),
        one.path.replace(identity, &admin),
    ] {
        let moved = Job {
            path,
            ..one.clone()
        };
        moved.bind_new_key(&test).await.refused(404);
    }
    let bare = axum::http::Request::post(format!("{}:bind", one.path))
        .body(axum::body::Body::from("{\"type\":\"JWT\",\"raw\":\"x\"}"))
        .unwrap();
    test.auth(bare).await.refused(401);
}
