//! The Swift SDK's checks, and a Swift toolchain for machines that have none: Debian's, in a folder of its own.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result};

use crate::{
    process::{capture, command, run},
    repo, setup,
};

const PACKAGE: &str = "sdks/swift";
const RELEASE: &str = "trixie";

/// What Swift links with is not among what it depends on.
const DEBIAN_PACKAGES: [&str; 7] = [
    "swiftlang",
    "libssl-dev",
    "libc6-dev",
    "libstdc++-14-dev",
    "gcc",
    "git",
    "ca-certificates",
];

/// Formatting, and all tests.
pub(crate) fn check() -> Result<()> {
    let swift = Swift::find()?;
    run(swift
        .command(&["format", "lint", "--strict", "--recursive"])
        .args(["Package.swift", "Sources", "Tests"]))?;
    run(&mut swift.package("test", &[]))
}

/// The output of the runner of the shared vectors.
pub(crate) fn vectors() -> Result<Vec<u8>> {
    capture(&mut Swift::find()?.package("test", &["--filter", "VectorsTests"]))
}

pub(crate) enum Swift {
    OfTheMachine,
    /// Debian's, in this folder.
    In(PathBuf),
}

impl Swift {
    /// The one on the PATH, else Debian's, which is installed if it is missing.
    pub(crate) fn find() -> Result<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        if env::split_paths(&path).any(|dir| dir.join("swift").is_file()) {
            return Ok(Self::OfTheMachine);
        }
        let folder = repo::dev_dir()?.join(format!("swift-{RELEASE}"));
        if !folder.exists() {
            install(&folder).context(
                "no Swift toolchain could be installed: put `swift` 5.9 or later on the PATH, then run this again",
            )?;
        }
        Ok(Self::In(folder))
    }

    /// `swift` with `arguments`, in the folder of the package.
    fn command(&self, arguments: &[&str]) -> Command {
        let package = repo::root().join(PACKAGE);
        let mut swift = match self {
            Self::OfTheMachine => command("swift"),
            Self::In(folder) => inside(folder, &package, "swift"),
        };
        if matches!(self, Self::OfTheMachine) {
            swift.current_dir(package);
        }
        swift.args(arguments);
        swift
    }

    /// A command of the package manager, which builds below `.dev`.
    fn package(&self, subcommand: &str, arguments: &[&str]) -> Command {
        let mut swift = self.command(&[subcommand, "--scratch-path"]);
        swift
            .arg(repo::root().join(".dev/swift-build"))
            .args(arguments);
        swift
    }
}

/// A program of the system in `folder`, run in the directory `dir` of the repository.
fn inside(folder: &Path, dir: &Path, program: &str) -> Command {
    let mut enter = setup::as_root("unshare");
    enter
        .args(["--mount", "sh", "tools/enter-folder.sh"])
        .args([folder, &repo::root(), dir])
        .arg(program);
    enter.env("LC_ALL", "C.UTF-8");
    enter
}

/// Fills a folder that takes its name when it is complete, so that an interrupted installation starts anew.
fn install(folder: &Path) -> Result<()> {
    let unfinished = folder.with_extension("unfinished");
    if unfinished.exists() {
        // A debootstrap that was killed has its mounts in a namespace that ended with it.
        run(setup::as_root("rm")
            .args(["--recursive", "--one-file-system"])
            .arg(&unfinished))?;
    }
    setup::debian_package(
        "debootstrap",
        "/usr/sbin/debootstrap",
        "or put `swift` on the PATH",
    )?;
    let mirror = debian_mirror()?;
    run(setup::as_root("unshare")
        .args(["--mount", "debootstrap", "--variant=minbase", RELEASE])
        .arg(&unfinished)
        .arg(mirror))?;
    let root = repo::root();
    let mut apt_get = inside(&unfinished, &root, "apt-get");
    apt_get
        .args(["install", "--yes", "--quiet", "--no-install-recommends"])
        .args(DEBIAN_PACKAGES)
        .env("DEBIAN_FRONTEND", "noninteractive");
    run(&mut apt_get)?;
    run(inside(&unfinished, &root, "apt-get").arg("clean"))?;
    fs::rename(&unfinished, folder)
        .with_context(|| format!("cannot rename {}", unfinished.display()))
}

/// Where this machine's own packages come from.
fn debian_mirror() -> Result<String> {
    let mut targets = command("apt-get");
    targets.args([
        "indextargets",
        "--format",
        "$(REPO_URI) $(LABEL) $(COMPONENT)",
        "Created-By: Packages",
    ]);
    let output = capture(&mut targets)?;
    main_mirror(&String::from_utf8_lossy(&output))
        .context("apt has no mirror of Debian in its sources, or needs `apt-get update`")
}

/// Reads lines of address, label and component.
fn main_mirror(targets: &str) -> Option<String> {
    let main = targets
        .lines()
        .find_map(|line| line.strip_suffix(" Debian main"));
    main.map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_that_of_debian_itself() {
        let targets = "https://mirror.example/other other main\n\
            https://mirror.example/debian-security/ Debian-Security main\n\
            https://mirror.example/debian/ Debian contrib\n\
            https://mirror.example/debian/ Debian main\n";
        assert_eq!(
            main_mirror(targets).as_deref(),
            Some("https://mirror.example/debian/")
        );
        assert_eq!(main_mirror("https://mirror.example/ Ubuntu main\n"), None);
    }

    #[test]
    fn a_command_inside_keeps_the_path_of_the_repository() {
        let command = inside(Path::new("/folder"), Path::new("/repo/sdks"), "swift");
        let arguments: Vec<_> = command.get_args().collect();
        assert!(arguments.ends_with(&["/repo/sdks".as_ref(), "swift".as_ref()]));
    }
}
