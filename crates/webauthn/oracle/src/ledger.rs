//! `differences.toml`: the disagreements that are known, each with its reason.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::ours::Mechanism;
use crate::verdict::{Case, Difference};

/// The checked-in list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    /// Its entries.
    #[serde(rename = "difference")]
    pub entries: Vec<Entry>,
}

/// One explained disagreement.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Entry {
    /// What it is about, in a few words.
    pub name: String,
    /// `registration`, `assertion`, or both.
    pub ceremonies: Vec<String>,
    /// `accepts`, or the names of this side's errors.
    pub keymoor: Vec<String>,
    /// `accepts`, or the names of the other side's errors.
    pub webauthn_rs_core: Vec<String>,
    /// The mechanisms by which it is met; any, if none is named.
    #[serde(default)]
    pub mechanisms: Vec<String>,
    /// The changes that lead to it; any, if none is named.
    #[serde(default)]
    pub mutations: Vec<String>,
    /// The algorithms of the credentials that it is met with; any, if none is named.
    #[serde(default)]
    pub algorithms: Vec<String>,
    /// The attestation formats that it is met with; any, if none is named.
    #[serde(default)]
    pub formats: Vec<String>,
    /// The section that decides, or that leaves the choice.
    pub specification: String,
    /// Why each side does what it does.
    pub explanation: String,
}

impl Ledger {
    /// The list as it is checked in.
    ///
    /// # Panics
    /// If it is malformed, explains nothing, or names a case twice.
    #[must_use]
    pub fn checked_in() -> Self {
        let ledger: Self = toml::from_str(include_str!("../differences.toml"))
            .expect("differences.toml is a list of differences");
        for entry in &ledger.entries {
            let says_something = |text: &str| text.split_whitespace().count() >= 3;
            assert!(
                says_something(&entry.explanation) && says_something(&entry.specification),
                "`{}` has no explanation or no section",
                entry.name
            );
        }
        ledger
    }

    /// The entry for `difference` about `case`, by its place in the list.
    #[must_use]
    pub fn find(
        &self,
        case: &Case,
        mechanism: Mechanism,
        difference: &Difference,
    ) -> Option<usize> {
        self.entries
            .iter()
            .position(|entry| entry.explains(case, mechanism, difference))
    }
}

impl Entry {
    /// Nothing explains that this side accepts what has a broken signature: where the other side
    /// refuses early, for another reason, nobody else would notice.
    fn explains(&self, case: &Case, mechanism: Mechanism, difference: &Difference) -> bool {
        if difference.keymoor.starts_with("accepts") && !case.signatures_hold {
            return false;
        }
        let has = |list: &[String], item: &str| list.iter().any(|listed| listed == item);
        let may_have = |list: &[String], item: &str| list.is_empty() || has(list, item);
        has(&self.ceremonies, case.ceremony)
            && may_have(&self.mechanisms, mechanism.name())
            && may_have(&self.mutations, case.mutation)
            && may_have(&self.algorithms, case.algorithm)
            && may_have(&self.formats, case.format)
            && has(&self.keymoor, &difference.keymoor)
            && has(&self.webauthn_rs_core, &difference.webauthn_rs_core)
    }
}

/// What a run has seen.
#[derive(Debug, Default)]
pub struct Tally {
    /// How many responses were forged; each is judged once for every mechanism.
    pub responses: usize,
    /// Accepted by both with the same conclusions.
    pub accepted: usize,
    /// Refused by both.
    pub refused: usize,
    /// How often each entry of the list was met.
    pub explained: BTreeMap<usize, usize>,
}

impl Tally {
    /// Adds what another run has seen.
    pub fn add(&mut self, other: &Self) {
        self.responses += other.responses;
        self.accepted += other.accepted;
        self.refused += other.refused;
        for (entry, count) in &other.explained {
            *self.explained.entry(*entry).or_default() += count;
        }
    }

    /// How many verdicts were compared.
    #[must_use]
    pub fn judged(&self) -> usize {
        self.accepted + self.refused + self.explained.values().sum::<usize>()
    }

    /// A line for each count.
    #[must_use]
    pub fn report(&self, ledger: &Ledger) -> String {
        let mut lines = vec![
            format!("{:>8}  responses", self.responses),
            format!("{:>8}  pairs of verdicts", self.judged()),
            format!("{:>8}  accepted by both", self.accepted),
            format!("{:>8}  refused by both", self.refused),
        ];
        for (index, entry) in ledger.entries.iter().enumerate() {
            let count = self.explained.get(&index).unwrap_or(&0);
            lines.push(format!("{count:>8}  {}", entry.name));
        }
        lines.join("\n")
    }
}
