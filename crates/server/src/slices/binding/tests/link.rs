//! Opening a link: by an SDK, by a browser, by a scanner.

use axum::body::Body;
use axum::http::{Method, Request};
use keymoor_testkit::SoftwareKey;
use keymoor_types::Seconds;
use serde_json::json;

use super::{APP, Customers, Job, events, set_status};
use crate::base::limits::LimitSettings;
use crate::db::Json;
use crate::slices::authenticator_configs;
use crate::slices::authenticator_configs::model::AuthenticationMethod;
use crate::slices::identities::model::Status;
use crate::testing::{TestApp, both_apps};

both_apps!(
    a_device_binds_and_each_step_shows,
    a11_binding_queues_a_notice_to_whoever_has_an_address,
    a2_opening_observes_once_and_consumes_nothing,
    d2_a_page_that_the_job_does_not_trust_opens_no_link,
    a_browser_is_sent_to_the_application_with_the_six_parameters,
    a7_a_request_is_as_late_as_its_last_byte,
    an_app_scheme_is_a_place_to_go_too,
    d4_answers_that_carry_a_token_are_kept_by_nobody,
    a3_a_dead_link_says_why_and_a_wrong_one_nothing,
    a3_a_person_gets_a_page_in_words,
    a6_changing_the_config_never_redirects_a_pending_link,
    d2_management_routes_answer_no_preflight,
    d2_untrusted_origins_are_refused_before_any_effect,
    methods_that_do_not_work_yet_are_not_told_to_devices,
    a1_binding_answers_on_both_listeners_and_sends_no_cors_elsewhere,
    e8_methods_that_were_listed_are_told_and_enforced,
);

const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

async fn a_device_binds_and_each_step_shows(test: TestApp) {
    let customers = Customers::new(&test).await;
    let job = customers.job(&test).await;
    assert_eq!(job.state(&test).await, "LINK_SENT");

    test.clock.advance(Seconds(1));
    let [tenant, realm, identity, id] = job.ids();
    let told = job.open(&test, "application/json").await.ok();
    assert_eq!(
        told,
        json!({
            "api_base_url": "http://localhost:8021", "tenant_id": tenant, "realm_id": realm,
            "identity_id": identity, "job_id": id, "token": job.token,
        })
    );
    assert_eq!(job.state(&test).await, "LINK_OPENED");

    test.clock.advance(Seconds(1));
    let mut info = job.info(&test).await.ok();
    // What the options are is a test of its own.
    info.as_object_mut()
        .unwrap()
        .remove("fido2")
        .expect("options");
    assert_eq!(
        info,
        json!({
            "tenant": { "display_name": "Acme" },
            "realm": { "display_name": "Customers" },
            "identity": {
                "display_name": "User One",
                "traits": {
                    "type": "traits_v0",
                    "username": "user1",
                    "external_id": "crm-4711",
                    "primary_email_address": "user1@example.com",
                },
            },
            "theme": { "logo_url_light": "", "logo_url_dark": "", "support_url": "" },
            "authenticator_config": {
                "id": customers.config.id, "tenant_id": tenant, "realm_id": realm,
                "config": { "type": "embedded" },
            },
        })
    );
    assert_eq!(job.state(&test).await, "REQUEST_DELIVERED");

    test.clock.advance(Seconds(1));
    let bound = job.bind_new_key(&test).await.ok();
    assert_eq!(
        (&bound["state"], &bound["create_time"]),
        (&json!("ACTIVE"), &json!("2026-01-01T00:00:03.000Z"))
    );
    let read = job.read(&test).await;
    assert_eq!(
        (&read["state"], &read["credential_id"]),
        (&json!("COMPLETE"), &bound["id"])
    );
    let mut told: Vec<String> = events(&test, customers.realm.id)
        .await
        .into_iter()
        .map(|(_, outcome)| outcome)
        .collect();
    // The last two are of one moment, in no order.
    told[3..].sort();
    assert_eq!(
        told,
        [
            "LINK_SENT",
            "LINK_OPENED",
            "REQUEST_DELIVERED",
            "BOUND",
            "COMPLETE"
        ]
    );
}

