//! Jobs from the write that enqueues them to their end, on both databases, at a chosen time.

use axum::http::Method;
use keymoor_types::Seconds;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::job::back_off;
use super::registry::Jobs;
use super::worker::run_due;
use super::*;
use crate::app::App;
use crate::base::context::Context;
use crate::base::error::{Error, Result};
use crate::base::refs::RealmRef;
use crate::db::{Rx, Tx};
use crate::infra::mail::Mail;
use crate::jobs;
use crate::maintenance;
use crate::testing::{TestApp, both_apps};

both_apps!(
    a_mailed_link_works_and_is_sent_once,
    a_mail_that_fails_is_tried_again_as_the_same_mail,
    a_mail_refused_for_good_fails_its_job_at_once,
    a_mail_is_given_up_after_the_last_attempt,
    a8_a_mail_that_arrived_after_all_does_not_fail_its_job,
    a_job_that_ended_meanwhile_is_not_mailed,
    a5_a_token_that_waited_a_day_is_erased_and_its_job_fails,
    a_worker_that_dies_leaves_its_job_to_the_next_when_the_lease_ends,
    a_node_whose_clock_is_behind_takes_nothing_that_another_one_holds,
    a_job_of_a_future_that_was_none_is_not_waited_for,
    of_many_workers_one_claims_each_job,
    an_unreadable_job_harms_no_other_and_goes_in_the_end,
    a_job_of_an_unknown_kind_harms_no_other_and_goes_in_the_end,
    another_kind_of_job_is_retried_and_records_its_end,
    another_kind_of_job_is_given_up_and_records_that,
    a_job_whose_end_is_not_recorded_is_not_removed,
    a11_the_owner_of_a_new_passkey_is_told_where_the_mail_was_read_then,
);

/// Creates a job with EMAIL for the first administrator, and gives its path.
async fn mail_link(test: &TestApp) -> String {
    let jobs = test.realm_path(&format!(
        "/identities/{}/credential-binding-jobs",
        test.made.administrator.id
    ));
    let config = test.made.console_config.id;
    let body = json!({ "job": { "delivery_method": "EMAIL", "authenticator_config_id": config } });
    let answer = test.manage(Method::POST, &jobs, Some(body)).await.ok();
    assert_eq!(answer.get("credential_binding_link"), None);
    let id = answer["credential_binding_job"]["id"].as_str().unwrap();
    format!("{jobs}/{id}")
}

async fn state(test: &TestApp, job: &str) -> Value {
    test.manage(Method::GET, job, None).await.ok()["state"].clone()
}

/// Opens the link in a mail as a device does.
async fn open(test: &TestApp, mail: &Mail) -> u16 {
    let link = mail.text.expose().split_whitespace();
    let link = link.into_iter().find(|word| word.contains("?token="));
    let uri = link.unwrap().strip_prefix("http://localhost:8021").unwrap();
    let request = axum::http::Request::get(uri).header("accept", "application/json");
    let answer = test.auth(request.body(axum::body::Body::empty()).unwrap());
    answer.await.status.as_u16()
}

/// What is left in the outbox, and how many sealed tokens.
async fn left(test: &TestApp) -> (i64, i64) {
    let counts: Result<(i64, i64)> = test
        .app
        .db
        .read(async |rx: &mut Rx| {
            let sql = "SELECT (SELECT COUNT(*) FROM outbox),
                (SELECT COUNT(*) FROM binding_jobs WHERE token_sealed IS NOT NULL)";
            Ok(rx.one(sql, &()).await?)
        })
        .await;
    counts.unwrap()
}

/// Outcomes and details of the events about mail, oldest first.
async fn mail_events(test: &TestApp) -> Vec<String> {
    let events: Result<Vec<(String, String)>> = test
        .app
        .db
        .read(async |rx: &mut Rx| {
            let sql = "SELECT outcome, details FROM events
                WHERE kind = 'EmailStatusChange' ORDER BY event_id";
            Ok(rx.all(sql, &()).await?)
        })
        .await;
    let event = |(outcome, details)| format!("{outcome} {details}");
    events.unwrap().into_iter().map(event).collect()
}

