//! Batches over HTTP, and their worker, on both databases.

mod faults;
mod requests;

use std::collections::BTreeSet;

use axum::http::Method;
use keymoor_types::Seconds;
use serde_json::{Value, json};

use super::ops::BATCH_CHANGE;
use super::worker::Worker;
use crate::testing::{Answer, TestApp, both_apps};

both_apps!(
    a_batch_invites_every_identity_once,
    bad_rows_are_reported_and_the_rest_goes_on,
    the_queue_of_a_realm_has_room_for_a_thousand,
    a_worker_that_stops_between_transactions_leaves_the_rest_to_the_next,
    a_cancelled_batch_invites_nobody_more,
    a6_a_batch_copies_its_config,
    another_tenants_batches_are_out_of_reach,
);

/// A realm with a config, and the paths in it.
struct Realm {
    path: String,
    config: String,
}

impl Realm {
    async fn new(test: &TestApp) -> Self {
        let realm = test.new_realm().await;
        Self::over(test, realm.to_string()).await
    }

    /// One more realm.
    async fn other(test: &TestApp) -> Self {
        let realms = format!("/v1/tenants/{}/realms", test.made.tenant.id);
        let body = json!({ "realm": { "display_name": "Others" } });
        let made = test.manage(Method::POST, &realms, Some(body)).await.ok();
        Self::over(test, made["id"].as_str().unwrap().to_owned()).await
    }

    async fn over(test: &TestApp, realm: String) -> Self {
        let path = format!("/v1/tenants/{}/realms/{realm}", test.made.tenant.id);
        let config = json!({ "authenticator_config": { "config": {
            "type": "embedded", "invoke_url": "https://app.example",
        } } });
        let configs = format!("{path}/authenticator-configs");
        let made = test.manage(Method::POST, &configs, Some(config)).await.ok();
        let config = made["id"].as_str().unwrap().to_owned();
        Self { path, config }
    }

    async fn identity(&self, test: &TestApp, name: &str, address: Option<&str>) -> String {
        let traits = json!({
            "type": "traits_v0", "username": name, "primary_email_address": address,
        });
        let identity = json!({ "identity": { "display_name": name, "traits": traits } });
        let path = format!("{}/identities", self.path);
        let made = test.manage(Method::POST, &path, Some(identity)).await.ok();
        made["id"].as_str().unwrap().to_owned()
    }

    async fn people(&self, test: &TestApp, number: usize) -> Vec<String> {
        let mut ids = Vec::new();
        for n in 0..number {
            // Ids of one millisecond may collide.
            test.clock.advance(Seconds(1));
            let address = format!("user{n}@example.com");
            ids.push(
                self.identity(test, &format!("user{n}"), Some(&address))
                    .await,
            );
        }
        ids
    }

    fn batches(&self) -> String {
        format!("{}/batch-credential-binding-jobs", self.path)
    }

    async fn create(&self, test: &TestApp, ids: &[String]) -> Answer {
        let template = json!({ "authenticator_config_id": self.config });
        self.create_with(test, json!(ids), template).await
    }

    async fn create_with(&self, test: &TestApp, ids: Value, template: Value) -> Answer {
        let body = json!({ "batch_credential_binding_job": {
            "identity_ids": ids, "job_template": template,
        } });
        test.manage(Method::POST, &self.batches(), Some(body)).await
    }

    /// Creates a batch, and returns its path.
    async fn batch(&self, test: &TestApp, ids: &[String]) -> String {
        let made = self.create(test, ids).await.ok();
        assert_eq!(made["state"], "RUNNING");
        format!("{}/{}", self.batches(), made["id"].as_str().unwrap())
    }
}

async fn read(test: &TestApp, path: &str) -> Value {
    test.manage(Method::GET, path, None).await.ok()
}

async fn work(test: &TestApp) {
    let mut worker = Worker::new(test.app.clone());
    while worker.run_some().await.unwrap() > 0 {}
}

/// The addresses of the mails that are sent now, which must be different.
async fn mailed(test: &TestApp) -> BTreeSet<String> {
    test.run_due_jobs().await;
    let mails = test.mailbox.take();
    let to: BTreeSet<_> = mails.iter().map(|mail| mail.to.clone()).collect();
    assert_eq!(to.len(), mails.len(), "somebody got two mails");
    to
}

async fn count(test: &TestApp, sql: &'static str) -> i64 {
    let read = test.app.db.read(async |rx| Ok(rx.one(sql, &()).await?));
    read.await.unwrap()
}

const JOBS: &str = "SELECT COUNT(*) FROM binding_jobs WHERE batch_id IS NOT NULL";