async fn a11_binding_queues_a_notice_to_whoever_has_an_address(test: TestApp) {
    let notices = async || -> i64 {
        let sql = "SELECT COUNT(*) FROM outbox WHERE kind = 'passkey_added'";
        test.app
            .db
            .read(async |rx| Ok(rx.one(sql, &()).await?))
            .await
            .unwrap()
    };
    Customers::new(&test)
        .await
        .job(&test)
        .await
        .bind_new_key(&test)
        .await
        .ok();
    assert_eq!(notices().await, 1);
    let (tenant, realm) = (test.made.tenant.id, test.made.realm.id);
    let silent = test.made.administrator.id;
    test.app
        .db
        .write(async move |tx| {
            let sql = "UPDATE identities SET primary_email_address = NULL,
                traits = '{\"type\":\"traits_v0\",\"username\":\"admin\"}'
                WHERE tenant_id = $1 AND realm_id = $2 AND identity_id = $3";
            Ok(tx.exec(sql, &(tenant, realm, silent)).await?)
        })
        .await
        .unwrap();
    let path = test.realm_path(&format!("/identities/{silent}/credential-binding-jobs"));
    let body = json!({ "job": {
        "delivery_method": "RETURN", "authenticator_config_id": test.made.console_config.id,
    } });
    let answer = test.manage(Method::POST, &path, Some(body)).await.ok();
    Job::of_link(answer["credential_binding_link"].as_str().unwrap())
        .bind_new_key(&test)
        .await
        .ok();
    assert_eq!(notices().await, 1);
}

async fn a2_opening_observes_once_and_consumes_nothing(test: TestApp) {
    let customers = Customers::new(&test).await;
    let job = customers.job(&test).await;
    for _ in 0..5 {
        let head = Request::head(format!(
            "{}:invokeAuthenticator?token={}",
            job.path, job.token
        ));
        assert_eq!(
            test.auth(head.body(Body::empty()).unwrap()).await.status,
            200
        );
    }
    assert_eq!(job.state(&test).await, "LINK_SENT");
    for _ in 0..5 {
        assert_eq!(job.open(&test, BROWSER).await.status, 302);
    }
    let opened = events(&test, customers.realm.id)
        .await
        .iter()
        .filter(|(_, outcome)| outcome == "LINK_OPENED")
        .count();
    assert_eq!(opened, 1);
    let read = job.read(&test).await;
    test.clock.advance(Seconds(5));
    job.open(&test, BROWSER).await;
    assert_eq!(job.read(&test).await, read);
    job.bind_new_key(&test).await.ok();
}

async fn d2_a_page_that_the_job_does_not_trust_opens_no_link(test: TestApp) {
    let job = Customers::new(&test).await.job(&test).await;
    let open = async |origin: &str, accept: &str| {
        let uri = format!("{}:invokeAuthenticator?token={}", job.path, job.token);
        let request = Request::get(uri)
            .header("accept", accept)
            .header("origin", origin);
        test.auth(request.body(Body::empty()).unwrap()).await
    };
    for origin in ["https://evil.example", "http://app.example", "null"] {
        let refused = open(origin, "application/json").await;
        assert_eq!(
            refused.refused(403)["details"][0]["resource_type"],
            "Origin"
        );
        assert_eq!(refused.header("access-control-allow-origin"), "*");
        assert_eq!(open(origin, BROWSER).await.status, 403);
    }
    assert_eq!(job.state(&test).await, "LINK_SENT");
    for origin in [APP, "http://localhost:8021"] {
        open(origin, "application/json").await.ok();
    }
    assert_eq!(job.state(&test).await, "LINK_OPENED");
}

async fn a_browser_is_sent_to_the_application_with_the_six_parameters(test: TestApp) {
    let customers = Customers::new(&test).await;
    let job = customers.job(&test).await;
    let answer = job.open(&test, BROWSER).await;
    let [tenant, realm, identity, id] = job.ids();
    let expected = format!(
        "{APP}/go/bind?api_base_url=http%3A%2F%2Flocalhost%3A8021&tenant_id={tenant}&realm_id={realm}\
             &identity_id={identity}&job_id={id}&token={}",
        job.token
    );
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (302, expected.as_str())
    );
}

