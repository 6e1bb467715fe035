//! One test for each finding, over real files and sockets.

mod database;
mod exposed;

use std::os::unix::fs::PermissionsExt as _;

use keymoor_testkit::{Certificate, CredentialKey};
use keymoor_types::Seconds;
use tokio::net::TcpSocket;

use super::*;
use crate::app::{SystemClock, SystemRng};
use crate::cli::serve::Server;
use crate::cli::tests::{Place, both_places};
use crate::config::Listen;
use crate::db::DatabaseUrl;
use crate::infra::mail::MailSettings;
use crate::infra::mail::testing::{Behaviour, Sink};
use crate::infra::serving::tls::TlsFiles;

both_places!(
    a_sound_server_has_no_findings_and_no_mail_is_sent,
    a_database_without_schema_or_tenant_is_found,
    a_master_key_that_is_absent_foreign_or_exposed_is_found,
    a_first_master_key_is_advised_once,
);

/// A clock that says one thing.
struct Stopped(Timestamp);

impl Clock for Stopped {
    fn now(&self) -> Timestamp {
        self.0
    }
}

/// Nothing is wrong with this one, as long as the sink is there and `init` has run.
fn sound(place: &Place, sink: &Sink) -> Config {
    Config {
        listen: Listen::Apart {
            auth: "127.0.0.1:8021".parse().unwrap(),
            management: "127.0.0.1:8023".parse().unwrap(),
        },
        mail: Some(mail(&format!("smtp://127.0.0.1:{}", sink.port))),
        ..place.config()
    }
}

fn mail(url: &str) -> MailSettings {
    MailSettings {
        server: url.parse().unwrap(),
        from: "keymoor@example.com".parse().unwrap(),
        hello: None,
        timeout: Seconds(10),
    }
}

/// The findings as lines.
async fn lines(config: &Config) -> Vec<String> {
    let findings = examine(config, &SystemClock).await;
    findings.iter().map(Finding::to_string).collect()
}

/// Asserts that there is one finding, of `check`, that says `words`.
#[track_caller]
fn only(lines: &[String], check: &str, words: &str) {
    let [line] = lines else {
        panic!("one finding was expected: {lines:?}");
    };
    assert!(
        line.starts_with(&format!("{check}: ")) && line.contains(words),
        "{line}"
    );
}

async fn a_sound_server_has_no_findings_and_no_mail_is_sent(place: Place) {
    let sink = Sink::start(Behaviour::Accepts).await;
    place.init().await.unwrap();
    let config = sound(&place, &sink);
    assert_eq!(lines(&config).await, Vec::<String>::new());
    let server = Server::start(place.config()).await.unwrap();
    assert_eq!(lines(&config).await, Vec::<String>::new());
    server.stop().await.unwrap();
    assert_eq!(sink.accepted(), Vec::<String>::new());
}

async fn a_database_without_schema_or_tenant_is_found(place: Place) {
    let sink = Sink::start(Behaviour::Accepts).await;
    crate::master_key::create(&place.key_file(), &SystemRng).unwrap();
    let config = sound(&place, &sink);
    only(&lines(&config).await, "database", "is not migrated");
    crate::cli::migrate(&config).await.unwrap();
    only(
        &lines(&config).await,
        "database",
        "no tenant exists -> run `keymoor init`",
    );
}

async fn a_master_key_that_is_absent_foreign_or_exposed_is_found(place: Place) {
    let sink = Sink::start(Behaviour::Accepts).await;
    place.init().await.unwrap();
    let config = sound(&place, &sink);
    let exposed = std::fs::Permissions::from_mode(0o640);
    std::fs::set_permissions(place.key_file(), exposed).unwrap();
    only(&lines(&config).await, "master_key", " -> chmod 600 ");
    std::fs::remove_file(place.key_file()).unwrap();
    only(
        &lines(&config).await,
        "master_key",
        "needs its original master key -> restore the file from its backup, or set",
    );
    crate::master_key::create(&place.key_file(), &SystemRng).unwrap();
    only(
        &lines(&config).await,
        "master_key",
        "is not this database's master key -> restore the original file",
    );
    std::fs::write(place.key_file(), "hunter2").unwrap();
    only(
        &lines(&config).await,
        "master_key",
        "contains no valid master key -> restore the file from its backup",
    );
    std::fs::remove_file(place.key_file()).unwrap();
    std::fs::create_dir(place.key_file()).unwrap();
    std::fs::set_permissions(place.key_file(), std::fs::Permissions::from_mode(0o700)).unwrap();
    only(
        &lines(&config).await,
        "master_key",
        "-> give this account permission to read it",
    );
}

