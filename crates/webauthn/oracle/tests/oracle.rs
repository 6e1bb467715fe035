//! Every disagreement between the two implementations is on the list, and the list holds no other.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::Range;
use std::{env, thread};

use keymoor_testkit::{Authenticator, CredentialKey, Dice};
use keymoor_webauthn_oracle::ledger::{Ledger, Tally};
use keymoor_webauthn_oracle::ours::Mechanism;
use keymoor_webauthn_oracle::theirs::{Registered, RelyingParty};
use keymoor_webauthn_oracle::verdict::{Case, Comparison, Difference, NOTHING, compare};
use keymoor_webauthn_oracle::{assertion, ours, registration};

const SHORT: u64 = 4_000;
const LONG: u64 = 120_000;

struct Judge<'a> {
    ledger: &'a Ledger,
    theirs: RelyingParty,
    /// The other side knows no Ed25519, so that it has no such credential on record.
    credentials: Vec<(Authenticator, Option<Registered>)>,
}

/// What a range of seeds led to.
#[derive(Default)]
struct Findings {
    tally: Tally,
    unexplained: BTreeMap<(&'static str, Mechanism, Difference), Unexplained>,
}

#[derive(Default)]
struct Unexplained {
    count: usize,
    mutations: BTreeSet<&'static str>,
    algorithms: BTreeSet<&'static str>,
    formats: BTreeSet<&'static str>,
    example: String,
}

impl<'a> Judge<'a> {
    fn new(ledger: &'a Ledger) -> Self {
        let theirs = RelyingParty::default();
        let keys = [
            CredentialKey::es384(),
            CredentialKey::rs256(),
            CredentialKey::ed25519(1),
        ];
        let credentials = (1..=3)
            .map(Authenticator::from_seed)
            .chain(keys.map(Authenticator::with_key))
            .map(|authenticator| {
                let registered = theirs.registered(&authenticator);
                let algorithm = authenticator.credential_key().jose_algorithm();
                assert_eq!(
                    registered.is_some(),
                    algorithm != "EdDSA",
                    "assertions by {algorithm} would not be judged as they are meant to be"
                );
                (authenticator, registered)
            })
            .collect();
        Self {
            ledger,
            theirs,
            credentials,
        }
    }

    /// Forges and judges the response that belongs to `seed`.
    fn judge(&self, seed: u64, findings: &mut Findings) {
        findings.tally.responses += 1;
        let mut dice = Dice::new(seed);
        let (authenticator, registered) = dice.pick(&self.credentials);
        let signs_in = dice.one_in(3);
        if let (true, Some(registered)) = (signs_in, registered) {
            let (case, response) = assertion::draw(&mut dice, authenticator);
            let theirs = self.theirs.authenticate(&response, registered);
            for mechanism in Mechanism::ALL {
                let ours = ours::authenticate(mechanism, &response, authenticator);
                let shown = || format!("seed {seed}: {case:?}: {response:?}");
                self.note(&case, mechanism, compare(&ours, &theirs), shown, findings);
            }
        } else {
            let (case, response) = registration::draw(&mut dice, authenticator);
            let theirs = self.theirs.register(&response);
            for mechanism in Mechanism::ALL {
                let ours = ours::register(mechanism, &response);
                let shown = || format!("seed {seed}: {case:?}: {response:?}");
                self.note(&case, mechanism, compare(&ours, &theirs), shown, findings);
            }
        }
    }

