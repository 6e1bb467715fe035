//! No token passes for another, and none leaves its application and realm.

use axum::body::Body;
use axum::http::{Method, Request};
use keymoor_oauth::jose::{self, JwtHeader, TokenType};
use serde_json::json;

use super::*;
use crate::base::refs::RealmRef;
use crate::testing::both_apps;
use crate::testing::sign_in::{another_realm, as_form, claims_of};

both_apps!(
    c6_only_the_management_application_gets_management_tokens,
    c6_a_person_gets_no_management_token_before_there_are_roles,
    c6_no_kind_of_token_passes_as_another,
    userinfo_reads_the_token_from_a_form_rfc_6750_section_2_2,
    userinfo_is_for_the_applications_own_tokens_of_people,
    tokens_and_codes_stay_in_their_realm,
);

async fn c6_only_the_management_application_gets_management_tokens(test: TestApp) {
    let management = &test.made.management;
    let path = |id| format!("{}/{id}/token", test.realm_path("/applications"));
    let body = format!(
        "grant_type=client_credentials&client_id={}&client_secret={}",
        management.client_id,
        test.made.management_secret.expose()
    );
    let answer = test
        .auth(as_form(Request::post(path(management.id)), body))
        .await;
    let token = token_of(&answer);
    assert_eq!(claims_of(&token)["aud"], json!(["urn:keymoor:management"]));
    assert_eq!(manage(&test, &token).await.status, 404);

    let site = machine(&test).await;
    let token = token_of(
        &site
            .token(&test, "grant_type=client_credentials".to_owned())
            .await,
    );
    manage(&test, &token).await.refused(401);
}

async fn c6_a_person_gets_no_management_token_before_there_are_roles(test: TestApp) {
    let site = Site::with(&test, |site| {
        site.application.resource_server_id = test.made.management.resource_server_id;
        let allowed = test.made.management.protocol.allowed_scopes.clone();
        site.application.protocol.allowed_scopes = allowed;
    })
    .await;
    let ada = Person::new(&test, "ada").await;
    let code = site
        .sign_in(&test, &ada, &[("scope", "openid realms:read")])
        .await;
    let token = token_of(&site.redeem(&test, &code, &[]).await);
    assert_eq!(
        claims_of(&token)["aud"],
        json!([site.application.client_id])
    );
    manage(&test, &token).await.refused(401);
}

async fn c6_no_kind_of_token_passes_as_another(test: TestApp) {
    let (site, ada) = site_and_ada(&test).await;
    let started = site.start(&test, &[]).await;
    let code = site.sign_in(&test, &ada, &[]).await;
    let body = site.redeem(&test, &code, &[]).await.ok();
    let access = body["access_token"].as_str().unwrap();
    let id_token = body["id_token"].as_str().unwrap();
    site.userinfo(&test, access).await.ok();
    // The claims of a good access token under the types of the others.
    let keys = keys(&test).await;
    let key = keys.signing(jose::Algorithm::Es256).unwrap();
    let relabelled = |typ| key.sign(JwtHeader { typ, jku: None }, &claims_of(access));
    site.userinfo(&test, &relabelled(TokenType::AccessToken))
        .await
        .ok();
    let impostors = [
        id_token.to_owned(),
        started.jwt.clone(),
        code.clone(),
        relabelled(TokenType::IdToken),
        relabelled(TokenType::Request),
    ];
    for token in &impostors {
        site.userinfo(&test, token)
            .await
            .oauth_error(401, "invalid_token");
        manage(&test, token).await.refused(401);
    }
    site.redeem(&test, access, &[])
        .await
        .oauth_error(400, "invalid_grant");
    let proof = json!({ "Jwt": access });
    site.answer(&test, &proof).await.refused(400);
}

