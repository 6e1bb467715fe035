//! What `keymoor init` says besides what it hands over.

use super::*;

#[tokio::test]
async fn a5_init_says_how_an_administrator_gets_in() {
    let place = Place::sqlite().await;
    let said = async || init_text(place.config(), &["init"]).await.unwrap();
    let first = said().await;
    let link = first.lines().last().unwrap();
    assert!(link.starts_with("http://localhost:8021/v1/"), "{link}");
    let suspend = async |tx: &mut Tx| {
        let sql = "UPDATE identities SET status = 'suspended'";
        Ok::<_, Error>(tx.exec(sql, &[]).await?)
    };
    place.db.write(suspend).await.unwrap();
    let said = said().await;
    assert!(
        said.contains("Nobody active is in the admin realm"),
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
        let mend = format!("; make the folder {}", folder.display());
        assert!(error.ends_with(&mend), "{error}");
    }
}
