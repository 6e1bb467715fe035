//! What is counted.

use keymoor_types::Timestamp;
use keymoor_types::wire::ProofKind;

use crate::base::names::named;
use crate::slices::events::EventKind;

/// The most days that a caller gets.
pub const MAX_DAYS: i64 = 366;

named! {
    /// A number that is stored for each day.
    pub enum Figure {
        SignInsAllowed = "sign_ins.allowed",
        SignInsDenied = "sign_ins.denied",
        SignInsFailed = "sign_ins.failed",
        PasskeysJwt = "passkeys.JWT",
        PasskeysWebAuthn = "passkeys.WEBAUTHN",
        PasskeysFido2 = "passkeys.FIDO2",
        JobsComplete = "jobs.COMPLETE",
        JobsExpired = "jobs.EXPIRED",
        JobsRevoked = "jobs.REVOKED",
    }
}

impl Figure {
    /// Returns the figure that an event counts for. `csr_type` is that of a new passkey.
    pub fn of(kind: &str, outcome: &str, csr_type: Option<&str>) -> Option<Self> {
        const SIGN_IN: &str = EventKind::AUTHENTICATION_TRANSACTION.as_str();
        const PASSKEY: &str = EventKind::CREDENTIAL_CHANGE.as_str();
        const JOB: &str = EventKind::CREDENTIAL_BINDING_JOB_CHANGE.as_str();
        const JWT: &str = ProofKind::Jwt.as_str();
        const WEBAUTHN: &str = ProofKind::Webauthn.as_str();
        const FIDO2: &str = ProofKind::Fido2.as_str();
        match (kind, outcome, csr_type) {
            (SIGN_IN, "COMPLETE:ALLOW", _) => Some(Self::SignInsAllowed),
            (SIGN_IN, "COMPLETE:DENY", _) => Some(Self::SignInsDenied),
            (SIGN_IN, "ERROR", _) => Some(Self::SignInsFailed),
            (PASSKEY, "BOUND", Some(JWT)) => Some(Self::PasskeysJwt),
            (PASSKEY, "BOUND", Some(WEBAUTHN)) => Some(Self::PasskeysWebAuthn),
            (PASSKEY, "BOUND", Some(FIDO2)) => Some(Self::PasskeysFido2),
            (JOB, "COMPLETE", _) => Some(Self::JobsComplete),
            (JOB, "EXPIRED", _) => Some(Self::JobsExpired),
            (JOB, "REVOKED", _) => Some(Self::JobsRevoked),
            _ => None,
        }
    }
}

/// The number of events that count for a figure of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// In days since 1970 (UTC).
    pub day: i64,
    pub figure: Figure,
    pub number: i64,
}

/// The figures of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Day {
    day: i64,
    numbers: [i64; Figure::ALL.len()],
}

impl Day {
    /// Returns the last `number` days up to `last`, oldest first, with these counts.
    pub fn all(last: i64, number: i64, counts: impl IntoIterator<Item = Count>) -> Vec<Self> {
        let first = last - number + 1;
        let empty = |day| Self {
            day,
            numbers: [0; Figure::ALL.len()],
        };
        let mut days: Vec<_> = (first..=last).map(empty).collect();
        for count in counts {
            let day = usize::try_from(count.day - first).ok();
            if let Some(day) = day.and_then(|at| days.get_mut(at)) {
                day.numbers[count.figure as usize] += count.number;
            }
        }
        days
    }

    pub const fn number(&self, figure: Figure) -> i64 {
        self.numbers[figure as usize]
    }

    /// Returns the date, such as `2026-03-01`.
    pub fn date(&self) -> String {
        let midnight = Timestamp::from_micros(self.day * 86_400_000_000);
        let mut text = midnight.to_string();
        text.truncate("2026-03-01".len());
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_without_events_have_zeros_and_other_days_are_left_out() {
        let count = |day, figure, number| Count {
            day,
            figure,
            number,
        };
        let counts = [
            count(20_512, Figure::SignInsAllowed, 2),
            count(20_512, Figure::SignInsAllowed, 3),
            count(20_514, Figure::JobsRevoked, 1),
            count(20_511, Figure::JobsRevoked, 9),
            count(20_515, Figure::JobsRevoked, 9),
        ];
        let days = Day::all(20_514, 3, counts);
        let dates: Vec<_> = days.iter().map(Day::date).collect();
        assert_eq!(dates, ["2026-02-28", "2026-03-01", "2026-03-02"]);
        let numbers = |day: &Day| Figure::ALL.iter().map(|&of| day.number(of)).sum::<i64>();
        assert_eq!(days.iter().map(numbers).collect::<Vec<_>>(), [5, 0, 1]);
        assert_eq!(days[0].number(Figure::SignInsAllowed), 5);
    }

    #[test]
    fn every_figure_has_events_that_count_for_it() {
        let events = [
            ("AuthenticationTransaction", "COMPLETE:ALLOW", None),
            ("AuthenticationTransaction", "COMPLETE:DENY", None),
            ("AuthenticationTransaction", "ERROR", None),
            ("CredentialChange", "BOUND", Some("JWT")),
            ("CredentialChange", "BOUND", Some("WEBAUTHN")),
            ("CredentialChange", "BOUND", Some("FIDO2")),
            ("CredentialBindingJobChange", "COMPLETE", None),
            ("CredentialBindingJobChange", "EXPIRED", None),
            ("CredentialBindingJobChange", "REVOKED", None),
        ];
        let figures = events.map(|(kind, outcome, csr)| Figure::of(kind, outcome, csr));
        let all: Vec<_> = Figure::ALL.iter().copied().map(Some).collect();
        assert_eq!(figures, *all);
        for (kind, outcome, csr) in [
            ("CredentialChange", "REVOKED", None),
            ("CredentialBindingJobChange", "LINK_SENT", None),
            ("TokenRequest", "ERROR", None),
        ] {
            assert_eq!(Figure::of(kind, outcome, csr), None);
        }
    }
}
