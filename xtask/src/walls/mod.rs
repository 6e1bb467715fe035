//! Walls between the parts of a crate: what a file may name, and no import cycle between files.
//!
//! - [`source`] reads the paths that a file's code names, [`tokens`] those inside macros.
//! - [`tree`] follows `mod` declarations from a crate's root and resolves those paths.
//! - [`rules`] judges a path by the file that names it. [`cycles`] finds files that import each
//!   other.
//!
//! Code under `#[cfg(test)]` is exempt, and so are modules called `tests` and `testing`.

mod cycles;
mod rules;
mod source;
mod tokens;
mod tree;

#[cfg(test)]
mod tests;

use std::{fs, path::Path};

use anyhow::{Result, bail};

use self::tree::{Sources, Tree};
use crate::repo;

const SERVER: &str = "crates/server/src";
const DB: &str = "crates/db/src";

/// Fails with one line for each path that its file may not name, and the import cycles.
pub(crate) fn check(root: &Path) -> Result<()> {
    let server = Tree::read(&sources(root, SERVER)?)?;
    let mut problems = rules::violations(&server);
    problems.extend(rules::unused_exceptions(&server));
    problems.extend(cycles::describe(&server));
    let mut files = server.files.len();
    if root.join(DB).exists() {
        let db = Tree::read(&sources(root, DB)?)?;
        problems.extend(cycles::describe(&db));
        files += db.files.len();
    }
    if !problems.is_empty() {
        bail!("imports through walls:\n{}", problems.join("\n"));
    }
    println!("checked the imports of {files} files");
    Ok(())
}

fn sources(root: &Path, folder: &str) -> Result<Sources> {
    let mut sources = Sources::new(folder);
    for path in repo::written_below(&root.join(folder))? {
        if path.extension().is_some_and(|ending| ending == "rs") {
            let name = path.strip_prefix(root.join(folder))?.display().to_string();
            sources.add(&name, fs::read_to_string(&path)?);
        }
    }
    Ok(sources)
}
