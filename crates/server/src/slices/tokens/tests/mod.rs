//! What the management API accepts as a token, and everything it must not.

mod listed;

use axum::body::Body;
use axum::http::Request;
use keymoor_oauth::claims::{AccessTokenClaims, Principal, TargetRealm};
use keymoor_oauth::client::GrantType;
use keymoor_oauth::jose::{Algorithm, JwtHeader, SigningKey, TokenType};
use keymoor_oauth::scope::ScopeSet;
use keymoor_types::{ApplicationId, RealmId, TenantId};

use super::model::TokenId;
use crate::base::scope;
use crate::base::scope::MANAGEMENT_AUDIENCE;
use crate::slices::applications::issuer;
use crate::testing::{TestApp, both_apps};

both_apps!(
    c6_only_a_living_token_for_the_management_api_is_accepted,
    e4_what_an_application_may_no_longer_do_its_tokens_may_not_either,
);

/// The claims of a token that is accepted.
fn good(test: &TestApp) -> AccessTokenClaims {
    let application = &test.made.management;
    let principal = application.at().principal();
    let now = test.app.now().as_seconds();
    AccessTokenClaims {
        iss: issuer::url(&test.app, application.at()),
        sub: application.client_id.clone(),
        aud: vec![MANAGEMENT_AUDIENCE.to_owned()],
        exp: now + 60,
        nbf: now,
        iat: now,
        jti: TokenId::generate(test.app.now(), &*test.app.rng).to_string(),
        scope: ScopeSet::from_tokens(scope::ALL.iter().copied()).unwrap(),
        client_id: application.client_id.clone(),
        azp: principal,
        bi_p: principal,
        bi_t: application.tenant_id,
        bi_r: TargetRealm::Every,
        bi_ty: GrantType::ClientCredentials,
    }
}

/// What a GET of the admin realm's jobs answers to this token.
async fn status(test: &TestApp, token: &str) -> u16 {
    let path = test.realm_path("/identities/-/credential-binding-jobs");
    let request = Request::get(path).header("authorization", format!("Bearer {token}"));
    test.management(request.body(Body::empty()).unwrap())
        .await
        .status
        .as_u16()
}

async fn sign(test: &TestApp, typ: TokenType, claims: &AccessTokenClaims) -> String {
    let keys = test.app.keys.of(test.made.realm.at()).await.unwrap();
    keys.signing(Algorithm::Es256)
        .unwrap()
        .sign(JwtHeader { typ, jku: None }, claims)
}

/// Claims that are not accepted, each for one reason.
fn bad(test: &TestApp, good: &AccessTokenClaims) -> Vec<(&'static str, AccessTokenClaims)> {
    let (tenant_id, realm_id) = (test.made.tenant.id, test.made.realm.id);
    let other_application = ApplicationId::generate(test.app.now(), &*test.app.rng);
    let azp = |realm_id, application_id| Principal::Application {
        tenant_id,
        realm_id,
        application_id,
    };
    let other_issuer = issuer::url(
        &test.app,
        test.made.realm.at().application_id(other_application),
    );
    let with = |change: &dyn Fn(&mut AccessTokenClaims)| {
        let mut claims = good.clone();
        change(&mut claims);
        claims
    };
    vec![
        ("no audience", with(&|c| c.aud.clear())),
        (
            "a foreign audience",
            with(&|c| c.aud = vec!["https://api.example".to_owned()]),
        ),
        (
            "an audience in other letters",
            with(&|c| c.aud = vec![MANAGEMENT_AUDIENCE.to_uppercase()]),
        ),
        ("two audiences", with(&|c| c.aud.push("x".to_owned()))),
        ("one realm", with(&|c| c.bi_r = TargetRealm::One(realm_id))),
        ("an end in the past", with(&|c| c.exp = c.iat)),
        ("a start far ahead", with(&|c| c.nbf = c.iat + 3_600)),
        ("another tenant", with(&|c| c.bi_t = TenantId::from_i64(1))),
        ("another issuer", with(&|c| c.iss.clone_from(&other_issuer))),
        (
            "another realm's application",
            with(&|c| c.azp = azp(RealmId::from_i64(1), test.made.management.id)),
        ),
        (
            "an id that is none",
            with(&|c| c.jti = "a token".to_owned()),
        ),
        (
            "an application that does not exist",
            with(&|c| {
                c.azp = azp(realm_id, other_application);
                c.iss.clone_from(&other_issuer);
            }),
        ),
    ]
}

async fn c6_only_a_living_token_for_the_management_api_is_accepted(test: TestApp) {
    let claims = good(&test);
    assert_eq!(
        status(&test, &sign(&test, TokenType::AccessToken, &claims).await).await,
        200
    );
    for (what, claims) in bad(&test, &claims) {
        let token = sign(&test, TokenType::AccessToken, &claims).await;
        assert_eq!(status(&test, &token).await, 401, "a token with {what}");
    }
    for typ in [TokenType::IdToken, TokenType::Request] {
        assert_eq!(
            status(&test, &sign(&test, typ, &claims).await).await,
            401,
            "{typ:?}"
        );
    }
    let stranger = SigningKey::generate(Algorithm::Es256).unwrap();
    let header = JwtHeader {
        typ: TokenType::AccessToken,
        jku: None,
    };
    assert_eq!(status(&test, &stranger.sign(header, &claims)).await, 401);
    for nonsense in ["", "x", "a.b.c", "e30.e30.e30"] {
        assert_eq!(status(&test, nonsense).await, 401, "{nonsense:?}");
    }
}

async fn e4_what_an_application_may_no_longer_do_its_tokens_may_not_either(test: TestApp) {
    let token = sign(&test, TokenType::AccessToken, &good(&test)).await;
    let mut protocol = test.made.management.protocol.clone();
    protocol.allowed_scopes = ScopeSet::from_tokens(["realms:read"]).unwrap();
    let id = test.made.management.id;
    test.app
        .db
        .write(async move |tx| {
            let protocol = crate::db::Json(&protocol);
            let sql = "UPDATE applications SET protocol_config = $2 WHERE application_id = $1";
            Ok(tx.exec(sql, &(id, protocol)).await?)
        })
        .await
        .unwrap();
    test.clock.advance(keymoor_types::Seconds(5));
    assert_eq!(status(&test, &token).await, 403);
}
