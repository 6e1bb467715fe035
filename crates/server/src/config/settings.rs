//! The list of settings: one line makes a typed field, a flag, a variable, a key of the file and a
//! row of the reference.

use std::path::PathBuf;

use clap::Args;
use url::Url;

use super::error::ConfigError;
use super::given::Given;
use super::value::{BaseUrl, Count, List, ListenAddress, LogFormat, ProxyAddress, Sender, Span};
use crate::db::DatabaseUrl;
use crate::infra::mail::SmtpServer;

/// What is known of a setting before it has a value.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name in the file; flag and variable are spelled after it.
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

        /// Settings given on the command line.
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
            /// The flags that were given, by key.
            pub fn given(&self) -> impl Iterator<Item = (&'static str, &str)> {
                [$((stringify!($key), self.$key.as_deref())),*]
                    .into_iter()
                    .filter_map(|(key, text)| text.map(|text| (key, text)))
            }
        }

        /// The values as they were given; `None` where there is neither value nor default.
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
    /// Where the data is: sqlite:///absolute/path.db or postgres://user:password@host/database
    database_url: DatabaseUrl;
    /// At most so many connections to PostgreSQL
    database_connections: Count = "32";
    /// Addresses to listen on: the first serves sign-in and binding, the second the management API; one serves both where both URLs are equal
    listen: List<ListenAddress> = "127.0.0.1:8021,127.0.0.1:8023";
    /// PEM file with the certificate that both addresses are served with, followed by those that lead to its root; with it TLS is spoken, without it plain HTTP. Read again on SIGHUP
    tls_certificate_file: PathBuf;
    /// PEM file with that certificate's private key
    tls_key_file: PathBuf;
    /// Address on which Prometheus finds /metrics, in plain HTTP and for anybody who reaches it: a loopback or private one. None unless given
    metrics_listen: ListenAddress;
    /// OpenTelemetry collector that gets traces by OTLP over HTTP, such as http://localhost:4318/v1/traces; needs a server built with the feature otlp
    otlp_endpoint: Url;
    /// Public URL of sign-in and binding
    auth_url: BaseUrl = "http://localhost:8021";
    /// Public URL of the management API
    api_url: BaseUrl = "http://localhost:8023";
    /// Public URL of the console; {auth_url}/console unless given
    console_url: BaseUrl;
    /// File with the key that seals secrets; beside an SQLite file unless given. `keymoor init` makes it
    master_key_file: PathBuf;
    /// Mail server: smtp://host uses TLS where it is offered (port 25 unless given), smtp://host?tls=required (587) and smtps://host (465) insist on it; user:password@ before the host signs in, and then smtp:// to another machine insists too (587). Without one no mail is sent
    smtp_url: SmtpServer;
    /// Sender of mail: an address, or a name and the address in angle brackets
    mail_from: Sender;
    /// How long one attempt at sending a mail may take, in seconds
    mail_timeout_seconds: Span = "30";
    /// How often sending a mail is tried before it is given up; after a day it is in any case
    mail_attempts: Count = "8";
    /// Wait before the second attempt, in seconds; it doubles with each further one
    mail_retry_seconds: Span = "30";
    /// Lifetime of a binding link, in seconds
    link_lifetime_seconds: Span = "604800";
    /// Shortest lifetime that a binding link may be asked for, in seconds
    link_lifetime_min_seconds: Span = "60";
    /// Longest lifetime that a binding link may be asked for, in seconds
    link_lifetime_max_seconds: Span = "2592000";
    /// Requests with a wrong link token that one network may make a minute
    wrong_link_tokens_per_minute: Count = "30";
    /// Requests with a wrong client secret that one network may make a minute
    wrong_client_secrets_per_minute: Count = "30";
    /// Refused proofs and replayed codes that one network may send a minute
    wrong_proofs_per_minute: Count = "30";
    /// PEM file with root certificates of authenticators, or directory of such files ending in .pem, that attestations are traced to. Without one no passkey is attested
    attestation_roots: PathBuf;
    /// IP addresses of reverse proxies whose X-Forwarded-For is believed, separated by commas
    trusted_proxies: List<ProxyAddress>;
    /// At most so many connections to one listen address at a time; when all are in use, the network with the most loses the one that has waited longest for its client
    connections: Count = "4096";
    /// Longest time for a TLS handshake, and for the head of a request to arrive, in seconds
    request_head_seconds: Span = "10";
    /// How long a connection may lie unused between requests, in seconds
    idle_connection_seconds: Span = "60";
    /// How long a server that is told to stop may go on with what it has begun, in seconds
    shutdown_seconds: Span = "10";
    /// Form of the log, which goes to standard error: text or json
    log_format: LogFormat = "text";
    /// What is logged: off, error, warn, info, debug, trace, or target=level pairs separated by commas
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