async fn a7_a_request_is_as_late_as_its_last_byte(test: TestApp) {
    let job = Customers::new(&test).await.job(&test).await;
    let proof = SoftwareKey::from_seed(8).binding_jws(&job.subject(), &job.token);
    let body = json!({ "type": "JWT", "raw": proof }).to_string();
    test.clock.advance(Seconds::DAY.times(7) - Seconds(1));
    let clock = test.clock.clone();
    let slow = futures_util::stream::once(async move {
        clock.advance(Seconds(2));
        Ok::<_, std::io::Error>(body)
    });
    let request = Request::post(format!("{}:bind", job.path))
        .header("authorization", format!("Bearer {}", job.token))
        .body(Body::from_stream(slow))
        .unwrap();
    assert_eq!(
        test.auth(request).await.refused(409)["details"][0]["description"],
        "expired"
    );
}

async fn an_app_scheme_is_a_place_to_go_too(test: TestApp) {
    let customers =
        Customers::with(&test, |_, config| config.invoke_url = "acme://".to_owned()).await;
    let answer = customers.job(&test).await.open(&test, BROWSER).await;
    assert!(
        answer
            .header("location")
            .starts_with("acme://bind?api_base_url="),
        "{answer:?}"
    );
}

async fn d4_answers_that_carry_a_token_are_kept_by_nobody(test: TestApp) {
    let job = Customers::new(&test).await.job(&test).await;
    let answers = [
        job.open(&test, BROWSER).await,
        job.open(&test, "application/json").await,
        job.info(&test).await,
        job.bind_new_key(&test).await,
        job.bind_new_key(&test).await,
        job.open(&test, BROWSER).await,
    ];
    for answer in answers {
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("vary"), "Accept");
    }
}

async fn a3_a_dead_link_says_why_and_a_wrong_one_nothing(test: TestApp) {
    let customers = Customers::new(&test).await;
    let job = customers.job(&test).await;
    let wrong = Job {
        token: "wrong".to_owned(),
        ..job.clone()
    };
    let unknown = Job {
        path: job.path.replace(job.ids()[3], "0000000000000001"),
        ..job.clone()
    };
    for stranger in [&wrong, &unknown] {
        for answer in [
            stranger.open(&test, "application/json").await,
            stranger.info(&test).await,
            stranger.bind_new_key(&test).await,
        ] {
            assert_eq!(
                answer.refused(404)["message"],
                "credential binding job not found"
            );
        }
    }
    job.bind_new_key(&test).await.ok();
    let late = customers.job(&test).await;
    test.clock.advance(Seconds::DAY.times(7));
    for (dead, why) in [(&job, "complete"), (&late, "expired")] {
        for answer in [
            dead.open(&test, "application/json").await,
            dead.info(&test).await,
            dead.bind_new_key(&test).await,
        ] {
            assert_eq!(answer.refused(409)["details"][0]["description"], why);
        }
    }
}

async fn a3_a_person_gets_a_page_in_words(test: TestApp) {
    let customers = Customers::new(&test).await;
    let job = customers.job(&test).await;
    let page = async |job: &Job, status: u16, words: &str| {
        let answer = job.open(&test, BROWSER).await;
        assert_eq!(answer.status, status, "{}", answer.text);
        assert!(answer.text.contains(words), "{}", answer.text);
        assert!(
            answer
                .header("content-security-policy")
                .contains("default-src 'none'")
        );
        assert!(!answer.text.contains("<script"), "{}", answer.text);
    };
    page(
        &Job {
            token: "wrong".to_owned(),
            ..job.clone()
        },
        404,
        "This link doesn’t work",
    )
    .await;
    set_status(&test, &customers.identity, Status::Suspended).await;
    page(&job, 403, "This account is suspended").await;
    job.info(&test).await.refused(403);
    job.bind_new_key(&test).await.refused(403);
    set_status(&test, &customers.identity, Status::Active).await;
    job.bind_new_key(&test).await.ok();
    page(&job, 409, "This link has already been used").await;
}

async fn a6_changing_the_config_never_redirects_a_pending_link(test: TestApp) {
    let customers = Customers::new(&test).await;
    let job = customers.job(&test).await;
    let mut changed = customers.config.clone();
    if let authenticator_configs::model::ConfigBody::Embedded(embedded) = &mut changed.config {
        embedded.invoke_url = "https://evil.example".to_owned();
        embedded.trusted_origins = vec!["https://evil.example".to_owned()];
    }
    test.app
        .db
        .write(async move |tx| {
            let sql = "UPDATE authenticator_configs SET config = $4
                WHERE tenant_id = $1 AND realm_id = $2 AND authenticator_config_id = $3";
            let config = Json(&changed.config);
            Ok(tx
                .exec(
                    sql,
                    &(changed.tenant_id, changed.realm_id, changed.id, config),
                )
                .await?)
        })
        .await
        .unwrap();
    assert!(
        job.open(&test, BROWSER)
            .await
            .header("location")
            .starts_with("https://app.example/go/bind?")
    );
    job.post(
        &test,
        "getInfo",
        &[("origin", "https://evil.example")],
        String::new(),
    )
    .await
    .refused(403);
    job.post(&test, "getInfo", &[("origin", APP)], String::new())
        .await
        .ok();
}

