//! The command line.
//!
//! Results go to standard output, the log and errors to standard error. The exit status is 0 for
//! success, 1 for a failure, and 2 for a wrong command line or configuration.

mod admin;
mod doctor;
mod handover;
mod log_writer;
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

use handover::Administrator;
use outcome::{Outcome, print};

use crate::app::SystemClock;
use crate::config::{Config, Flags};
use crate::db::{self, Db, DbLock, MIGRATIONS, SCHEMA_VERSION};
use crate::http::router;

/// Keymoor: a self-hosted passkey platform
///
/// Each setting is a flag, an environment variable such as KEYMOOR_LOG_FORMAT=json, or a line such
/// as `log_format = "json"` in the TOML file that --config or KEYMOOR_CONFIG names. A flag overrides
/// a variable, and a variable overrides the file.
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
    /// Serve until SIGTERM or SIGINT
    Serve {
        /// Use a self-signed TLS certificate, for development
        ///
        /// The certificate is stored beside the SQLite file, or with PostgreSQL beside the master
        /// key, and used again. A browser must be told only once to trust it.
        #[arg(long)]
        tls_self_signed: bool,
    },
    /// Migrate the database, create master key and first tenant if missing, and print how to start
    ///
    /// Run it again at any time, with the server's own settings, also while the server runs. It
    /// then prints the same, with a fresh link until an administrator has a passkey. Names and
    /// addresses apply only when it creates the tenant.
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
    /// Migrate the database to the schema of this version
    Migrate,
    /// Copy an SQLite database to a new file, also while the server runs
    ///
    /// The copy does not contain the master key, which is needed to read it. Back up the key too,
    /// in another place.
    Backup {
        /// File to write; it must not exist
        file: PathBuf,
    },
    /// Print an OpenAPI document, in JSON
    Openapi {
        #[arg(value_enum, default_value_t = Document::Management)]
        document: Document,
    },
    /// Check everything that the server depends on, change no data, and print how to fix problems
    ///
    /// Prints one line per finding. The exit status is 0 if all findings are remarks, otherwise 1.
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
    /// Manage the client that calls the management API
    #[command(subcommand)]
    Credentials(Credentials),
    /// Print a link for a new passkey of an administrator, although one may exist
    ///
    /// For an administrator whose passkey is lost. The link replaces an earlier one, and the audit
    /// events record it. Revoke the lost passkey afterwards.
    Link(admin::Link),
}

#[derive(Subcommand)]
enum Credentials {
    /// Replace the secret of the management client, and print the new one
    ///
    /// Running servers use the new secret within five seconds. Tokens that the old secret got stay
    /// valid until they expire. If the secret has leaked, use --revoke-tokens.
    Rotate(admin::Rotate),
}

#[derive(Subcommand)]
enum Tenants {
    /// Create a tenant with an administrator, and print how to start
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
        // The document does not depend on settings.
        return status(document.json().and_then(|json| print(&json)));
    }
    let config = match (Config::load(&settings, std::env::vars_os()), &command) {
        (Ok(config), _) => config,
        (Err(error), &Command::Doctor { json }) => {
            let findings = [doctor::no_configuration(&error)];
            return status(doctor::finish(&findings, json));
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
    match outcome {
        Ok(()) => {
            logging.finish(None);
            ExitCode::SUCCESS
        }
        Err(error) => {
            // Printing would wait for a reader that the log doesn't wait for.
            logging.finish(Some(&format!("keymoor: {error}\n")));
            ExitCode::from(1)
        }
    }
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
    // Two providers may be linked in, so one is chosen explicitly.
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
                doctor::finish(&doctor::examine(&config, &SystemClock).await, json)
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
            Command::Admin(Admin::Credentials(Credentials::Rotate(rotate))) => {
                print(&Box::pin(admin::rotate(config, rotate)).await?)
            }
            Command::Admin(Admin::Link(link)) => print(&Box::pin(admin::link(config, link)).await?),
        }
    })
}

async fn migrate(config: &Config) -> Outcome<String> {
    let _lock = DbLock::acquire(&config.database_url)?;
    let db = Db::open(&config.database())?;
    let before = db.migrate(MIGRATIONS).await?;
    db.close().await;
    Ok(if before == SCHEMA_VERSION {
        format!("the database already has schema {SCHEMA_VERSION}")
    } else {
        format!("migrated the database from schema {before} to {SCHEMA_VERSION}")
    })
}

fn backup(config: &Config, file: &Path) -> Outcome<String> {
    db::backup(&config.database_url, file)?;
    Ok(format!(
        "wrote {}. It does not contain the master key: back up {} too, in another place",
        file.display(),
        config.master_key_file.display()
    ))
}
