//! Registrations with options of the server's making.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymoor_testkit::{Authenticator, CredentialKey, RegistrationOptions, SoftwareKey, flags};
use keymoor_types::Seconds;
use serde_json::{Value, json};

use super::proofs::{HOST, does_not_verify};
use super::{APP, Customers, Job, row_counts};
use crate::slices::authenticator_configs::model::AuthenticationMethod;
use crate::testing::{Answer, TestApp, both_apps};

both_apps!(
    a_device_is_offered_options_with_a_challenge_of_its_own,
    the_rp_id_is_the_asking_pages_host_or_that_of_the_first_trusted_origin,
    e8_a_config_without_webauthn_offers_nothing,
    a_config_without_a_website_offers_nothing,
    d2_web_views_bind_where_they_are_trusted,
    d2_an_extension_of_chrome_binds_a_credential_of_its_own,
    a_registration_binds_whatever_the_algorithm,
    active_credentials_of_the_rp_id_are_excluded,
    a12_bad_registrations_all_look_alike_and_change_nothing,
    a12_bad_envelopes_look_like_bad_registrations,
    a_challenge_is_answered_within_ten_minutes,
    a_challenge_is_of_one_job_and_dies_with_it,
    b4_a_credential_is_bound_once_in_a_realm,
);

const SECOND: &str = "https://second.example";

async fn options(test: &TestApp, job: &Job) -> Value {
    options_for(test, job, &[("origin", APP)]).await
}

async fn options_for(test: &TestApp, job: &Job, headers: &[(&str, &str)]) -> Value {
    let info = job.post(test, "getInfo", headers, String::new()).await.ok();
    info["fido2"]["creation_options"].clone()
}

/// What is wrong with a registration, and how it comes to be.
type Spoil<'a> = (&'a str, &'a dyn Fn(&mut RegistrationOptions));

/// What a browser does with the options.
fn registration(options: &Value) -> RegistrationOptions {
    let mut registration = RegistrationOptions::new(APP, HOST, "", "");
    let challenge = options["challenge"].as_str().expect("options");
    registration.challenge = URL_SAFE_NO_PAD.decode(challenge).unwrap();
    registration
}

async fn bind(test: &TestApp, job: &Job, response: &Value) -> Answer {
    job.bind(test, "FIDO2", &response.to_string()).await
}

async fn bind_new_key(test: &TestApp, job: &Job) -> Value {
    let options = options(test, job).await;
    let response = Authenticator::generate().register_json(&registration(&options));
    bind(test, job, &response).await.ok();
    response
}

async fn a_device_is_offered_options_with_a_challenge_of_its_own(test: TestApp) {
    let customers = Customers::new(&test).await;
    let (one, two) = (customers.job(&test).await, customers.job(&test).await);
    let mut offered = Vec::new();
    for job in [&one, &one, &two] {
        let mut options = options(&test, job).await;
        offered.push((
            options["challenge"].take(),
            options["user"]["id"].take(),
            options,
        ));
    }
    let [(a, user, options), (b, _, _), (c, another, _)] = &offered[..] else {
        panic!()
    };
    assert!(a != b && b != c && a != c);
    assert_eq!(
        user, another,
        "an authenticator knows a person by one handle"
    );
    let handle = URL_SAFE_NO_PAD.decode(user.as_str().unwrap()).unwrap();
    assert_eq!(handle, customers.identity.user_handle.as_bytes());
    assert_eq!(handle.len(), 32);
    assert_eq!(
        *options,
        json!({
            "challenge": null,
            "rp": { "id": HOST, "name": "Customers" },
            "user": { "id": null, "name": "user1", "displayName": "User One" },
            "pubKeyCredParams": [
                { "type": "public-key", "alg": -7 },
                { "type": "public-key", "alg": -8 },
                { "type": "public-key", "alg": -35 },
                { "type": "public-key", "alg": -257 },
            ],
            "timeout": 300_000,
            "excludeCredentials": [],
            "authenticatorSelection": {
                "residentKey": "required",
                "requireResidentKey": true,
                "userVerification": "required",
            },
            "hints": ["client-device"],
            "attestation": "direct",
        })
    );
}

async fn the_rp_id_is_the_asking_pages_host_or_that_of_the_first_trusted_origin(test: TestApp) {
    let customers = Customers::with(&test, |_, embedded| {
        embedded.trusted_origins = vec!["acme://app".to_owned(), APP.to_owned(), SECOND.to_owned()];
    })
    .await;
    let job = customers.job(&test).await;
    for (headers, host) in [
        (&[("origin", SECOND)][..], "second.example"),
        (&[("origin", APP)][..], HOST),
        (&[("origin", "http://localhost:8021")][..], HOST),
        (&[][..], HOST),
    ] {
        assert_eq!(
            options_for(&test, &job, headers).await["rp"]["id"],
            host,
            "{headers:?}"
        );
    }
}

