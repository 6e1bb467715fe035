//! The list of settings. One line defines a typed field, a flag, a variable, a key of the file and a
//! row of the reference.

use std::path::PathBuf;

use clap::Args;
use url::Url;

use super::error::ConfigError;
use super::given::Given;
use super::value::{
    BaseUrl, Count, Hello, List, ListenAddress, LogFormat, ProxyAddress, Sender, Span,
    TokenLifetime,
};
use crate::db::DatabaseUrl;
use crate::infra::mail::SmtpServer;

/// The description of a setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name in the file. Flag and variable are derived from it.
    pub key: &'static str,
    pub about: &'static str,
    pub default: Option<&'static str>,
}

impl Setting {
    /// The environment variable.
    pub fn variable(&self) -> String {
        format!("KEYMOOR_{}", self.key.to_ascii_uppercase())
    }

    /// The command-line flag.
    pub fn flag(&self) -> String {
        format!("--{}", self.key.replace('_', "-"))
    }
}

macro_rules! settings {
    ($(#[doc = $about:tt] $key:ident: $type:ty $(= $default:literal)?;)*) => {
        /// Every setting.
        pub const SETTINGS: &[Setting] = &[$(Setting {
            key: stringify!($key),
            about: $about,
            default: settings!(@default $($default)?),
        }),*];

        /// Settings on the command line.
        #[derive(Args, Clone, Debug, Default)]
        pub struct Flags {
            /// TOML file with settings; KEYMOOR_CONFIG names it too
            #[arg(long, global = true, value_name = "FILE")]
            pub config: Option<PathBuf>,
            $(
                #[arg(
                    long, global = true, value_name = "VALUE", help_heading = "Settings",
                    help = concat!($about $(, " [default: ", $default, "]")?).trim()
                )]
                $key: Option<String>,
            )*
        }

        impl Flags {
            /// Returns the flags that are set, by key.
            pub fn given(&self) -> impl Iterator<Item = (&'static str, &str)> {
                [$((stringify!($key), self.$key.as_deref())),*]
                    .into_iter()
                    .filter_map(|(key, text)| text.map(|text| (key, text)))
            }
        }

        /// The typed values. `None`: neither a value nor a default.
        pub struct Settings {
            $(pub $key: settings!(@type $type $(= $default)?),)*
        }

        impl Settings {
            pub fn read(given: &Given) -> Result<Self, ConfigError> {
                Ok(Self { $($key: settings!(@read given $key $(= $default)?),)* })
            }
        }
    };
    (@default) => { None };
    (@default $default:literal) => { Some($default) };
    (@type $type:ty) => { Option<$type> };
    (@type $type:ty = $default:literal) => { $type };
    (@read $given:ident $key:ident) => { $given.optional(stringify!($key))? };
    (@read $given:ident $key:ident = $default:literal) => {
        $given.required(stringify!($key), $default)?
    };
}

