//! `cargo xtask build`: the npm packages, then the binary that has them inside.

use std::{
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::{Result, ensure};

use crate::{
    process::{cargo, run},
    repo, setup,
};

/// Builds packages and release binary, and says where the binary is.
pub(crate) fn build() -> Result<PathBuf> {
    packages()?;
    run(&mut cargo(&[
        "build",
        "--release",
        "--package",
        "keymoor-server",
    ]))?;
    let binary = repo::release_binary();
    ensure!(binary.exists(), "cargo left no {}", binary.display());
    println!("built {}", binary.display());
    Ok(binary)
}

/// Builds the npm packages whose sources are newer than what was built from them.
pub(crate) fn packages() -> Result<()> {
    setup::npm_workspaces()?;
    for package in repo::npm_packages("packages") {
        let dir = repo::root().join(&package);
        // Assets are compiled into the binary: writing them anew would compile the server anew.
        if is_stale(&dir, modified(&repo::root().join("package-lock.json")))? {
            run(&mut setup::npm(&[
                "run",
                "build",
                "--if-present",
                "--workspace",
                &package,
            ])?)?;
        }
    }
    Ok(())
}

fn is_stale(package: &Path, lock_file: Option<SystemTime>) -> Result<bool> {
    let sources = repo::written_below(package)?;
    let newest_source = sources
        .iter()
        .filter(|path| path.is_file())
        .map(|path| modified(path))
        .max()
        .flatten();
    let built = repo::written_below(&package.join("dist")).unwrap_or_default();
    let oldest_built = built
        .iter()
        .filter(|path| path.is_file())
        .map(|path| modified(path))
        .min()
        .flatten();
    Ok(oldest_built.is_none() || oldest_built < newest_source.max(lock_file))
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path)
        .and_then(|metadata| metadata.modified())
        .ok()
}

#[cfg(test)]
mod tests {
    use std::{fs::File, time::Duration};

    use super::*;

    fn write(path: &Path, seconds: u64) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        File::create(path)
            .unwrap()
            .set_modified(at(seconds))
            .unwrap();
    }

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_package_is_stale_until_everything_built_is_newer_than_its_sources_and_the_lock_file() {
        let package = tempfile::tempdir().unwrap();
        let package = package.path();
        write(&package.join("src/index.ts"), 100);
        assert!(is_stale(package, None).unwrap());
        write(&package.join("dist/index.js"), 90);
        write(&package.join("dist/index.d.ts"), 200);
        assert!(is_stale(package, None).unwrap());
        write(&package.join("dist/index.js"), 200);
        assert!(!is_stale(package, Some(at(150))).unwrap());
        assert!(is_stale(package, Some(at(250))).unwrap());
    }
}
