use keymoor_oauth::grant::{CodeGrant, INVALID_CODE, Presented};
use keymoor_oauth::pkce::{Challenge, Method};
use keymoor_types::{ApplicationId, Rng, Seconds, Timestamp};
use proptest::prelude::*;

use crate::{CHALLENGE, VERIFIER};

const NOW: Timestamp = Timestamp::from_seconds(1_000_000);
const URI: &str = "https://client.example.com/cb";

struct Fixed(u8);

impl Rng for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(self.0);
    }
}

fn application(seed: u8) -> ApplicationId {
    ApplicationId::generate(NOW, &Fixed(seed))
}

/// Every value of every dimension, each marked with whether it is the right one.
#[test]
fn c7_a_code_is_redeemed_only_if_everything_is_right() {
    let applications = [(application(1), true), (application(2), false)];
    let expiries = [
        (NOW + Seconds::MINUTE, true),
        (Timestamp::from_micros(NOW.as_micros() + 1), true),
        (NOW, false),
        (NOW - Seconds(1), false),
    ];
    let redeemed = [(false, true), (true, false)];
    let redirects = [
        (Some(URI), Some(URI), true),
        (None, None, true),
        (Some(URI), None, false),
        (None, Some(URI), false),
        (Some(URI), Some("https://client.example.com/cb/"), false),
        (Some(URI), Some("https://client.example.com/CB"), false),
        (Some(URI), Some(""), false),
    ];
    let s256 = Challenge::new(Method::S256, CHALLENGE.to_owned()).unwrap();
    let plain = Challenge::new(Method::Plain, VERIFIER.to_owned()).unwrap();
    let proofs = [
        (None, None, true),
        (Some(&s256), Some(VERIFIER), true),
        (Some(&plain), Some(VERIFIER), true),
        (None, Some(VERIFIER), false),
        (Some(&s256), None, false),
        (Some(&plain), None, false),
        (Some(&s256), Some(CHALLENGE), false),
        (Some(&s256), Some(&VERIFIER[1..]), false),
        (Some(&s256), Some(""), false),
        (Some(&plain), Some(CHALLENGE), false),
    ];

    let mut accepted = 0;
    for (application_id, right_client) in applications {
        for (expires_at, in_time) in expiries {
            for (redeemed, unused) in redeemed {
                for (sent, redirect_uri, right_redirect) in redirects {
                    for (challenge, code_verifier, right_proof) in proofs {
                        let grant = CodeGrant {
                            application_id: application(1),
                            redirect_uri: sent.map(str::to_owned),
                            challenge: challenge.cloned(),
                            expires_at,
                            redeemed,
                        };
                        let presented = Presented {
                            application_id,
                            redirect_uri,
                            code_verifier,
                        };
                        let all_right =
                            right_client && in_time && unused && right_redirect && right_proof;
                        let expected = if all_right { Ok(()) } else { Err(INVALID_CODE) };
                        assert_eq!(grant.check(&presented, NOW), expected, "{grant:?}");
                        accepted += usize::from(all_right);
                    }
                }
            }
        }
    }
    // In time twice, redirected rightly twice, proved rightly three times.
    assert_eq!(accepted, 2 * 2 * 3);
}

proptest! {
    #[test]
    fn c7_one_wrong_fact_is_enough(
        verifier in "[A-Za-z0-9._~-]{43,128}",
        life in 1_i64..100_000,
        wrong in 0_usize..6,
    ) {
        let rightful = CodeGrant {
            application_id: application(1),
            redirect_uri: Some(URI.to_owned()),
            challenge: Some(Challenge::new(Method::Plain, verifier.clone()).unwrap()),
            expires_at: NOW + Seconds(life),
            redeemed: false,
        };
        let presented = Presented {
            application_id: application(1),
            redirect_uri: Some(URI),
            code_verifier: Some(&verifier),
        };
        prop_assert_eq!(rightful.check(&presented, NOW), Ok(()));
        let mut grant = rightful.clone();
        match wrong {
            0 => grant.application_id = application(2),
            1 => grant.redirect_uri = None,
            2 => grant.redirect_uri = Some(format!("{URI}?")),
            3 => grant.challenge = None,
            4 => grant.expires_at = NOW - Seconds(life - 1),
            _ => grant.redeemed = true,
        }
        prop_assert_eq!(grant.check(&presented, NOW), Err(INVALID_CODE));
    }
}
