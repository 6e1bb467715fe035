//! Generated files that are checked in, so that changes show in review.

use std::fs;

use anyhow::{Context, Result};
use clap::Subcommand;

use crate::{
    build, kotlin,
    process::{capture, cargo, run},
    repo, setup,
};

#[derive(Clone, Copy, Subcommand)]
pub(crate) enum Generated {
    /// `openapi/`: the API documents, as the server's routes are declared
    Openapi,
    /// `packages/api-client/src/generated`: the client of the management API, from its document in `openapi/`
    Client,
    /// `sdks/kotlin/*/api.txt`: the public API of the Kotlin SDK, after a change to it
    KotlinApi,
}

impl Generated {
    pub(crate) fn make(self) -> Result<()> {
        match self {
            Self::Openapi => openapi(),
            Self::Client => client(),
            Self::KotlinApi => kotlin::write_api(),
        }
    }
}

fn openapi() -> Result<()> {
    build::packages()?;
    let folder = repo::root().join("openapi");
    fs::create_dir_all(&folder)?;
    for document in ["management", "public"] {
        let printed = capture(&mut cargo(&["run", "--", "openapi", document]))?;
        let path = folder.join(format!("{document}.json"));
        fs::write(&path, printed).with_context(|| format!("cannot write {}", path.display()))?;
        println!("wrote {}", path.display());
    }
    Ok(())
}

fn client() -> Result<()> {
    setup::npm_workspaces()?;
    run(&mut setup::npm(&[
        "run",
        "generate",
        "--workspace",
        "packages/api-client",
    ])?)
}
