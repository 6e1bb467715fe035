//! Every setting of the server, as one typed value.

mod error;
mod given;
mod settings;
mod sources;
mod value;

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use keymoor_types::Seconds;
use url::Url;

pub use error::ConfigError;
pub use settings::{Flags, SETTINGS, Setting};
pub use value::{BaseUrl, BaseUrlError, LogFormat};

use settings::Settings;
use value::{List, ProxyAddress};

use crate::base::limits::LimitSettings;
use crate::db::{self, DatabaseUrl};
use crate::infra::mail::MailSettings;
use crate::infra::serving::ServingSettings;
use crate::infra::serving::tls::TlsFiles;

/// The configuration of a server. It builds absolute URLs from here, never from a request.
#[derive(Clone, Debug)]
pub struct Config {
    /// The file of settings, if there is one.
    pub config_file: Option<PathBuf>,
    /// May contain a password, which its `Debug` output omits.
    pub database_url: DatabaseUrl,
    /// Maximum number of connections to PostgreSQL.
    pub database_connections: u32,
    pub listen: Listen,
    /// Absent: plain HTTP.
    pub tls: Option<TlsFiles>,
    /// The address of `/metrics`. Absent: none.
    pub metrics_listen: Option<SocketAddr>,
    /// The collector of traces. Absent: none.
    pub otlp_endpoint: Option<Url>,
    /// Public URL of sign-in and binding.
    pub auth_url: BaseUrl,
    /// Public URL of the management API.
    pub api_url: BaseUrl,
    /// Public URL of the console. The admin realm's binding links lead there.
    pub console_url: BaseUrl,
    /// The file of the 256-bit key that encrypts secrets.
    pub master_key_file: PathBuf,
    /// Absent: no mail is written or sent.
    pub mail: Option<MailSettings>,
    /// Lifetime of the access tokens of a new tenant's management client.
    pub management_token_lifetime: Seconds,
    pub outbox: OutboxSettings,
    /// PEM file or directory of trusted root certificates. Absent: no passkey is attested.
    pub attestation_roots: Option<PathBuf>,
    /// Proxies whose `X-Forwarded-For` is trusted.
    pub trusted_proxies: Vec<IpAddr>,
    pub limits: LimitSettings,
    pub binding: BindingSettings,
    pub serving: ServingSettings,
    pub log: LogFormat,
    /// Directives for `tracing`'s filter.
    pub log_filter: String,
    /// Time limit for finishing open requests when the server stops.
    pub shutdown: Seconds,
}

/// The listen addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// One address for everything.
    Together(SocketAddr),
    /// One address for sign-in and binding, another for the management API.
    Apart {
        auth: SocketAddr,
        management: SocketAddr,
    },
}

/// Bounds on the lifetime of binding links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BindingSettings {
    pub default_lifetime: Seconds,
    pub min_lifetime: Seconds,
    pub max_lifetime: Seconds,
}

impl Default for BindingSettings {
    fn default() -> Self {
        Self {
            default_lifetime: Seconds::DAY.times(7),
            min_lifetime: Seconds::MINUTE,
            max_lifetime: Seconds::DAY.times(30),
        }
    }
}

/// Retries of the outbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutboxSettings {
    /// Maximum number of attempts of a task.
    pub attempts: u32,
    /// The wait before the second attempt. It doubles with each further attempt.
    pub first_retry: Seconds,
    /// How long a claimed task is reserved for its worker. Longer than any attempt.
    pub lease: Seconds,
}

impl Default for OutboxSettings {
    fn default() -> Self {
        Self {
            attempts: 8,
            first_retry: Seconds(30),
            lease: Seconds(90),
        }
    }
}

impl Config {
    /// Reads flags, variables and the file that they name, in this order of precedence.
    ///
    /// # Errors
    /// When a setting is unknown, a value is invalid, or settings contradict each other.
    pub fn load(
        flags: &Flags,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        let (given, config_file) = sources::collect(flags, variables)?;
        Ok(Self {
            config_file,
            ..Settings::read(&given)?.try_into()?
        })
    }

    /// Returns the distinct hosts of the public URLs.
    pub fn hosts(&self) -> Vec<String> {
        let urls = [&self.auth_url, &self.api_url, &self.console_url];
        let mut hosts: Vec<_> = urls.map(|url| url.host().to_owned()).into();
        hosts.sort();
        hosts.dedup();
        hosts
    }

    pub fn database(&self) -> db::Options {
        db::Options {
            connections: self.database_connections as usize,
            ..self.database_url.clone().into()
        }
    }
}

impl TryFrom<Settings> for Config {
    type Error = ConfigError;

