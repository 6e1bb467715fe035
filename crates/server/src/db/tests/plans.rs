//! The plans of every statement that binding, sign-in, tokens and lists run, in databases of every
//! age.

use axum::body::Body;
use axum::http::{Method, Request};
use keymoor_oauth::client::{GrantType, Protocol};
use keymoor_testkit::SoftwareKey;
use serde_json::{Value, json};

use super::super::testing::{Recorded, TestDb, fresh_sqlite, misfits};
use crate::base::error::Error;
use crate::db::{Sql, Tx};
use crate::slices::identities::model::Status;
use crate::slices::identities::store::FILTERS;
use crate::slices::statistics;
use crate::testing::TestApp;
use crate::testing::sign_in::{Person, Site};

/// The age of a database, as far as planners know.
#[derive(Clone, Copy, Debug)]
enum Age {
    /// A few rows, never analysed.
    Fresh,
    /// A few rows, and the statistics of them.
    AnalysedEarly,
    /// Many rows, and the statistics of the first few.
    Grown,
    /// Many rows, and their statistics.
    Large,
}

const AGES: [Age; 4] = [Age::Fresh, Age::AnalysedEarly, Age::Grown, Age::Large];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_of_a_ceremony_reads_more_than_it_needs_whatever_the_statistics() {
    let test = TestApp::postgres().await;
    let recorded = record(&test).await;
    assert!(recorded.postgres.len() > 15, "{recorded:?}");
    assert_no_misfits(&test, &recorded).await;
}

