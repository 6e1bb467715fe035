//! The reasons for which requests are refused, in the words of the log.

use tracing::Level;

use crate::base::names::named;

named! {
    /// Why a request was refused or failed. The log's words are a closed set, because filters
    /// match them. `docs/reference/errors.md` explains each.
    pub enum Reason {
        MissingCredentials = "missing_credentials",
        WrongClientCredentials = "wrong_client_credentials",
        InvalidToken = "invalid_token",
        ExpiredToken = "expired_token",
        RevokedToken = "revoked_token",
        WrongLinkToken = "wrong_link_token",
        EndedLink = "ended_link",
        WrongProof = "wrong_proof",
        ReplayedProof = "replayed_proof",
        ExpiredRequest = "expired_request",
        SignInDenied = "sign_in_denied",
        InvalidCode = "invalid_code",
        ExpiredCode = "expired_code",
        ReplayedCode = "replayed_code",
        UnknownClient = "unknown_client",
        UnregisteredRedirectUri = "unregistered_redirect_uri",
        MissingPkce = "missing_pkce",
        UnauthorizedClient = "unauthorized_client",
        InvalidScope = "invalid_scope",
        Unsupported = "unsupported",
        LoginRequired = "login_required",
        UntrustedOrigin = "untrusted_origin",
        MissingScope = "missing_scope",
        OtherTenant = "other_tenant",
        Forbidden = "forbidden",
        RateLimited = "rate_limited",
        Malformed = "malformed",
        InvalidParameters = "invalid_parameters",
        UnknownRoute = "unknown_route",
        NotFound = "not_found",
        MethodNotAllowed = "method_not_allowed",
        TooSlow = "too_slow",
        TooLarge = "too_large",
        UnsupportedMediaType = "unsupported_media_type",
        Conflict = "conflict",
        Unprocessable = "unprocessable",
        Unavailable = "unavailable",
        OutcomeUnknown = "outcome_unknown",
        Internal = "internal",
    }
}

impl Reason {
    /// Returns the level of the log line. A replayed code or proof was copied from somebody, and a
    /// rate limit is only exceeded by many failures.
    pub const fn level(self) -> Level {
        match self {
            Self::Internal | Self::OutcomeUnknown => Level::ERROR,
            Self::ReplayedCode | Self::ReplayedProof | Self::RateLimited | Self::Unavailable => {
                Level::WARN
            }
            _ => Level::INFO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d14_the_reference_lists_every_reason() {
        let reference = include_str!("../../../../docs/reference/errors.md");
        let (_, section) = reference.split_once("## Reasons in the log\n").unwrap();
        let (section, _) = section.split_once("\n## ").unwrap();
        let rows = section.lines().filter(|line| line.starts_with("| `"));
        let listed: Vec<_> = rows
            .filter_map(|row| row.split('`').nth(1))
            .skip(1)
            .collect();
        let reasons: Vec<_> = Reason::ALL.iter().map(|it| it.as_str()).collect();
        assert_eq!(listed, reasons);
    }
}
