//! Loading, from every source.

use std::io::Write as _;

use clap::Parser;
use tempfile::NamedTempFile;

use super::*;

#[derive(Parser)]
struct Cli {
    #[command(flatten)]
    flags: Flags,
}

const DATABASE: (&str, &str) = ("KEYMOOR_DATABASE_URL", "sqlite:///var/lib/keymoor.db");

fn load(flags: &[&str], variables: &[(&str, &str)]) -> Result<Config, String> {
    let cli = Cli::parse_from(["keymoor"].iter().chain(flags));
    let variables = variables
        .iter()
        .map(|&(name, value)| (name.into(), value.into()));
    Config::load(&cli.flags, variables).map_err(|error| error.to_string())
}

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::with_suffix(".toml").unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn load_file(text: &str) -> Result<Config, String> {
    let file = file(text);
    let path = file.path().to_str().unwrap();
    load(&["--config", path], &[]).map_err(|error| error.replace(path, "keymoor.toml"))
}

#[test]
fn t3_the_defaults_are_those_that_the_parts_name_themselves() {
    let config = load(&[], &[DATABASE]).unwrap();
    assert_eq!(config.limits, LimitSettings::default());
    assert_eq!(config.binding, BindingSettings::default());
    assert_eq!(config.outbox, OutboxSettings::default());
    assert_eq!(config.serving, ServingSettings::default());
    assert_eq!(
        config.listen,
        Listen::Apart {
            auth: "127.0.0.1:8021".parse().unwrap(),
            management: "127.0.0.1:8023".parse().unwrap(),
        }
    );
    assert_eq!(config.console_url.as_str(), "http://localhost:8021/console");
    assert_eq!(
        config.master_key_file,
        PathBuf::from("/var/lib/keymoor.key")
    );
    assert!(config.mail.is_none());
}

#[test]
fn public_urls_bear_no_path() {
    for name in ["KEYMOOR_AUTH_URL", "KEYMOOR_API_URL"] {
        let error = load(&[], &[DATABASE, (name, "https://example.com/keymoor")]).unwrap_err();
        assert!(
            error.contains(name) && error.contains("without a path"),
            "{error}"
        );
    }
}

#[test]
fn the_file_of_settings_is_known() {
    let file = file("connections = 7");
    let path = file.path().to_str().unwrap();
    for config in [
        load(&["--config", path], &[DATABASE]),
        load(&[], &[DATABASE, ("KEYMOOR_CONFIG", path)]),
    ] {
        assert_eq!(config.unwrap().config_file.unwrap(), file.path());
    }
    assert_eq!(load(&[], &[DATABASE]).unwrap().config_file, None);
}

#[test]
fn a_flag_wins_over_a_variable_and_that_over_the_file() {
    let file = file("auth_url = \"https://file.example\"\napi_url = \"https://file.example\"\n");
    let path = file.path().to_str().unwrap();
    let given = [
        DATABASE,
        ("KEYMOOR_CONFIG", path),
        ("KEYMOOR_API_URL", "https://variable.example"),
        ("KEYMOOR_CONSOLE_URL", "https://variable.example"),
    ];
    let config = load(&["--console-url", "https://flag.example"], &given).unwrap();
    assert_eq!(config.auth_url.as_str(), "https://file.example");
    assert_eq!(config.api_url.as_str(), "https://variable.example");
    assert_eq!(config.console_url.as_str(), "https://flag.example");
}

#[test]
fn the_file_holds_texts_numbers_and_lists() {
    let config = load_file(
        "database_url = 'sqlite:///keymoor.db'\nmail_attempts = 10\nlog_format = 'json'\n\
         trusted_proxies = ['10.0.0.1', '::1']\n",
    )
    .unwrap();
    assert_eq!(config.outbox.attempts, 10);
    assert_eq!(config.log, LogFormat::Json);
    assert_eq!(config.trusted_proxies.len(), 2);
}

#[test]
fn what_is_unknown_or_wrong_in_the_file_is_named_with_its_line() {
    for (text, problem) in [
        (
            "\ndatabse_url = 'x'",
            "keymoor.toml:2: unknown setting databse_url; did you mean database_url?",
        ),
        ("[limits]\nx = 1", "keymoor.toml:1: unknown setting limits"),
        (
            "\n\nlisten = 'nowhere'",
            "keymoor.toml:3: listen: must be IP:port, such as 127.0.0.1:8021",
        ),
        (
            "log_filter = true",
            "keymoor.toml:1: log_filter: must be a string, a number or a list of these",
        ),
        (
            "auth_url = 'http://a'\nauth_url = 'http://b'",
            "keymoor.toml:2: duplicate key",
        ),
    ] {
        assert_eq!(load_file(text).unwrap_err(), problem, "{text}");
    }
    let error = load(&["--config", "/nonexistent/keymoor.toml"], &[]).unwrap_err();
    assert!(error.starts_with("/nonexistent/keymoor.toml: "), "{error}");
}