async fn userinfo_reads_the_token_from_a_form_rfc_6750_section_2_2(test: TestApp) {
    let (site, ada) = site_and_ada(&test).await;
    let code = site.sign_in(&test, &ada, &[]).await;
    let token = token_of(&site.redeem(&test, &code, &[]).await);
    let expected = json!({ "sub": ada.identity.id.to_string() });
    let post = || Request::post(site.path("/userinfo"));
    let with_header = || post().header("authorization", format!("Bearer {token}"));
    let form = format!("access_token={token}");

    let answer = test.auth(as_form(post(), form.clone())).await;
    assert_eq!(answer.ok(), expected);
    for body in ["", "x=1"] {
        let answer = test.auth(as_form(with_header(), body.to_owned())).await;
        assert_eq!(answer.ok(), expected);
    }
    let as_json = with_header().header("content-type", "application/json");
    let answer = test.auth(as_json.body(Body::from("{}")).unwrap()).await;
    assert_eq!(answer.ok(), expected);

    // Section 2: a request has at most one token.
    for request in [
        as_form(with_header(), form.clone()),
        as_form(post(), format!("{form}&{form}")),
    ] {
        test.auth(request).await.oauth_error(400, "invalid_request");
    }
    test.auth(as_form(post(), "access_token=x".to_owned()))
        .await
        .oauth_error(401, "invalid_token");
    // Only in forms, and never in a URL (section 5.3).
    let not_a_form = post().header("content-type", "text/plain");
    let in_query = Request::post(site.path(&format!("/userinfo?{form}")));
    for request in [
        as_form(post(), "x=1".to_owned()),
        not_a_form.body(Body::from(form.clone())).unwrap(),
        post().body(Body::from(form.clone())).unwrap(),
        in_query.body(Body::empty()).unwrap(),
    ] {
        let answer = test.auth(request).await;
        assert_eq!(answer.status, 401);
        assert_eq!(
            answer.header("www-authenticate"),
            r#"Bearer realm="keymoor""#
        );
        assert_eq!(answer.text, "");
    }
}

async fn userinfo_is_for_the_applications_own_tokens_of_people(test: TestApp) {
    let (site, ada) = site_and_ada(&test).await;
    let other = Site::new(&test).await;
    let code = site.sign_in(&test, &ada, &[]).await;
    let token = token_of(&site.redeem(&test, &code, &[]).await);
    let post =
        Request::post(site.path("/userinfo")).header("authorization", format!("Bearer {token}"));
    let info = test.auth(post.body(Body::empty()).unwrap()).await.ok();
    assert_eq!(info, json!({ "sub": ada.identity.id.to_string() }));
    let answer = other.userinfo(&test, &token).await;
    answer.oauth_error(401, "invalid_token");
    assert_eq!(
        answer.header("www-authenticate"),
        r#"Bearer realm="keymoor", error="invalid_token""#
    );
    let bare = site.get(&test, "/userinfo").await;
    assert_eq!(bare.status, 401);
    assert_eq!(bare.header("www-authenticate"), r#"Bearer realm="keymoor""#);

    let machine = machine(&test).await;
    let own = token_of(
        &machine
            .token(&test, "grant_type=client_credentials".to_owned())
            .await,
    );
    machine
        .userinfo(&test, &own)
        .await
        .oauth_error(401, "invalid_token");
    ada.suspend(&test).await;
    site.userinfo(&test, &token)
        .await
        .oauth_error(401, "invalid_token");
}

async fn tokens_and_codes_stay_in_their_realm(test: TestApp) {
    let (site, ada) = site_and_ada(&test).await;
    let there = (test.made.tenant.id, another_realm(&test).await);
    let foreign = Site::of(&test, there, |_| ()).await;
    let code = site.sign_in(&test, &ada, &[]).await;
    foreign
        .redeem(&test, &code, &[])
        .await
        .oauth_error(400, "invalid_grant");
    let token = token_of(&site.redeem(&test, &code, &[]).await);
    foreign
        .userinfo(&test, &token)
        .await
        .oauth_error(401, "invalid_token");
    // A token that claims to be theirs, signed with our key.
    test.app
        .keys
        .ensure(
            RealmRef {
                tenant_id: there.0,
                realm_id: there.1,
            },
            jose::Algorithm::Es256,
        )
        .await
        .unwrap();
    let keys = keys(&test).await;
    let mut claims = claims_of(&token);
    claims["iss"] = foreign.issuer().into();
    claims["azp"] = claims["azp"]
        .as_str()
        .unwrap()
        .replace(&site.application.realm_id.to_string(), &there.1.to_string())
        .replace(
            &site.application.id.to_string(),
            &foreign.application.id.to_string(),
        )
        .into();
    let header = JwtHeader {
        typ: TokenType::AccessToken,
        jku: None,
    };
    let forged = keys
        .signing(jose::Algorithm::Es256)
        .unwrap()
        .sign(header, &claims);
    foreign
        .userinfo(&test, &forged)
        .await
        .oauth_error(401, "invalid_token");
}

/// A management call with `token` that would be 404 if the token were good for it.
async fn manage(test: &TestApp, token: &str) -> Answer {
    let path =
        test.realm_path("/identities/0000000000000001/credential-binding-jobs/0000000000000001");
    let request = Request::builder()
        .method(Method::GET)
        .uri(path)
        .header("authorization", format!("Bearer {token}"));
    test.management(request.body(Body::empty()).unwrap()).await
}
