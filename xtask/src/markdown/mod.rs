//! Links and repository paths in Markdown files lead somewhere.

mod syntax;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Component, Path, PathBuf},
};

use anyhow::{Result, bail};

use self::syntax::{heading_anchors, link_targets, prose_lines, split_code_spans};
use crate::repo;

/// Endings that mark an inline code span with a slash as a file of this repository. Endings that
/// web addresses also use, such as `jwks.json`, are not among them.
const SOURCE_ENDINGS: [&str; 6] = [".md", ".rs", ".sql", ".toml", ".ts", ".tsx"];

/// Fails with one line per link or path below `root` that leads nowhere.
pub(crate) fn check(root: &Path) -> Result<()> {
    let tree = Tree::read(root)?;
    let problems: Vec<_> = tree
        .documents
        .iter()
        .flat_map(|(path, text)| tree.problems(path, text))
        .collect();
    if !problems.is_empty() {
        bail!(
            "links and paths that lead nowhere:\n{}",
            problems.join("\n")
        );
    }
    println!(
        "checked links and paths of {} Markdown files",
        tree.documents.len()
    );
    Ok(())
}

/// Paths relative to the root, and the text of the Markdown files among them.
#[derive(Default)]
struct Tree {
    paths: BTreeSet<PathBuf>,
    documents: BTreeMap<PathBuf, String>,
}

impl Tree {
    fn read(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        for path in repo::written_below(root)? {
            let relative = path.strip_prefix(root)?.to_path_buf();
            if relative
                .extension()
                .is_some_and(|extension| extension == "md")
            {
                tree.documents
                    .insert(relative.clone(), fs::read_to_string(&path)?);
            }
            tree.paths.insert(relative);
        }
        Ok(tree)
    }

    fn problems(&self, document: &Path, text: &str) -> Vec<String> {
        let at = |line: usize, what: &str| format!("{}:{line}: {what}", document.display());
        let mut problems = Vec::new();
        for (line, prose) in prose_lines(text) {
            let (code, outside) = split_code_spans(prose);
            let dead_links = link_targets(&outside)
                .into_iter()
                .filter(|target| !self.has_link(document, target));
            problems.extend(dead_links.map(|target| at(line, &target)));
            let dead_paths = code
                .into_iter()
                .filter(|span| !self.has_named_path(document, span));
            problems.extend(dead_paths.map(|span| at(line, span)));
        }
        problems
    }

    fn has_link(&self, document: &Path, target: &str) -> bool {
        if has_scheme(target) {
            return true;
        }
        if target.starts_with('/') {
            // What it leads to depends on where the document is shown.
            return false;
        }
        let (file, fragment) = target.split_once('#').unwrap_or((target, ""));
        let file = if file.is_empty() {
            document.to_path_buf()
        } else {
            match normalised(&document.parent().unwrap_or(Path::new("")).join(file)) {
                Some(path) => path,
                None => return false,
            }
        };
        let anchors = || self.documents.get(&file).map(|text| heading_anchors(text));
        (file.as_os_str().is_empty() || self.paths.contains(&file))
            && (fragment.is_empty() || anchors().is_none_or(|anchors| anchors.contains(fragment)))
    }

    /// Whether `span` is an existing path of this repository, or not a path at all. A path is
    /// relative to the root or the document, or the end of a longer path, since prose shortens
    /// `crates/server/src/slices/binding/ops.rs` to `binding/ops.rs`.
    fn has_named_path(&self, document: &Path, span: &str) -> bool {
        let span = without_line_number(span.trim_end_matches('/'));
        let Some((first, _)) = span.split_once('/') else {
            return true;
        };
        let is_plain = span
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
        let is_generated = span.split('/').any(|part| repo::GENERATED.contains(&part));
        let is_of_this_repository = self.paths.contains(Path::new(first))
            || SOURCE_ENDINGS.iter().any(|ending| span.ends_with(ending));
        if !is_plain || first.is_empty() || is_generated || !is_of_this_repository {
            return true;
        }
        let beside = document
            .parent()
            .and_then(|dir| normalised(&dir.join(span)));
        beside.is_some_and(|path| self.paths.contains(&path))
            || self.paths.iter().any(|path| path.ends_with(span))
    }
}

