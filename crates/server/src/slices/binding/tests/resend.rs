//! A new link in place of an old one, and the end of jobs that nobody used.

use axum::http::Method;
use keymoor_types::Seconds;
use serde_json::{Value, json};

use super::{Customers, Job, events, set_status};
use crate::infra::mail::Mail;
use crate::maintenance;
use crate::slices::binding::{ops, store};
use crate::slices::identities::model::Status;
use crate::testing::{Answer, TestApp, both_apps};

both_apps!(
    a8_a_new_link_kills_the_old_one,
    a8_only_a_waiting_or_expired_job_gets_a_new_link,
    a8_a_mailed_job_is_mailed_again_and_no_dead_link_is,
    a8_what_became_of_an_old_mail_leaves_the_new_link_alone,
    a8_a_bind_or_a_resend_wins_and_no_dead_link_is_mailed,
    a8_an_address_that_is_no_longer_on_record_gets_no_new_link,
    a8_without_a_mail_server_the_old_link_stays,
    a8_mails_of_one_job_are_a_minute_apart,
    a10_resending_an_administrators_link_needs_every_scope,
    a_suspended_identity_gets_no_new_link,
    a5_the_token_of_a_new_link_is_kept_for_a_day_of_its_own,
    a7_an_expired_job_is_recorded_once_by_any_number_of_sweeps,
    a7_the_sweep_changes_nothing_that_ended_before,
);

async fn resend(test: &TestApp, path: &str) -> Answer {
    test.manage(Method::POST, &format!("{path}:resend"), None)
        .await
}

/// The job with the link that an answer returns.
fn with_link(answer: &Value) -> Job {
    Job::of_link(answer["credential_binding_link"].as_str().unwrap())
}

/// A job whose link is mailed; its token is unknown.
async fn mailed(test: &TestApp, customers: &Customers) -> Job {
    let answer = customers
        .create(test, json!({ "delivery_method": "EMAIL" }))
        .await
        .ok();
    let id = answer["credential_binding_job"]["id"].as_str().unwrap();
    Job {
        path: format!("{}/{id}", customers.jobs()),
        token: String::new(),
    }
}

/// The job with the link in a mail.
fn in_mail(mail: &Mail) -> Job {
    let mut words = mail.text.expose().split_whitespace();
    let link = words.find(|word| word.contains("?token=")).unwrap();
    Job::of_link(&link.replace("/invokeAuthenticator", ":invokeAuthenticator"))
}

/// How often something happened to the jobs of these customers.
async fn times(test: &TestApp, customers: &Customers, outcome: &str) -> usize {
    let events = events(test, customers.realm.id).await;
    events.iter().filter(|(_, told)| told == outcome).count()
}

async fn a8_a_new_link_kills_the_old_one(test: TestApp) {
    let customers = Customers::new(&test).await;
    let answer = customers
        .create(
            &test,
            json!({ "delivery_method": "RETURN", "expires_in": 3_600 }),
        )
        .await
        .ok();
    let old = with_link(&answer);
    let wrong = old.bind(&test, "JWT", "no proof").await;
    wrong.refused(400);
    test.clock.advance(Seconds::MINUTE);
    let answer = resend(&test, &old.path).await.ok();
    let job = &answer["credential_binding_job"];
    assert_eq!(
        (
            &job["state"],
            &job["create_time"],
            &job["update_time"],
            &job["expire_time"]
        ),
        (
            &json!("LINK_SENT"),
            &json!("2026-01-01T00:00:00.000Z"),
            &json!("2026-01-01T00:01:00.000Z"),
            &json!("2026-01-01T01:01:00.000Z")
        )
    );
    let new = with_link(&answer);
    assert_eq!(new.path, old.path);
    assert_ne!(new.token, old.token);
    old.open(&test, "application/json").await.refused(404);
    old.info(&test).await.refused(404);
    old.bind_new_key(&test).await.refused(404);
    // Failed proofs with the old token don't count for the new one.
    for _ in 0..9 {
        new.bind(&test, "JWT", "no proof").await.refused(400);
    }
    new.bind_new_key(&test).await.ok();
    assert_eq!(new.state(&test).await, "COMPLETE");
    assert_eq!(times(&test, &customers, "RESENT").await, 1);
}

