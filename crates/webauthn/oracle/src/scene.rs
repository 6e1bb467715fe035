//! The one relying party, identity and time that everything here is about.

use keymoor_testkit::{Authenticator, Challenge};
use serde_json::{Value, json};

/// The page's origin in every valid response.
pub const ORIGIN: &str = "https://app.example.org:8443";
/// The RP ID: the host of every trusted origin.
pub const RP_ID: &str = "app.example.org";
/// The origins that both sides are told to trust.
pub const TRUSTED_ORIGINS: [&str; 2] = [ORIGIN, "https://app.example.org"];
/// The identity's distinguished name.
pub const SUBJECT: &str = "CN=00a1, OU=00b2, O=00c3";
/// The link's token.
pub const TOKEN: &str = "the-token-of-the-link";
/// Where proofs at sign-in are posted to.
pub const AUDIENCE: &str =
    "https://auth.example.org/v1/tenants/00c3/realms/00b2/applications/00d4/bi-authenticate";
/// The time, in seconds since the Unix epoch.
pub const NOW: i64 = 1_800_000_000;

/// The claims of a valid proof at sign-in.
#[must_use]
pub fn claims() -> Value {
    Challenge {
        subject: SUBJECT,
        audience: AUDIENCE,
        transaction_id: "the-transaction",
        nonce: "the-nonce",
        now: NOW,
    }
    .claims()
}

/// The challenge bytes of a valid binding.
#[must_use]
pub fn registration_challenge() -> Vec<u8> {
    json!({ "sub": SUBJECT, "token": TOKEN })
        .to_string()
        .into_bytes()
}

/// The challenge bytes of a valid sign-in with `authenticator`'s credential.
#[must_use]
pub fn assertion_challenge(authenticator: &Authenticator) -> Value {
    let mut claims = claims();
    claims["pub_key_cred_id"] = encoded(authenticator.credential_id()).into();
    let key = authenticator.credential_key();
    json!({ "header": { "alg": key.jose_algorithm(), "kid": key.thumbprint() }, "claims": claims })
}

/// `pub_key_cred_id` as the protocol spells it.
#[must_use]
pub fn encoded(credential_id: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD_NO_PAD.encode(credential_id)
}
