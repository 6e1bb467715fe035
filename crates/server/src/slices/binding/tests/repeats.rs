//! A device that repeats `:bind`, because the response was lost.

use axum::http::Method;
use keymoor_testkit::{Authenticator, RegistrationOptions, SoftwareKey};
use keymoor_types::Seconds;
use serde_json::{Value, json};

use super::proofs::{HOST, registration};
use super::{APP, Customers, Job, events, row_counts, set_status};
use crate::slices::binding::model::MAX_FAILED_PROOFS;
use crate::slices::identities::model::Status;
use crate::testing::{Answer, TestApp, both_apps};

both_apps!(
    a13_the_same_key_gets_the_same_answer_and_nothing_is_written,
    a13_a_complete_job_answers_no_other_key,
    a13_a_repeat_needs_what_the_first_request_needed,
    a13_a_repeat_tells_that_the_passkey_was_revoked,
    a13_of_fifty_that_repeat_one_request_all_get_its_one_passkey,
    a13_of_fifty_with_two_keys_those_of_one_key_get_its_passkey,
);

const RACERS: usize = 50;

/// Everything that a repeated request could change.
async fn stored(test: &TestApp, customers: &Customers, job: &Job) -> Value {
    let credentials = format!(
        "{}/credentials",
        customers.jobs().rsplit_once('/').unwrap().0
    );
    json!({
        "job": job.read(test).await,
        "credentials": test.manage(Method::GET, &credentials, None).await.ok(),
        "events": events(test, customers.realm.id).await,
        "rows": row_counts(test).await,
        "failed_proofs": failed_proofs(test, job).await,
    })
}

async fn failed_proofs(test: &TestApp, job: &Job) -> i64 {
    let sql = "SELECT failed_proofs FROM binding_jobs WHERE binding_job_id = $1";
    let id = job.at().job_id;
    let read = test.app.db.read(async |rx| Ok(rx.one(sql, &id).await?));
    read.await.unwrap()
}

/// What a browser makes of the server's options.
async fn fido2_response(test: &TestApp, job: &Job, authenticator: &Authenticator) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let info = job.info(test).await.ok();
    let challenge = &info["fido2"]["creation_options"]["challenge"];
    let mut options = RegistrationOptions::new(APP, HOST, "", "");
    options.challenge = URL_SAFE_NO_PAD.decode(challenge.as_str().unwrap()).unwrap();
    authenticator.register_json(&options).to_string()
}

async fn a13_the_same_key_gets_the_same_answer_and_nothing_is_written(test: TestApp) {
    let customers = Customers::new(&test).await;
    for kind in ["JWT", "WEBAUTHN", "FIDO2"] {
        let job = customers.job(&test).await;
        let (key, authenticator) = (SoftwareKey::generate(), Authenticator::generate());
        let proof = match kind {
            "JWT" => key.binding_jws(&job.subject(), &job.token),
            "WEBAUTHN" => authenticator.register(&registration(&job)),
            _ => fido2_response(&test, &job, &authenticator).await,
        };
        let first = job.bind(&test, kind, &proof).await.ok();
        let after_first = stored(&test, &customers, &job).await;
        test.clock.advance(Seconds(60));
        let mut proofs = vec![proof.clone(), proof];
        if kind == "JWT" {
            proofs.push(key.binding_jws(&job.subject(), &job.token));
        }
        for proof in &proofs {
            assert_eq!(job.bind(&test, kind, proof).await.ok(), first, "{kind}");
        }
        // The lifetimes of links and challenges end only what was not used.
        test.clock.advance(Seconds::DAY.times(30));
        assert_eq!(job.bind(&test, kind, &proofs[0]).await.ok(), first);
        assert_eq!(stored(&test, &customers, &job).await, after_first, "{kind}");
    }
}

async fn a13_a_complete_job_answers_no_other_key(test: TestApp) {
    let customers = Customers::new(&test).await;
    let authenticator = Authenticator::from_seed(31);
    let [software, webauthn] = [customers.job(&test).await, customers.job(&test).await];
    let proof = SoftwareKey::from_seed(30).binding_jws(&software.subject(), &software.token);
    software.bind(&test, "JWT", &proof).await.ok();
    let proof = authenticator.register(&registration(&webauthn));
    webauthn.bind(&test, "WEBAUTHN", &proof).await.ok();
    let before = [
        stored(&test, &customers, &software).await,
        stored(&test, &customers, &webauthn).await,
    ];
    let complete = |answer: Answer, why: &str| {
        let refused = answer.refused(409);
        assert_eq!(refused["details"][0]["description"], "complete", "{why}");
    };
    let other_key = SoftwareKey::from_seed(32);
    for (why, job, kind, raw) in [
        (
            "another software key",
            &software,
            "JWT",
            other_key.binding_jws(&software.subject(), &software.token),
        ),
        (
            "a software key of a WebAuthn job",
            &webauthn,
            "JWT",
            other_key.binding_jws(&webauthn.subject(), &webauthn.token),
        ),
        (
            "the same key, proved as a software key",
            &webauthn,
            "JWT",
            authenticator
                .key()
                .binding_jws(&webauthn.subject(), &webauthn.token),
        ),
        (
            "the same key, proved as a WebAuthn credential",
            &software,
            "WEBAUTHN",
            Authenticator::from_seed(30).register(&registration(&software)),
        ),
        (
            "the same key under another credential id",
            &webauthn,
            "WEBAUTHN",
            authenticator.register(&RegistrationOptions {
                credential_id: Some(b"another id".to_vec()),
                ..registration(&webauthn)
            }),
        ),
        (
            "another key under the same credential id",
            &webauthn,
            "WEBAUTHN",
            Authenticator::from_seed(33).register(&RegistrationOptions {
                credential_id: Some(authenticator.credential_id().to_vec()),
                ..registration(&webauthn)
            }),
        ),
    ] {
        complete(job.bind(&test, kind, &raw).await, why);
    }
    // Proofs that fail are not counted: the job has ended.
    for _ in 0..=MAX_FAILED_PROOFS {
        complete(software.bind(&test, "JWT", "nonsense").await, "no proof");
    }
    let foreign = SoftwareKey::from_seed(30).binding_jws(&software.subject(), &webauthn.token);
    complete(
        software.bind(&test, "JWT", &foreign).await,
        "of another token",
    );
    let after = [
        stored(&test, &customers, &software).await,
        stored(&test, &customers, &webauthn).await,
    ];
    assert_eq!(after, before);
}