async fn a8_only_a_waiting_or_expired_job_gets_a_new_link(test: TestApp) {
    let customers = Customers::new(&test).await;
    let opened = customers.job(&test).await;
    opened.open(&test, "application/json").await.ok();
    let opened = with_link(&resend(&test, &opened.path).await.ok());
    assert_eq!(opened.state(&test).await, "LINK_SENT");

    opened.info(&test).await.ok();
    let refused = resend(&test, &opened.path).await.refused(409);
    assert_eq!(refused["details"][0]["description"], "request_delivered");
    opened.bind_new_key(&test).await.ok();
    let refused = resend(&test, &opened.path).await.refused(409);
    assert_eq!(refused["details"][0]["description"], "complete");

    let revoked = customers.job(&test).await;
    test.manage(Method::POST, &format!("{}:revoke", revoked.path), None)
        .await
        .ok();
    let refused = resend(&test, &revoked.path).await.refused(409);
    assert_eq!(refused["details"][0]["description"], "revoked");

    let unknown = revoked.path.replace(revoked.ids()[3], "0000000000000001");
    resend(&test, &unknown).await.refused(404);

    // Expired, before the sweep and after it, and while a device was asking.
    for is_swept in [false, true] {
        let late = customers.job(&test).await;
        late.info(&test).await.ok();
        test.clock.advance(Seconds::DAY.times(7));
        if is_swept {
            maintenance::sweep(&test.app).await;
        }
        let new = with_link(&resend(&test, &late.path).await.ok());
        late.bind_new_key(&test).await.refused(404);
        new.bind_new_key(&test).await.ok();
    }
    assert_eq!(times(&test, &customers, "RESENT").await, 3);
}

async fn a8_a_mailed_job_is_mailed_again_and_no_dead_link_is(test: TestApp) {
    let customers = Customers::new(&test).await;
    let job = mailed(&test, &customers).await;
    // The first mail is still waiting.
    let answer = resend(&test, &job.path).await.ok();
    assert!(answer.get("credential_binding_link").is_none(), "{answer}");
    test.run_due_jobs().await;
    let mails = test.mailbox.take();
    assert_eq!(mails.len(), 1, "the first link is dead and is not mailed");
    let first = in_mail(&mails[0]);
    assert_eq!(first.open(&test, "application/json").await.status, 200);

    test.clock.advance(Seconds::MINUTE);
    resend(&test, &job.path).await.ok();
    first.open(&test, "application/json").await.refused(404);
    test.run_due_jobs().await;
    let mails = test.mailbox.take();
    assert_eq!(mails.len(), 1);
    in_mail(&mails[0]).bind_new_key(&test).await.ok();
}

async fn a8_what_became_of_an_old_mail_leaves_the_new_link_alone(test: TestApp) {
    let customers = Customers::new(&test).await;
    let job = mailed(&test, &customers).await;
    resend(&test, &job.path).await.ok();
    let (key, now) = (job.at(), test.app.now());
    // The first mail was on its way while its link was replaced.
    let (is_failed, token) = test
        .app
        .db
        .write(async move |tx| {
            store::erase_token(tx, key, 1).await?;
            let is_failed = store::mark_failed_to_send(tx, key, 1, now).await?;
            Ok((is_failed, store::find_sealed_token(tx, key).await?))
        })
        .await
        .unwrap();
    assert!(!is_failed && token.is_some());
    assert_eq!(job.state(&test).await, "LINK_SENT");

    test.mailbox.refuse_next();
    test.run_due_jobs().await;
    assert_eq!(job.state(&test).await, "FAILED_TO_SEND");
    test.clock.advance(Seconds::MINUTE);
    resend(&test, &job.path).await.ok();
    assert_eq!(job.state(&test).await, "LINK_SENT");
}