async fn a_first_master_key_is_advised_once(place: Place) {
    let sink = Sink::start(Behaviour::Accepts).await;
    crate::cli::migrate(&place.config()).await.unwrap();
    only(
        &lines(&sound(&place, &sink)).await,
        "master_key",
        "keymoor.key does not exist -> run `keymoor init`, or set KEYMOOR_MASTER_KEY_FILE",
    );
}

#[tokio::test]
async fn a_database_file_that_is_not_there_is_found_and_not_made() {
    let place = Place::sqlite().await;
    let sink = Sink::start(Behaviour::Accepts).await;
    place.init().await.unwrap();
    let path = place.key_file().with_file_name("elsewhere.db");
    let config = Config {
        database_url: format!("sqlite://{}", path.display()).parse().unwrap(),
        ..sound(&place, &sink)
    };
    only(&lines(&config).await, "database", "does not exist");
    assert!(!path.exists());
    let nowhere = Config {
        database_url: "sqlite:///missing/keymoor.db".parse().unwrap(),
        ..config
    };
    let fix = "-> create the directory /missing and run `keymoor init`";
    only(&lines(&nowhere).await, "database", fix);
}

#[tokio::test]
async fn a_journal_that_is_no_wal_is_found_and_nothing_is_changed() {
    let place = Place::sqlite().await;
    let sink = Sink::start(Behaviour::Accepts).await;
    place.init().await.unwrap();
    let copy = place.key_file().with_file_name("copy.db");
    crate::db::backup(&place.config().database_url, &copy).unwrap();
    let config = Config {
        database_url: format!("sqlite://{}", copy.display()).parse().unwrap(),
        ..sound(&place, &sink)
    };
    let before = std::fs::read(&copy).unwrap();
    only(
        &lines(&config).await,
        "database",
        "SQLite's journal mode is delete, not wal",
    );
    assert!(std::fs::read(&copy).unwrap() == before);
    assert!(!crate::db::lock_path(&copy).exists());
}

#[tokio::test]
async fn files_of_the_database_that_others_can_read_are_found() {
    let place = Place::sqlite().await;
    let sink = Sink::start(Behaviour::Accepts).await;
    place.init().await.unwrap();
    let config = sound(&place, &sink);
    let DatabaseUrl::Sqlite(database) = &config.database_url else {
        panic!("it was made with SQLite");
    };
    let files =
        ["-wal", "-shm", ".lock", ""].map(|ending| format!("{}{ending}", database.display()));
    let set = |file: &String, mode| {
        // Opened without being changed, since the database is in use.
        let mut options = std::fs::OpenOptions::new();
        options.create(true).append(true).open(file).unwrap();
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    for file in &files {
        for file in &files {
            set(file, 0o600);
        }
        assert_eq!(lines(&config).await, Vec::<String>::new());
        set(file, 0o604);
        only(
            &lines(&config).await,
            "database",
            &format!("other accounts have permissions on {file} -> chmod 600 {file}"),
        );
    }
}

#[tokio::test]
async fn attestation_roots_that_can_not_be_read_are_found() {
    let place = Place::sqlite().await;
    let sink = Sink::start(Behaviour::Accepts).await;
    place.init().await.unwrap();
    let config = Config {
        attestation_roots: Some(place.key_file().with_file_name("absent.pem")),
        ..sound(&place, &sink)
    };
    only(&lines(&config).await, "attestation_roots", "absent.pem");
    let key = CredentialKey::es256(1);
    let mut old = Certificate::authority("Old", &key, "Old");
    old.not_after = "20210101000000Z".to_owned();
    let path = config.attestation_roots.as_ref().unwrap();
    std::fs::write(path, old.pem_signed_by(&key)).unwrap();
    let words = "absent.pem has expired or is not valid yet -> replace it";
    only(&lines(&config).await, "attestation_roots", words);
}

/// A port on which nobody listens, for as long as its socket is kept.
fn closed_port() -> (u16, TcpSocket) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    (socket.local_addr().unwrap().port(), socket)
}

