//! A problem that `doctor` reports.

use std::fmt;

use serde::Serialize;

/// A problem, and how to fix it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(in crate::cli) struct Finding {
    /// The subject of the check: `configuration`, `urls`, `master_key`, `attestation_roots`, `tls`,
    /// `database`, `authenticator_configs`, `applications`, `mail` or `clock`.
    pub(in crate::cli) check: &'static str,
    pub(in crate::cli) problem: String,
    /// `mend` in JSON.
    #[serde(rename = "mend")]
    pub(in crate::cli) fix: String,
    /// Not an error: the setup may be intended.
    pub(in crate::cli) is_remark: bool,
}

impl Finding {
    pub(in crate::cli) fn new(
        check: &'static str,
        problem: impl fmt::Display,
        fix: impl fmt::Display,
    ) -> Self {
        Self {
            check,
            problem: problem.to_string(),
            fix: fix.to_string(),
            is_remark: false,
        }
    }

    pub(super) fn remark(self) -> Self {
        Self {
            is_remark: true,
            ..self
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            check,
            problem,
            fix,
            is_remark,
        } = self;
        let remark = if *is_remark { " (a remark)" } else { "" };
        write!(f, "{check}{remark}: {problem} -> {fix}")
    }
}