async fn a_batch_invites_every_identity_once(test: TestApp) {
    let realm = Realm::new(&test).await;
    let people = realm.people(&test, 45).await;
    let batch = realm.batch(&test, &people).await;
    let before = read(&test, &batch).await;
    assert_eq!(before["identity_ids"], json!(people));
    assert_eq!(
        before["progress"],
        json!({ "total": 45, "invited": 0, "failed": 0, "pending": 45 })
    );
    work(&test).await;
    let after = read(&test, &batch).await;
    assert_eq!(after["state"], "SUCCESS");
    assert_eq!(after["state_commentary"], json!({ "errors": {} }));
    assert_eq!(mailed(&test).await.len(), 45);
    let results = read(&test, &format!("{batch}:listResults?page_size=30")).await;
    assert_eq!(
        (
            &results["total_size"],
            &results["total_pending_count"],
            &results["total_success_count"]
        ),
        (&json!(45), &json!(45), &json!(0))
    );
    let token = results["next_page_token"].as_str().unwrap();
    let rest = read(&test, &format!("{batch}:listResults?page_token={token}")).await;
    let of = |page: &Value| page["job_results"].as_array().unwrap().clone();
    let jobs = [of(&results), of(&rest)].concat();
    let invited: BTreeSet<_> = jobs
        .iter()
        .map(|job| job["identity_id"].clone().to_string())
        .collect();
    assert_eq!((jobs.len(), invited.len()), (45, 45));
    assert_eq!(jobs[0]["batch_id"], after["id"]);
    assert_eq!(jobs[0]["delivery_method"], "EMAIL");
    let (identity, job) = (jobs[0]["identity_id"].as_str(), jobs[0]["id"].as_str());
    let job = format!(
        "{}/identities/{}/credential-binding-jobs/{}",
        realm.path,
        identity.unwrap(),
        job.unwrap()
    );
    let steps = read(&test, &format!("{job}/events")).await;
    let actor = steps["credential_binding_job_events"][0]["actor"]
        .as_str()
        .unwrap();
    assert!(actor.contains("/applications/"), "{actor}");
    test.manage(Method::POST, &format!("{job}:revoke"), None)
        .await
        .ok();
    let results = read(&test, &format!("{batch}:listResults")).await;
    assert_eq!(
        (
            &results["total_failure_count"],
            &results["total_pending_count"]
        ),
        (&json!(1), &json!(44))
    );
}

async fn bad_rows_are_reported_and_the_rest_goes_on(test: TestApp) {
    let realm = Realm::new(&test).await;
    let good = realm
        .identity(&test, "good", Some("good@example.com"))
        .await;
    test.clock.advance(Seconds(1));
    let silent = realm.identity(&test, "silent", None).await;
    test.clock.advance(Seconds(1));
    let suspended = realm
        .identity(&test, "suspended", Some("s@example.com"))
        .await;
    let at = format!("{}/identities/{suspended}", realm.path);
    let body = json!({ "identity": { "status": "suspended" } });
    test.manage(Method::PATCH, &at, Some(body)).await.ok();
    let unknown = "0000000000000001".to_owned();
    let elsewhere = test.made.administrator.id.to_string();
    let ids = [
        silent.clone(),
        good.clone(),
        unknown.clone(),
        suspended.clone(),
        "no-id".to_owned(),
        elsewhere.clone(),
    ];
    let batch = realm.batch(&test, &ids).await;
    work(&test).await;
    let after = read(&test, &batch).await;
    assert_eq!(after["state"], "PARTIAL_SUCCESS");
    let failed = |why: &str| json!({ "last_error": why, "failed_permanently": true });
    assert_eq!(
        after["state_commentary"]["errors"],
        json!({
            silent.as_str(): failed("Identity missing email address"),
            unknown.as_str(): failed("identity not found"),
            suspended.as_str(): failed("identity is suspended"),
            "no-id": failed("identity not found"),
            elsewhere.as_str(): failed("identity not found"),
        })
    );
    assert_eq!(
        mailed(&test).await,
        BTreeSet::from(["good@example.com".to_owned()])
    );

    // Twice, in different cases.
    let twice = [good.clone(), good.to_uppercase()];
    let batch = realm.batch(&test, &twice).await;
    work(&test).await;
    let after = read(&test, &batch).await;
    assert_eq!(
        after["progress"],
        json!({ "total": 2, "invited": 1, "failed": 1, "pending": 0 })
    );
    assert_eq!(
        after["state_commentary"]["errors"],
        json!({ good.as_str(): failed("identity is listed more than once") })
    );
    assert_eq!(mailed(&test).await.len(), 1);

    // The reason of the first row is reported.
    let batch = realm.batch(&test, &[silent.clone(), silent.clone()]).await;
    work(&test).await;
    assert_eq!(
        read(&test, &batch).await["state_commentary"]["errors"],
        json!({ silent.as_str(): failed("Identity missing email address") })
    );

    // Nobody can be invited, and nothing is left to do.
    let none = realm.create(&test, &["no-id".to_owned()]).await.ok();
    assert_eq!(none["state"], "FAILED");
}