    fn try_from(settings: Settings) -> Result<Self, ConfigError> {
        let listen = listen(&settings)?;
        let tls = tls(&settings)?;
        let mail = mail(&settings)?;
        let outbox = OutboxSettings {
            attempts: settings.mail_attempts.0.get(),
            first_retry: settings.mail_retry_seconds.0,
            lease: Seconds(settings.mail_timeout_seconds.0.0 + 60),
        };
        let binding = link_lifetimes(&settings)?;
        let database_url = settings.database_url.ok_or_else(|| {
            ConfigError::new(
                "KEYMOOR_DATABASE_URL is not set: use sqlite:///absolute/path.db or \
                 postgres://user:password@host/database",
            )
        })?;
        require_bare("KEYMOOR_AUTH_URL", &settings.auth_url)?;
        require_bare("KEYMOOR_API_URL", &settings.api_url)?;
        let master_key_file = match settings.master_key_file {
            Some(path) => path,
            None => beside(&database_url)?,
        };
        if matches!(&database_url, DatabaseUrl::Sqlite(path) if *path == master_key_file) {
            return Err(ConfigError::new(
                "KEYMOOR_MASTER_KEY_FILE is the same file as the database: use another file",
            ));
        }
        let console_url = settings.console_url.unwrap_or_else(|| {
            let url = settings.auth_url.join("/console");
            url.parse().expect("a path keeps a base URL plain")
        });
        Ok(Self {
            config_file: None,
            database_url,
            database_connections: settings.database_connections.0.get(),
            listen,
            tls,
            metrics_listen: settings.metrics_listen.map(|address| address.0),
            otlp_endpoint: settings.otlp_endpoint,
            auth_url: settings.auth_url,
            api_url: settings.api_url,
            console_url,
            master_key_file,
            mail,
            management_token_lifetime: settings.management_token_seconds.0,
            outbox,
            attestation_roots: settings.attestation_roots,
            trusted_proxies: canonical(settings.trusted_proxies),
            limits: LimitSettings {
                wrong_link_tokens_per_minute: settings.wrong_link_tokens_per_minute.0,
                wrong_client_secrets_per_minute: settings.wrong_client_secrets_per_minute.0,
                wrong_proofs_per_minute: settings.wrong_proofs_per_minute.0,
            },
            binding,
            serving: ServingSettings {
                connections: settings.connections.0,
                head: settings.request_head_seconds.duration(),
                idle: settings.idle_connection_seconds.duration(),
            },
            log: settings.log_format,
            log_filter: settings.log_filter,
            shutdown: settings.shutdown_seconds.0,
        })
    }
}

/// Converts IPv4-mapped IPv6 addresses to IPv4, as for the addresses of requests.
fn canonical(proxies: Option<List<ProxyAddress>>) -> Vec<IpAddr> {
    let proxies = proxies.map_or_else(Vec::new, |list| list.0);
    let addresses = proxies.into_iter().map(|proxy| proxy.0);
    addresses.map(|address| address.to_canonical()).collect()
}

/// Rejects a path: routes start at `/v1`, and SDKs sign the URL that they post to.
fn require_bare(name: &str, url: &BaseUrl) -> Result<(), ConfigError> {
    if url.path().is_empty() {
        return Ok(());
    }
    Err(ConfigError::new(format!(
        "{name} must be scheme, host and port, without a path"
    )))
}

fn listen(settings: &Settings) -> Result<Listen, ConfigError> {
    match &settings.listen.0[..] {
        [one] if settings.auth_url == settings.api_url => Ok(Listen::Together(one.0)),
        [_] => Err(ConfigError::new(
            "KEYMOOR_LISTEN has one address, but KEYMOOR_AUTH_URL and KEYMOOR_API_URL differ: add a \
             second address, or use the same URL for both",
        )),
        [auth, management] => Ok(Listen::Apart {
            auth: auth.0,
            management: management.0,
        }),
        _ => Err(ConfigError::new(
            "KEYMOOR_LISTEN must be one address, or two separated by a comma",
        )),
    }
}

fn tls(settings: &Settings) -> Result<Option<TlsFiles>, ConfigError> {
    match (&settings.tls_certificate_file, &settings.tls_key_file) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => Ok(Some(TlsFiles {
            certificate: certificate.clone(),
            key: key.clone(),
        })),
        _ => Err(ConfigError::new(
            "KEYMOOR_TLS_CERTIFICATE_FILE and KEYMOOR_TLS_KEY_FILE must be set together",
        )),
    }
}

fn mail(settings: &Settings) -> Result<Option<MailSettings>, ConfigError> {
    let Some(server) = settings.smtp_url.clone() else {
        return Ok(None);
    };
    let from = settings.mail_from.clone().ok_or_else(|| {
        ConfigError::new("KEYMOOR_SMTP_URL is set, but KEYMOOR_MAIL_FROM, the sender, is not")
    })?;
    Ok(Some(MailSettings {
        server,
        from: from.0,
        hello: settings.smtp_hello.clone().map(|hello| hello.0),
        timeout: settings.mail_timeout_seconds.0,
    }))
}

fn link_lifetimes(settings: &Settings) -> Result<BindingSettings, ConfigError> {
    let bounds = BindingSettings {
        default_lifetime: settings.link_lifetime_seconds.0,
        min_lifetime: settings.link_lifetime_min_seconds.0,
        max_lifetime: settings.link_lifetime_max_seconds.0,
    };
    if (bounds.min_lifetime..=bounds.max_lifetime).contains(&bounds.default_lifetime) {
        Ok(bounds)
    } else {
        Err(ConfigError::new(
            "KEYMOOR_LINK_LIFETIME_SECONDS must be between KEYMOOR_LINK_LIFETIME_MIN_SECONDS and \
             KEYMOOR_LINK_LIFETIME_MAX_SECONDS",
        ))
    }
}

/// Returns the default master key file, beside the database so that both are moved together.
fn beside(database: &DatabaseUrl) -> Result<PathBuf, ConfigError> {
    match database {
        DatabaseUrl::Sqlite(path) => Ok(path.with_extension("key")),
        DatabaseUrl::Postgres(_) => Err(ConfigError::new(
            "KEYMOOR_MASTER_KEY_FILE is not set: PostgreSQL requires it; name a file that `keymoor \
             init` creates",
        )),
    }
}