async fn e8_a_config_without_webauthn_offers_nothing(test: TestApp) {
    let customers = Customers::with(&test, |_, embedded| {
        let methods = vec![AuthenticationMethod::SoftwarePasskey];
        embedded.authentication_methods = Some(methods);
    })
    .await;
    let info = customers.job(&test).await.info(&test).await.ok();
    assert!(info.get("fido2").is_none(), "{info}");
}

async fn a_config_without_a_website_offers_nothing(test: TestApp) {
    let customers = Customers::with(&test, |_, embedded| {
        embedded.invoke_url = "acme://go".to_owned();
        embedded.trusted_origins = Vec::new();
    })
    .await;
    let info = customers.job(&test).await.info(&test).await.ok();
    assert!(info.get("fido2").is_none(), "{info}");
}

async fn a_registration_binds_whatever_the_algorithm(test: TestApp) {
    let customers = Customers::new(&test).await;
    for key in CredentialKey::one_of_each() {
        let job = customers.job(&test).await;
        let options = options(&test, &job).await;
        let response = Authenticator::with_key(key).register_json(&registration(&options));
        bind(&test, &job, &response).await.ok();
        assert_eq!(job.state(&test).await, "COMPLETE");
    }
    let bound = "SELECT COUNT(*) FROM credentials
            WHERE csr_type = 'FIDO2' AND rp_id = 'app.example' AND webauthn_id IS NOT NULL";
    assert_eq!(test.count(bound).await, 4);
}

async fn active_credentials_of_the_rp_id_are_excluded(test: TestApp) {
    let customers = Customers::with(&test, |_, embedded| {
        embedded.trusted_origins = vec![APP.to_owned(), SECOND.to_owned()];
    })
    .await;
    let bound = bind_new_key(&test, &customers.job(&test).await).await;
    let job = customers.job(&test).await;
    let known = json!([{ "type": "public-key", "id": bound["id"] }]);
    assert_eq!(options(&test, &job).await["excludeCredentials"], known);
    let elsewhere = options_for(&test, &job, &[("origin", SECOND)]).await;
    assert_eq!(elsewhere["excludeCredentials"], json!([]));
}

async fn a12_bad_registrations_all_look_alike_and_change_nothing(test: TestApp) {
    let customers = Customers::with(&test, |_, embedded| {
        embedded.trusted_origins = vec![APP.to_owned(), SECOND.to_owned()];
    })
    .await;
    let before = row_counts(&test).await;
    let another = options(&test, &customers.job(&test).await).await;
    let authenticator = Authenticator::from_seed(8);
    let mut foreign_key = SoftwareKey::from_seed(8).cose();
    let algorithm = foreign_key
        .windows(2)
        .position(|pair| pair == [0x03, 0x26])
        .unwrap();
    // ES512, which nobody offered.
    foreign_key.splice(algorithm..algorithm + 2, [0x03, 0x38, 0x23]);
    let spoils: [Spoil<'_>; 14] = [
        ("over another job's challenge", &|o| {
            o.challenge = registration(&another).challenge;
        }),
        ("over an altered challenge", &|o| o.challenge[40] ^= 1),
        ("over a truncated challenge", &|o| o.challenge.truncate(40)),
        ("over a challenge of its own", &|o| {
            o.challenge = vec![7; 32];
        }),
        ("over no challenge", &|o| o.challenge.clear()),
        ("from an untrusted origin", &|o| {
            o.client_data.origin = "https://evil.example".to_owned();
        }),
        ("from another trusted origin", &|o| {
            o.client_data.origin = SECOND.to_owned();
        }),
        ("for another RP ID", &|o| {
            o.rp_id = "second.example".to_owned();
        }),
        ("of another page and RP ID", &|o| {
            o.client_data.origin = SECOND.to_owned();
            o.rp_id = "second.example".to_owned();
        }),
        ("without user verification", &|o| o.flags &= !flags::UV),
        ("without user presence", &|o| o.flags &= !flags::UP),
        ("from a cross-origin frame", &|o| {
            o.client_data.cross_origin = Some(true);
        }),
        ("of the other ceremony", &|o| {
            o.client_data.kind = "webauthn.get".to_owned();
        }),
        ("with an algorithm that was not offered", &|o| {
            o.cose_key = Some(foreign_key.clone());
        }),
    ];
    for (why, spoil) in spoils {
        let job = customers.job(&test).await;
        let mut lie = registration(&options(&test, &job).await);
        spoil(&mut lie);
        let answer = bind(&test, &job, &authenticator.register_json(&lie)).await;
        does_not_verify(&answer, why);
        assert_eq!(job.state(&test).await, "REQUEST_DELIVERED");
    }
    assert_eq!(row_counts(&test).await, before);
}

