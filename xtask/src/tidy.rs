//! Limits the length of source files, which no formatter checks.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};

use crate::repo;

const MAX_LINES: usize = 500;
/// Endings of files that people write and read as code.
const SOURCES: [&str; 11] = [
    "css", "html", "java", "js", "kt", "mjs", "rs", "sql", "swift", "ts", "tsx",
];
/// Ending of source files that are generated and checked in.
const GENERATED_SOURCE: &str = ".gen.ts";

/// Fails with one line per source file below `root` that is too long.
pub(crate) fn check(root: &Path) -> Result<()> {
    let mut too_long = Vec::new();
    for path in repo::written_below(root)? {
        if !is_source(&path) {
            continue;
        }
        let text =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let lines = text.lines().count();
        if lines > MAX_LINES {
            let path = path.strip_prefix(root)?;
            too_long.push(format!("{}: {lines} lines", path.display()));
        }
    }
    if !too_long.is_empty() {
        bail!(
            "files of more than {MAX_LINES} lines; find the part that is a file of its own:\n{}",
            too_long.join("\n")
        );
    }
    Ok(())
}

fn is_source(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    let is_generated = path.to_string_lossy().ends_with(GENERATED_SOURCE);
    ending.is_some_and(|ending| SOURCES.contains(&ending)) && !is_generated && path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_file_of_more_than_500_lines_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, lines: usize| {
            fs::write(dir.path().join(name), "x\n".repeat(lines)).unwrap();
        };
        write("short.rs", MAX_LINES);
        write("data.json", MAX_LINES + 1);
        write("types.gen.ts", MAX_LINES + 1);
        fs::create_dir(dir.path().join("target")).unwrap();
        write("target/generated.rs", MAX_LINES + 1);
        check(dir.path()).unwrap();
        write("long.ts", MAX_LINES + 1);
        let error = check(dir.path()).unwrap_err().to_string();
        assert!(error.ends_with(":\nlong.ts: 501 lines"), "{error}");
    }
}
