//! Registrations with options that the server creates.
//!
//! The challenge is not stored. It is a seal over the content of the options, bound to the job and
//! its link, so it opens for no other. It is single-use because the job is.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keymoor_types::fido2::{
    AuthenticatorSelection, BindingOptions, CreationOptions, CredentialDescriptor,
    CredentialParameters, PublicKeyType, RelyingParty, User,
};
use keymoor_types::url_rules::same_origin;
use keymoor_types::{Seconds, Timestamp};
use keymoor_webauthn::fido2::RegistrationTerms;
use keymoor_webauthn::{Algorithm, origin};
use serde::{Deserialize, Serialize};

use super::model::BindingJob;
use crate::base::context::Context;
use crate::base::origin::PageOrigin;
use crate::base::vault::{Purpose, Vault};
use crate::slices::identities::model::Identity;

/// The lifetime of a challenge, longer than any browser shows its prompt.
pub const CHALLENGE_LIFETIME: Seconds = Seconds::MINUTE.times(10);

/// The requested timeout of the browser's prompt, in milliseconds: what WebAuthn Level 3, section
/// 15.1, recommends for users who need more time.
pub const PROMPT_TIMEOUT_MS: u32 = 300_000;

/// The offered and accepted algorithms. ES256 is first, since every authenticator and SDK supports
/// it.
const OFFERED: [Algorithm; 4] = [
    Algorithm::Es256,
    Algorithm::EdDsa,
    Algorithm::Es384,
    Algorithm::Rs256,
];

/// The content of a challenge. It has its own random bytes, since those of the seal are not secret.
#[derive(Serialize, Deserialize)]
struct Challenge {
    rp_id: String,
    expires_at: Timestamp,
    random: String,
}

/// Returns the RP ID for a requesting page: its own if the job trusts it, else that of the first
/// trusted origin. `None`: the job trusts no page that has WebAuthn.
pub fn rp_id(job: &BindingJob, origin: &PageOrigin) -> Option<String> {
    let trusted = &job.snapshot.trusted_origins;
    origin
        .as_deref()
        .filter(|asking| trusted.iter().any(|known| same_origin(known, asking)))
        .and_then(origin::rp_id)
        .or_else(|| trusted.iter().find_map(|known| origin::rp_id(known)))
        .map(str::to_owned)
}

/// Returns the options for a key of `identity`, whose credentials for this RP ID are `known`.
pub fn options(
    ctx: &Context,
    job: &BindingJob,
    identity: &Identity,
    realm_name: &str,
    rp_id: String,
    known: &[Vec<u8>],
) -> BindingOptions {
    let encoded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let creation_options = CreationOptions {
        challenge: encoded(&new_challenge(ctx, job, &rp_id)),
        rp: RelyingParty {
            id: origin::requested_rp_id(&rp_id).to_owned(),
            name: realm_name.to_owned(),
        },
        user: User {
            id: encoded(identity.user_handle.as_bytes()),
            name: identity.traits.username.clone(),
            display_name: identity.display_name.clone(),
        },
        pub_key_cred_params: OFFERED
            .map(|algorithm| CredentialParameters {
                kind: PublicKeyType::PublicKey,
                alg: algorithm.cose_id(),
            })
            .to_vec(),
        timeout: PROMPT_TIMEOUT_MS,
        exclude_credentials: known
            .iter()
            .map(|id| CredentialDescriptor {
                kind: PublicKeyType::PublicKey,
                id: encoded(id),
            })
            .collect(),
        // No attachment: requiring one would exclude users who have only a security key.
        authenticator_selection: AuthenticatorSelection {
            resident_key: "required".to_owned(),
            require_resident_key: true,
            user_verification: "required".to_owned(),
        },
        hints: vec!["client-device".to_owned()],
        attestation: "direct".to_owned(),
    };
    BindingOptions { creation_options }
}

fn new_challenge(ctx: &Context, job: &BindingJob, rp_id: &str) -> Vec<u8> {
    let challenge = Challenge {
        rp_id: rp_id.to_owned(),
        expires_at: ctx.now + CHALLENGE_LIFETIME,
        random: URL_SAFE_NO_PAD.encode(ctx.app.rng.bytes::<16>()),
    };
    let plain = serde_json::to_vec(&challenge).expect("a challenge has string keys only");
    ctx.app
        .vault
        .seal(Purpose::Registration, &context(job), &plain)
}

/// Returns the content of a challenge. `None`: it was not created here, not for this job and link,
/// or too long ago.
pub fn terms(
    vault: &Vault,
    job: &BindingJob,
    challenge: &[u8],
    now: Timestamp,
) -> Option<RegistrationTerms> {
    let plain = vault
        .open(Purpose::Registration, &context(job), challenge)
        .ok()?;
    let challenge: Challenge = keymoor_types::json::from_slice(&plain).ok()?;
    (now < challenge.expires_at).then_some(RegistrationTerms {
        rp_id: challenge.rp_id,
        algorithms: &OFFERED,
    })
}

/// Sending a link again changes the token's hash, which invalidates all earlier challenges.
fn context(job: &BindingJob) -> Vec<u8> {
    let (subject, id) = (job.subject(), job.id);
    let mut context = format!("{subject}, JOB={id}, ").into_bytes();
    context.extend_from_slice(&job.token_hash.0);
    context
}
