//! Single-use under contention, at the statement that claims.

use std::sync::Arc;

use keymoor_types::{CredentialId, Seconds, Timestamp};

use super::{Customers, row_counts, set_status};
use crate::base::secret::Secret;
use crate::slices::binding::model::{Event, MAX_FAILED_PROOFS, State, VerifiedKey};
use crate::slices::binding::store::{self, NewLink};
use crate::slices::identities::model::{Identity, Status};
use crate::testing::held;
use crate::testing::{TestApp, both_apps};

both_apps!(
    of_fifty_that_claim_one_link_exactly_one_wins,
    of_fifty_devices_that_bind_exactly_one_gets_a_passkey,
    b1_one_statement_checks_token_state_expiry_attempts_and_status,
    the_statements_agree_with_the_model,
);

const RACERS: usize = 50;

async fn of_fifty_that_claim_one_link_exactly_one_wins(test: TestApp) {
    let job = Customers::new(&test).await.job(&test).await;
    let (key, digest, now) = (
        job.at(),
        Secret::new(job.token.as_str()).digest(),
        test.app.now(),
    );
    let racers: Vec<_> = (0..RACERS)
        .map(|racer| {
            let db = test.app.db.clone();
            let credential = CredentialId::from_i64(i64::try_from(racer).unwrap());
            tokio::spawn(async move {
                db.write(async move |tx| store::claim(tx, key, &digest, credential, now).await)
                    .await
            })
        })
        .collect();
    let mut winners = 0;
    for racer in racers {
        winners += usize::from(racer.await.unwrap().unwrap());
    }
    assert_eq!(winners, 1);
}

async fn of_fifty_devices_that_bind_exactly_one_gets_a_passkey(test: TestApp) {
    let job = Customers::new(&test).await.job(&test).await;
    let attempts = (0..RACERS).map(|_| job.bind_new_key(&test));
    let answers = futures_util::future::join_all(attempts).await;
    let bound = answers.iter().filter(|answer| answer.status == 200).count();
    let refused = answers.iter().filter(|answer| answer.status == 409).count();
    assert_eq!((bound, refused), (1, RACERS - 1));
    let stored: i64 = test
        .app
        .db
        .read(async |rx| Ok(rx.one("SELECT COUNT(*) FROM credentials", &()).await?))
        .await
        .unwrap();
    assert_eq!(stored, 1);
}

async fn b1_one_statement_checks_token_state_expiry_attempts_and_status(test: TestApp) {
    let customers = Customers::new(&test).await;
    let job = customers.job(&test).await;
    let right = Secret::new(job.token.as_str()).digest();
    let wrong = Secret::new("wrong").digest();
    let (key, now) = (job.at(), test.app.now());
    let expires_at = now + Seconds::DAY.times(7);
    let claim = async |digest, at| {
        let credential = CredentialId::from_i64(1);
        test.app
            .db
            .write(async move |tx| store::claim(tx, key, &digest, credential, at).await)
            .await
            .unwrap()
    };
    assert!(!claim(wrong, now).await);
    assert!(!claim(right, expires_at).await);
    set_status(&test, &customers.identity, Status::Suspended).await;
    assert!(!claim(right, now).await);
    set_status(&test, &customers.identity, Status::Active).await;
    let set_failed = async |failed: i64| {
        let sql = "UPDATE binding_jobs SET failed_proofs = $2 WHERE binding_job_id = $1";
        test.app
            .db
            .write(async move |tx| Ok(tx.exec(sql, &(key.job_id, failed)).await?))
            .await
            .unwrap();
    };
    set_failed(MAX_FAILED_PROOFS).await;
    assert!(!claim(right, now).await);
    set_failed(MAX_FAILED_PROOFS - 1).await;
    let half_a_second_before = Timestamp::from_micros(expires_at.as_micros() - 500_000);
    assert!(claim(right, half_a_second_before).await);
    assert!(!claim(right, now).await);
}

async fn the_statements_agree_with_the_model(test: TestApp) {
    let customers = Customers::new(&test).await;
    let proof = verified_key();
    for &state in State::ALL {
        for event in [
            Event::Opened,
            Event::InfoRequested,
            Event::Proved(&proof),
            Event::MailGivenUp,
            Event::Resent,
            Event::TimePassed,
            Event::Withdrawn,
        ] {
            let job = customers.job(&test).await;
            let (key, digest, now) = (
                job.at(),
                Secret::new(job.token.as_str()).digest(),
                test.app.now(),
            );
            let name = event_name(event);
            let changed = test
                .app
                .db
                .write(async move |tx| {
                    let set = "UPDATE binding_jobs SET state = $2, expiry_swept = ($3 = 'EXPIRED')
                        WHERE binding_job_id = $1";
                    tx.exec(set, &(key.job_id, state, state)).await?;
                    match name {
                        "open" => store::mark_opened(tx, key, &digest, now).await,
                        "info" => store::mark_delivered(tx, key, &digest, now).await,
                        "prove" => {
                            store::claim(tx, key, &digest, CredentialId::from_i64(1), now).await
                        }
                        "mail" => store::mark_failed_to_send(tx, key, 1, now).await,
                        "resend" => {
                            let link = new_link(now);
                            let job = store::replace_link(tx, key, &link, now).await?;
                            Ok(job.is_some())
                        }
                        "time" => store::mark_expired(tx, key, now + Seconds::DAY.times(7)).await,
                        _ => Ok(store::revoke(tx, key, now).await?.is_some()),
                    }
                })
                .await
                .unwrap();
            assert_eq!(changed, state.after(event).is_some(), "{state} {name}");
            if let Some(next) = state.after(event) {
                assert_eq!(job.state(&test).await, next.as_str());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b1_a_suspension_that_commits_first_wins_against_binding_on_postgres() {
    let test = Arc::new(TestApp::postgres().await);
    let customers = Customers::new(&test).await;
    let job = customers.job(&test).await;
    let Identity {
        tenant_id,
        realm_id,
        id,
        ..
    } = customers.identity;
    let suspension = held::suspension(&test, (tenant_id, realm_id, id)).await;
    let (racing, device) = (test.clone(), job.clone());
    let racer = tokio::spawn(async move { device.bind_new_key(&racing).await });
    suspension.commit_against(racer).await.refused(403);
    assert_eq!(row_counts(&test).await, [0; 3]);
}

fn new_link(now: Timestamp) -> NewLink {
    NewLink {
        token_hash: Secret::new("another").digest(),
        sealed_token: None,
        expires_at: now + Seconds::DAY,
        not_after: None,
    }
}

fn event_name(event: Event<'_>) -> &'static str {
    match event {
        Event::Opened => "open",
        Event::InfoRequested => "info",
        Event::Proved(_) => "prove",
        Event::MailGivenUp => "mail",
        Event::Resent => "resend",
        Event::TimePassed => "time",
        Event::Withdrawn => "withdraw",
    }
}

fn verified_key() -> VerifiedKey {
    use keymoor_webauthn::proof::{BindingSubject, verify_binding_jws};
    let expected = BindingSubject {
        subject: "CN=I, OU=R, O=T",
        token: "X",
    };
    let proof =
        keymoor_testkit::SoftwareKey::from_seed(9).binding_jws(expected.subject, expected.token);
    VerifiedKey::Software(verify_binding_jws(&proof, &expected).unwrap())
}