#[test]
fn unknown_variables_are_named_and_foreign_ones_ignored() {
    let error = load(&[], &[DATABASE, ("KEYMOOR_SMPT_URL", "smtp://localhost")]).unwrap_err();
    assert_eq!(
        error,
        "unknown environment variable KEYMOOR_SMPT_URL; did you mean KEYMOOR_SMTP_URL?"
    );
    let error = load(&[], &[DATABASE, ("KEYMOOR_NONSENSE", "1")]).unwrap_err();
    assert_eq!(error, "unknown environment variable KEYMOOR_NONSENSE");
    let foreign = [
        DATABASE,
        ("KEYMOOR_TEST_POSTGRES_URL", "postgres://localhost"),
        ("KEYMOOR_SMTP_URL", ""),
        ("PATH", "/bin"),
    ];
    assert!(load(&[], &foreign).unwrap().mail.is_none());
}

/// What Kubernetes sets for services that are named `keymoor`, `keymoor-api` and `keymoor-db-port`
/// (Kubernetes documentation, "Service", environment variables).
#[test]
fn service_links_of_kubernetes_are_ignored_and_typing_errors_are_not() {
    for service in ["KEYMOOR", "KEYMOOR_API", "KEYMOOR_DB_PORT"] {
        for (rest, value) in [
            ("SERVICE_HOST", "10.0.0.11"),
            ("SERVICE_HOST", "fd00::11"),
            ("SERVICE_PORT", "8021"),
            ("SERVICE_PORT_HTTP", "8021"),
            ("SERVICE_PORT_HTTP_METRICS", "9464"),
            ("PORT", "tcp://10.0.0.11:8021"),
            ("PORT_8021_TCP", "tcp://10.0.0.11:8021"),
            ("PORT_8021_TCP_PROTO", "tcp"),
            ("PORT_8021_TCP_PORT", "8021"),
            ("PORT_8021_TCP_ADDR", "10.0.0.11"),
            ("PORT_53_UDP_ADDR", "10.0.0.11"),
            ("PORT_9_SCTP", "sctp://10.0.0.11:9"),
        ] {
            let name = format!("{service}_{rest}");
            load(&[], &[DATABASE, (&name, value)]).unwrap_or_else(|error| panic!("{error}"));
        }
    }
    for (name, value) in [
        ("KEYMOOR_PORT", "8021"),
        ("KEYMOOR_SMTP_PORT", "25"),
        ("KEYMOOR_SERVICE", "keymoor"),
        ("KEYMOOR_PORT_HTTP_TCP", "tcp://10.0.0.11:8021"),
        ("KEYMOOR_PORT_8021_TCP_HOST", "10.0.0.11"),
        ("KEYMOOR_SERVICE_HOSTS", "10.0.0.11"),
        ("KEYMOOR_LISTEN_ADDR", "10.0.0.11"),
    ] {
        let error = load(&[], &[DATABASE, (name, value)]).unwrap_err();
        let unknown = format!("unknown environment variable {name}");
        assert!(error.starts_with(&unknown), "{error}");
    }
    let error = load(&[], &[DATABASE, ("KEYMOOR_API_URI", "tcp://10.0.0.11:1")]).unwrap_err();
    assert!(error.ends_with("did you mean KEYMOOR_API_URL?"), "{error}");
    // No setting looks like a link, or a typing error in its name would pass.
    for setting in SETTINGS {
        let name = format!("{}_", setting.variable());
        let error = load(&[], &[DATABASE, (&name, "tcp://10.0.0.11:1")]).unwrap_err();
        assert!(error.contains("did you mean"), "{error}");
    }
}

