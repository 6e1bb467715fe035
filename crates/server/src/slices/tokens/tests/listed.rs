//! Issued tokens over HTTP: listed, revoked, forgotten.

use std::sync::Arc;

use axum::http::Method;
use keymoor_db::testing::HeldTransaction;
use keymoor_oauth::client::{GrantType, Protocol};
use keymoor_types::{Seconds, TenantId};
use serde_json::{Value, json};

use super::status;
use crate::base::error::Result;
use crate::db::{Rx, Tx};
use crate::slices::tokens::model::TokenId;
use crate::slices::tokens::revocations::Revocations;
use crate::slices::tokens::{ops, store};
use crate::testing::sign_in::{Person, Site};
use crate::testing::{Answer, TestApp, both_apps};

both_apps!(
    an_issued_token_is_listed_as_published,
    a_list_is_narrowed_to_a_principal,
    d6_pages_cover_every_token_once_and_are_bound_to_their_principal,
    e4_a_revoked_token_holds_nowhere_on_this_node_from_then_on,
    e4_a_revoked_management_token_is_refused,
    e4_another_node_knows_a_revocation_when_it_has_reread_the_generation,
    e4_only_revocations_since_the_last_read_are_read,
    e4_a_node_that_starts_knows_what_was_revoked_before,
    e4_what_is_wrong_with_one_tenants_list_hides_no_other_tenants_revocations,
    expired_tokens_are_neither_listed_nor_kept,
    a_token_that_could_not_be_written_down_is_not_handed_out,
);

/// An application that acts for itself and signs people in.
async fn site(test: &TestApp) -> Site {
    Site::with(test, |site| {
        let protocol = &mut site.application.protocol;
        protocol.protocol = Protocol::OAuth2;
        protocol.grant_type = vec![GrantType::AuthorizationCode, GrantType::ClientCredentials];
        protocol.allowed_scopes = "orders:read orders:write".parse().unwrap();
    })
    .await
}

/// A token that the application gets for itself.
async fn own_token(test: &TestApp, site: &Site) -> String {
    let form = "grant_type=client_credentials&scope=orders%3Aread".to_owned();
    let answer = site.token(test, form).await.ok();
    answer["access_token"].as_str().unwrap().to_owned()
}

async fn token_of(test: &TestApp, site: &Site, person: &Person) -> String {
    let code = site
        .sign_in(test, person, &[("scope", "orders:write")])
        .await;
    let answer = site.redeem(test, &code, &[]).await.ok();
    answer["access_token"].as_str().unwrap().to_owned()
}

async fn list(test: &TestApp, site: &Site, query: &str) -> Value {
    let path = site.path(&format!("/tokens{query}"));
    test.manage(Method::GET, &path, None).await.ok()
}

async fn revoke(test: &TestApp, site: &Site, id: &Value) -> Answer {
    let path = site.path(&format!("/tokens/{}", id.as_str().unwrap()));
    test.manage(Method::DELETE, &path, None).await
}

fn ids(list: &Value) -> Vec<String> {
    let tokens = list["tokens"].as_array().unwrap();
    tokens
        .iter()
        .map(|token| token["id"].as_str().unwrap().to_owned())
        .collect()
}

fn token_id(token: &str) -> TokenId {
    jti(token).as_str().unwrap().parse().unwrap()
}

fn jti(token: &str) -> Value {
    crate::testing::sign_in::claims_of(token)["jti"].clone()
}

async fn an_issued_token_is_listed_as_published(test: TestApp) {
    let site = site(&test).await;
    let token = own_token(&test, &site).await;
    assert_eq!(
        list(&test, &site, "").await,
        json!({
            "tokens": [{
                "id": jti(&token),
                "scopes": ["orders:read"],
                "token_suffix": &token[token.len() - 11..],
                "token_format": "self_contained",
                "expires": 1_767_225_600 + 86_400,
                "issued_at": 1_767_225_600,
                "token_type": "access",
            }],
            "total_size": 1,
        })
    );
    // Another application's list does not show it, and knows nothing of it.
    let other = Site::new(&test).await;
    assert_eq!(list(&test, &other, "").await["total_size"], 0);
    assert_eq!(
        revoke(&test, &other, &jti(&token)).await.refused(404)["message"],
        "token not found"
    );
}

