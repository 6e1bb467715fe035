//! One finding.

use std::fmt;

use serde::Serialize;

/// Something that is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(in crate::cli) struct Finding {
    /// What was looked at: `configuration`, `urls`, `master_key`, `attestation_roots`, `tls`,
    /// `database`, `mail` or `clock`.
    pub(in crate::cli) check: &'static str,
    pub(in crate::cli) problem: String,
    pub(in crate::cli) mend: String,
    /// Nothing is wrong; it may be meant like that.
    pub(in crate::cli) is_remark: bool,
}

impl Finding {
    pub(in crate::cli) fn new(
        check: &'static str,
        problem: impl fmt::Display,
        mend: impl fmt::Display,
    ) -> Self {
        Self {
            check,
            problem: problem.to_string(),
            mend: mend.to_string(),
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
            mend,
            is_remark,
        } = self;
        let remark = if *is_remark { " (a remark)" } else { "" };
        write!(f, "{check}{remark}: {problem} -> {mend}")
    }
}
