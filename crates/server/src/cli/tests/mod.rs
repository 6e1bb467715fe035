//! Commands in the test's own process, on both databases.

mod admin;
mod init;
mod server;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::CommandFactory as _;
use keymoor_types::{Clock as _, CredentialId, IdentityId, RealmId, TenantId};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::serve::Server;
use super::*;
use crate::app::SystemClock;
use crate::base::error::Error;
use crate::base::refs::RealmRef;
use crate::db::testing::{TestDb, empty_postgres, empty_sqlite};
use crate::db::{DatabaseUrl, FromRow, Tx};
use crate::infra::outbox::{self, Entry};
use crate::slices::credentials::mailing::PasskeyAddedMail;

both_places!(
    g2_the_consoles_config_follows_the_settings,
    only_init_and_migrate_change_the_schema,
    e5_init_and_admin_work_beside_a_running_server,
);

/// A place to run commands in, without a schema at first.
pub(super) struct Place {
    db: TestDb,
    folder: TempDir,
}

impl Place {
    pub(super) async fn sqlite() -> Self {
        Self::new(empty_sqlite().await)
    }

    pub(super) async fn postgres() -> Self {
        Self::new(empty_postgres().await)
    }

    fn new(db: TestDb) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { db, folder }
    }

    pub(in crate::cli) fn database(&self) -> &TestDb {
        &self.db
    }

    pub(super) fn key_file(&self) -> PathBuf {
        self.folder.path().join("keymoor.key")
    }

    pub(super) fn config(&self) -> Config {
        config(&self.db, &self.key_file())
    }

    pub(super) async fn init(&self) -> Outcome<Value> {
        self.init_as(self.config()).await
    }

    pub(in crate::cli) async fn init_as(&self, config: Config) -> Outcome<Value> {
        let text = init_text(config, &["init", "--json"]).await?;
        Ok(serde_json::from_str(&text)?)
    }

    async fn create_tenant(&self, flags: &[&str]) -> Outcome<Value> {
        let line = [&["admin", "tenants", "create", "--json"], flags].concat();
        let Command::Admin(Admin::Tenants(Tenants::Create {
            display_name,
            admin,
            json,
        })) = parse(&line)
        else {
            unreachable!("that is what was parsed");
        };
        let created = handover::create_tenant(self.config(), display_name, admin, json);
        let text = Box::pin(created).await?;
        Ok(serde_json::from_str(&text)?)
    }

    /// What a query gives, asked on a connection of its own.
    pub(in crate::cli) async fn ask<T: FromRow + Send>(&self, sql: &'static str) -> Vec<T> {
        let answer = self
            .db
            .read(async |rx| Ok::<_, Error>(rx.all(sql, &()).await?));
        answer.await.unwrap()
    }

    /// Leaves a mail to the first administrator for the next server.
    async fn write_down_a_mail(&self, number: usize) {
        const SQL: &str = "SELECT tenant_id, realm_id, identity_id FROM identities";
        let whose: Vec<(TenantId, RealmId, IdentityId)> = self.ask(SQL).await;
        let (tenant_id, realm_id, identity_id) = whose[0];
        let mail = Entry {
            id: format!("019b7717-7c00-7000-8000-{number:012}")
                .parse()
                .unwrap(),
            realm: RealmRef {
                tenant_id,
                realm_id,
            },
            job: PasskeyAddedMail {
                identity_id,
                credential_id: CredentialId::from_i64(1),
                address: "ada@example.com".to_owned(),
            },
            created_at: SystemClock.now(),
        };
        let write = async move |tx: &mut Tx| outbox::store::enqueue(tx, &mail).await;
        self.db.write(write).await.unwrap();
    }

    /// Why a server does not start.
    async fn refusal(&self) -> String {
        Server::start(self.config())
            .await
            .err()
            .unwrap()
            .to_string()
    }
}

/// What `init` prints.
async fn init_text(config: Config, line: &[&str]) -> Outcome<String> {
    let Command::Init {
        display_name,
        admin,
        json,
    } = parse(line)
    else {
        unreachable!("that is what was parsed");
    };
    handover::init(config, display_name, admin, json).await
}

fn parse(line: &[&str]) -> Command {
    Cli::try_parse_from(["keymoor"].iter().chain(line))
        .unwrap()
        .command
}

