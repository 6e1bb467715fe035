//! Many answers to one challenge, many redemptions of one code: one of each wins.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::*;
use crate::slices::identities::model::Identity;
use crate::testing::held;

both_apps!(
    c3_of_fifty_answers_to_one_challenge_one_gets_a_code,
    c4_of_fifty_posts_of_a_denied_proof_one_is_denied_and_the_rest_are_replays,
    c7_of_fifty_redemptions_of_one_code_one_gets_a_token,
);

const TASKS: usize = 50;

async fn c3_of_fifty_answers_to_one_challenge_one_gets_a_code(test: TestApp) {
    let site = Arc::new(Site::new(&test).await);
    let ada = Person::new(&test, "ada").await;
    let started = site.start(&test, &[]).await;
    let test = Arc::new(test);
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (test, site) = (test.clone(), site.clone());
        let proof = ada.proof(&test, &started);
        tasks.spawn(async move { site.answer(&test, &proof).await });
    }
    let answers = tasks.join_all().await;
    let allowed = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(allowed, 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        let body = answer.refused(400);
        assert_eq!(
            body["details"][0]["field_violations"][0]["description"],
            "the sign-in request was already answered"
        );
    }
    assert_eq!(
        test.count("SELECT COUNT(*) FROM authorization_codes").await,
        1
    );
    let outcomes = test.events("AuthenticationTransaction").await;
    let allowed = outcomes
        .iter()
        .filter(|outcome| *outcome == "COMPLETE:ALLOW");
    // The first replay is an event. The others are counted.
    assert_eq!((allowed.count(), outcomes.len()), (1, 2));
}

async fn c4_of_fifty_posts_of_a_denied_proof_one_is_denied_and_the_rest_are_replays(test: TestApp) {
    let site = Arc::new(Site::new(&test).await);
    let ada = Person::new(&test, "ada").await;
    let started = site.start(&test, &[]).await;
    ada.suspend(&test).await;
    let proof = ada.proof(&test, &started);
    let test = Arc::new(test);
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (test, site, proof) = (test.clone(), site.clone(), proof.clone());
        tasks.spawn(async move { site.answer(&test, &proof).await });
    }
    let answers = tasks.join_all().await;
    let denied: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .collect();
    assert_eq!(denied.len(), 1);
    assert_eq!(denied[0].json()["type"], "deny");
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.refused(400);
    }
    assert_eq!(test.events("AuthorizeRequest").await, ["ACCEPTED"]);
    let outcomes = test.events("AuthenticationTransaction").await;
    let denied = outcomes
        .iter()
        .filter(|outcome| *outcome == "COMPLETE:DENY");
    // The first replay is an event. The others are counted.
    assert_eq!((denied.count(), outcomes.len()), (1, 2));
}

async fn c7_of_fifty_redemptions_of_one_code_one_gets_a_token(test: TestApp) {
    let site = Arc::new(Site::new(&test).await);
    let ada = Person::new(&test, "ada").await;
    let code = site.sign_in(&test, &ada, &[]).await;
    let test = Arc::new(test);
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (test, site, code) = (test.clone(), site.clone(), code.clone());
        tasks.spawn(async move { site.redeem(&test, &code, &[]).await });
    }
    let answers = tasks.join_all().await;
    let redeemed: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 200)
        .collect();
    assert_eq!(redeemed.len(), 1);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.oauth_error(400, "invalid_grant");
    }
    // A code that is presented again may have been stolen, so its token no longer holds.
    let token = redeemed[0].json()["access_token"]
        .as_str()
        .unwrap()
        .to_owned();
    site.userinfo(&test, &token)
        .await
        .oauth_error(401, "invalid_token");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c3_a_suspension_that_commits_first_wins_against_redemption_on_postgres() {
    let test = Arc::new(TestApp::postgres().await);
    let (site, ada) = (
        Arc::new(Site::new(&test).await),
        Person::new(&test, "ada").await,
    );
    let code = site.sign_in(&test, &ada, &[]).await;
    let Identity {
        tenant_id,
        realm_id,
        id,
        ..
    } = ada.identity;
    let suspension = held::suspension(&test, (tenant_id, realm_id, id)).await;
    let (racing, client) = (test.clone(), site.clone());
    let racer = tokio::spawn(async move { client.redeem(&racing, &code, &[]).await });
    let refused = suspension.commit_against(racer).await;
    refused.oauth_error(400, "invalid_grant");
    let redeemed = "SELECT COUNT(*) FROM authorization_codes WHERE redeemed_at IS NOT NULL";
    assert_eq!(test.count(redeemed).await, 0);
}
