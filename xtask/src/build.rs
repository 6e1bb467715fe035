//! `cargo xtask build`: the npm packages, then the binary that has them inside.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{
    process::{cargo, run},
    repo, setup,
};

/// Builds packages and release binary, and returns the binary's path.
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

/// Builds the npm packages that are older than their sources or imports.
pub(crate) fn packages() -> Result<()> {
    setup::npm_workspaces()?;
    let lock_file = modified(&repo::root().join("package-lock.json"));
    let mut built = BTreeMap::new();
    for package in in_build_order(npm_packages()?)? {
        let imported = package.imports.iter().filter_map(|name| built.get(name));
        let inputs = imported.copied().max().flatten().max(lock_file);
        let dir = repo::root().join(&package.dir);
        // Assets are compiled into the binary: rewriting them would recompile the server.
        if is_stale(&dir, inputs)? {
            run(&mut setup::npm(&[
                "run",
                "build",
                "--if-present",
                "--workspace",
                &package.dir,
            ])?)?;
        }
        built.insert(package.name, times_built(&dir).max());
    }
    Ok(())
}

struct Package {
    /// Relative to the root of the repository.
    dir: String,
    name: String,
    imports: BTreeSet<String>,
}

fn npm_packages() -> Result<Vec<Package>> {
    let dirs = repo::npm_packages("packages").into_iter();
    dirs.map(|dir| {
        let manifest = fs::read(repo::root().join(&dir).join("package.json"))?;
        let manifest: Value = serde_json::from_slice(&manifest)
            .with_context(|| format!("{dir}/package.json is not JSON"))?;
        let imports = ["dependencies", "devDependencies"]
            .iter()
            .filter_map(|kind| manifest[kind].as_object())
            .flat_map(|names| names.keys().cloned());
        Ok(Package {
            imports: imports.collect(),
            name: manifest["name"].as_str().unwrap_or(&dir).to_owned(),
            dir,
        })
    })
    .collect()
}

/// Each package after those it imports.
fn in_build_order(mut waiting: Vec<Package>) -> Result<Vec<Package>> {
    let mut ordered = Vec::with_capacity(waiting.len());
    while !waiting.is_empty() {
        let imports_nothing_unbuilt = |package: &Package| {
            let mut unbuilt = waiting.iter().map(|package| &package.name);
            unbuilt.all(|name| !package.imports.contains(name))
        };
        let next = waiting.iter().position(imports_nothing_unbuilt);
        let next = next.context("npm packages import each other in a circle")?;
        ordered.push(waiting.remove(next));
    }
    Ok(ordered)
}

fn is_stale(package: &Path, inputs: Option<SystemTime>) -> Result<bool> {
    let sources = repo::written_below(package)?;
    let newest_source = times(sources).max();
    let oldest_built = times_built(package).min();
    Ok(oldest_built.is_none() || oldest_built < newest_source.max(inputs))
}

fn times_built(package: &Path) -> impl Iterator<Item = SystemTime> {
    times(repo::written_below(&package.join("dist")).unwrap_or_default())
}

fn times(paths: Vec<PathBuf>) -> impl Iterator<Item = SystemTime> {
    paths
        .into_iter()
        .filter(|path| path.is_file())
        .filter_map(|path| modified(&path))
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
    fn a_package_is_stale_until_everything_built_is_newer_than_its_sources_and_inputs() {
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

    fn package(name: &str, imports: &[&str]) -> Package {
        Package {
            dir: format!("packages/{name}"),
            name: name.to_owned(),
            imports: imports.iter().map(|&name| name.to_owned()).collect(),
        }
    }

    #[test]
    fn a_package_is_built_after_those_it_imports() {
        let pages = package("pages", &["sdk", "typescript"]);
        let sdk = package("sdk", &["client"]);
        let ordered = in_build_order(vec![pages, package("client", &[]), sdk]).unwrap();
        let names: Vec<_> = ordered.iter().map(|package| &package.name).collect();
        assert_eq!(names, ["client", "sdk", "pages"]);
    }

    #[test]
    fn packages_that_import_each_other_are_an_error() {
        let circle = vec![package("pages", &["sdk"]), package("sdk", &["pages"])];
        assert!(in_build_order(circle).is_err());
    }
}
