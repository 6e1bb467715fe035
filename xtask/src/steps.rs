//! The steps of `cargo xtask test`, each runnable alone.

use std::process::Command;

use anyhow::Result;
use clap::ValueEnum;

use crate::{
    bench, build, demo, kotlin, markdown,
    postgres::{Durability, Postgres},
    process::{cargo, command, run},
    repo, rule_numbers, setup, swift, tidy, vectors, walls,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Step {
    /// Install what is missing: Debian packages, Node, npm packages, cargo-deny; build the npm packages
    Setup,
    /// rustfmt; lengths of files; numbers of rules in test names; what files may import
    Fmt,
    /// Clippy on everything, warnings are errors
    Clippy,
    /// Licences, banned crates and sources of dependencies
    Deny,
    /// rustdoc without warnings; links and paths in Markdown files lead somewhere
    Docs,
    /// Rust tests, with a PostgreSQL of their own
    Test,
    /// Types, unit tests and sizes of the npm packages
    #[value(alias = "sdk")]
    Packages,
    /// Tests, public API and sizes of the Kotlin SDK; its example compiles
    SdkKotlin,
    /// Formatting, tests and size of the Swift SDK
    SdkSwift,
    /// What all SDKs must do alike, in each of their languages
    Vectors,
    /// The release binary
    Build,
    /// Real binary, real browser, real SMTP, both databases
    E2e,
    /// The demo, headless
    Demo,
}

impl Step {
    pub(crate) const ALL: [Self; 13] = [
        Self::Setup,
        Self::Fmt,
        Self::Clippy,
        Self::Deny,
        Self::Docs,
        Self::Test,
        Self::Packages,
        Self::SdkKotlin,
        Self::SdkSwift,
        Self::Vectors,
        Self::Build,
        Self::E2e,
        Self::Demo,
    ];

    pub(crate) fn name(self) -> String {
        let value = self.to_possible_value().expect("no step is hidden");
        value.get_name().to_owned()
    }

    pub(crate) fn run(self, long: bool) -> Result<()> {
        match self {
            Self::Setup => setup::everything().and_then(|()| build::packages()),
            Self::Fmt => fmt(),
            Self::Clippy => clippy(long),
            Self::Deny => {
                run(command(setup::cargo_deny()?).args(["check", "licenses", "bans", "sources"]))
            }
            Self::Docs => docs(long),
            Self::Test => rust_tests(long),
            Self::Packages => packages(),
            Self::SdkKotlin => kotlin::check(),
            Self::SdkSwift => swift::check(),
            Self::Vectors => vectors::check(),
            Self::Build => build::build().map(drop),
            Self::E2e => e2e(long),
            Self::Demo => demo::check(),
        }
    }
}

fn fmt() -> Result<()> {
    run(&mut cargo(&["fmt", "--all", "--check"]))?;
    let root = repo::root();
    tidy::check(&root)?;
    rule_numbers::check(&root)?;
    walls::check(&root)
}

fn clippy(long: bool) -> Result<()> {
    // The server embeds what the packages are built into.
    build::packages()?;
    let mut clippy = for_workspace("clippy", long);
    run(clippy.args(["--all-targets", "--all-features", "--", "-D", "warnings"]))
}

fn docs(long: bool) -> Result<()> {
    build::packages()?;
    // Their readers are contributors, who may read private items.
    let mut rustdoc = for_workspace("doc", long);
    rustdoc.args(["--no-deps", "--document-private-items"]);
    run(rustdoc.env("RUSTDOCFLAGS", "-D warnings"))?;
    markdown::check(&repo::root())
}

fn rust_tests(long: bool) -> Result<()> {
    build::packages()?;
    let postgres = Postgres::start(Durability::None)?;
    let mut tests = for_workspace("test", long);
    // One crate's failure must not hide another's: a run costs more than what it would save.
    tests.arg("--no-fail-fast");
    if long {
        // Clippy compiles the optional parts every time; their tests need a build of their own.
        tests.arg("--all-features");
    }
    run(with_test_settings(&mut tests, &postgres, long))
}

/// Returns a cargo command for all crates. Only the long form includes the one that links another
/// WebAuthn implementation, because its dependencies need minutes to build.
fn for_workspace(subcommand: &str, long: bool) -> Command {
    let mut command = cargo(&[subcommand, "--workspace"]);
    if !long {
        command.arg("--exclude=keymoor-webauthn-oracle");
    }
    command
}

fn packages() -> Result<()> {
    build::packages()?;
    run(&mut setup::npm(&[
        "run",
        "check",
        "--workspaces",
        "--if-present",
    ])?)?;
    let mut with_unit_tests = vec!["tools/mail-catcher".to_owned()];
    with_unit_tests.extend(repo::npm_packages("packages"));
    with_unit_tests.extend(repo::npm_packages("examples"));
    for script in ["test", "size"] {
        let mut npm = setup::npm(&["run", script, "--if-present"])?;
        run(npm.args(
            with_unit_tests
                .iter()
                .flat_map(|package| ["--workspace", package]),
        ))?;
    }
    Ok(())
}

fn e2e(long: bool) -> Result<()> {
    let programs = setup::programs(&setup::E2E_PROGRAMS)?;
    run(&mut setup::maven(&["package", "-DskipTests"])?)?;
    let binary = build::build()?;
    bench::smoke(&binary)?;
    let postgres = Postgres::start(Durability::None)?;
    let mut npm = setup::npm(&["test", "--workspace", "e2e"])?;
    npm.env("KEYMOOR_TEST_BIN", binary).envs(programs);
    npm.env(
        "KEYMOOR_TEST_SWIFT_PASSKEYS",
        serde_json::to_string(&swift::example()?)?,
    );
    run(with_test_settings(&mut npm, &postgres, long))
}

fn with_test_settings<'a>(
    command: &'a mut Command,
    postgres: &Postgres,
    long: bool,
) -> &'a mut Command {
    if long {
        command.env("KEYMOOR_TEST_LONG", "1");
    }
    command.env("KEYMOOR_TEST_POSTGRES_URL", postgres.url())
}