async fn assert_no_misfits(test: &TestApp, recorded: &Recorded) {
    let found = misfits_at_every_age(test, recorded).await;
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_list_of_the_management_api_scans_a_table_whatever_the_statistics() {
    let test = TestApp::postgres().await;
    let recorded = record_lists(&test).await;
    assert!(recorded.postgres.len() > 40, "{recorded:?}");
    let mut found = misfits_at_every_age(&test, &recorded).await;
    // Lists with a filter may read what it throws away, within their realm or tenant: they run as
    // scans, which keep nobody waiting but their own tenant.
    found.retain(|misfit| !misfit.contains("throws away"));
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}

async fn misfits_at_every_age(test: &TestApp, recorded: &Recorded) -> Vec<String> {
    let file = fresh_sqlite().await;
    let mut found = Vec::new();
    for age in AGES {
        bring_to(&test.db, age).await;
        bring_to(&file, age).await;
        for db in [&test.db, &file] {
            let misfits = misfits(db, recorded).await;
            found.extend(misfits.iter().map(|misfit| format!("{age:?}: {misfit}")));
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_of_the_statistics_reads_more_than_it_needs_whatever_the_statistics() {
    let test = TestApp::postgres().await;
    let path = test.realm_path("/statistics");
    test.db.start_recording();
    // The first has no events that are counted, and the second has no others.
    for _ in 0..2 {
        test.manage(Method::GET, &path, None).await.ok();
        statistics::ops::count(&test.app).await.unwrap();
    }
    let recorded = test.db.stop_recording();
    assert!(recorded.postgres.len() > 5, "{recorded:?}");
    assert_no_misfits(&test, &recorded).await;
}

/// Runs the paths, with what goes wrong on them.
async fn record(test: &TestApp) -> Recorded {
    let site = Site::new(test).await;
    let machine = Site::with(test, |site| {
        let protocol = &mut site.application.protocol;
        protocol.protocol = Protocol::OAuth2;
        protocol.grant_type = vec![GrantType::ClientCredentials];
        protocol.allowed_scopes = "orders:read".parse().unwrap();
    })
    .await;
    let people = [
        Person::new(test, "ada").await,
        Person::with_webauthn(test, "bob").await,
    ];
    let eve = Person::with_fido2(test, "eve").await;
    test.db.start_recording();
    bind(test).await;
    for person in &people {
        let started = site.start(test, &[]).await;
        let proof = person.proof(test, &started);
        let code = code_of(&site.answer(test, &proof).await.ok());
        site.answer(test, &proof).await.refused(400);
        let answer = site.redeem(test, &code, &[]).await.ok();
        let token = answer["access_token"].as_str().unwrap();
        site.userinfo(test, token).await.ok();
        // Once more, which revokes the token.
        site.redeem(test, &code, &[])
            .await
            .oauth_error(400, "invalid_grant");
    }
    let started = site.start(test, &[]).await;
    site.answer(
        test,
        &json!({ "Fido2": eve.fido2_proof(&started, |_| ()).to_string() }),
    )
    .await
    .ok();
    eve.suspend(test).await;
    let started = site.start(test, &[]).await;
    let denied = site
        .answer(
            test,
            &json!({ "Fido2": eve.fido2_proof(&started, |_| ()).to_string() }),
        )
        .await
        .ok();
    assert_eq!(denied["type"], "deny");
    assert_eq!(eve.identity.status, Status::Active, "as it was made");
    machine
        .token(test, "grant_type=client_credentials".to_owned())
        .await
        .ok();
    test.db.stop_recording()
}

/// Reads every list, by each filter and each selector, and one of its later pages.
async fn record_lists(test: &TestApp) -> Recorded {
    let (identity, application) = (test.made.administrator.id, test.made.management.id);
    let of_identities = |list: &str, filters: &'static [&'static str]| {
        ["-".to_owned(), identity.to_string()].map(|of| {
            (
                test.realm_path(&format!("/identities/{of}/{list}")),
                filters,
            )
        })
    };
    let named: &[&str] = &["id", "display_name"];
    let tokens = test.realm_path(&format!("/applications/{application}/tokens"));
    let lists = [
        (format!("/v1/tenants/{}/realms", test.made.tenant.id), named),
        (test.realm_path("/applications"), named),
        (test.realm_path("/authenticator-configs"), named),
        (test.realm_path("/resource-servers"), &[]),
        (test.realm_path("/identities"), FILTERS),
        (tokens.clone(), &[]),
    ]
    .into_iter()
    .chain(of_identities("credentials", &["state", "jwk_thumbprint"]))
    .chain(of_identities(
        "credential-binding-jobs",
        &["state", "delivery_method"],
    ));
    test.db.start_recording();
    for (path, filters) in lists {
        test.manage(Method::GET, &path, None).await.ok();
        let skipping = format!("{path}?skip=1");
        test.manage(Method::GET, &skipping, None).await.ok();
        for filter in filters {
            let filtered = format!("{path}?filter={filter}%20eq%20%22ACTIVE%22");
            test.manage(Method::GET, &filtered, None).await.ok();
        }
    }
    for (kind, id) in [
        ("identity", identity.to_string()),
        ("application", application.to_string()),
    ] {
        for query in [
            format!("principal_type={kind}"),
            format!("principal_type={kind}&principal_id={id}"),
        ] {
            let selected = format!("{tokens}?{query}");
            test.manage(Method::GET, &selected, None).await.ok();
        }
    }
    test.db.stop_recording()
}

fn code_of(answer: &Value) -> String {
    assert_eq!(answer["type"], "allow", "{answer}");
    answer["code"].as_str().unwrap().to_owned()
}

/// Opens a link, asks what to bind, fails once, and binds.
async fn bind(test: &TestApp) {
    let jobs = test.realm_path(&format!(
        "/identities/{}/credential-binding-jobs",
        test.made.administrator.id
    ));
    let job = json!({ "job": {
        "delivery_method": "RETURN",
        "authenticator_config_id": test.made.console_config.id,
    } });
    let made = test.manage(Method::POST, &jobs, Some(job)).await.ok();
    let link = made["credential_binding_link"].as_str().unwrap();
    let (path, token) = link.split_once("?token=").unwrap();
    let path = path.strip_prefix("http://localhost:8021").unwrap();
    let (job_path, _) = path.split_once(":invoke").unwrap();
    let open = Request::get(format!("{path}?token={token}"));
    test.auth(open.body(Body::empty()).unwrap()).await;
    let post = async |verb: &str, body: String| {
        let request = Request::post(format!("{job_path}:{verb}"))
            .header("authorization", format!("Bearer {token}"));
        test.auth(request.body(Body::from(body)).unwrap()).await
    };
    post("getInfo", String::new()).await.ok();
    let (tenant, realm) = (test.made.tenant.id, test.made.realm.id);
    let subject = format!("CN={}, OU={realm}, O={tenant}", test.made.administrator.id);
    let proof = |token: &str| {
        let raw = SoftwareKey::generate().binding_jws(&subject, token);
        json!({ "type": "JWT", "raw": raw }).to_string()
    };
    post("bind", proof("another token")).await.refused(400);
    post("bind", proof(token)).await.ok();
    post("bind", proof(token)).await.refused(409);
}

/// Adds rows and statistics until the database has this age.
async fn bring_to(db: &TestDb, age: Age) {
    match age {
        Age::Fresh => {}
        Age::AnalysedEarly | Age::Large => run(db, &["ANALYZE"]).await,
        Age::Grown => run(db, GROWTH).await,
    }
}

async fn run<S: Into<Sql> + Copy + Send + Sync + 'static>(db: &TestDb, statements: &'static [S]) {
    db.write(async move |tx: &mut Tx| {
        for sql in statements {
            tx.exec(*sql, &()).await?;
        }
        Ok::<_, Error>(())
    })
    .await
    .unwrap();
}

/// A row for each number up to 20,000, with a blob that contains it, in a text for each database.
macro_rules! rows {
    ($into:literal, $before:literal, $after:literal) => {
        Sql {
            sqlite: rows!($into, $before, "CAST('b' || n AS BLOB)", $after),
            postgres: rows!($into, $before, "CAST('b' || n AS BYTEA)", $after),
        }
    };
    ($into:literal, $before:literal, $blob:literal, $after:literal) => {
        concat!(
            "INSERT INTO ", $into, " SELECT 5, 5, ", $before, ", ", $blob, ", ", $after,
            " FROM (WITH RECURSIVE numbers (n) AS
                (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20000) SELECT n FROM numbers) AS numbered"
        )
    };
}

/// The same text for both.
macro_rules! both {
    ($sql:expr) => {
        Sql {
            sqlite: $sql,
            postgres: $sql,
        }
    };
}

/// Many tenants, of which one has many realms, of which one is large.
const GROWTH: &[Sql] = &[
    both!(
        "INSERT INTO tenants SELECT n, 'Large', 1, 1 FROM (WITH RECURSIVE numbers (n) AS
            (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 5000) SELECT n FROM numbers) AS numbered"
    ),
    both!(
        "INSERT INTO realms SELECT 5, n, 'Realm ' || n, 'realm ' || n, 'secure_customer', n < 0, 1, 1
            FROM (WITH RECURSIVE numbers (n) AS
            (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 5000) SELECT n FROM numbers) AS numbered"
    ),
    rows!(
        "identities (tenant_id, realm_id, identity_id, display_name, status, username, folded_username,
            primary_email_address, external_id, traits, user_handle, created_at, updated_at)",
        "n, 'Name ' || n, 'active', 'user' || n, 'user' || n, 'mail' || n, 'external' || n, '{}'",
        "n, n"
    ),
    rows!(
        "binding_jobs (tenant_id, realm_id, identity_id, binding_job_id, delivery_method, state, token_hash,
            authenticator_config_id, snapshot, failed_proofs, expires_at, created_at, updated_at)",
        "n, n, 'RETURN', 'COMPLETE'",
        "'config', '{}', 0, n, n, n"
    ),
    rows!(
        "credentials (tenant_id, realm_id, identity_id, credential_id, binding_job_id, state, csr_type, jwk,
            key_thumbprint, attestation_level, sign_count, backup_eligible, backup_state, created_at, updated_at)",
        "n, n, n, 'ACTIVE', 'JWT', '{}'",
        "'unproven', 0, n < 0, n < 0, n, n"
    ),
    rows!(
        "issued_tokens (tenant_id, realm_id, application_id, token_id, scopes, suffix, issued_at, expires_at)",
        "'app'",
        "'', '', n, n"
    ),
    both!(
        "INSERT INTO events (tenant_id, realm_id, event_id, kind, outcome, actor, identity_id,
            correlation_id, details, created_at, position, day)
            SELECT 5, 5, 'event ' || n, 'CredentialChange', 'BOUND', 'system', n, 'flow ' || n, '{}', n, n, n / 100
            FROM (WITH RECURSIVE numbers (n) AS
            (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20000) SELECT n FROM numbers) AS numbered"
    ),
];