#[tokio::test]
async fn a_database_that_nobody_serves_is_found() {
    let place = Place::sqlite().await;
    let sink = Sink::start(Behaviour::Accepts).await;
    place.init().await.unwrap();
    let (port, _kept) = closed_port();
    let url = format!("postgres://keymoor:hunter2@127.0.0.1:{port}/keymoor");
    let config = Config {
        database_url: url.parse().unwrap(),
        ..sound(&place, &sink)
    };
    let lines = lines(&config).await;
    only(&lines, "database", "can't be used");
    assert!(!lines[0].contains("hunter2"), "{lines:?}");
}

#[tokio::test]
async fn mail_that_can_not_be_sent_is_found() {
    let place = Place::sqlite().await;
    let refuses = Sink::start(Behaviour::RefusesLogin("535 5.7.8 no")).await;
    place.init().await.unwrap();
    let config = sound(&place, &refuses);
    assert_eq!(lines(&config).await, Vec::<String>::new());
    let (closed, _kept) = closed_port();
    for (mail, words) in [
        (
            Some(mail(&format!(
                "smtp://u:hunter2@127.0.0.1:{}",
                refuses.port
            ))),
            "rejects the connection or the sign-in",
        ),
        (
            Some(mail(&format!("smtp://127.0.0.1:{closed}"))),
            "rejects the connection or the sign-in",
        ),
        (
            Some(mail(&format!(
                "smtp://127.0.0.1:{}?tls=required",
                refuses.port
            ))),
            "rejects the connection or the sign-in",
        ),
    ] {
        let config = Config {
            mail,
            ..config.clone()
        };
        let lines = lines(&config).await;
        only(&lines, "mail", words);
        assert!(!lines[0].contains("hunter2"), "{lines:?}");
    }
}

#[tokio::test]
async fn mail_that_nobody_asked_for_is_remarked_and_not_counted() {
    let place = Place::sqlite().await;
    place.init().await.unwrap();
    let config = Config {
        mail: None,
        ..sound(&place, &Sink::start(Behaviour::Accepts).await)
    };
    let mut findings = examine(&config, &SystemClock).await;
    let lines: Vec<_> = findings.iter().map(Finding::to_string).collect();
    assert!(
        matches!(&lines[..], [line] if line.starts_with("mail (a remark): no mail server is")),
        "{lines:?}"
    );
    finish(&findings, true).unwrap();
    findings.push(Finding::new("clock", "late", "wind it"));
    let error = finish(&findings, true).unwrap_err().to_string();
    assert_eq!(error, "1 finding");
}

#[tokio::test]
async fn urls_that_browsers_sdks_or_listeners_disagree_with_are_found() {
    let place = Place::sqlite().await;
    let sink = Sink::start(Behaviour::Accepts).await;
    let sound = sound(&place, &sink);
    let with = |auth_url: &str| {
        let auth_url: crate::config::BaseUrl = auth_url.parse().unwrap();
        let console_url = auth_url.join("/console").parse().unwrap();
        let config = Config {
            auth_url,
            console_url,
            ..sound.clone()
        };
        let findings = urls::findings(&config);
        let auth = findings
            .iter()
            .filter(|finding| finding.problem.starts_with("KEYMOOR_AUTH_URL="));
        auth.map(Finding::to_string).collect::<Vec<_>>()
    };
    assert_eq!(with("http://localhost:8021"), Vec::<String>::new());
    assert_eq!(with("https://auth.example"), Vec::<String>::new());
    only(&with("http://auth.example"), "urls", "is plain http");
    only(
        &with("http://127.0.0.1:8021"),
        "urls",
        "has an IP address as host",
    );
    only(&with("https://192.0.2.7"), "urls", "-> use a domain name");
    only(
        &with("http://localhost:9000"),
        "urls (a remark)",
        "has port 9000, but the server listens on 8021",
    );
    only(
        &with("https://localhost:8021"),
        "urls (a remark)",
        "the server uses plain HTTP",
    );
    let files = TlsFiles {
        certificate: "/c".into(),
        key: "/k".into(),
    };
    let found: Vec<_> = urls::schemes(&Config {
        auth_url: "http://auth.example".parse().unwrap(),
        api_url: "http://api.example".parse().unwrap(),
        console_url: "http://auth.example/console".parse().unwrap(),
        ..sound.clone()
    })
    .into_iter()
    .map(|finding| finding.problem)
    .collect();
    assert_eq!(
        found,
        [
            "KEYMOOR_AUTH_URL=http://auth.example is plain http, where browsers create no passkeys",
            "KEYMOOR_API_URL=http://api.example is plain http, which sends tokens unencrypted",
        ]
    );
    let tls = Config {
        tls: Some(files),
        ..sound.clone()
    };
    let found = urls::findings(&tls);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].problem.ends_with("the server uses TLS"),
        "{found:?}"
    );
}