async fn d2_management_routes_answer_no_preflight(test: TestApp) {
    let job = Customers::new(&test).await.job(&test).await;
    let preflight = Request::options(&job.path)
        .header("origin", APP)
        .header("access-control-request-method", "GET");
    let answer = test
        .management(preflight.body(Body::empty()).unwrap())
        .await;
    assert_eq!(answer.header("access-control-allow-origin"), "");
}

async fn d2_untrusted_origins_are_refused_before_any_effect(test: TestApp) {
    let job = Customers::new(&test).await.job(&test).await;
    for origin in ["https://evil.example", "null"] {
        let headers = [("origin", origin)];
        job.post(&test, "getInfo", &headers, String::new())
            .await
            .refused(403);
        job.post(
            &test,
            "bind",
            &headers,
            json!({ "type": "JWT", "raw": "x" }).to_string(),
        )
        .await
        .refused(403);
    }
    assert_eq!(job.state(&test).await, "LINK_SENT");
    let preflight = Request::options(format!("{}:bind", job.path))
        .header("origin", "https://evil.example")
        .header("access-control-request-method", "POST")
        .body(Body::empty())
        .unwrap();
    let answer = test.auth(preflight).await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    assert_eq!(answer.header("access-control-allow-credentials"), "");
}

async fn a1_binding_answers_on_both_listeners_and_sends_no_cors_elsewhere(test: TestApp) {
    let job = Customers::new(&test).await.job(&test).await;
    let info = || {
        Request::post(format!("{}:getInfo", job.path))
            .header("authorization", format!("Bearer {}", job.token))
            .body(Body::empty())
            .unwrap()
    };
    test.management(info()).await.ok();
    let read = test.manage(Method::GET, &job.path, None).await;
    assert_eq!(read.header("access-control-allow-origin"), "");
    let on_auth = Request::get(&job.path).body(Body::empty()).unwrap();
    test.auth(on_auth).await.refused(404);
}

async fn e8_methods_that_were_listed_are_told_and_enforced(test: TestApp) {
    let customers = Customers::with(&test, |_, config| {
        config.authentication_methods = Some(vec![AuthenticationMethod::WebauthnPasskey]);
    })
    .await;
    let job = customers.job(&test).await;
    assert_eq!(
        job.info(&test).await.ok()["authenticator_config"]["config"],
        json!({ "type": "hosted_web", "authentication_methods": [{ "type": "webauthn_passkey" }] })
    );
    job.bind_new_key(&test).await.refused(403);
    assert_eq!(job.state(&test).await, "REQUEST_DELIVERED");
}

async fn methods_that_do_not_work_yet_are_not_told_to_devices(test: TestApp) {
    let methods = [
        AuthenticationMethod::EmailOneTimePassword,
        AuthenticationMethod::SoftwarePasskey,
    ];
    let customers = Customers::with(&test, |_, config| {
        config.authentication_methods = Some(methods.to_vec());
    })
    .await;
    let job = customers.job(&test).await;
    assert_eq!(
        job.info(&test).await.ok()["authenticator_config"]["config"],
        json!({ "type": "hosted_web", "authentication_methods": [{ "type": "software_passkey" }] })
    );
}

#[tokio::test]
async fn t3_a4_with_the_default_limits_strangers_are_slowed_and_the_job_lives() {
    let test = TestApp::with(
        crate::db::testing::fresh_sqlite().await,
        LimitSettings::default(),
    )
    .await;
    let job = Customers::new(&test).await.job(&test).await;
    let stranger = Job {
        token: "wrong".to_owned(),
        ..job.clone()
    };
    for _ in 0..30 {
        stranger.info(&test).await.refused(404);
    }
    let answer = stranger.info(&test).await;
    answer.refused(429);
    assert_eq!(answer.header("retry-after"), "60");
    job.bind_new_key(&test).await.ok();
}