async fn the_queue_of_a_realm_has_room_for_a_thousand(test: TestApp) {
    let realm = Realm::new(&test).await;
    let ids = |from: usize, number: usize| -> Vec<String> {
        (from..from + number).map(|n| format!("{n:016x}")).collect()
    };
    realm.batch(&test, &ids(1, 800)).await;
    let full = realm.create(&test, &ids(1, 300)).await;
    assert_eq!(
        (
            full.header("ratelimit-limit"),
            full.header("ratelimit-remaining")
        ),
        ("1000", "200")
    );
    let refused = full.refused(429);
    assert_eq!(
        refused["message"],
        "Maximum queue size reached. Maximum: 1000 Current Total: 800 Overage: 100"
    );
    // Of batches that race for the last 200 places, one gets them.
    let last = ids(1, 200);
    let racing = (0..4).map(|_| realm.create(&test, &last));
    let answers = futures_util::future::join_all(racing).await;
    let created = answers.iter().filter(|answer| answer.status == 200).count();
    let refused = answers.iter().filter(|answer| answer.status == 429).count();
    assert_eq!((created, refused), (1, 3));
    // Another realm has its own queue, and what is done makes room.
    let other = Realm::other(&test).await;
    other.batch(&test, &ids(1, 1_000)).await;
    work(&test).await;
    realm.batch(&test, &ids(1, 1_000)).await;
}

async fn a_worker_that_stops_between_transactions_leaves_the_rest_to_the_next(test: TestApp) {
    let realm = Realm::new(&test).await;
    let people = realm.people(&test, 50).await;
    let batch = realm.batch(&test, &people).await;
    let mut rounds = 0;
    let mut to = BTreeSet::new();
    // A new worker each time, as after a restart.
    while Worker::new(test.app.clone()).run_some().await.unwrap() > 0 {
        rounds += 1;
        let now = read(&test, &batch).await;
        let invited = now["progress"]["invited"].as_i64().unwrap();
        // A job, its mail and its row's result are there together.
        assert_eq!(count(&test, JOBS).await, invited);
        to.extend(mailed(&test).await);
        assert_eq!(i64::try_from(to.len()).unwrap(), invited);
    }
    assert!(rounds >= 3, "{rounds} transactions");
    assert_eq!(to.len(), 50);
}

async fn a_cancelled_batch_invites_nobody_more(test: TestApp) {
    let realm = Realm::new(&test).await;
    let people = realm.people(&test, 25).await;
    let batch = realm.batch(&test, &people).await;
    Worker::new(test.app.clone()).run_some().await.unwrap();
    let cancel = format!("{batch}:cancel");
    let cancelled = test.manage(Method::POST, &cancel, None).await.ok();
    assert_eq!(cancelled["state"], "PARTIAL_SUCCESS");
    let progress = &cancelled["progress"];
    let invited = progress["invited"].as_u64().unwrap();
    assert_eq!(invited + progress["failed"].as_u64().unwrap(), 25);
    assert!(invited > 0 && invited < 25, "{progress}");
    work(&test).await;
    assert_eq!(mailed(&test).await.len() as u64, invited);
    let again = test.manage(Method::POST, &cancel, None).await.refused(409);
    assert_eq!(again["details"][0]["description"], "partial_success");
    assert_eq!(test.outcomes(BATCH_CHANGE).await, ["CREATED", "CANCELLED"]);
}

async fn a6_a_batch_copies_its_config(test: TestApp) {
    let realm = Realm::new(&test).await;
    let people = realm.people(&test, 1).await;
    realm.batch(&test, &people).await;
    let config = format!("{}/authenticator-configs/{}", realm.path, realm.config);
    test.manage(Method::DELETE, &config, None).await.ok_empty();
    work(&test).await;
    let read = test.app.db.read(async |rx| {
        let sql = "SELECT snapshot FROM binding_jobs WHERE batch_id IS NOT NULL";
        Ok(rx.one::<String>(sql, &()).await?)
    });
    let snapshot = read.await.unwrap();
    assert!(snapshot.contains("https://app.example"), "{snapshot}");
    assert!(snapshot.contains("user0@example.com"), "{snapshot}");
}

async fn another_tenants_batches_are_out_of_reach(test: TestApp) {
    let realm = Realm::new(&test).await;
    let people = realm.people(&test, 1).await;
    let batch = realm.batch(&test, &people).await;
    let other = Realm::other(&test).await;
    let id = batch.rsplit_once('/').unwrap().1;
    let elsewhere = format!("{}/{id}", other.batches());
    let refused = test
        .manage(Method::GET, &elsewhere, None)
        .await
        .refused(404);
    assert_eq!(refused["message"], "batch credential binding job not found");
    test.manage(Method::POST, &format!("{elsewhere}:cancel"), None)
        .await
        .refused(404);
    test.manage(Method::GET, &format!("{elsewhere}:listResults"), None)
        .await
        .refused(404);
    work(&test).await;
    assert_eq!(read(&test, &batch).await["state"], "SUCCESS");
}
