//! Links as mail clients, proxies and strangers change them.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

use super::{APP, Customers, Job};
use crate::testing::{Answer, TestApp, both_apps};

both_apps!(
    a_mailed_link_has_no_colon_in_its_path_and_binds,
    a_respelled_link_opens_like_the_original,
    a_token_is_read_without_what_a_mail_client_added,
    a3_a_broken_link_gets_a_person_a_page_and_a_program_json,
    d4_respelled_and_broken_links_are_kept_by_nobody,
    the_inner_form_of_a_verb_cannot_be_typed,
    only_links_are_respelled,
    a_link_leads_to_the_jobs_application_only,
);

const BROWSER: &str = "text/html,application/xhtml+xml,*/*;q=0.8";
const HOST: &str = "http://localhost:8021";

async fn send(test: &TestApp, method: Method, uri: &str, accept: &str) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(uri)
        .header("accept", accept);
    test.auth(request.body(Body::empty()).unwrap()).await
}

async fn get(test: &TestApp, uri: &str, accept: &str) -> Answer {
    send(test, Method::GET, uri, accept).await
}

/// The path of a job's link, as it is mailed and as it is returned.
fn paths(job: &Job) -> [String; 2] {
    ["/", ":"].map(|separator| format!("{}{separator}invokeAuthenticator", job.path))
}

async fn a_mailed_link_has_no_colon_in_its_path_and_binds(test: TestApp) {
    let customers = Customers::new(&test).await;
    let asked = json!({ "delivery_method": "EMAIL" });
    customers.create(&test, asked).await.ok();
    test.run_due_jobs().await;
    let [mail] = &test.mailbox.take()[..] else {
        panic!("not one mail")
    };
    let body = mail.text.expose();
    let link = body
        .split_whitespace()
        .find_map(|word| word.strip_prefix(HOST))
        .expect("a link");
    assert!(!link.contains([':', '%', '~']), "{link}");
    assert!(
        mail.html
            .expose()
            .contains(&format!("href=\"{HOST}{link}\""))
    );
    let (path, token) = link.split_once("/invokeAuthenticator?token=").unwrap();
    let job = Job {
        path: path.to_owned(),
        token: token.to_owned(),
    };
    let redirected = get(&test, link, BROWSER).await;
    assert_eq!(redirected.status, 302, "{}", redirected.text);
    assert_eq!(
        redirected.header("location"),
        job.open(&test, BROWSER).await.header("location")
    );
    assert_eq!(
        get(&test, link, "application/json").await.ok()["token"],
        token
    );
    assert_eq!(job.state(&test).await, "LINK_OPENED");
    job.info(&test).await.ok();
    job.bind_new_key(&test).await.ok();
    let used = get(&test, link, BROWSER).await;
    assert_eq!(used.status, 409);
    assert!(used.text.contains("already been used"), "{}", used.text);
}

/// Changes of the path that lead to the same job.
fn respelled(job: &Job) -> Vec<String> {
    let [mailed, returned] = paths(job);
    [
        returned.replace(':', "%3A"),
        returned.replace(':', "%3a"),
        returned.replace(':', "%2F"),
        returned.to_ascii_lowercase(),
        mailed.to_ascii_lowercase(),
        returned.replace("/v1/tenants", "/V1/Tenants"),
        format!("{mailed}/"),
        format!("{returned}//"),
        format!("/{mailed}"),
        mailed.replace('/', "//"),
        mailed.replace("credential-binding-jobs", "credential%2Dbinding%2Djobs"),
        mailed,
        returned,
    ]
    .map(|path| format!("{path}?token={}", job.token))
    .into_iter()
    .chain([format!("{}%3Ftoken%3D{}", paths(job)[0], job.token)])
    .collect()
}

async fn a_respelled_link_opens_like_the_original(test: TestApp) {
    let customers = Customers::new(&test).await;
    let job = customers.job(&test).await;
    for link in respelled(&job) {
        let head = send(&test, Method::HEAD, &link, BROWSER).await;
        assert_eq!(head.status, 200, "{link}");
    }
    assert_eq!(job.state(&test).await, "LINK_SENT");
    let told = job.open(&test, "application/json").await.ok();
    let location = job.open(&test, BROWSER).await.header("location").to_owned();
    for link in respelled(&job) {
        let answer = get(&test, &link, BROWSER).await;
        assert_eq!(answer.status, 302, "{link}: {}", answer.text);
        assert_eq!(answer.header("location"), location, "{link}");
        let answer = get(&test, &link, "application/json").await;
        assert_eq!(answer.ok(), told, "{link}");
    }
    let used = customers.job(&test).await;
    used.bind_new_key(&test).await.ok();
    for link in respelled(&used) {
        let answer = get(&test, &link, BROWSER).await;
        assert_eq!(answer.status, 409, "{link}");
        get(&test, &link, "application/json").await.refused(409);
    }
}