#[tokio::test]
async fn tls_files_that_are_wrong_late_or_for_others_are_found() {
    let place = Place::sqlite().await;
    let sink = Sink::start(Behaviour::Accepts).await;
    let files = TlsFiles {
        certificate: place.key_file().with_extension("certificate.pem"),
        key: place.key_file().with_extension("key.pem"),
    };
    let config = Config {
        tls: Some(files.clone()),
        ..sound(&place, &sink)
    };
    let now = FIRST_PLAUSIBLE;
    let found = |now| {
        let findings = files::tls(&config, now);
        findings.iter().map(Finding::to_string).collect::<Vec<_>>()
    };
    only(&found(now), "tls", "can't read the TLS file");
    let keep = |host: &str| {
        crate::infra::serving::self_signed::keep(&files, &[host.to_owned()], now).unwrap();
    };
    keep("localhost");
    assert_eq!(found(now), Vec::<String>::new());
    only(
        &found(now + Seconds::DAY.times(790)),
        "tls",
        "expires at 2028-03-1",
    );
    keep("auth.example");
    only(
        &found(now),
        "tls",
        "does not cover all of the hosts localhost",
    );
}

#[tokio::test]
async fn metrics_for_everybody_are_found() {
    let place = Place::sqlite().await;
    let sink = Sink::start(Behaviour::Accepts).await;
    let with = |address: &str| {
        configuration(&Config {
            metrics_listen: Some(address.parse().unwrap()),
            ..sound(&place, &sink)
        })
    };
    for address in ["127.0.0.1:9464", "10.1.2.3:9464", "[::1]:9464"] {
        assert_eq!(with(address), None, "{address}");
    }
    for address in ["0.0.0.0:9464", "[::]:9464", "192.0.2.7:9464"] {
        assert!(with(address).is_some(), "{address}");
    }
}

#[tokio::test]
async fn clocks_that_are_wrong_or_differ_are_found() {
    let place = Place::postgres().await;
    let sink = Sink::start(Behaviour::Accepts).await;
    place.init().await.unwrap();
    let config = sound(&place, &sink);
    let findings = examine(&config, &Stopped(FIRST_PLAUSIBLE)).await;
    let lines: Vec<_> = findings.iter().map(Finding::to_string).collect();
    only(&lines, "clock", "on the database server");
    let early = clock_sanity(Timestamp::from_seconds(0), Timestamp::from_seconds(1));
    assert!(early.unwrap().problem.contains("1970-01-01"));
    let now = FIRST_PLAUSIBLE + Seconds::DAY;
    assert_eq!(clock_sanity(now, now), None);
    let backwards = clock_sanity(now, now - Seconds::MINUTE).unwrap();
    assert!(backwards.problem.contains("went backwards"));
}

#[test]
fn findings_are_lines_or_json() {
    let findings = [Finding::new("mail", "it is down", "start it")];
    assert_eq!(report(&findings, false), "mail: it is down -> start it");
    assert_eq!(
        report(&findings, true),
        r#"{"findings":[{"check":"mail","is_remark":false,"mend":"start it","problem":"it is down"}]}"#
    );
    assert_eq!(report(&[], false), "no problems found");
    assert_eq!(report(&[], true), r#"{"findings":[]}"#);
    assert!(finish(&findings, true).is_err() && finish(&[], true).is_ok());
    let error = ConfigError::new("KEYMOOR_DATABASE_URL is not set");
    assert_eq!(no_configuration(&error).check, "configuration");
}