settings! {
    /// Database: sqlite:///absolute/path.db or postgres://user:password@host/database
    database_url: DatabaseUrl;
    /// Maximum number of connections to PostgreSQL
    database_connections: Count = "32";
    /// Listen addresses: the first serves sign-in and binding, the second the management API. If both public URLs are equal, one address serves both
    listen: List<ListenAddress> = "127.0.0.1:8021,127.0.0.1:8023";
    /// PEM file with the TLS certificate of both addresses, followed by its intermediate certificates. Without it the server uses plain HTTP. Reloaded on SIGHUP
    tls_certificate_file: PathBuf;
    /// PEM file with the private key of the TLS certificate
    tls_key_file: PathBuf;
    /// Address of /metrics for Prometheus, in plain HTTP and without credentials, so use a loopback or private address. Without it metrics are not served
    metrics_listen: ListenAddress;
    /// OpenTelemetry collector that receives traces by OTLP over HTTP, such as http://localhost:4318/v1/traces. Requires a server built with the feature otlp
    otlp_endpoint: Url;
    /// Public URL of sign-in and binding
    auth_url: BaseUrl = "http://localhost:8021";
    /// Public URL of the management API
    api_url: BaseUrl = "http://localhost:8023";
    /// Public URL of the console. By default {auth_url}/console
    console_url: BaseUrl;
    /// File with the key that encrypts secrets. By default beside the SQLite file. `keymoor init` creates it
    master_key_file: PathBuf;
    /// Lifetime of the access tokens of a new tenant's management client, in seconds: from 60 to 7776000, which is 90 days
    management_token_seconds: TokenLifetime = "3600";
    /// Mail server. smtp://host uses TLS if offered (default port 25), smtp://host?tls=required (587) and smtps://host (465) require it. user:password@ before the host signs in; smtp:// to another machine then also requires TLS (587). Without a mail server no mail is sent
    smtp_url: SmtpServer;
    /// Sender of mail: an address, or a name and the address in angle brackets
    mail_from: Sender;
    /// Name of this server in EHLO: a fully qualified domain name, or an IP address in square brackets. By default the system's host name if it is fully qualified, otherwise the address of the connection
    smtp_hello: Hello;
    /// Time limit of one attempt to send a mail, in seconds
    mail_timeout_seconds: Span = "30";
    /// Maximum number of attempts to send a mail. After a day there are no more in any case
    mail_attempts: Count = "8";
    /// Wait before the second attempt, in seconds. It doubles with each further attempt
    mail_retry_seconds: Span = "30";
    /// Lifetime of a binding link, in seconds
    link_lifetime_seconds: Span = "604800";
    /// Shortest lifetime that a request for a binding link may set, in seconds
    link_lifetime_min_seconds: Span = "60";
    /// Longest lifetime that a request for a binding link may set, in seconds
    link_lifetime_max_seconds: Span = "2592000";
    /// Requests with a wrong link token that one network (IPv4 address or IPv6 /64) may send per minute. Wider networks may send a multiple
    wrong_link_tokens_per_minute: Count = "30";
    /// Requests with a wrong client secret that one network may send per minute. Wider networks, and all clients of one tenant together, may send a multiple
    wrong_client_secrets_per_minute: Count = "30";
    /// Invalid proofs and replayed codes that one network may send per minute. Wider networks, and all clients about one identity or tenant together, may send a multiple
    wrong_proofs_per_minute: Count = "30";
    /// PEM file, or directory of .pem files, with trusted root certificates of authenticators. Without it no passkey is attested
    attestation_roots: PathBuf;
    /// IP addresses of reverse proxies whose X-Forwarded-For is trusted, separated by commas
    trusted_proxies: List<ProxyAddress>;
    /// Maximum number of concurrent connections to one listen address. When all are in use, the network with the most loses the one that has waited longest for its client
    connections: Count = "4096";
    /// Time limit of a TLS handshake and of receiving a request's head, in seconds
    request_head_seconds: Span = "10";
    /// Time limit of an idle connection between requests, in seconds
    idle_connection_seconds: Span = "60";
    /// Time limit for finishing open requests when the server stops, in seconds
    shutdown_seconds: Span = "10";
    /// Format of the log on standard error: text or json
    log_format: LogFormat = "text";
    /// Log level: off, error, warn, info, debug, trace, or target=level pairs separated by commas
    log_filter: String = "info";
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> String {
        let head = [
            "| Setting in the file | Variable | Flag | Default | Meaning |".to_owned(),
            "|---|---|---|---|---|".to_owned(),
        ];
        let rows = SETTINGS.iter().map(|setting| {
            let default = match setting.default {
                None => String::new(),
                Some(default) => format!("`{default}`"),
            };
            format!(
                "| `{}` | `{}` | `{}` | {default} | {} |",
                setting.key,
                setting.variable(),
                setting.flag(),
                setting.about.trim(),
            )
        });
        head.into_iter().chain(rows).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_reference_lists_every_setting_as_it_is() {
        let reference = include_str!("../../../../docs/reference/configuration.md");
        assert!(
            reference.contains(&table()),
            "docs/reference/configuration.md must contain:\n{}",
            table()
        );
    }

    #[test]
    fn the_help_names_no_default_that_is_nothing() {
        assert!(SETTINGS.iter().all(|setting| setting.default != Some("")));
    }

    #[test]
    fn the_names_that_automation_relies_on_exist() {
        let variables: Vec<String> = SETTINGS.iter().map(Setting::variable).collect();
        for name in [
            "KEYMOOR_DATABASE_URL",
            "KEYMOOR_LISTEN",
            "KEYMOOR_AUTH_URL",
            "KEYMOOR_API_URL",
            "KEYMOOR_CONSOLE_URL",
            "KEYMOOR_MASTER_KEY_FILE",
            "KEYMOOR_SMTP_URL",
            "KEYMOOR_MAIL_FROM",
        ] {
            assert!(variables.iter().any(|variable| variable == name), "{name}");
        }
    }
}
