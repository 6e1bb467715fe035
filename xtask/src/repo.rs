//! Paths of the repository.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

/// Directories without hand-written files.
pub(crate) const GENERATED: [&str; 5] = [".dev", ".git", "dist", "node_modules", "target"];

pub(crate) fn root() -> PathBuf {
    // Asked for at run time: clones that share a target directory share this binary too.
    let xtask = env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs this, as `cargo xtask`");
    let root = Path::new(&xtask).parent();
    root.expect("xtask is one level below the root")
        .to_path_buf()
}

/// Returns the git-ignored directory for downloaded and generated files.
pub(crate) fn dev_dir() -> Result<PathBuf> {
    let dir = root().join(".dev");
    fs::create_dir_all(&dir).with_context(|| format!("cannot make {}", dir.display()))?;
    Ok(dir)
}

pub(crate) fn target_dir() -> PathBuf {
    root().join(env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

pub(crate) fn release_binary() -> PathBuf {
    target_dir().join("release/keymoor")
}

/// Directories below `parent` that are npm packages, in order of name.
pub(crate) fn npm_packages(parent: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(parent))
        .into_iter()
        .flatten()
        .flatten();
    let packages = entries.filter(|entry| entry.path().join("package.json").exists());
    let names: BTreeSet<_> = packages
        .map(|entry| format!("{parent}/{}", entry.file_name().display()))
        .collect();
    names.into_iter().collect()
}

/// Returns every hand-written file and directory below `dir`.
pub(crate) fn written_below(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut unread = vec![dir.to_path_buf()];
    while let Some(dir) = unread.pop() {
        let entries =
            fs::read_dir(&dir).with_context(|| format!("cannot list {}", dir.display()))?;
        for entry in entries {
            let entry = entry?;
            if GENERATED.iter().any(|name| entry.file_name() == *name) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                unread.push(entry.path());
            }
            found.push(entry.path());
        }
    }
    Ok(found)
}