async fn a_mailed_link_works_and_is_sent_once(test: TestApp) {
    let job = mail_link(&test).await;
    assert_eq!(left(&test).await, (1, 1));
    assert_eq!(test.run_due_jobs().await, 1);
    let mails = test.mailbox.take();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, "admin@example.com");
    assert_eq!(left(&test).await, (0, 0));
    assert_eq!(
        mail_events(&test).await,
        [r#"SENT {"attempts":1,"mail":"binding_link"}"#]
    );
    test.clock.advance(Seconds::HOUR);
    assert_eq!(test.run_due_jobs().await, 0);
    assert_eq!(state(&test, &job).await, "LINK_SENT");
    assert_eq!(open(&test, &mails[0]).await, 200);
    assert_eq!(state(&test, &job).await, "LINK_OPENED");
}

async fn a_mail_that_fails_is_tried_again_as_the_same_mail(test: TestApp) {
    let job = mail_link(&test).await;
    test.mailbox.fail_next(7);
    let mut attempts = Vec::new();
    let mut waited = 0;
    while attempts.len() < 8 {
        test.run_due_jobs().await;
        attempts.extend(test.mailbox.take());
        test.clock.advance(Seconds(5));
        waited += 5;
        assert!(waited < 2 * 3600, "only {} attempts", attempts.len());
    }
    assert!(
        waited > 3600,
        "the last of 8 attempts came after {waited} seconds"
    );
    for mail in &attempts {
        assert_eq!(mail.id, attempts[0].id);
        assert_eq!(mail.text.expose(), attempts[0].text.expose());
    }
    assert_eq!(left(&test).await, (0, 0));
    assert_eq!(state(&test, &job).await, "LINK_SENT");
    assert_eq!(
        mail_events(&test).await,
        [r#"SENT {"attempts":8,"mail":"binding_link"}"#]
    );
}

async fn a_mail_refused_for_good_fails_its_job_at_once(test: TestApp) {
    let job = mail_link(&test).await;
    test.mailbox.refuse_next();
    assert_eq!(test.run_due_jobs().await, 1);
    assert_eq!(state(&test, &job).await, "FAILED_TO_SEND");
    assert_eq!(left(&test).await, (0, 0));
    assert_eq!(
        mail_events(&test).await,
        [r#"FAILED {"attempts":1,"mail":"binding_link","reason":"550 no such mailbox"}"#]
    );
    test.clock.advance(Seconds::HOUR);
    assert_eq!(test.run_due_jobs().await, 0);
}

async fn a_mail_is_given_up_after_the_last_attempt(test: TestApp) {
    let job = mail_link(&test).await;
    test.mailbox.fail_next(8);
    for _ in 0..24 {
        test.run_due_jobs().await;
        test.clock.advance(Seconds::MINUTE.times(10));
    }
    assert_eq!(test.mailbox.take().len(), 8);
    assert_eq!(state(&test, &job).await, "FAILED_TO_SEND");
    assert_eq!(left(&test).await, (0, 0));
}

async fn a8_a_mail_that_arrived_after_all_does_not_fail_its_job(test: TestApp) {
    let job = mail_link(&test).await;
    test.mailbox.fail_next(1);
    test.mailbox.refuse_next();
    test.run_due_jobs().await;
    // The first attempt's message was delivered, though its acceptance was never heard.
    assert_eq!(open(&test, &test.mailbox.take()[0]).await, 200);
    test.clock.advance(Seconds::HOUR);
    test.run_due_jobs().await;
    assert_eq!(state(&test, &job).await, "LINK_OPENED");
}

async fn a_job_that_ended_meanwhile_is_not_mailed(test: TestApp) {
    let job = mail_link(&test).await;
    test.manage(Method::POST, &format!("{job}:revoke"), None)
        .await
        .ok();
    assert_eq!(test.run_due_jobs().await, 1);
    assert!(test.mailbox.take().is_empty());
    assert_eq!(left(&test).await, (0, 0));
    assert!(mail_events(&test).await.is_empty());
    assert_eq!(state(&test, &job).await, "REVOKED");
}

async fn a5_a_token_that_waited_a_day_is_erased_and_its_job_fails(test: TestApp) {
    let job = mail_link(&test).await;
    test.clock.advance(Seconds::DAY);
    maintenance::sweep(&test.app).await;
    assert_eq!(left(&test).await, (1, 1));
    test.clock.advance(Seconds(1));
    maintenance::sweep(&test.app).await;
    assert_eq!(left(&test).await, (1, 0));
    test.run_due_jobs().await;
    assert!(test.mailbox.take().is_empty());
    assert_eq!(state(&test, &job).await, "FAILED_TO_SEND");
}

async fn a_worker_that_dies_leaves_its_job_to_the_next_when_the_lease_ends(test: TestApp) {
    mail_link(&test).await;
    let (now, lease) = (test.app.now(), test.app.config.outbox.lease);
    let due = store::Due {
        by: now,
        or_after: now + lease,
    };
    let claim = async move |tx: &mut Tx| store::claim(tx, due, now + lease, 8).await;
    assert_eq!(test.app.db.write(claim).await.unwrap().len(), 1);
    assert_eq!(test.run_due_jobs().await, 0);
    test.clock.advance(lease);
    assert_eq!(test.run_due_jobs().await, 1);
    assert_eq!(test.mailbox.take().len(), 1);
}

async fn a_node_whose_clock_is_behind_takes_nothing_that_another_one_holds(test: TestApp) {
    mail_link(&test).await;
    let (now, settings) = (test.app.now(), test.app.config.outbox);
    let longest_wait = back_off(settings.first_retry, settings.attempts.into(), u16::MAX);
    let due = store::Due {
        by: now,
        or_after: now,
    };
    let claim = async move |tx: &mut Tx| store::claim(tx, due, now + longest_wait, 8).await;
    assert_eq!(test.app.db.write(claim).await.unwrap().len(), 1);
    test.clock.advance(Seconds(-Seconds::HOUR.0));
    assert_eq!(test.run_due_jobs().await, 0);
    test.clock.advance(Seconds(-1));
    assert_eq!(test.run_due_jobs().await, 1, "no wait is that long");
}

async fn a_job_of_a_future_that_was_none_is_not_waited_for(test: TestApp) {
    test.clock.advance(Seconds::DAY);
    mail_link(&test).await;
    test.mailbox.fail_next(1);
    assert_eq!(test.run_due_jobs().await, 1);
    test.mailbox.take();
    assert_eq!(
        test.run_due_jobs().await,
        0,
        "it waits for its next attempt"
    );
    test.clock.advance(Seconds(-Seconds::DAY.0));
    assert_eq!(test.run_due_jobs().await, 1);
    assert_eq!(test.mailbox.take().len(), 1);
}

async fn of_many_workers_one_claims_each_job(test: TestApp) {
    for _ in 0..20 {
        mail_link(&test).await;
    }
    let workers: Vec<_> = (0..10)
        .map(|_| {
            let app = test.app.clone();
            tokio::spawn(async move { run_due(&app, &jobs::all()).await.unwrap() })
        })
        .collect();
    let mut attempts = 0;
    for worker in workers {
        attempts += worker.await.unwrap();
    }
    assert_eq!(attempts, 20);
    let mut ids: Vec<_> = test.mailbox.take().iter().map(|mail| mail.id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 20);
    assert_eq!(left(&test).await, (0, 0));
}

async fn an_unreadable_job_harms_no_other_and_goes_in_the_end(test: TestApp) {
    mail_link(&test).await;
    let spoil = async |tx: &mut Tx| {
        Ok(tx
            .exec(
                "UPDATE outbox SET payload = '{\"task\":\"unheard_of\"}'",
                &(),
            )
            .await?)
    };
    test.app.db.write(spoil).await.unwrap();
    mail_link(&test).await;
    for _ in 0..24 {
        test.run_due_jobs().await;
        test.clock.advance(Seconds::MINUTE.times(10));
    }
    assert_eq!(test.mailbox.take().len(), 1);
    assert_eq!(left(&test).await.0, 0);
}

/// A kind of job that sends no mail. It records its end in the name of its realm.
#[derive(Serialize, Deserialize)]
struct Probe {
    failures: i64,
    can_record: bool,
}

impl Job for Probe {
    const KIND: &'static str = "probe";

    async fn run(&self, _: &App, claim: &Claim) -> Verdict {
        if claim.attempt > self.failures {
            Verdict::Done
        } else {
            Verdict::Later("not yet".to_owned())
        }
    }

    fn ending(&self, _: &Context, claim: &Claim, verdict: &Verdict) -> impl Ending {
        ProbeEnding {
            realm: claim.realm(),
            name: format!("attempt {}: {verdict:?}", claim.attempt),
            can_record: self.can_record,
        }
    }
}

struct ProbeEnding {
    realm: RealmRef,
    name: String,
    can_record: bool,
}

impl Ending for ProbeEnding {
    async fn ended(&self, tx: &mut Tx) -> Result<()> {
        let sql = "UPDATE realms SET display_name = $3 WHERE tenant_id = $1 AND realm_id = $2";
        let RealmRef {
            tenant_id,
            realm_id,
        } = &self.realm;
        tx.exec(sql, &(tenant_id, realm_id, &self.name)).await?;
        if self.can_record {
            Ok(())
        } else {
            Err(Error::internal("the end can't be recorded"))
        }
    }
}

async fn enqueue(test: &TestApp, probe: Probe) {
    let realm = RealmRef {
        tenant_id: test.made.realm.tenant_id,
        realm_id: test.made.realm.id,
    };
    let entry = Entry::new(&Context::system(&test.app), realm, probe);
    let write = async move |tx: &mut Tx| store::enqueue(tx, &entry).await;
    test.app.db.write(write).await.unwrap();
}

/// Runs probes for long enough that each one is given up, and returns the number of attempts.
async fn run_probes(test: &TestApp) -> usize {
    let jobs = Jobs::default().with::<Probe>();
    let mut attempts = 0;
    for _ in 0..24 {
        attempts += run_due(&test.app, &jobs).await.unwrap();
        test.clock.advance(Seconds::MINUTE.times(10));
    }
    attempts
}

/// The name of the first realm.
async fn realm_name(test: &TestApp) -> Value {
    let realm = test.realm_path("");
    test.manage(Method::GET, &realm, None).await.ok()["display_name"].clone()
}

async fn a_job_of_an_unknown_kind_harms_no_other_and_goes_in_the_end(test: TestApp) {
    let probe = Probe {
        failures: 0,
        can_record: true,
    };
    enqueue(&test, probe).await;
    mail_link(&test).await;
    for _ in 0..24 {
        test.run_due_jobs().await;
        test.clock.advance(Seconds::MINUTE.times(10));
    }
    assert_eq!(test.mailbox.take().len(), 1);
    assert_eq!(left(&test).await.0, 0);
}

async fn another_kind_of_job_is_retried_and_records_its_end(test: TestApp) {
    let probe = Probe {
        failures: 2,
        can_record: true,
    };
    enqueue(&test, probe).await;
    assert_eq!(run_probes(&test).await, 3);
    assert_eq!(realm_name(&test).await, "attempt 3: Done");
    assert_eq!(left(&test).await.0, 0);
    assert!(mail_events(&test).await.is_empty());
}

async fn another_kind_of_job_is_given_up_and_records_that(test: TestApp) {
    let probe = Probe {
        failures: i64::MAX,
        can_record: true,
    };
    enqueue(&test, probe).await;
    assert_eq!(run_probes(&test).await, 8);
    assert_eq!(realm_name(&test).await, r#"attempt 8: Never("not yet")"#);
    assert_eq!(left(&test).await.0, 0);
}

async fn a_job_whose_end_is_not_recorded_is_not_removed(test: TestApp) {
    let name = realm_name(&test).await;
    let probe = Probe {
        failures: i64::MAX,
        can_record: false,
    };
    enqueue(&test, probe).await;
    assert!(run_probes(&test).await > 8, "the end is tried again");
    assert_eq!(realm_name(&test).await, name);
    assert_eq!(left(&test).await.0, 1);
}

#[test]
#[should_panic(expected = "two kinds of jobs are named probe")]
fn kinds_have_names_of_their_own() {
    drop(Jobs::default().with::<Probe>().with::<Probe>());
}

async fn a11_the_owner_of_a_new_passkey_is_told_where_the_mail_was_read_then(test: TestApp) {
    let administrator = test.made.administrator.id.to_string();
    test.bind_passkey(&administrator).await;
    for address in [json!("thief@example.com"), Value::Null] {
        let change = json!({ "identity": { "traits": {
            "type": "traits_v0",
            "username": "admin",
            "primary_email_address": address,
        } } });
        let path = test.realm_path(&format!("/identities/{administrator}"));
        test.manage(Method::PATCH, &path, Some(change)).await.ok();
    }
    test.run_due_jobs().await;
    let mails = test.mailbox.take();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, "admin@example.com");
    assert_eq!(mails[0].subject, "A passkey was added to your account");
    assert!(
        mails[0]
            .text
            .expose()
            .contains("On 1 January 2026, 00:00 UTC")
    );
    assert_eq!(left(&test).await, (0, 0));
}

#[test]
fn waits_double_and_spread() {
    let first = Seconds(30);
    let waits: Vec<i64> = (1..=7).map(|n| back_off(first, n, 0).0).collect();
    assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1920]);
    assert_eq!(back_off(first, 3, u16::MAX), Seconds(150));
    assert!(back_off(Seconds::DAY.times(3_650), 1_000, u16::MAX).0 > 0);
}