fn config(db: &TestDb, key_file: &Path) -> Config {
    let variables = [
        ("KEYMOOR_DATABASE_URL", "sqlite:///replaced.db"),
        ("KEYMOOR_LISTEN", "127.0.0.1:0,127.0.0.1:0"),
        ("KEYMOOR_MASTER_KEY_FILE", key_file.to_str().unwrap()),
    ];
    let variables = variables.map(|(name, value)| (name.into(), value.into()));
    let mut config = Config::load(&Flags::default(), variables).unwrap();
    config.database_url = db.options().url.clone();
    config
}

/// Everything that a request with this `Authorization` and form is answered with.
async fn exchange(
    address: SocketAddr,
    method: &str,
    path: &str,
    authorization: &str,
    form: &str,
) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = form.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         authorization: {authorization}\r\ncontent-length: {length}\r\n\r\n{form}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // Who speaks TLS may well reset the connection.
    let _end = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// Everything that `GET path` is answered with.
async fn answer(address: SocketAddr, path: &str) -> String {
    exchange(address, "GET", path, "", "").await
}

/// Status line and body of `GET path`.
async fn get(address: SocketAddr, path: &str) -> (String, String) {
    send(address, "GET", path, "", "").await
}

/// Status line and body of a request with this `Authorization` and form.
async fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    authorization: &str,
    form: &str,
) -> (String, String) {
    let answer = exchange(address, method, path, authorization, form).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

/// Runs each listed `async fn name(place: Place)` as `name::sqlite` and `name::postgres`.
macro_rules! both_places {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                super::$name($crate::cli::tests::Place::sqlite().await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                super::$name($crate::cli::tests::Place::postgres().await).await;
            }
        }
    )+};
}
pub(super) use both_places;