async fn a_list_is_narrowed_to_a_principal(test: TestApp) {
    let site = site(&test).await;
    let (ada, bob) = (
        Person::new(&test, "ada").await,
        Person::new(&test, "bob").await,
    );
    let own = own_token(&test, &site).await;
    let of_ada = token_of(&test, &site, &ada).await;
    let of_bob = token_of(&test, &site, &bob).await;
    let listed = async |query: &str| {
        let listed = list(&test, &site, query).await;
        let mut found = ids(&listed);
        assert_eq!(listed["total_size"], found.len());
        found.sort();
        found
    };
    let expected = |tokens: &[&String]| {
        let mut expected: Vec<String> = tokens
            .iter()
            .map(|token| jti(token).as_str().unwrap().to_owned())
            .collect();
        expected.sort();
        expected
    };
    let application = site.application.id;
    assert_eq!(listed("").await, expected(&[&own, &of_ada, &of_bob]));
    assert_eq!(
        listed("?principal_type=application").await,
        expected(&[&own])
    );
    assert_eq!(
        listed(&format!(
            "?principal_type=application&principal_id={application}"
        ))
        .await,
        expected(&[&own])
    );
    let other = Site::new(&test).await.application.id;
    assert!(
        listed(&format!("?principal_type=application&principal_id={other}"))
            .await
            .is_empty()
    );
    assert_eq!(
        listed("?principal_type=identity").await,
        expected(&[&of_ada, &of_bob])
    );
    let ada = ada.identity.id;
    assert_eq!(
        listed(&format!("?principal_type=identity&principal_id={ada}")).await,
        expected(&[&of_ada])
    );
    for (query, field) in [
        ("?principal_type=robot", "principal_type"),
        (&*format!("?principal_id={ada}"), "principal_type"),
        ("?principal_type=identity&principal_id=x", "principal_id"),
        (
            &format!("?principal_type=application&principal_id={ada}"),
            "principal_id",
        ),
    ] {
        let body = test
            .manage(Method::GET, &site.path(&format!("/tokens{query}")), None)
            .await
            .refused(400);
        assert_eq!(
            body["details"][0]["field_violations"][0]["field"], field,
            "{query}"
        );
    }
}

