//! Numbers of rules in test names, and the page that states those rules.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt, fs,
    path::Path,
};

use anyhow::{Context, Result, bail};

use crate::repo;

const PAGE: &str = "docs/reference/rules.md";
/// Folders with tests that may carry numbers.
const TESTED: [&str; 4] = ["crates", "e2e", "examples", "packages"];

/// Fails with one line for each number that a test uses and the page does not state, and for each
/// rule of the page that no test proves.
pub(crate) fn check(root: &Path) -> Result<()> {
    let page =
        fs::read_to_string(root.join(PAGE)).with_context(|| format!("cannot read {PAGE}"))?;
    let mut used = Places::new();
    for folder in TESTED.map(|folder| root.join(folder)) {
        for path in repo::written_below(&folder)? {
            let ending = path.extension().and_then(|ending| ending.to_str());
            let numbers = match ending {
                Some("rs") => in_rust,
                Some("ts" | "tsx") => in_typescript,
                _ => continue,
            };
            let text = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            let name = path.strip_prefix(root)?.display();
            for (line, rule) in numbers(&text) {
                used.entry(rule).or_insert_with(|| format!("{name}:{line}"));
            }
        }
    }
    let problems = problems(&on_page(&page), &used);
    if !problems.is_empty() {
        bail!(
            "rules in test names and in {PAGE} differ:\n{}",
            problems.join("\n")
        );
    }
    Ok(())
}

/// Such as C6, which tests spell `c6_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rule(char, u8);

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.0, self.1)
    }
}

/// Where each rule stands first.
type Places = BTreeMap<Rule, String>;

fn problems(stated: &[(usize, Rule)], used: &Places) -> Vec<String> {
    let mut problems = Vec::new();
    let mut known = BTreeSet::new();
    for (line, rule) in stated {
        if !known.insert(rule) {
            problems.push(format!("{PAGE}:{line}: {rule} has two headings"));
        } else if !used.contains_key(rule) {
            problems.push(format!("{PAGE}:{line}: no test proves {rule}"));
        }
    }
    let unknown = used.iter().filter(|(rule, _)| !known.contains(rule));
    problems.extend(unknown.map(|(rule, place)| format!("{place}: {PAGE} does not state {rule}")));
    problems
}

/// The rules that have a heading: `### C6: No token passes as another kind`.
fn on_page(text: &str) -> Vec<(usize, Rule)> {
    let heading = |line: &str| {
        let (number, _) = line.strip_prefix("### ")?.split_once(": ")?;
        let (letter, number) = number.split_at_checked(1)?;
        Some(Rule(letter.parse().ok()?, number.parse().ok()?))
    };
    numbered_lines(text)
        .filter_map(|(line, text)| Some((line, heading(text)?)))
        .collect()
}

/// The numbers in names of functions: `async fn b1_a12_…`.
fn in_rust(text: &str) -> Vec<(usize, Rule)> {
    let names = |line: &str| -> Vec<Rule> {
        line.split_once("fn ")
            .map_or_else(Vec::new, |(_, name)| leading_numbers(name))
    };
    on_lines(text, names)
}

/// The numbers at the beginning of texts, in quotes of any kind: `test('h2_…'`.
fn in_typescript(text: &str) -> Vec<(usize, Rule)> {
    on_lines(text, |line| {
        line.split(['\'', '"', '`'])
            .skip(1)
            .flat_map(leading_numbers)
            .collect()
    })
}

fn on_lines(text: &str, numbers: impl Fn(&str) -> Vec<Rule>) -> Vec<(usize, Rule)> {
    numbered_lines(text)
        .flat_map(|(line, text)| numbers(text).into_iter().map(move |rule| (line, rule)))
        .collect()
}

fn numbered_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..).zip(text.lines())
}

/// B1 and A12 of `b1_a12_bad_proofs`: a letter and one or two digits each, before an underscore.
fn leading_numbers(name: &str) -> Vec<Rule> {
    let number = |part: &str| {
        let mut characters = part.chars();
        let letter = characters.next().filter(char::is_ascii_lowercase)?;
        let digits = characters.as_str();
        let is_number =
            (1..=2).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        is_number.then(|| {
            Rule(
                letter.to_ascii_uppercase(),
                digits.parse().expect("two digits fit"),
            )
        })
    };
    let parts = name
        .split_inclusive('_')
        .map_while(|part| part.strip_suffix('_'));
    parts.map_while(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(found: Vec<(usize, Rule)>) -> Vec<String> {
        found
            .iter()
            .map(|(line, rule)| format!("{line} {rule}"))
            .collect()
    }

    #[test]
    fn numbers_are_read_from_the_names_of_functions() {
        let text = "
            #[test]
            fn c6_no_token_passes() {}
            both_apps! { async fn b1_a12_bad_proofs(test: TestApp) { helper() } }
            fn p256_key() {}
            fn a_link() {}
            fn x() { let d4_value = 1; }
            pub(crate) async fn e10_last(";
        assert_eq!(rules(in_rust(text)), ["3 C6", "4 B1", "4 A12", "8 E10"]);
    }

    #[test]
    fn numbers_are_read_from_titles_in_any_quotes() {
        let text = "test('h2_a_host', f);
            test(`a3_a_${status}_is_reported`, f);
            { name: \"d4_d9_page\" }
            test('a link', f); const x = h3_y; test('sha256_x', f)
            assert.equal('x', 'y'); test(\"d4_the_page's_own\", f)";
        assert_eq!(
            rules(in_typescript(text)),
            ["1 H2", "2 A3", "3 D4", "3 D9", "5 D4"]
        );
    }

    #[test]
    fn rules_are_read_from_headings() {
        let text = "# Rules\n## A. Links\n### A4: Guesses\n\nA1: no heading\n### A12: Nothing\n### Notes: none\n### é1: none";
        assert_eq!(rules(on_page(text)), ["3 A4", "6 A12"]);
    }

    #[test]
    fn the_page_and_the_tests_must_have_the_same_rules() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for folder in TESTED {
            write(&format!("{folder}/README.md"), "fn z9_none()");
        }
        write(PAGE, "### A1: One\n### H2: Two\n");
        write("crates/types/src/id.rs", "fn a1_one() {}");
        write("e2e/sdk/embedded.test.ts", "test('h2_two', f);");
        check(dir.path()).unwrap();

        write(PAGE, "### A1: One\n### B7: Seven\n### A1: Again\n");
        let error = check(dir.path()).unwrap_err().to_string();
        let (_, problems) = error.split_once('\n').unwrap();
        assert_eq!(
            problems,
            "docs/reference/rules.md:2: no test proves B7\n\
             docs/reference/rules.md:3: A1 has two headings\n\
             e2e/sdk/embedded.test.ts:1: docs/reference/rules.md does not state H2"
        );
    }
}
