//! The steps of a job, as administrators see them.

use axum::body::Body;
use axum::http::{Method, Request};
use keymoor_types::Seconds;
use serde_json::{Value, json};

use super::{Customers, Job};
use crate::maintenance;
use crate::testing::{TestApp, both_apps};

both_apps!(
    each_step_shows_who_took_it_and_from_where,
    a2_a_scanner_that_opens_a_link_is_told_from_the_device,
    the_steps_of_a_mail_show_what_the_mail_server_answered,
    a_job_that_ended_unused_shows_how,
    steps_page_and_belong_to_one_job,
);

const FIREFOX: &str =
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0";

async fn list(test: &TestApp, job: &Job, query: &str) -> Value {
    let path = format!("{}/events{query}", job.path);
    test.manage(Method::GET, &path, None).await.ok()
}

async fn steps(test: &TestApp, job: &Job) -> Vec<Value> {
    let page = list(test, job, "").await;
    page["credential_binding_job_events"]
        .as_array()
        .unwrap()
        .clone()
}

async fn names(test: &TestApp, job: &Job) -> Vec<String> {
    let name = |step: Value| step["step"].as_str().unwrap().to_owned();
    steps(test, job).await.into_iter().map(name).collect()
}

/// Opens the link from an address with a user agent.
async fn open_from(test: &TestApp, job: &Job, ip: &str, user_agent: &str) {
    let uri = format!("{}:invokeAuthenticator?token={}", job.path, job.token);
    let peer: std::net::SocketAddr = format!("{ip}:4711").parse().unwrap();
    let request = Request::get(uri)
        .extension(axum::extract::ConnectInfo(peer))
        .header("accept", "application/json")
        .header("user-agent", user_agent);
    test.auth(request.body(Body::empty()).unwrap()).await.ok();
}

async fn each_step_shows_who_took_it_and_from_where(test: TestApp) {
    let customers = Customers::new(&test).await;
    let job = customers.job(&test).await;
    test.clock.advance(Seconds(1));
    open_from(&test, &job, "203.0.113.9", FIREFOX).await;
    test.clock.advance(Seconds(1));
    let agent = [("user-agent", FIREFOX)];
    job.post(&test, "getInfo", &agent, String::new()).await.ok();
    test.clock.advance(Seconds(1));
    job.bind(&test, "JWT", "no proof").await.refused(400);
    test.clock.advance(Seconds(1));
    job.bind_new_key(&test).await.ok();
    let steps = steps(&test, &job).await;
    let of = |name: &str| {
        let found = steps.iter().find(|step| step["step"] == name);
        found.unwrap_or_else(|| panic!("no {name} in {steps:?}"))
    };
    assert_eq!(
        names(&test, &job).await,
        [
            "CREATED",
            "LINK_OPENED",
            "REQUEST_DELIVERED",
            "PROOF_FAILED",
            "COMPLETED"
        ]
    );
    let creator = of("CREATED")["actor"].as_str().unwrap();
    assert!(creator.contains("/applications/"), "{creator}");
    let opened = of("LINK_OPENED");
    assert_eq!(
        (&opened["actor"], &opened["time"], &opened["source_address"]),
        (
            &json!("anonymous"),
            &json!("2026-01-01T00:00:01.000Z"),
            &json!("203.0.113.9")
        )
    );
    assert_eq!(
        opened["user_agent"],
        json!({ "raw": FIREFOX, "family": "Firefox", "operating_system": "Windows" })
    );
    assert_eq!(opened["opened_by"], "DEVICE");
    assert_eq!(of("PROOF_FAILED")["reason"], "invalid proof");
    let told = serde_json::to_string(&steps).unwrap();
    assert!(!told.contains(&job.token), "a token is in an event");
}