async fn a12_bad_envelopes_look_like_bad_registrations(test: TestApp) {
    let customers = Customers::new(&test).await;
    let before = row_counts(&test).await;
    let job = customers.job(&test).await;
    let options = options(&test, &job).await;
    let authenticator = Authenticator::from_seed(9);
    let good = authenticator.register_json(&registration(&options));
    let with = |pointer: &str, value: Value| {
        let mut response = good.clone();
        *response.pointer_mut(pointer).unwrap() = value;
        response
    };
    let mut both_ids = with("/id", "AAAA".into());
    both_ids["rawId"] = "AAAA".into();
    let token_as_challenge = RegistrationOptions::new(APP, HOST, &job.subject(), &job.token);
    let over_token = authenticator.register_json(&token_as_challenge);
    for (why, response) in [
        ("with ids that differ", with("/rawId", "AAAA".into())),
        ("with another credential's id", both_ids),
        (
            "with padded base64",
            with("/response/attestationObject", "AAA=".into()),
        ),
        ("of another type", with("/type", "password".into())),
        ("over the link's token", over_token),
    ] {
        does_not_verify(&bind(&test, &job, &response).await, why);
    }
    for (why, kind, raw) in [
        (
            "of the other mechanism",
            "FIDO2",
            authenticator.register(&token_as_challenge),
        ),
        (
            "sent as the other mechanism's",
            "WEBAUTHN",
            good.to_string(),
        ),
    ] {
        does_not_verify(&job.bind(&test, kind, &raw).await, why);
    }
    assert_eq!(row_counts(&test).await, before);
    bind(&test, &job, &good).await.ok();
}

async fn a_challenge_is_answered_within_ten_minutes(test: TestApp) {
    let customers = Customers::new(&test).await;
    for (seconds, status) in [(599, 200), (600, 400)] {
        let job = customers.job(&test).await;
        let options = options(&test, &job).await;
        test.clock.advance(Seconds(seconds));
        let response = Authenticator::generate().register_json(&registration(&options));
        assert_eq!(
            bind(&test, &job, &response).await.status,
            status,
            "after {seconds} s"
        );
    }
}

async fn a_challenge_is_of_one_job_and_dies_with_it(test: TestApp) {
    let customers = Customers::new(&test).await;
    let job = customers.job(&test).await;
    let spare = registration(&options(&test, &job).await);
    bind_new_key(&test, &job).await;
    let other_key = Authenticator::generate().register_json(&spare);
    let body = bind(&test, &job, &other_key).await.refused(409);
    assert_eq!(body["details"][0]["description"], "complete");
    assert_eq!(test.count("SELECT COUNT(*) FROM credentials").await, 1);
}

async fn b4_a_credential_is_bound_once_in_a_realm(test: TestApp) {
    let customers = Customers::new(&test).await;
    let authenticator = Authenticator::from_seed(10);
    for status in [200, 409] {
        let job = customers.job(&test).await;
        let options = options(&test, &job).await;
        let response = authenticator.register_json(&registration(&options));
        assert_eq!(bind(&test, &job, &response).await.status, status);
    }
}

/// Chrome completes the RP ID of an extension to its origin before it is hashed and signed.
async fn d2_an_extension_of_chrome_binds_a_credential_of_its_own(test: TestApp) {
    const ID: &str = "ponmlkjihgfedcbaponmlkjihgfedcba";
    let extension = format!("chrome-extension://{ID}");
    let customers = Customers::with(&test, |_, config| {
        config.trusted_origins = vec![extension.clone()];
    })
    .await;
    let job = customers.job(&test).await;
    let options = options_for(&test, &job, &[("origin", &extension)]).await;
    assert_eq!(options["rp"]["id"], ID);
    let mut made = RegistrationOptions::new(&extension, &extension, "", "");
    made.challenge = URL_SAFE_NO_PAD
        .decode(options["challenge"].as_str().unwrap())
        .unwrap();
    let response = Authenticator::generate().register_json(&made);
    bind(&test, &job, &response).await.ok();
}

async fn d2_web_views_bind_where_they_are_trusted(test: TestApp) {
    let trusted = ["capacitor://localhost", "http://tauri.localhost"];
    let customers = Customers::with(&test, |_, config| {
        config.trusted_origins = trusted.map(str::to_owned).to_vec();
    })
    .await;
    let job = customers.job(&test).await;
    for (origin, status) in [
        (trusted[0], 200),
        (trusted[1], 200),
        ("ionic://localhost", 403),
        ("capacitor://localhost.evil", 403),
        ("null", 403),
    ] {
        let headers = [("origin", origin)];
        let answer = job.post(&test, "getInfo", &headers, String::new()).await;
        assert_eq!(answer.status, status, "{origin}");
    }
}