async fn d6_pages_cover_every_token_once_and_are_bound_to_their_principal(test: TestApp) {
    let site = site(&test).await;
    let mut issued = Vec::new();
    for _ in 0..5 {
        test.clock.advance(Seconds(1));
        issued.push(
            jti(&own_token(&test, &site).await)
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    let mut found = Vec::new();
    let mut query = "?page_size=2".to_owned();
    loop {
        let page = list(&test, &site, &query).await;
        assert_eq!(page["total_size"], 5);
        found.extend(ids(&page));
        let Some(next) = page["next_page_token"].as_str() else {
            break;
        };
        let foreign = site.path(&format!(
            "/tokens?principal_type=identity&page_token={next}"
        ));
        test.manage(Method::GET, &foreign, None).await.refused(400);
        query = format!("?page_token={next}");
    }
    assert_eq!(found, issued);
    assert_eq!(ids(&list(&test, &site, "?skip=4").await), issued[4..]);
}

async fn e4_a_revoked_token_holds_nowhere_on_this_node_from_then_on(test: TestApp) {
    let (site, ada) = (site(&test).await, Person::new(&test, "ada").await);
    let (revoked, kept) = (
        token_of(&test, &site, &ada).await,
        token_of(&test, &site, &ada).await,
    );
    revoke(&test, &site, &jti(&revoked)).await.ok_empty();
    site.userinfo(&test, &revoked)
        .await
        .oauth_error(401, "invalid_token");
    site.userinfo(&test, &kept).await.ok();
    assert_eq!(
        ids(&list(&test, &site, "").await),
        [jti(&kept).as_str().unwrap()]
    );
    revoke(&test, &site, &jti(&revoked)).await.refused(404);
    assert_eq!(test.events("TokenOperation").await, ["REVOKED"]);
}

async fn e4_a_revoked_management_token_is_refused(test: TestApp) {
    let application = test.made.management.clone();
    let management = Site {
        application,
        config: test.made.console_config.clone(),
        secret: test.made.management_secret.clone(),
    };
    let token = own_management_token(&test, &management).await;
    assert_eq!(status(&test, &token).await, 200);
    revoke(&test, &management, &jti(&token)).await.ok_empty();
    assert_eq!(status(&test, &token).await, 401);
}

async fn e4_another_node_knows_a_revocation_when_it_has_reread_the_generation(test: TestApp) {
    let site = site(&test).await;
    let (first, second) = (own_token(&test, &site).await, own_token(&test, &site).await);
    let realm = test.made.realm.at();
    let elsewhere = Revocations::new(test.app.db.clone(), test.app.clock.clone());
    let knows = |token: &str| {
        let id = jti(token).as_str().unwrap().parse().unwrap();
        elsewhere.contains(realm, id)
    };
    elsewhere.refresh().await.unwrap();
    for token in [&first, &second] {
        revoke(&test, &site, &jti(token)).await.ok_empty();
        assert!(!knows(token));
        elsewhere.refresh().await.unwrap();
        assert!(knows(token));
    }
    assert!(knows(&first));
    // It is forgotten when the token would have expired anyway.
    test.clock.advance(Seconds(86_400));
    elsewhere.shrink(test.app.now());
    assert!(!knows(&first) && !knows(&second));
}

async fn e4_only_revocations_since_the_last_read_are_read(test: TestApp) {
    let site = site(&test).await;
    let tokens = [
        own_token(&test, &site).await,
        own_token(&test, &site).await,
        own_token(&test, &site).await,
    ];
    let (tenant, now) = (test.made.tenant.id, test.app.now());
    let mut since = -1;
    for token in &tokens {
        revoke(&test, &site, &jti(token)).await.ok_empty();
        let read = async move |rx: &mut Rx| {
            let revoked = store::revoked_since(rx, tenant, since, now).await?;
            Ok((revoked, store::generations(rx).await?))
        };
        let (revoked, generations) = test.app.db.read(read).await.unwrap();
        let found: Vec<String> = revoked.iter().map(|token| token.id.to_string()).collect();
        assert_eq!(found, [jti(token).as_str().unwrap()]);
        since = generations.iter().find(|(of, _)| *of == tenant).unwrap().1;
    }
    // A node of an older version writes no revision. A restored database is behind what was known.
    let elsewhere = Revocations::new(test.app.db.clone(), test.app.clock.clone());
    elsewhere.refresh().await.unwrap();
    let older = own_token(&test, &site).await;
    let (realm, id) = (test.made.realm.at(), token_id(&older));
    let expires_at = now + Seconds::DAY;
    let change = async move |tx: &mut Tx| -> Result<()> {
        let row = "INSERT INTO revoked_tokens (tenant_id, realm_id, token_id, expires_at)
            VALUES ($1, $2, $3, $4)";
        tx.exec(row, &(realm, id, expires_at)).await?;
        let raise = "UPDATE revocation_generations SET generation = generation + 1";
        tx.exec(raise, &()).await?;
        Ok(())
    };
    test.app.db.write(change).await.unwrap();
    elsewhere.refresh().await.unwrap();
    assert!(elsewhere.contains(realm, id));
    let last = own_token(&test, &site).await;
    let restore = async move |tx: &mut Tx| -> Result<()> {
        tx.exec("UPDATE revocation_generations SET generation = 1", &())
            .await?;
        Ok(())
    };
    test.app.db.write(restore).await.unwrap();
    revoke(&test, &site, &jti(&last)).await.ok_empty();
    elsewhere.refresh().await.unwrap();
    assert!(elsewhere.contains(realm, token_id(&last)));
}

/// Two nodes revoke at once, and the one that began first commits last. A node that reads in
/// between misses neither.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e4_revocations_become_visible_in_the_order_of_their_revisions_on_postgres() {
    let test = Arc::new(TestApp::postgres().await);
    let site = Arc::new(site(&test).await);
    let (first, second) = (own_token(&test, &site).await, own_token(&test, &site).await);
    let realm = test.made.realm.at();
    let elsewhere = Revocations::new(test.app.db.clone(), test.app.clock.clone());
    let zeroth = own_token(&test, &site).await;
    revoke(&test, &site, &jti(&zeroth)).await.ok_empty();
    elsewhere.refresh().await.unwrap();

    let held = HeldTransaction::begin(test.database()).await;
    let tenant = test.made.tenant.id;
    let raise =
        "UPDATE revocation_generations SET generation = generation + 1 WHERE tenant_id = $1";
    assert_eq!(held.exec(raise, &tenant).await, 1);
    let (racing, client, id) = (test.clone(), site.clone(), jti(&second));
    let racer = tokio::spawn(async move { revoke(&racing, &client, &id).await });
    // The other revocation waits, so this read sees neither.
    elsewhere.refresh().await.unwrap();
    let row = "INSERT INTO revoked_tokens (tenant_id, realm_id, token_id, expires_at, revision)
        SELECT $1, $2, $3, $4, generation FROM revocation_generations WHERE tenant_id = $1";
    let expires_at = test.app.now() + Seconds::DAY;
    held.exec(row, &(realm, token_id(&first), expires_at)).await;
    held.commit_against(racer).await.ok_empty();
    elsewhere.refresh().await.unwrap();
    for token in [&zeroth, &first, &second] {
        assert!(elsewhere.contains(realm, token_id(token)));
    }
}

async fn e4_a_node_that_starts_knows_what_was_revoked_before(test: TestApp) {
    let site = site(&test).await;
    let token = own_token(&test, &site).await;
    revoke(&test, &site, &jti(&token)).await.ok_empty();
    let restarted = Revocations::new(test.app.db.clone(), test.app.clock.clone());
    restarted.refresh().await.unwrap();
    let id = jti(&token).as_str().unwrap().parse().unwrap();
    assert!(restarted.contains(test.made.realm.at(), id));
    assert!(!restarted.contains(test.made.tenant.at().realm_id(test.new_realm().await), id));
}

async fn e4_what_is_wrong_with_one_tenants_list_hides_no_other_tenants_revocations(test: TestApp) {
    let site = site(&test).await;
    let token = own_token(&test, &site).await;
    revoke(&test, &site, &jti(&token)).await.ok_empty();
    let tenant = test.made.tenant.id;
    let unreadable = async move |tx: &mut Tx| -> Result<()> {
        for id in [TenantId::from_i64(1), TenantId::from_i64(i64::MAX)] {
            let list = "INSERT INTO revoked_tokens SELECT $1, realm_id, $2, expires_at, 1
                FROM revoked_tokens WHERE tenant_id = $3";
            let generation = "INSERT INTO revocation_generations VALUES ($1, 1)";
            tx.exec(list, &(id, b"short".to_vec(), tenant)).await?;
            tx.exec(generation, &id).await?;
        }
        Ok(())
    };
    test.app.db.write(unreadable).await.unwrap();
    let elsewhere = Revocations::new(test.app.db.clone(), test.app.clock.clone());
    elsewhere.refresh().await.unwrap();
    let id = jti(&token).as_str().unwrap().parse().unwrap();
    assert!(elsewhere.contains(test.made.realm.at(), id));
}

async fn expired_tokens_are_neither_listed_nor_kept(test: TestApp) {
    let site = site(&test).await;
    for _ in 0..105 {
        own_token(&test, &site).await;
    }
    let revoked = own_token(&test, &site).await;
    revoke(&test, &site, &jti(&revoked)).await.ok_empty();
    test.clock.advance(Seconds(86_399));
    assert_eq!(ops::sweep(&test.app).await.unwrap(), 0);
    let living = own_token(&test, &site).await;
    test.clock.advance(Seconds(1));
    assert_eq!(
        ids(&list(&test, &site, "").await),
        [jti(&living).as_str().unwrap()]
    );
    revoke(&test, &site, &jti(&revoked)).await.refused(404);
    assert_eq!(ops::sweep(&test.app).await.unwrap(), 106);
    assert_eq!(test.count("SELECT COUNT(*) FROM issued_tokens").await, 1);
    assert_eq!(test.count("SELECT COUNT(*) FROM revoked_tokens").await, 0);
}

async fn a_token_that_could_not_be_written_down_is_not_handed_out(test: TestApp) {
    let site = site(&test).await;
    own_token(&test, &site).await;
    test.app.db.close().await;
    let form = "grant_type=client_credentials".to_owned();
    site.token(&test, form)
        .await
        .oauth_error(503, "temporarily_unavailable");
}

async fn own_management_token(test: &TestApp, management: &Site) -> String {
    let form = "grant_type=client_credentials".to_owned();
    let answer = management.token(test, form).await.ok();
    answer["access_token"].as_str().unwrap().to_owned()
}