    fn note(
        &self,
        case: &Case,
        mechanism: Mechanism,
        comparison: Comparison,
        shown: impl FnOnce() -> String,
        findings: &mut Findings,
    ) {
        let difference = match comparison {
            Comparison::BothAccept => return findings.tally.accepted += 1,
            Comparison::BothRefuse => {
                assert!(!is_sound(case), "nobody accepts {}", shown());
                return findings.tally.refused += 1;
            }
            Comparison::Differ(difference) => difference,
        };
        if let Some(entry) = self.ledger.find(case, mechanism, &difference) {
            *findings.tally.explained.entry(entry).or_default() += 1;
        } else {
            let key = (case.ceremony, mechanism, difference);
            let unexplained = findings.unexplained.entry(key).or_default();
            unexplained.count += 1;
            unexplained.mutations.insert(case.mutation);
            unexplained.algorithms.insert(case.algorithm);
            unexplained.formats.insert(case.format);
            unexplained.example = shown();
        }
    }
}

/// Whether nothing is wrong with the response, so that one side accepts it at least.
fn is_sound(case: &Case) -> bool {
    let has_statement = match case.format {
        // Level 3 section 8.6: the key is one of P-256.
        "fido-u2f" => case.algorithm == "ES256",
        // No TPM has keys of Ed25519 (TPM_ECC_CURVE names none).
        "tpm" => case.algorithm != "EdDSA",
        _ => true,
    };
    case.mutation == NOTHING && has_statement
}

impl Findings {
    fn add(&mut self, other: Self) {
        self.tally.add(&other.tally);
        for (key, more) in other.unexplained {
            let known = self.unexplained.entry(key).or_default();
            known.count += more.count;
            known.mutations.extend(more.mutations);
            known.algorithms.extend(more.algorithms);
            known.formats.extend(more.formats);
            known.example = more.example;
        }
    }

    fn complaint(&self) -> String {
        let mut text = String::new();
        for ((ceremony, mechanism, difference), found) in &self.unexplained {
            let Unexplained {
                count,
                mutations,
                algorithms,
                formats,
                example,
            } = found;
            writeln!(
                text,
                "{count} times in a {ceremony} ({mechanism:?}): {difference:?}\n  after {mutations:?}\n  with \
                 {algorithms:?} {formats:?}\n  {example}"
            )
            .expect("writing to a String succeeds");
        }
        text
    }

    fn idle_entries<'a>(&self, ledger: &'a Ledger) -> Vec<&'a str> {
        let entries = ledger.entries.iter().enumerate();
        entries
            .filter(|(index, _)| !self.tally.explained.contains_key(index))
            .map(|(_, entry)| entry.name.as_str())
            .collect()
    }
}

/// Judges every seed once, on as many threads as there are processors.
fn judge_all(seeds: Range<u64>, ledger: &Ledger) -> Findings {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|offset| {
                let seeds = seeds.clone().skip(offset).step_by(threads);
                scope.spawn(move || {
                    let judge = Judge::new(ledger);
                    let mut findings = Findings::default();
                    seeds.for_each(|seed| judge.judge(seed, &mut findings));
                    findings
                })
            })
            .collect();
        let mut all = Findings::default();
        for worker in workers {
            all.add(worker.join().expect("judging does not panic"));
        }
        all
    })
}

/// A seed names the change, not the bytes: ECDSA signatures are random. What is reported is
/// therefore shown whole as well. `KEYMOOR_ORACLE_SEED` judges one seed alone.
#[test]
fn every_disagreement_is_explained() {
    let long = env::var_os("KEYMOOR_TEST_LONG").is_some();
    let one_seed = env::var("KEYMOOR_ORACLE_SEED").ok();
    let seeds = match &one_seed {
        Some(seed) => {
            let seed = seed.parse().expect("KEYMOOR_ORACLE_SEED is a number");
            seed..seed + 1
        }
        None if long => 0..LONG,
        None => 0..SHORT,
    };
    let ledger = Ledger::checked_in();
    let findings = judge_all(seeds, &ledger);
    println!("{}", findings.tally.report(&ledger));
    assert!(
        findings.unexplained.is_empty(),
        "not in differences.toml:\n{}",
        findings.complaint()
    );
    if long && one_seed.is_none() {
        let idle = findings.idle_entries(&ledger);
        assert!(idle.is_empty(), "listed but never met: {idle:?}");
    }
}
