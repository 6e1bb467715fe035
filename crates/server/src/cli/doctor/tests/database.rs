//! Findings about the database and what is stored in it.

use serde_json::json;

use super::*;
use crate::base::error::Error;
use crate::db::Tx;

both_places!(
    a_database_of_a_newer_or_another_binary_is_found_with_what_to_do,
    stored_urls_that_expose_or_mislead_people_are_found,
);

async fn exec(place: &Place, sql: impl Into<String>) {
    let sql: &'static str = sql.into().leak();
    let work = async move |tx: &mut Tx| Ok::<_, Error>(tx.exec(sql, &()).await?);
    place.database().write(work).await.unwrap();
}

/// Why neither a server starts nor a migration runs.
async fn refusals(place: &Place, config: &Config) -> [String; 3] {
    let served = Server::start(config.clone()).await.err().unwrap();
    let migrated = crate::cli::migrate(config).await.unwrap_err();
    let initialised = place.init_as(config.clone()).await.unwrap_err();
    [served, migrated, initialised].map(|error| error.to_string())
}

async fn a_database_of_a_newer_or_another_binary_is_found_with_what_to_do(place: Place) {
    let sink = Sink::start(Behaviour::Accepts).await;
    place.init().await.unwrap();
    let config = sound(&place, &sink);
    exec(
        &place,
        "INSERT INTO schema_migrations VALUES (9999, '9999_later', '')",
    )
    .await;
    let problem = "the database is newer than this binary: it has migration 9999_later";
    let fix = "use the newer binary that migrated it, or restore a backup from before";
    only(
        &lines(&config).await,
        "database",
        &format!("{problem} -> {fix}"),
    );
    let expected = format!("{problem}: {fix}");
    assert_eq!(
        refusals(&place, &config).await,
        [(); 3].map(|()| expected.clone())
    );

    exec(&place, "DELETE FROM schema_migrations WHERE version = 9999").await;
    exec(
        &place,
        "UPDATE schema_migrations SET checksum = 'x' WHERE version = 1",
    )
    .await;
    let problem = "migration 0001_init is not the one this database was migrated by";
    let fix = "use the binary that migrated it, which was built from other files, or restore a \
               backup that this binary wrote";
    only(
        &lines(&config).await,
        "database",
        &format!("{problem} -> {fix}"),
    );
    let expected = format!("{problem}: {fix}");
    assert_eq!(
        refusals(&place, &config).await,
        [(); 3].map(|()| expected.clone())
    );
}

/// PostgreSQL 15 and newer let only the owner of a database create tables in the schema public.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_that_may_not_create_tables_is_found_with_its_fix() {
    let place = Place::postgres().await;
    let sink = Sink::start(Behaviour::Accepts).await;
    let name: Vec<String> = place.ask("SELECT current_database()::text").await;
    let (database, role) = (&name[0], format!("{}_poor", name[0]));
    exec(&place, format!("DROP ROLE IF EXISTS {role}")).await;
    exec(
        &place,
        format!("CREATE ROLE {role} LOGIN PASSWORD 'percent'"),
    )
    .await;
    crate::master_key::create(&place.key_file(), &SystemRng).unwrap();
    let url = std::env::var("KEYMOOR_TEST_POSTGRES_URL").unwrap();
    let (server, _) = url.split_once("://").unwrap().1.rsplit_once('/').unwrap();
    let host = server.rsplit_once('@').map_or(server, |(_, host)| host);
    let config = Config {
        database_url: format!("postgres://{role}:percent@{host}/{database}")
            .parse()
            .unwrap(),
        ..sound(&place, &sink)
    };
    let problem = "permission denied for schema public";
    let found = lines(&config).await;
    only(
        &found,
        "database",
        &format!("{problem} -> make the role in"),
    );
    for error in refusals(&place, &config).await {
        assert!(
            error.starts_with(&format!("{problem}: make the role")),
            "{error}"
        );
        assert!(error.contains("ALTER DATABASE … OWNER TO …"), "{error}");
    }

    exec(&place, format!("ALTER DATABASE {database} OWNER TO {role}")).await;
    place.init_as(config.clone()).await.unwrap();
    assert_eq!(lines(&config).await, Vec::<String>::new());
    // The server itself needs no right to create.
    exec(
        &place,
        format!("ALTER DATABASE {database} OWNER TO CURRENT_USER"),
    )
    .await;
    assert_eq!(lines(&config).await, Vec::<String>::new());
    exec(
        &place,
        format!("REVOKE ALL ON schema_migrations FROM {role}"),
    )
    .await;
    let problem = "permission denied for table schema_migrations";
    only(
        &lines(&config).await,
        "database",
        &format!("{problem} -> make the role"),
    );
    exec(&place, format!("DROP OWNED BY {role} CASCADE")).await;
    exec(&place, format!("DROP ROLE {role}")).await;
}