#[test]
fn a_wrong_value_is_named_by_its_place_and_not_shown() {
    for (flags, variables, problem) in [
        (
            &["--log-format", "hunter2"][..],
            &[][..],
            "--log-format: must be text or json",
        ),
        (
            &[],
            &[("KEYMOOR_DATABASE_URL", "mysql://u:hunter2@h")],
            "KEYMOOR_DATABASE_URL: expected sqlite:///absolute/path.db or \
             postgres://user:password@host/database",
        ),
        (
            &[],
            &[("KEYMOOR_SMTP_URL", "http://u:hunter2@h")],
            "KEYMOOR_SMTP_URL: must be smtp://host:port, smtps://host:port or \
             smtp://host:port?tls=required",
        ),
        (
            &[],
            &[DATABASE, ("KEYMOOR_LISTEN", "localhost:8021")],
            "KEYMOOR_LISTEN: must be IP:port, such as 127.0.0.1:8021",
        ),
        (
            &[],
            &[DATABASE, ("KEYMOOR_METRICS_LISTEN", "9464")],
            "KEYMOOR_METRICS_LISTEN: must be IP:port, such as 127.0.0.1:8021",
        ),
        (
            &[],
            &[DATABASE, ("KEYMOOR_TRUSTED_PROXIES", "10.0.0.0/8")],
            "KEYMOOR_TRUSTED_PROXIES: must be IP addresses, not networks",
        ),
        (
            &[],
            &[DATABASE, ("KEYMOOR_MAIL_ATTEMPTS", "x")],
            "KEYMOOR_MAIL_ATTEMPTS: must be a whole number from 1 to 4294967295",
        ),
        (
            &[],
            &[DATABASE, ("KEYMOOR_MANAGEMENT_TOKEN_SECONDS", "59")],
            "KEYMOOR_MANAGEMENT_TOKEN_SECONDS: must be a whole number of seconds from 60 to 7776000",
        ),
        (
            &[],
            &[DATABASE, ("KEYMOOR_MANAGEMENT_TOKEN_SECONDS", "7776001")],
            "KEYMOOR_MANAGEMENT_TOKEN_SECONDS: must be a whole number of seconds from 60 to 7776000",
        ),
        (
            &[],
            &[DATABASE, ("KEYMOOR_CONNECTIONS", "0")],
            "KEYMOOR_CONNECTIONS: must be a whole number from 1 to 4294967295",
        ),
    ] {
        assert_eq!(load(flags, variables).unwrap_err(), problem);
    }
}

#[test]
fn d1_one_address_serves_both_only_where_the_urls_are_equal() {
    let one = ("KEYMOOR_LISTEN", "127.0.0.1:8021");
    let error = load(&[], &[DATABASE, one]).unwrap_err();
    assert!(error.contains("KEYMOOR_AUTH_URL"), "{error}");
    let equal = ("KEYMOOR_API_URL", "http://localhost:8021/");
    let config = load(&[], &[DATABASE, one, equal]).unwrap();
    assert_eq!(
        config.listen,
        Listen::Together("127.0.0.1:8021".parse().unwrap())
    );
    let three = ("KEYMOOR_LISTEN", "127.0.0.1:1,127.0.0.1:2,127.0.0.1:3");
    assert!(load(&[], &[DATABASE, three]).is_err());
}

#[test]
fn settings_that_need_each_other_say_so() {
    for (variables, needed) in [
        (&[][..], "KEYMOOR_DATABASE_URL"),
        (
            &[DATABASE, ("KEYMOOR_SMTP_URL", "smtp://localhost")],
            "KEYMOOR_MAIL_FROM",
        ),
        (
            &[("KEYMOOR_DATABASE_URL", "postgres://localhost/keymoor")],
            "KEYMOOR_MASTER_KEY_FILE",
        ),
        (
            &[DATABASE, ("KEYMOOR_TLS_KEY_FILE", "/key.pem")],
            "KEYMOOR_TLS_CERTIFICATE_FILE",
        ),
        (
            &[DATABASE, ("KEYMOOR_LINK_LIFETIME_SECONDS", "30")],
            "KEYMOOR_LINK_LIFETIME_MIN_SECONDS",
        ),
    ] {
        let error = load(&[], variables).unwrap_err();
        assert!(error.contains(needed), "{error}");
    }
}

#[test]
fn no_password_is_in_the_debug_form() {
    let config = load(
        &[],
        &[
            ("KEYMOOR_DATABASE_URL", "postgres://u:hunter2@localhost/k"),
            ("KEYMOOR_MASTER_KEY_FILE", "/k"),
            ("KEYMOOR_SMTP_URL", "smtps://u:hunter2@localhost"),
            ("KEYMOOR_MAIL_FROM", "keymoor@example.com"),
        ],
    );
    let debug = format!("{:?}", config.unwrap());
    assert!(!debug.contains("hunter2"), "{debug}");
}

#[test]
fn a_proxy_is_trusted_however_its_address_is_written() {
    let proxies = ("KEYMOOR_TRUSTED_PROXIES", "::ffff:10.0.0.1, 2001:db8::1");
    let config = load(&[], &[DATABASE, proxies]).unwrap();
    let expected: [IpAddr; 2] = ["10.0.0.1".parse().unwrap(), "2001:db8::1".parse().unwrap()];
    assert_eq!(config.trusted_proxies, expected);
}

#[test]
fn the_master_key_is_never_the_database() {
    for (database, key) in [("/var/lib/keymoor.key", None), ("/a.db", Some("/a.db"))] {
        let url = format!("sqlite://{database}");
        let mut variables = vec![("KEYMOOR_DATABASE_URL", &*url)];
        variables.extend(key.map(|key| ("KEYMOOR_MASTER_KEY_FILE", key)));
        let refused = load(&[], &variables).unwrap_err();
        assert!(
            refused.contains("is the same file as the database"),
            "{refused}"
        );
    }
}
