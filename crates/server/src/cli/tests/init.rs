//! What `keymoor init` prints, and the master key that it never replaces.

use super::*;

both_places!(
    init_prepares_everything_and_prints_it_again,
    init_never_replaces_a_master_key_that_something_is_sealed_under,
    a_tenant_is_made_under_the_master_key_of_the_others_only,
);

/// How a command ends that is given another key than the database was made with.
const FOREIGN: &str = "keymoor.key is not this database's master key: restore the original file";

#[tokio::test]
async fn a5_init_says_how_an_administrator_gets_in() {
    let place = Place::sqlite().await;
    let said = async || init_text(place.config(), &["init"]).await.unwrap();
    let first = said().await;
    let link = first.lines().last().unwrap();
    assert!(link.starts_with("http://localhost:8021/v1/"), "{link}");
    let suspend = async |tx: &mut Tx| {
        let sql = "UPDATE identities SET status = 'suspended'";
        Ok::<_, Error>(tx.exec(sql, &()).await?)
    };
    place.db.write(suspend).await.unwrap();
    let said = said().await;
    assert!(
        said.contains("The admin realm has no active identity"),
        "{said}"
    );
    assert!(!said.contains("has a passkey"), "{said}");
}

#[tokio::test]
async fn a_missing_folder_is_named_by_every_command_that_would_make_the_database() {
    let place = Place::sqlite().await;
    let folder = place.folder.path().join("missing");
    let config = || Config {
        database_url: DatabaseUrl::Sqlite(folder.join("keymoor.db")),
        ..place.config()
    };
    let init = place.init_as(config()).await.unwrap_err();
    let migrate = migrate(&config()).await.unwrap_err();
    for error in [init.to_string(), migrate.to_string()] {
        let fix = format!("; make the folder {}", folder.display());
        assert!(error.ends_with(&fix), "{error}");
    }
}

async fn init_prepares_everything_and_prints_it_again(place: Place) {
    let first = place.init().await.unwrap();
    assert!(place.key_file().exists());
    let mut second = place.init().await.unwrap();
    assert_ne!(first["admin_binding_link"], second["admin_binding_link"]);
    second["admin_binding_link"] = first["admin_binding_link"].clone();
    assert_eq!(first, second);
    let tenants = place
        .create_tenant(&["--display-name", "Acme"])
        .await
        .unwrap();
    assert_ne!(tenants["tenant_id"], first["tenant_id"]);
    assert!(tenants["admin_binding_link"].is_string());
    assert_eq!(place.init().await.unwrap()["tenant_id"], first["tenant_id"]);
}

async fn init_never_replaces_a_master_key_that_something_is_sealed_under(place: Place) {
    place.init().await.unwrap();
    std::fs::remove_file(place.key_file()).unwrap();
    for error in [
        place.init().await.unwrap_err().to_string(),
        place.refusal().await,
        place
            .create_tenant(&["--display-name", "Acme"])
            .await
            .unwrap_err()
            .to_string(),
    ] {
        assert!(
            error.contains(
                "needs its original master key: restore the file from its backup, or set"
            ),
            "{error}"
        );
    }
    assert!(!place.key_file().exists());
    crate::master_key::create(&place.key_file(), &crate::app::SystemRng).unwrap();
    let error = place.init().await.unwrap_err().to_string();
    assert!(error.ends_with(FOREIGN), "{error}");
    let error = place.refusal().await;
    assert!(error.ends_with(FOREIGN), "{error}");
}

async fn a_tenant_is_made_under_the_master_key_of_the_others_only(place: Place) {
    place.init().await.unwrap();
    std::fs::remove_file(place.key_file()).unwrap();
    crate::master_key::create(&place.key_file(), &crate::app::SystemRng).unwrap();
    let error = place
        .create_tenant(&["--display-name", "Acme"])
        .await
        .unwrap_err();
    assert!(error.to_string().ends_with(FOREIGN), "{error}");
    assert_eq!(place.ask::<i64>("SELECT COUNT(*) FROM tenants").await, [1]);
}

#[tokio::test]
async fn where_nothing_is_sealed_yet_a_missing_master_key_is_made_by_init() {
    let place = Place::sqlite().await;
    let error = place.refusal().await;
    assert!(
        error.ends_with(
            "keymoor.key does not exist: run `keymoor init`, or set KEYMOOR_MASTER_KEY_FILE"
        ),
        "{error}"
    );
}