async fn stored_urls_that_expose_or_mislead_people_are_found(place: Place) {
    let sink = Sink::start(Behaviour::Accepts).await;
    place.init().await.unwrap();
    let config = sound(&place, &sink);
    let insert = async |id: u8, config: serde_json::Value| {
        let id = format!("019b7717-7c00-7000-8000-{id:012}");
        let sql = format!(
            "INSERT INTO authenticator_configs
               (tenant_id, realm_id, authenticator_config_id, config, is_managed, created_at, updated_at)
             SELECT tenant_id, realm_id, '{id}', '{config}', NOT is_managed, 0, 0
             FROM authenticator_configs WHERE is_managed"
        );
        exec(&place, sql).await;
    };
    let embedded = |url: &str, origins: &[&str]| json!({ "type": "embedded", "invoke_url": url, "trusted_origins": origins });
    insert(
        1,
        embedded(
            "http://localhost:3000",
            &["http://127.0.0.1:3000", "http://[::1]"],
        ),
    )
    .await;
    insert(
        2,
        embedded("com.example.app:/bind", &["https://app.example"]),
    )
    .await;
    assert_eq!(lines(&config).await, Vec::<String>::new());
    insert(3, embedded("http://app.example", &["http://pages.example"])).await;
    insert(4, embedded("acme://bind", &[])).await;
    insert(
        5,
        json!({ "type": "hosted_web", "trusted_origins": ["http://10.0.0.1"] }),
    )
    .await;
    exec(&place, application(1, "http://app.example/cb")).await;
    exec(&place, application(2, "acme:/cb")).await;
    exec(&place, application(3, "https://app.example/cb")).await;
    let mut found = lines(&config).await;
    found.sort();
    let expected = [
        (
            "applications (a remark)",
            "the redirect URI acme:/cb, whose scheme acme other apps may",
        ),
        (
            "applications",
            "the redirect URI http://app.example/cb, which is plain http",
        ),
        (
            "authenticator_configs (a remark)",
            "the invoke_url acme://bind, whose scheme acme",
        ),
        (
            "authenticator_configs (a remark)",
            "is hosted_web, for which there are no pages yet",
        ),
        (
            "authenticator_configs",
            "the invoke_url http://app.example, which is plain http",
        ),
        (
            "authenticator_configs",
            "the trusted origin http://pages.example, which is plain http",
        ),
        (
            "authenticator_configs",
            "the trusted origin http://10.0.0.1, which is plain http",
        ),
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (check, words) in expected {
        let is_it =
            |line: &&String| line.starts_with(&format!("{check}: ")) && line.contains(words);
        assert_eq!(
            found.iter().filter(is_it).count(),
            1,
            "{check}: {words}\n{found:#?}"
        );
    }
}

/// Copies the management application, with this redirect URI.
fn application(id: u8, redirect_uri: &str) -> String {
    format!(
        "INSERT INTO applications
           (tenant_id, realm_id, application_id, display_name, classification, is_managed, client_id,
            protocol_config, created_at, updated_at)
         SELECT tenant_id, realm_id, '019b7717-7c00-7000-8000-{id:012}', 'App', 'custom', NOT is_managed, 'client {id}',
            REPLACE(protocol_config, '\"redirect_uris\":[]', '\"redirect_uris\":[\"{redirect_uri}\"]'), 0, 0
         FROM applications WHERE is_managed"
    )
}
