//! What one side says about a response.

/// Accepted with what was concluded, or refused by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The response verified.
    Accepts(Facts),
    /// The name of the error.
    Refuses(String),
}

/// What a verified response says. What only a registration says is empty for an assertion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// The credential's id.
    pub credential_id: Vec<u8>,
    /// The numbers of the public key, in the order of its JWK members.
    pub public_key: Vec<u8>,
    /// The signature counter.
    pub sign_count: u32,
    /// Flag BE.
    pub backup_eligible: bool,
    /// Flag BS.
    pub backup_state: bool,
    /// Whether an attestation signature was verified.
    pub attested: bool,
}

impl Facts {
    fn first_difference(&self, other: &Self) -> Option<&'static str> {
        [
            (self.credential_id == other.credential_id, "credential_id"),
            (self.public_key == other.public_key, "public_key"),
            (self.sign_count == other.sign_count, "sign_count"),
            (
                self.backup_eligible == other.backup_eligible,
                "backup_eligible",
            ),
            (self.backup_state == other.backup_state, "backup_state"),
            (self.attested == other.attested, "attested"),
        ]
        .into_iter()
        .find_map(|(same, name)| (!same).then_some(name))
    }
}

/// How two verdicts compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Both accept and conclude the same.
    BothAccept,
    /// Both refuse, for whatever reasons.
    BothRefuse,
    /// One accepts, or both do and conclude different things.
    Differ(Difference),
}

/// The mutation that changes nothing, and any that found nothing to change.
pub const NOTHING: &str = "nothing";

/// What was judged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    /// `registration` or `assertion`.
    pub ceremony: &'static str,
    /// The name of the change.
    pub mutation: &'static str,
    /// The attestation format before a change of its name; empty for an assertion.
    pub format: &'static str,
    /// The credential's algorithm by its JOSE name.
    pub algorithm: &'static str,
    /// Whether what is signed, the signature and its key are as they were when it was made, or
    /// nothing is claimed to be signed: known to the forger, who verifies nothing.
    pub signatures_hold: bool,
}

/// A disagreement: each side is `accepts` or an error's name; where both accept, the fact they
/// differ in is behind it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// This project's side.
    pub keymoor: String,
    /// The other side.
    pub webauthn_rs_core: String,
}

/// Compares what both sides say.
#[must_use]
pub fn compare(ours: &Verdict, theirs: &Verdict) -> Comparison {
    let (keymoor, webauthn_rs_core) = match (ours, theirs) {
        (Verdict::Refuses(_), Verdict::Refuses(_)) => return Comparison::BothRefuse,
        (Verdict::Accepts(ours), Verdict::Accepts(theirs)) => match ours.first_difference(theirs) {
            None => return Comparison::BothAccept,
            Some(fact) => (format!("accepts: {fact}"), format!("accepts: {fact}")),
        },
        (Verdict::Accepts(_), Verdict::Refuses(name)) => ("accepts".to_owned(), name.clone()),
        (Verdict::Refuses(name), Verdict::Accepts(_)) => (name.clone(), "accepts".to_owned()),
    };
    Comparison::Differ(Difference {
        keymoor,
        webauthn_rs_core,
    })
}