async fn a_token_is_read_without_what_a_mail_client_added(test: TestApp) {
    let job = Customers::new(&test).await.job(&test).await;
    let [mailed, _] = paths(&job);
    let (first, last) = job.token.split_at(30);
    let location = job.open(&test, BROWSER).await.header("location").to_owned();
    for query in [
        format!("token={}.", job.token),
        format!("token={}%3E", job.token),
        format!("token=%3C{}%3E,", job.token),
        format!("token={first}%0D%0A{last}"),
        format!("token={first}%20{last}+"),
        format!("token={first}=%0A{last}"),
        format!("utm_source=mail&token={}&utm_medium=x", job.token),
        format!(
            "token={}",
            job.token.replace('-', "%2D").replace('_', "%5f")
        ),
    ] {
        let answer = get(&test, &format!("{mailed}?{query}"), BROWSER).await;
        assert_eq!(answer.status, 302, "{query}: {}", answer.text);
        assert_eq!(answer.header("location"), location, "{query}");
    }
}

/// Links that stay broken, and the addresses that people reach by them.
fn broken(job: &Job) -> Vec<String> {
    let [mailed, returned] = paths(job);
    let token = &job.token;
    let queries = [
        String::new(),
        "?".to_owned(),
        "?token".to_owned(),
        "?token=".to_owned(),
        format!("?token={}", &token[..40]),
        format!("?token={token}x"),
        format!("?token=3D{token}"),
        format!("?token={token}&token={token}"),
        format!("?token={token}&token=other"),
        format!("?token%3D{token}"),
        format!("?t0ken={token}"),
        "?token=%00%FF%F0".to_owned(),
        "?token=%".to_owned(),
    ];
    let paths = [
        job.path.clone(),
        format!("{}:", job.path),
        format!("{}%3A", job.path),
        returned.replace(':', "%253A"),
        returned.replace(':', ";"),
        returned.replace(':', "%5C"),
        returned.replace(':', "\\"),
        returned.replace(':', "%00:"),
        returned.replace(':', "/~"),
        returned.replace(':', "/%7E"),
        format!("{returned};jsessionid=1"),
        format!("{returned}."),
        mailed.replace("/tenants/", "/tenants/../tenants/"),
        mailed.replace("/tenants/", "/./tenants/"),
        mailed.replace(job.ids()[3], &"1".repeat(4_000)),
        mailed.replace(job.ids()[3], "%F0%9F%92%A9"),
        mailed.replace(job.ids()[3], "-"),
        mailed.replace("invokeAuthenticator", "invoke"),
        "/v1".to_owned(),
        "/console/nothing".to_owned(),
    ];
    let incomplete = queries.iter().map(|query| format!("{mailed}{query}"));
    let elsewhere = paths.iter().map(|path| format!("{path}?token={token}"));
    incomplete.chain(elsewhere).collect()
}

async fn a3_a_broken_link_gets_a_person_a_page_and_a_program_json(test: TestApp) {
    let job = Customers::new(&test).await.job(&test).await;
    for link in broken(&job) {
        let page = get(&test, &link, BROWSER).await;
        assert_eq!(page.status, 404, "{link}: {}", page.text);
        assert!(
            page.header("content-type").starts_with("text/html"),
            "{link}"
        );
        assert!(page.text.contains("<h1>This "), "{link}: {}", page.text);
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'"), "{link}");
        assert!(!page.text.contains(&job.token[..40]), "{link}");
        get(&test, &link, "application/json").await.refused(404);
    }
    assert_eq!(job.state(&test).await, "LINK_SENT");
}

