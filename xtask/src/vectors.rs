//! What all SDKs must do alike: complete cases in `sdks/vectors`, and as many of them passed in each language.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::{process::capture, repo, setup, swift};

const FILES: [&str; 9] = [
    "bridge",
    "ceremonies",
    "destinations",
    "domains",
    "errors",
    "json",
    "jws",
    "links",
    "requests",
];

const TYPESCRIPT: [&str; 5] = ["run", "--silent", "vectors", "--workspace", "@keymoor/sdk"];
const KOTLIN: [&str; 4] = ["--projects", "core", "test", "-Dtest=VectorsTest"];

/// How many cases of a file passed and failed.
type Counts = BTreeMap<String, (usize, usize)>;

pub(crate) fn check() -> Result<()> {
    let cases = Cases::read(&repo::root().join("sdks/vectors"))?;
    let problems = cases.problems();
    ensure!(problems.is_empty(), "{}", problems.join("\n"));
    let runners = [
        ("TypeScript", setup::npm(&TYPESCRIPT)?),
        ("Kotlin", setup::maven(&KOTLIN)?),
    ];
    let mut languages = BTreeMap::new();
    for (language, mut runner) in runners {
        languages.insert(language, counts(&capture(&mut runner)?)?);
    }
    languages.insert("Swift", counts(&swift::vectors()?)?);
    println!("{}", table(&languages));
    compare(&cases, &languages)
}

/// The cases of each file.
struct Cases {
    files: BTreeMap<String, Vec<Value>>,
    required: BTreeSet<String>,
}

impl Cases {
    fn read(dir: &Path) -> Result<Self> {
        let read = |name: &str| -> Result<Vec<Value>> {
            let path = dir.join(format!("{name}.json"));
            let text =
                fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
            serde_json::from_slice(&text)
                .with_context(|| format!("{} is no list of cases", path.display()))
        };
        let files = FILES.map(|name| Ok((name.to_owned(), read(name)?)));
        let required = read("required")?;
        let required = required.iter().filter_map(Value::as_str).map(str::to_owned);
        Ok(Self {
            files: files.into_iter().collect::<Result<_>>()?,
            required: required.collect(),
        })
    }

    fn of(&self, file: &str) -> impl Iterator<Item = &Value> {
        self.files.get(file).into_iter().flatten()
    }

    /// One line for each rule of sdks/vectors/README.md that the cases break.
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (file, cases) in &self.files {
            let mut names = BTreeSet::new();
            for case in cases {
                match case["name"].as_str() {
                    None => problems.push(format!("{file}.json: a case has no name")),
                    Some(name) if !names.insert(name) => {
                        problems.push(format!("{file}.json: two cases are called `{name}`"));
                    }
                    Some(_) => {}
                }
            }
        }
        let steps = self
            .of("ceremonies")
            .flat_map(|case| case["steps"].as_array().into_iter().flatten());
        let produced: BTreeSet<_> = steps.filter_map(|step| step["error"].as_str()).collect();
        let codes: BTreeSet<_> = self
            .of("errors")
            .filter_map(|case| case["code"].as_str())
            .collect();
        let missing = codes.difference(&produced);
        problems.extend(missing.map(|code| format!("no scenario ends with `{code}`")));
        let without: BTreeSet<_> = self
            .of("ceremonies")
            .chain(self.of("requests"))
            .filter_map(|case| case["without"].as_str())
            .collect();
        let untested = self
            .required
            .iter()
            .filter(|member| !without.contains(member.as_str()));
        problems.extend(untested.map(|member| format!("no case is without `{member}`")));
        problems
    }
}

/// Reads lines such as `vectors links: 118 passed, 0 failed`.
fn counts(output: &[u8]) -> Result<Counts> {
    let text = String::from_utf8_lossy(output);
    let mut counts = Counts::new();
    for line in text.lines() {
        let parsed = line.trim().strip_prefix("vectors ").and_then(|line| {
            let (file, numbers) = line.split_once(": ")?;
            let (passed, failed) = numbers.split_once(" passed, ")?;
            let failed = failed.strip_suffix(" failed")?;
            Some((file, passed.parse().ok()?, failed.parse().ok()?))
        });
        if let Some((file, passed, failed)) = parsed {
            counts.insert(file.to_owned(), (passed, failed));
        }
    }
    ensure!(!counts.is_empty(), "a runner printed no counts:\n{text}");
    Ok(counts)
}

/// Files down, languages across.
fn table(languages: &BTreeMap<&str, Counts>) -> String {
    let names: Vec<_> = languages.keys().map(|name| format!("{name:>12}")).collect();
    let mut lines = vec![format!("{:<14}{}", "", names.concat())];
    for file in FILES {
        let cells = languages.values().map(|counts| match counts.get(file) {
            None => format!("{:>12}", "-"),
            Some((passed, 0)) => format!("{passed:>12}"),
            Some((passed, failed)) => format!("{:>12}", format!("{passed} of {}", passed + failed)),
        });
        lines.push(format!("{file:<14}{}", cells.collect::<String>()));
    }
    lines.join("\n")
}

fn compare(cases: &Cases, languages: &BTreeMap<&str, Counts>) -> Result<()> {
    let mut problems = Vec::new();
    for (language, counts) in languages {
        for (file, list) in &cases.files {
            match counts.get(file) {
                // Bridges lead to native SDKs.
                None if file == "bridge" && *language == "TypeScript" => {}
                None => problems.push(format!("{language} does not run {file}.json")),
                Some((passed, failed)) if *failed > 0 || *passed != list.len() => {
                    let total = list.len();
                    problems.push(format!(
                        "{language}: {file}.json has {total} cases, {passed} passed, {failed} failed"
                    ));
                }
                Some(_) => {}
            }
        }
    }
    if !problems.is_empty() {
        bail!("{}", problems.join("\n"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn cases(files: &[(&str, Value)], required: &[&str]) -> Cases {
        let list = |value: &Value| value.as_array().unwrap().clone();
        Cases {
            files: files
                .iter()
                .map(|(name, value)| ((*name).to_owned(), list(value)))
                .collect(),
            required: required.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    #[test]
    fn incomplete_cases_are_named() {
        let cases = cases(
            &[
                (
                    "ceremonies",
                    json!([{"name": "a", "without": "x", "steps": [{"error": "server"}]}]),
                ),
                (
                    "errors",
                    json!([{"name": "a", "code": "server"}, {"name": "a", "code": "network"}]),
                ),
            ],
            &["x", "y"],
        );
        assert_eq!(
            cases.problems(),
            [
                "errors.json: two cases are called `a`",
                "no scenario ends with `network`",
                "no case is without `y`"
            ]
        );
    }

    #[test]
    fn a_language_that_runs_less_or_fails_is_named() {
        let cases = cases(&[("links", json!([{}, {}])), ("jws", json!([{}]))], &[]);
        let counts = counts(b"noise\nvectors links: 1 passed, 0 failed\n").unwrap();
        let error = compare(&cases, &BTreeMap::from([("Kotlin", counts)])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "Kotlin does not run jws.json\nKotlin: links.json has 2 cases, 1 passed, 0 failed"
        );
    }
}