async fn g2_the_consoles_config_follows_the_settings(place: Place) {
    const CONFIGS: &str = "SELECT config FROM authenticator_configs";
    const CHANGES: &str = "SELECT actor FROM events WHERE kind = 'AuthenticatorConfigOperation'";
    place.init().await.unwrap();
    place
        .create_tenant(&["--display-name", "Acme"])
        .await
        .unwrap();
    let before: Vec<String> = place.ask(CONFIGS).await;
    Server::start(place.config())
        .await
        .unwrap()
        .stop()
        .await
        .unwrap();
    assert_eq!(place.ask::<String>(CONFIGS).await, before);
    assert!(place.ask::<String>(CHANGES).await.is_empty());

    let at = |url: &str| Config {
        console_url: url.parse().unwrap(),
        ..place.config()
    };
    let says = |config: &String, url: &str| {
        config.contains(&format!(r#""invoke_url":"{url}""#))
            && config.contains(r#""trusted_origins":["https://console.example"]"#)
    };
    // What `init` is run with is not what a running server has.
    place.init_as(at("https://console.example")).await.unwrap();
    assert_eq!(place.ask::<String>(CONFIGS).await, before);
    assert!(place.ask::<String>(CHANGES).await.is_empty());
    let moved = at("https://console.example");
    Server::start(moved).await.unwrap().stop().await.unwrap();
    let configs: Vec<String> = place.ask(CONFIGS).await;
    assert_eq!(configs.len(), 2);
    assert!(
        configs
            .iter()
            .all(|config| says(config, "https://console.example")),
        "{configs:?}"
    );
    assert_eq!(place.ask::<String>(CHANGES).await, ["system", "system"]);

    let moved = at("https://console.example/admin");
    Server::start(moved).await.unwrap().stop().await.unwrap();
    let configs: Vec<String> = place.ask(CONFIGS).await;
    assert!(
        configs
            .iter()
            .all(|config| says(config, "https://console.example/admin")),
        "{configs:?}"
    );
    assert_eq!(place.ask::<String>(CHANGES).await.len(), 4);
}

async fn only_init_and_migrate_change_the_schema(place: Place) {
    crate::master_key::create(&place.key_file(), &crate::app::SystemRng).unwrap();
    let error = place.refusal().await;
    assert!(error.contains("keymoor migrate"), "{error}");
    let error = place
        .create_tenant(&["--display-name", "Acme"])
        .await
        .unwrap_err();
    assert!(error.to_string().contains("keymoor migrate"), "{error}");
    let told = migrate(&place.config()).await.unwrap();
    assert!(
        told.starts_with("migrated the database from schema 0 "),
        "{told}"
    );
    let told = migrate(&place.config()).await.unwrap();
    assert!(told.contains("already has schema"), "{told}");
    Server::start(place.config())
        .await
        .unwrap()
        .stop()
        .await
        .unwrap();
}

async fn e5_init_and_admin_work_beside_a_running_server(place: Place) {
    place.init().await.unwrap();
    let server = Server::start(place.config()).await.unwrap();
    place.init().await.unwrap();
    place
        .create_tenant(&["--display-name", "Acme"])
        .await
        .unwrap();
    let link = place.init().await.unwrap()["admin_binding_link"].take();
    let path = link
        .as_str()
        .unwrap()
        .strip_prefix("http://localhost:8021")
        .unwrap()
        .to_owned();
    let (status, _) = get(server.addresses[0], &path).await;
    assert_eq!(status, "HTTP/1.1 302 Found");
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_starts_from_a_backup_and_the_master_key() {
    let place = Place::sqlite().await;
    let tenant = place.init().await.unwrap()["tenant_id"].take();
    let server = Server::start(place.config()).await.unwrap();
    let file = place.folder.path().join("backup.db");
    let told = backup(&place.config(), &file).unwrap();
    assert!(told.contains("keymoor.key"), "{told}");
    server.stop().await.unwrap();

    let restored = || Config {
        database_url: DatabaseUrl::Sqlite(file.clone()),
        ..place.config()
    };
    let server = Server::start(restored()).await.unwrap();
    assert_eq!(get(server.addresses[0], "/readyz").await.1, "ready");
    server.stop().await.unwrap();
    assert_eq!(
        place.init_as(restored()).await.unwrap()["tenant_id"],
        tenant
    );

    std::fs::remove_file(place.key_file()).unwrap();
    let error = Server::start(restored()).await.err().unwrap().to_string();
    assert!(error.contains("needs its original master key"), "{error}");
}

#[tokio::test]
async fn a_postgresql_database_that_nobody_made_is_no_outage() {
    let place = Place::postgres().await;
    let Ok(url) = std::env::var("KEYMOOR_TEST_POSTGRES_URL") else {
        panic!("the database above was made by it");
    };
    let (server, _) = url.rsplit_once('/').unwrap();
    let config = Config {
        database_url: format!("{server}/keymoor_never_made").parse().unwrap(),
        ..place.config()
    };
    let error = migrate(&config).await.unwrap_err().to_string();
    assert!(
        error.starts_with(
            r#"database "keymoor_never_made" does not exist: make it with CREATE DATABASE"#
        ),
        "{error}"
    );
}

#[tokio::test]
async fn a_backup_of_a_database_that_is_not_there_says_so_once() {
    let place = Place::sqlite().await;
    let absent = place.folder.path().join("absent.db");
    let config = Config {
        database_url: DatabaseUrl::Sqlite(absent.clone()),
        ..place.config()
    };
    let error = backup(&config, &place.folder.path().join("backup.db")).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "there is no database {}: set KEYMOOR_DATABASE_URL",
            absent.display()
        )
    );
}

#[test]
fn the_checked_in_api_documents_are_those_of_the_routes() {
    for document in Document::value_variants() {
        let name = document.to_possible_value().unwrap().get_name().to_owned();
        let path = format!("{}/../../openapi/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let checked_in = std::fs::read_to_string(path).unwrap_or_default();
        // Not compared by `assert_eq!`, which would print both.
        assert!(
            checked_in == document.json().unwrap() + "\n",
            "openapi/{name}.json is stale: run `cargo xtask codegen openapi`"
        );
    }
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn d10_names_and_addresses_of_a_new_tenant_are_checked() {
    let create = |flags: &[&str]| {
        let line = [&["keymoor", "admin", "tenants", "create"], flags].concat();
        Cli::try_parse_from(line).map(drop)
    };
    create(&["--display-name", "Acme", "--admin-email", "ada@example.com"]).unwrap();
    assert!(create(&[]).is_err());
    assert!(create(&["--display-name", "<b>"]).is_err());
    assert!(create(&["--display-name", "Acme", "--admin-username", ""]).is_err());
    assert!(create(&["--display-name", "Acme", "--admin-email", "a\r\nBcc: b@c"]).is_err());
}