async fn d4_respelled_and_broken_links_are_kept_by_nobody(test: TestApp) {
    let job = Customers::new(&test).await.job(&test).await;
    for link in respelled(&job) {
        for accept in [BROWSER, "application/json"] {
            let answer = get(&test, &link, accept).await;
            assert_eq!(answer.header("cache-control"), "no-store", "{link}");
            assert_eq!(answer.header("referrer-policy"), "no-referrer", "{link}");
            assert_eq!(answer.header("vary"), "Accept", "{link}");
        }
    }
    for link in broken(&job) {
        for accept in [BROWSER, "application/json"] {
            let answer = get(&test, &link, accept).await;
            assert_eq!(answer.header("cache-control"), "no-store", "{link}");
            assert_eq!(answer.header("referrer-policy"), "no-referrer", "{link}");
            assert_eq!(answer.header("vary"), "Accept", "{link}");
        }
    }
}

/// A proxy's rule for `:bind` must not be bypassed by another spelling.
async fn the_inner_form_of_a_verb_cannot_be_typed(test: TestApp) {
    let customers = Customers::new(&test).await;
    let job = customers.job(&test).await;
    let before = job.read(&test).await;
    let proof = keymoor_testkit::SoftwareKey::from_seed(40).binding_jws(&job.subject(), &job.token);
    let body = json!({ "type": "JWT", "raw": proof }).to_string();
    let token = test.token(crate::base::scope::ALL).await;
    for (verb, bearer) in [
        ("bind", job.token.as_str()),
        ("getInfo", job.token.as_str()),
        ("revoke", token.expose()),
    ] {
        for spelled in [
            format!("/~{verb}"),
            format!("/%7E{verb}"),
            format!("/%7e{verb}"),
            format!("//~{verb}"),
            format!("/~{verb}/"),
            format!("/~~{verb}"),
            format!("%2F~{verb}"),
            format!("%3A{verb}"),
            format!(":{verb}/"),
            format!(":{}", verb.to_uppercase()),
            format!(":~{verb}"),
            format!("/{verb}"),
        ] {
            let request = || {
                Request::post(format!("{}{spelled}", job.path))
                    .header("authorization", format!("Bearer {bearer}"))
                    .body(Body::from(body.clone()))
                    .unwrap()
            };
            for answer in [test.auth(request()).await, test.management(request()).await] {
                assert!(
                    [404, 405].contains(&answer.status.as_u16()),
                    "{spelled}: {answer:?}"
                );
                answer.refused(answer.status.as_u16());
            }
        }
    }
    assert_eq!(job.read(&test).await, before);
    job.bind(&test, "JWT", &proof).await.ok();
}

/// Only opening a link is harmless enough to be respelled.
async fn only_links_are_respelled(test: TestApp) {
    let job = Customers::new(&test).await.job(&test).await;
    let [mailed, _] = paths(&job);
    let opened = format!("{mailed}?token={}", job.token);
    for method in [Method::POST, Method::PUT, Method::DELETE] {
        send(&test, method, &opened, BROWSER).await.refused(405);
    }
    let preflight = send(&test, Method::OPTIONS, &opened, "*/*").await;
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-origin"), "*");
    assert_eq!(job.state(&test).await, "LINK_SENT");
}

/// No part of a request can change where a link leads.
async fn a_link_leads_to_the_jobs_application_only(test: TestApp) {
    let job = Customers::new(&test).await.job(&test).await;
    let [mailed, returned] = paths(&job);
    let location = job.open(&test, BROWSER).await.header("location").to_owned();
    assert!(
        location.starts_with(&format!("{APP}/go/bind?")),
        "{location}"
    );
    let told: Value = job.open(&test, "application/json").await.ok();
    for uri in [
        format!(
            "{mailed}?token={}&api_base_url=https://evil.example",
            job.token
        ),
        format!(
            "{mailed}?token={}&redirect_uri=//evil.example&job_id=1",
            job.token
        ),
        format!("//evil.example/..{mailed}?token={}", job.token),
        format!("http://evil.example{mailed}?token={}", job.token),
        format!("http://evil.example{returned}?token={}", job.token),
    ] {
        let request = |accept: &str| {
            Request::get(&uri)
                .header("accept", accept)
                .header("host", "evil.example")
                .header("x-forwarded-host", "evil.example")
                .header("x-forwarded-proto", "gopher")
                .header("x-original-url", "/v1/evil")
                .header("x-rewrite-url", "/v1/evil")
                .body(Body::empty())
                .unwrap()
        };
        let answer = test.auth(request(BROWSER)).await;
        if uri.contains("..") {
            assert_eq!(answer.status, 404, "{uri}");
            continue;
        }
        assert_eq!(answer.header("location"), location, "{uri}");
        assert_eq!(test.auth(request("application/json")).await.ok(), told);
    }
}
