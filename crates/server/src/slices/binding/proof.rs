//! The verification of a device's proof.

use keymoor_types::Timestamp;
use keymoor_types::wire::{BindRequest, ProofKind};
use keymoor_webauthn::AttestationTrust;
use keymoor_webauthn::fido2::{Fido2RegistrationExpectation, verify_registration};
use keymoor_webauthn::proof::{BindingSubject, verify_binding_jws};
use keymoor_webauthn::registration::{self, RegistrationExpectation};

use super::fido2;
use super::model::{BindingJob, VerifiedKey};
use crate::base::context::Context;
use crate::base::secret::Secret;
use crate::slices::credentials::model::Mechanism;

/// Why a proof failed verification. Only logged, since it would help a forger.
pub(super) struct BadProof(pub(super) String);

/// Verifies the proof of a device at the time `at`.
pub(super) fn verify(
    ctx: &Context,
    job: &BindingJob,
    token: &Secret,
    request: &BindRequest,
    at: Timestamp,
) -> Result<VerifiedKey, BadProof> {
    let (subject, token) = (job.subject(), token.expose());
    let trusted_origins = &job.snapshot.trusted_origins;
    let attestation = AttestationTrust {
        roots: &ctx.app.attestation_roots,
        now: at,
    };
    match request.kind {
        ProofKind::Jwt => verify_binding_jws(
            &request.raw,
            &BindingSubject {
                subject: &subject,
                token,
            },
        )
        .map(VerifiedKey::Software)
        .map_err(|error| refused(&error)),
        ProofKind::Webauthn => {
            let expected = RegistrationExpectation {
                subject: &subject,
                token,
                trusted_origins,
                attestation,
            };
            registration::verify(&request.raw, &expected)
                .map(|verified| VerifiedKey::WebAuthn(Mechanism::WebAuthn, verified))
                .map_err(|error| refused(&error))
        }
        ProofKind::Fido2 => {
            let terms = |challenge: &[u8]| fido2::terms(&ctx.app.vault, job, challenge, at);
            let expected = Fido2RegistrationExpectation {
                trusted_origins,
                attestation,
            };
            verify_registration(&request.raw, &expected, terms)
                .map(|verified| VerifiedKey::WebAuthn(Mechanism::Fido2, verified))
                .map_err(|error| refused(&error))
        }
    }
}

fn refused(error: &impl std::error::Error) -> BadProof {
    BadProof(error.to_string())
}