async fn a8_a_bind_or_a_resend_wins_and_no_dead_link_is_mailed(test: TestApp) {
    const ROUNDS: usize = 20;
    let customers = Customers::new(&test).await;
    let mut bound = 0;
    for round in 0..ROUNDS {
        let job = mailed(&test, &customers).await;
        test.run_due_jobs().await;
        let first = in_mail(&test.mailbox.take()[0]);
        // Either may start first.
        let (bind, again) = if round % 2 == 0 {
            tokio::join!(first.bind_new_key(&test), resend(&test, &job.path))
        } else {
            let (again, bind) = tokio::join!(resend(&test, &job.path), first.bind_new_key(&test));
            (bind, again)
        };
        test.run_due_jobs().await;
        let mails = test.mailbox.take();
        let links: Vec<_> = mails
            .iter()
            .filter(|mail| mail.text.expose().contains("?token="))
            .collect();
        if bind.status == 200 {
            bound += 1;
            again.refused(409);
            assert!(links.is_empty(), "a dead link was mailed");
            assert_eq!(job.state(&test).await, "COMPLETE");
        } else {
            bind.refused(404);
            again.ok();
            assert_eq!(links.len(), 1);
            in_mail(links[0]).bind_new_key(&test).await.ok();
        }
        test.run_due_jobs().await;
        test.mailbox.take();
    }
    assert!(bound <= ROUNDS);
    assert_eq!(times(&test, &customers, "RESENT").await, ROUNDS - bound);
    assert_eq!(times(&test, &customers, "COMPLETE").await, ROUNDS);
}

async fn a8_an_address_that_is_no_longer_on_record_gets_no_new_link(test: TestApp) {
    let customers = Customers::new(&test).await;
    let job = mailed(&test, &customers).await;
    let identity = format!(
        "/v1/tenants/{}/realms/{}/identities/{}",
        customers.realm.tenant_id, customers.realm.id, customers.identity.id
    );
    let moved = json!({ "identity": { "traits": {
        "type": "traits_v0", "username": "user1", "primary_email_address": "new@example.com",
    } } });
    test.manage(Method::PATCH, &identity, Some(moved))
        .await
        .ok();
    let refused = resend(&test, &job.path).await.refused(422);
    assert!(refused["message"].as_str().unwrap().contains("has changed"));
    // The pending link still goes where it was to go.
    test.run_due_jobs().await;
    let mails = test.mailbox.take();
    assert_eq!(
        (mails.len(), mails[0].to.as_str()),
        (1, "user1@example.com")
    );
    in_mail(&mails[0]).bind_new_key(&test).await.ok();
}

async fn a8_without_a_mail_server_the_old_link_stays(test: TestApp) {
    let customers = Customers::new(&test).await;
    let job = mailed(&test, &customers).await;
    test.run_due_jobs().await;
    let first = in_mail(&test.mailbox.take()[0]);
    test.mailbox.remove();
    resend(&test, &job.path).await.refused(422);
    first.bind_new_key(&test).await.ok();
}

async fn a8_mails_of_one_job_are_a_minute_apart(test: TestApp) {
    let customers = Customers::new(&test).await;
    let job = mailed(&test, &customers).await;
    resend(&test, &job.path).await.ok();
    let limited = resend(&test, &job.path).await;
    assert_eq!(limited.header("retry-after"), "60");
    limited.refused(429);
    test.clock.advance(Seconds(59));
    resend(&test, &job.path).await.refused(429);
    test.clock.advance(Seconds(1));
    resend(&test, &job.path).await.ok();
    assert_eq!(times(&test, &customers, "RESENT").await, 2);
    // A returned link bothers nobody.
    let returned = customers.job(&test).await;
    for _ in 0..3 {
        resend(&test, &returned.path).await.ok();
    }
}

async fn a10_resending_an_administrators_link_needs_every_scope(test: TestApp) {
    let path = test.realm_path(&format!(
        "/identities/{}/credential-binding-jobs",
        test.made.administrator.id
    ));
    let config = test.made.console_config.id;
    let body = json!({ "job": { "delivery_method": "RETURN", "authenticator_config_id": config } });
    let made = test.manage(Method::POST, &path, Some(body)).await.ok();
    let job = with_link(&made);
    let scope = "credential-binding-jobs:create";
    let at = format!("{}:resend", job.path);
    test.manage_as(&[scope], Method::POST, &at, None)
        .await
        .refused(403);
    job.open(&test, "application/json").await.ok();
    let customers = Customers::new(&test).await;
    let at = format!("{}:resend", customers.job(&test).await.path);
    test.manage_as(&[scope], Method::POST, &at, None).await.ok();
}