fn has_scheme(target: &str) -> bool {
    target.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c))
    })
}

/// The path without `.` and `..`; nothing if it leaves the repository.
fn normalised(path: &Path) -> Option<PathBuf> {
    let mut result = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => result.pop().then_some(())?,
            Component::Normal(part) => result.push(part),
            _ => {}
        }
    }
    Some(result)
}

fn without_line_number(span: &str) -> &str {
    match span.rsplit_once(':') {
        Some((path, line)) if line.bytes().all(|b| b.is_ascii_digit()) => path,
        _ => span,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(document: &str, text: &str) -> Vec<String> {
        let paths = [
            "README.md",
            "docs",
            "docs/guide.md",
            "crates",
            "crates/server/src/slices/binding/ops.rs",
        ];
        let mut tree = Tree {
            paths: paths.map(PathBuf::from).into(),
            ..Tree::default()
        };
        tree.documents.insert(
            "docs/guide.md".into(),
            "# Guide\n## Two `db` words, one\n## Same\n## Same\n".to_owned(),
        );
        tree.problems(Path::new(document), text)
    }

    #[test]
    fn links_that_lead_somewhere_are_no_problem() {
        let text = "[a](docs/guide.md) [b](https://example.com/x.md) [c](mailto:a@example.com)\n\
                    [d](docs/) [e](docs/guide.md#two-db-words-one) [f](docs/guide.md#same-1)";
        assert_eq!(problems("README.md", text), [""; 0]);
        assert_eq!(
            problems(
                "docs/guide.md",
                "[up](../README.md) [here](#guide) [beside](./guide.md)"
            ),
            [""; 0]
        );
    }

    #[test]
    fn a_dead_link_is_named_with_its_line() {
        assert_eq!(
            problems("README.md", "\n[a](docs/gone.md)"),
            ["README.md:2: docs/gone.md"]
        );
        assert_eq!(
            problems("README.md", "[a](docs/guide.md#three)"),
            ["README.md:1: docs/guide.md#three"]
        );
        assert_eq!(
            problems("docs/guide.md", "[a](README.md)"),
            ["docs/guide.md:1: README.md"]
        );
        assert_eq!(
            problems("docs/guide.md", "[a](../../README.md)"),
            ["docs/guide.md:1: ../../README.md"]
        );
        assert_eq!(
            problems("README.md", "[a](/docs/guide.md)"),
            ["README.md:1: /docs/guide.md"]
        );
        assert_eq!(
            problems("README.md", "[a]: docs/gone.md"),
            ["README.md:1: docs/gone.md"]
        );
        assert_eq!(
            problems("README.md", "<img src=\"docs/gone.svg\">"),
            ["README.md:1: docs/gone.svg"]
        );
    }

    #[test]
    fn a_path_in_code_may_be_shortened_at_its_front() {
        let text = "`crates/server/src/slices/binding/ops.rs` `binding/ops.rs:12` `crates/` `docs/guide.md`";
        assert_eq!(problems("README.md", text), [""; 0]);
    }

    #[test]
    fn a_path_in_code_that_does_not_exist_is_named() {
        assert_eq!(
            problems("README.md", "`crates/gone`"),
            ["README.md:1: crates/gone"]
        );
        assert_eq!(
            problems("README.md", "see `binding/gone.rs`"),
            ["README.md:1: binding/gone.rs"]
        );
        assert_eq!(
            problems("README.md", "`inding/ops.rs`"),
            ["README.md:1: inding/ops.rs"]
        );
    }

    #[test]
    fn other_code_is_not_taken_for_a_path() {
        let text = "`application/json` `/v1/tenants` `a/jwks.json` `@keymoor/sdk` `cargo xtask test`\n\
                    `target/release/keymoor` `docs/dist/index.js` `migrations/{a,b}/x.sql`";
        assert_eq!(problems("README.md", text), [""; 0]);
    }
}
