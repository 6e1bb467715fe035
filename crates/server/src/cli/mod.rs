//! The command line: what an operator runs.
//!
//! Results go to standard output, the log and errors to standard error. The exit status is 0, 1
//! for what failed, and 2 for a wrong command line or configuration.

mod doctor;
mod handover;
mod logging;
mod node;
mod outcome;
pub mod serve;
#[cfg(feature = "otlp")]
mod traces;
#[cfg(not(feature = "otlp"))]
#[path = "no_traces.rs"]
mod traces;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use tokio::runtime::Runtime;

use crate::app::SystemClock;
use crate::config::{Config, Flags};
use crate::db::{self, Db, DbLock, MIGRATIONS, SCHEMA_VERSION};
use crate::http::router;
use handover::Administrator;
use outcome::{Outcome, print};

/// Keymoor: a self-hosted passkey platform
///
/// Each setting may also stand in the TOML file that --config or KEYMOOR_CONFIG names, as in
/// `log_format = "json"`, or in the environment, as in KEYMOOR_LOG_FORMAT=json. A flag wins over a
/// variable, and that over the file.
#[derive(Parser)]
#[command(name = "keymoor", version)]
struct Cli {
    #[command(flatten)]
    settings: Flags,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve until told to stop
    Serve {
        /// Speak TLS with a certificate of our own making, for development
        ///
        /// It is kept beside the database, with PostgreSQL beside the master key, so that a browser need be told to trust it once.
        #[arg(long)]
        tls_self_signed: bool,
    },
    /// Prepare the database, make what a first start needs, and say what it is
    ///
    /// May be run again with the server's own settings, also while the server runs: it then prints
    /// the same, with a fresh link for the administrator until one has a passkey. Names and addresses
    /// are for a first tenant that is only made.
    Init {
        /// Name of the first tenant
        #[arg(long, value_name = "NAME", default_value = handover::DEFAULT_TENANT, value_parser = handover::name)]
        display_name: String,
        #[command(flatten)]
        admin: Administrator,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Bring the database to the schema of this version
    Migrate,
    /// Copy an SQLite database to a new file, also while a server runs
    ///
    /// The copy does not hold the master key, without which much of it can't be read: keep that
    /// too, and elsewhere.
    Backup {
        /// File to write; it must not be there yet
        file: PathBuf,
    },
    /// Print an API document, OpenAPI in JSON
    Openapi {
        #[arg(value_enum, default_value_t = Document::Management)]
        document: Document,
    },
    /// Look at everything that a server depends on, change no data, and say what to mend
    ///
    /// Each finding is a line. The exit status is 0 when there is none but remarks, else 1.
    Doctor {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Manage from the command line
    #[command(subcommand)]
    Admin(Admin),
}

#[derive(Subcommand)]
enum Admin {
    /// Manage tenants
    #[command(subcommand)]
    Tenants(Tenants),
}

#[derive(Subcommand)]
enum Tenants {
    /// Make a tenant with an administrator, and say how to start
    Create {
        /// Name of the tenant
        #[arg(long, value_name = "NAME", value_parser = handover::name)]
        display_name: String,
        #[command(flatten)]
        admin: Administrator,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum Document {
    /// The management API
    Management,
    /// What browsers and SDKs call to sign in and bind
    Public,
}

impl Document {
    fn json(self) -> Outcome<String> {
        let document = match self {
            Self::Management => router::management_document(),
            Self::Public => router::public_document(),
        };
        Ok(document.to_pretty_json()?)
    }
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let Cli { settings, command } = Cli::parse();
    if let Command::Openapi { document } = command {
        // The same whatever the settings are.
        return status(document.json().and_then(|json| print(&json)));
    }
    let config = match (Config::load(&settings, std::env::vars_os()), &command) {
        (Ok(config), _) => config,
        (Err(error), &Command::Doctor { json }) => {
            let findings = [doctor::no_configuration(&error)];
            return status(doctor::tell(&findings, json));
        }
        (Err(error), _) => return failed(2, &error),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return failed(1, &error),
    };
    let logging = match logging::start(&config, runtime.handle()) {
        Ok(logging) => logging,
        Err(error) => return failed(2, &error),
    };
    let outcome = run(&runtime, command, config);
    logging.finish();
    status(outcome)
}

fn status(outcome: Outcome) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(1, &error),
    }
}

fn failed(status: u8, error: &impl std::fmt::Display) -> ExitCode {
    eprintln!("keymoor: {error}");
    ExitCode::from(status)
}

fn run(runtime: &Runtime, command: Command, config: Config) -> Outcome {
    // Two providers may be linked in; the choice is made once, here.
    let _already_chosen = rustls::crypto::aws_lc_rs::default_provider().install_default();
    runtime.block_on(async {
        match command {
            Command::Serve { tls_self_signed } => {
                let config = if tls_self_signed {
                    serve::with_self_signed(config)?
                } else {
                    config
                };
                serve::until_signalled(config).await
            }
            Command::Doctor { json } => {
                doctor::tell(&doctor::examine(&config, &SystemClock).await, json)
            }
            Command::Migrate => print(&migrate(&config).await?),
            Command::Backup { file } => print(&backup(&config, &file)?),
            Command::Openapi { .. } => {
                unreachable!("it needs no settings, and was run before them")
            }
            Command::Init {
                display_name,
                admin,
                json,
            } => print(&handover::init(config, display_name, admin, json).await?),
            Command::Admin(Admin::Tenants(Tenants::Create {
                display_name,
                admin,
                json,
            })) => {
                let created = handover::create_tenant(config, display_name, admin, json);
                print(&Box::pin(created).await?)
            }
        }
    })
}

async fn migrate(config: &Config) -> Outcome<String> {
    let _lock = DbLock::acquire(&config.database_url)?;
    let db = Db::open(&config.database())?;
    let before = db.migrate(MIGRATIONS).await?;
    db.close().await;
    Ok(if before == SCHEMA_VERSION {
        format!("the database has schema {SCHEMA_VERSION} already")
    } else {
        format!("the database has schema {SCHEMA_VERSION} now; it had {before}")
    })
}

fn backup(config: &Config, file: &Path) -> Outcome<String> {
    db::backup(&config.database_url, file)?;
    Ok(format!(
        "wrote {}; the master key is not in it: keep {} too, elsewhere",
        file.display(),
        config.master_key_file.display()
    ))
}
