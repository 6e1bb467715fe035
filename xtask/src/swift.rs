//! The Swift SDK's checks, and a Swift toolchain for machines that have none: Debian's, in a folder of its own.

use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{
    process::{capture, command, run},
    repo, setup,
};

const PACKAGE: &str = "sdks/swift";
const EXAMPLE: &str = "examples/swift/passkeys";
const ENTER: &str = "tools/enter-folder.sh";

/// 544,535 were measured with Swift 6.0.3 on x86-64, and a tenth of that is room.
const MAX_TEXT_BYTES: usize = 599_000;
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

/// Formatting, all tests, and the size of the code that an application gets.
pub(crate) fn check() -> Result<()> {
    let swift = Swift::find()?;
    run(swift
        .command(".", &["format", "lint", "--strict", "--recursive"])
        .args([PACKAGE, "examples/swift", "--configuration"])
        .arg(format!("{PACKAGE}/.swift-format")))?;
    run(&mut swift.package(PACKAGE, "test", &[]))?;
    build_example(&swift)?;
    check_size(&swift)
}

/// The output of the runner of the shared vectors.
pub(crate) fn vectors() -> Result<Vec<u8>> {
    capture(&mut Swift::find()?.package(PACKAGE, "test", &["--filter", "VectorsTests"]))
}

/// How to run the example's console program: a program and its first arguments.
pub(crate) fn example() -> Result<Vec<String>> {
    let swift = Swift::find()?;
    build_example(&swift)?;
    let program = scratch(EXAMPLE).join("release/passkeys");
    let command = swift.program(&repo::root(), &program.to_string_lossy());
    let script = repo::root().join(ENTER);
    let words = [command.get_program()]
        .into_iter()
        .chain(command.get_args());
    // The tests run in another directory.
    let absolute = |word: &OsStr| {
        if word == ENTER {
            script.clone()
        } else {
            word.into()
        }
    };
    Ok(words
        .map(|word| absolute(word).to_string_lossy().into_owned())
        .collect())
}

fn build_example(swift: &Swift) -> Result<()> {
    run(&mut swift.package(EXAMPLE, "build", &["--configuration", "release"]))
}

/// Adds up the objects, of which there is one for each source file.
fn check_size(swift: &Swift) -> Result<()> {
    let objects = scratch(EXAMPLE).join("release/Keymoor.build");
    let listed =
        fs::read_dir(&objects).with_context(|| format!("cannot list {}", objects.display()))?;
    let paths = listed.map(|entry| Ok(entry?.path()));
    let paths: Vec<PathBuf> = paths.collect::<Result<_>>()?;
    let is_object = |path: &&PathBuf| path.extension() == Some("o".as_ref());
    let mut size = swift.program(&repo::root(), "size");
    size.arg("--totals").args(paths.iter().filter(is_object));
    let output = capture(&mut size)?;
    let bytes =
        total_text(&String::from_utf8_lossy(&output)).context("`size` printed no totals")?;
    println!("Swift SDK: {bytes} bytes of code and constants, of {MAX_TEXT_BYTES}");
    ensure!(
        bytes <= MAX_TEXT_BYTES,
        "the Swift SDK has grown. Make it smaller, or raise MAX_TEXT_BYTES in xtask/src/swift.rs"
    );
    Ok(())
}

/// Reads the first number of the line of totals.
fn total_text(sizes: &str) -> Option<usize> {
    let totals = sizes.lines().find(|line| line.ends_with("(TOTALS)"))?;
    totals.split_whitespace().next()?.parse().ok()
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

    /// A program of the system that has Swift, run in `dir`.
    fn program(&self, dir: &Path, program: &str) -> Command {
        match self {
            Self::OfTheMachine => {
                let mut command = command(program);
                command.current_dir(dir);
                command
            }
            Self::In(folder) => inside(folder, dir, program),
        }
    }

    /// `swift` with `arguments`, in a directory of the repository.
    fn command(&self, dir: &str, arguments: &[&str]) -> Command {
        let mut swift = self.program(&repo::root().join(dir), "swift");
        swift.args(arguments);
        swift
    }

    /// A command of the package manager, which builds below `.dev`.
    fn package(&self, dir: &str, subcommand: &str, arguments: &[&str]) -> Command {
        let mut swift = self.command(dir, &[subcommand, "--scratch-path"]);
        swift.arg(scratch(dir)).args(arguments);
        swift
    }
}

/// Where a package is built.
fn scratch(package: &str) -> PathBuf {
    let name = if package == PACKAGE {
        "swift-build"
    } else {
        "swift-example"
    };
    repo::root().join(".dev").join(name)
}

/// A program of the system in `folder`, run in the directory `dir` of the repository.
fn inside(folder: &Path, dir: &Path, program: &str) -> Command {
    let mut enter = setup::as_root("unshare");
    enter
        .args(["--mount", "sh", ENTER])
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
    fn the_size_is_that_of_all_objects() {
        let sizes = "   text\t   data\n  69019\t   5240\tBinding.o\n 544535\t  19896\t(TOTALS)\n";
        assert_eq!(total_text(sizes), Some(544_535));
        assert_eq!(total_text("text\n"), None);
    }

    #[test]
    fn a_command_inside_keeps_the_path_of_the_repository() {
        let command = inside(Path::new("/folder"), Path::new("/repo/sdks"), "swift");
        let arguments: Vec<_> = command.get_args().collect();
        assert!(arguments.ends_with(&["/repo/sdks".as_ref(), "swift".as_ref()]));
    }
}