async fn a2_a_scanner_that_opens_a_link_is_told_from_the_device(test: TestApp) {
    let customers = Customers::new(&test).await;
    let opener = async |job: &Job| {
        let steps = steps(&test, job).await;
        let opened = steps.iter().filter(|step| step["step"] == "LINK_OPENED");
        let openers: Vec<_> = opened.map(|step| step["opened_by"].clone()).collect();
        assert_eq!(openers.len(), 1, "only the first opening is recorded");
        openers[0].clone()
    };
    let scanned = customers.job(&test).await;
    let head = format!(
        "{}:invokeAuthenticator?token={}",
        scanned.path, scanned.token
    );
    test.auth(Request::head(head).body(Body::empty()).unwrap())
        .await;
    assert_eq!(names(&test, &scanned).await, ["CREATED"]);
    open_from(&test, &scanned, "198.51.100.7", "Barracuda Sentinel (EE)").await;
    open_from(&test, &scanned, "203.0.113.9", FIREFOX).await;
    assert_eq!(opener(&scanned).await, "SCANNER");

    // One that calls itself a browser opens the link, and the person goes on.
    let job = customers.job(&test).await;
    open_from(&test, &job, "198.51.100.7", "Mozilla/5.0 Chrome/142.0.0.0").await;
    assert_eq!(opener(&job).await, "UNKNOWN");
    test.clock.advance(Seconds(1));
    let agent = [("user-agent", FIREFOX)];
    job.post(&test, "getInfo", &agent, String::new()).await.ok();
    assert_eq!(opener(&job).await, "UNKNOWN");
}

async fn the_steps_of_a_mail_show_what_the_mail_server_answered(test: TestApp) {
    let customers = Customers::new(&test).await;
    let mailed = async || {
        let asked = json!({ "delivery_method": "EMAIL" });
        let answer = customers.create(&test, asked).await.ok();
        let id = answer["credential_binding_job"]["id"].as_str().unwrap();
        let path = format!("{}/{id}", customers.jobs());
        test.clock.advance(Seconds(1));
        test.run_due_jobs().await;
        let token = String::new();
        Job { path, token }
    };
    let job = mailed().await;
    assert_eq!(names(&test, &job).await, ["CREATED", "MAIL_ACCEPTED"]);
    let sent = &steps(&test, &job).await[1];
    assert_eq!(sent["mail"], json!({ "attempts": 1, "reply_code": 250 }));
    assert_eq!(sent["actor"], "system");
    assert!(sent.get("source_address").is_none(), "{sent}");

    test.mailbox.refuse_next();
    let job = mailed().await;
    assert_eq!(
        names(&test, &job).await,
        ["CREATED", "MAIL_FAILED", "FAILED_TO_SEND"]
    );
    assert_eq!(steps(&test, &job).await[1]["reason"], "550 no such mailbox");
}

async fn a_job_that_ended_unused_shows_how(test: TestApp) {
    let customers = Customers::new(&test).await;
    let job = customers.job(&test).await;
    test.clock.advance(Seconds::DAY.times(8));
    assert_eq!(names(&test, &job).await, ["CREATED"]);
    maintenance::sweep(&test.app).await;
    assert_eq!(names(&test, &job).await, ["CREATED", "EXPIRED"]);
    test.clock.advance(Seconds(1));
    let at = |verb: &str| format!("{}:{verb}", job.path);
    test.manage(Method::POST, &at("resend"), None).await.ok();
    test.clock.advance(Seconds(1));
    test.manage(Method::POST, &at("revoke"), None).await.ok();
    assert_eq!(
        names(&test, &job).await,
        ["CREATED", "EXPIRED", "RESENT", "REVOKED"]
    );
}

async fn steps_page_and_belong_to_one_job(test: TestApp) {
    let customers = Customers::new(&test).await;
    let job = customers.job(&test).await;
    let other = customers.job(&test).await;
    for _ in 0..3 {
        test.clock.advance(Seconds(1));
        job.bind(&test, "JWT", "no proof").await.refused(400);
    }
    assert_eq!(names(&test, &other).await, ["CREATED"]);
    let first = list(&test, &job, "?page_size=3").await;
    assert_eq!(first["total_size"], 4);
    let token = first["next_page_token"].as_str().unwrap();
    let rest = list(&test, &job, &format!("?page_token={token}")).await;
    let rest = rest["credential_binding_job_events"].as_array().unwrap();
    assert_eq!((rest.len(), &rest[0]["step"]), (1, &json!("PROOF_FAILED")));
    let unknown = job.path.replace(job.ids()[3], "0000000000000001");
    test.manage(Method::GET, &format!("{unknown}/events"), None)
        .await
        .refused(404);
}