async fn a_suspended_identity_gets_no_new_link(test: TestApp) {
    let customers = Customers::new(&test).await;
    let job = customers.job(&test).await;
    set_status(&test, &customers.identity, Status::Suspended).await;
    let refused = resend(&test, &job.path).await.refused(409);
    assert_eq!(refused["details"][0]["description"], "suspended");
    set_status(&test, &customers.identity, Status::Active).await;
    job.bind_new_key(&test).await.ok();
}

async fn a5_the_token_of_a_new_link_is_kept_for_a_day_of_its_own(test: TestApp) {
    let customers = Customers::new(&test).await;
    let job = mailed(&test, &customers).await;
    test.clock.advance(Seconds::DAY.times(2));
    resend(&test, &job.path).await.ok();
    ops::erase_old_tokens(&test.app).await.unwrap();
    test.run_due_jobs().await;
    let mails = test.mailbox.take();
    assert_eq!(mails.len(), 1);
    resend(&test, &job.path).await.refused(429);
    test.clock.advance(Seconds::MINUTE);
    resend(&test, &job.path).await.ok();
    test.clock.advance(Seconds(86_401));
    ops::erase_old_tokens(&test.app).await.unwrap();
    let key = job.at();
    let read = test
        .app
        .db
        .read(async |rx| store::find_sealed_token(rx, key).await);
    assert_eq!(read.await.unwrap(), None);
}

async fn a7_an_expired_job_is_recorded_once_by_any_number_of_sweeps(test: TestApp) {
    const JOBS: usize = 120;
    let customers = Customers::new(&test).await;
    let mut jobs = Vec::new();
    for _ in 0..JOBS {
        jobs.push(customers.job(&test).await);
    }
    test.clock.advance(Seconds::DAY.times(7));
    let read = jobs[0].read(&test).await;
    assert_eq!(
        (&read["state"], &read["update_time"]),
        (&json!("EXPIRED"), &json!("2026-01-01T00:00:00.000Z"))
    );
    assert_eq!(times(&test, &customers, "EXPIRED").await, 0);
    test.clock.advance(Seconds(30));
    let sweeps = (0..4).map(|_| {
        let app = test.app.clone();
        tokio::spawn(async move { ops::sweep_expired(&app).await })
    });
    for sweep in futures_util::future::join_all(sweeps).await {
        sweep.unwrap().unwrap();
    }
    assert_eq!(times(&test, &customers, "EXPIRED").await, JOBS);
    for job in &jobs {
        let read = job.read(&test).await;
        assert_eq!(
            (&read["state"], &read["update_time"]),
            (&json!("EXPIRED"), &json!("2026-01-08T00:00:30.000Z"))
        );
    }
    jobs[0].bind_new_key(&test).await.refused(409);
}

async fn a7_the_sweep_changes_nothing_that_ended_before(test: TestApp) {
    let customers = Customers::new(&test).await;
    let complete = customers.job(&test).await;
    complete.bind_new_key(&test).await.ok();
    let pending = customers.job(&test).await;
    let before = (complete.read(&test).await, pending.read(&test).await);
    ops::sweep_expired(&test.app).await.unwrap();
    assert_eq!(
        (complete.read(&test).await, pending.read(&test).await),
        before
    );
    test.clock.advance(Seconds::DAY.times(8));
    ops::sweep_expired(&test.app).await.unwrap();
    assert_eq!(complete.read(&test).await, before.0);
    assert_eq!(pending.state(&test).await, "EXPIRED");
    // Another expiry of the same job is another end.
    with_link(&resend(&test, &pending.path).await.ok());
    test.clock.advance(Seconds::DAY.times(8));
    ops::sweep_expired(&test.app).await.unwrap();
    assert_eq!(times(&test, &customers, "EXPIRED").await, 2);
}