async fn a13_a_repeat_needs_what_the_first_request_needed(test: TestApp) {
    let customers = Customers::new(&test).await;
    let job = customers.job(&test).await;
    let proof = SoftwareKey::from_seed(34).binding_jws(&job.subject(), &job.token);
    job.bind(&test, "JWT", &proof).await.ok();
    let before = stored(&test, &customers, &job).await;
    let wrong = Job {
        token: "wrong".to_owned(),
        ..job.clone()
    };
    wrong.bind(&test, "JWT", &proof).await.refused(404);
    let body = json!({ "type": "JWT", "raw": proof }).to_string();
    let headers = [("origin", "https://evil.example")];
    let untrusted = job.post(&test, "bind", &headers, body.clone()).await;
    assert_eq!(
        untrusted.refused(403)["details"][0]["resource_type"],
        "Origin"
    );
    job.post(&test, "bind", &[("origin", APP)], body).await.ok();
    set_status(&test, &customers.identity, Status::Suspended).await;
    job.bind(&test, "JWT", &proof).await.refused(403);
    set_status(&test, &customers.identity, Status::Active).await;
    job.bind(&test, "JWT", &proof).await.ok();
    // Only `:bind` is repeated.
    job.info(&test).await.refused(409);
    job.open(&test, "application/json").await.refused(409);
    assert_eq!(stored(&test, &customers, &job).await, before);
}

async fn a13_a_repeat_tells_that_the_passkey_was_revoked(test: TestApp) {
    let customers = Customers::new(&test).await;
    let job = customers.job(&test).await;
    let proof = SoftwareKey::from_seed(35).binding_jws(&job.subject(), &job.token);
    let first = job.bind(&test, "JWT", &proof).await.ok();
    let identity = customers.jobs().rsplit_once('/').unwrap().0.to_owned();
    let revoke = format!(
        "{identity}/credentials/{}:revoke",
        first["id"].as_str().unwrap()
    );
    test.manage(Method::POST, &revoke, None).await.ok();
    let again = job.bind(&test, "JWT", &proof).await.ok();
    assert_eq!(
        (&again["id"], &again["state"]),
        (&first["id"], &json!("REVOKED"))
    );
}

async fn a13_of_fifty_that_repeat_one_request_all_get_its_one_passkey(test: TestApp) {
    let customers = Customers::new(&test).await;
    for kind in ["JWT", "WEBAUTHN"] {
        let job = customers.job(&test).await;
        let proof = match kind {
            "JWT" => SoftwareKey::generate().binding_jws(&job.subject(), &job.token),
            _ => Authenticator::generate().register(&registration(&job)),
        };
        let before = row_counts(&test).await;
        let answers =
            futures_util::future::join_all((0..RACERS).map(|_| job.bind(&test, kind, &proof)))
                .await;
        let first = answers[0].ok();
        assert!(
            answers.iter().all(|answer| answer.ok() == first),
            "{answers:?}"
        );
        // One credential, one notice, one complete job.
        assert_eq!(row_counts(&test).await, before.map(|count| count + 1));
    }
}

async fn a13_of_fifty_with_two_keys_those_of_one_key_get_its_passkey(test: TestApp) {
    let customers = Customers::new(&test).await;
    let job = customers.job(&test).await;
    let keys = [SoftwareKey::generate(), SoftwareKey::generate()];
    let proofs = keys.map(|key| key.binding_jws(&job.subject(), &job.token));
    let attempts = (0..RACERS).map(|racer| job.bind(&test, "JWT", &proofs[racer % 2]));
    let answers = futures_util::future::join_all(attempts).await;
    let winner = answers
        .iter()
        .position(|answer| answer.status == 200)
        .unwrap();
    let bound = answers[winner].ok();
    for (racer, answer) in answers.iter().enumerate() {
        if racer % 2 == winner % 2 {
            assert_eq!(answer.ok(), bound);
        } else {
            answer.refused(409);
        }
    }
    assert_eq!(row_counts(&test).await, [1; 3]);
}
