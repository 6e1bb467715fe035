//! Copies of a database that is written to.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::*;
use crate::{DatabaseUrl, backup};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_is_whole_and_has_what_was_acknowledged_before() {
    let test = fresh_sqlite().await;
    let acknowledged = Arc::new(AtomicI64::new(0));
    let writing = {
        let (db, acknowledged) = (Db::clone(&test), acknowledged.clone());
        tokio::spawn(async move {
            for id in 1.. {
                db.write(async move |tx| insert(tx, id).await)
                    .await
                    .unwrap();
                acknowledged.store(id, Ordering::Release);
            }
        })
    };
    let folder = tempfile::tempdir().unwrap();
    for round in 1..=3 {
        while acknowledged.load(Ordering::Acquire) < 200 * round {
            tokio::task::yield_now().await;
        }
        let before = acknowledged.load(Ordering::Acquire);
        let target = folder.path().join(format!("backup-{round}.db"));
        let (url, copied) = (test.options().url.clone(), target.clone());
        tokio::task::spawn_blocking(move || backup(&url, &copied))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            target.metadata().unwrap().permissions().mode() & 0o777,
            0o600
        );

        let restored = Db::open(&DatabaseUrl::Sqlite(target).into()).unwrap();
        restored.require_current_schema(MIGRATIONS).await.unwrap();
        let intact: Result<String> = restored
            .read(async |rx| rx.one("PRAGMA integrity_check", &()).await)
            .await;
        assert_eq!(intact.unwrap(), "ok");
        let kept = ids(&restored).await;
        // Of writes that follow each other none is missing before one that is there.
        let last = *kept.last().unwrap();
        assert_eq!(kept, (1..=last).collect::<Vec<_>>());
        assert!(last >= before, "{last} of {before}");
        restored
            .write(async |tx| insert(tx, -1).await)
            .await
            .unwrap();
        restored.close().await;
    }
    writing.abort();
    let left: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name.to_string_lossy().contains("unfinished"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_replaces_nothing_and_leaves_nothing_behind_when_it_fails() {
    let test = fresh_sqlite().await;
    let url = &test.options().url;
    let folder = tempfile::tempdir().unwrap();
    let taken = folder.path().join("taken.db");
    std::fs::write(&taken, "precious").unwrap();
    let error = backup(url, &taken).unwrap_err().to_string();
    assert!(error.contains("exists already"), "{error}");
    assert_eq!(std::fs::read_to_string(&taken).unwrap(), "precious");
    std::fs::remove_file(&taken).unwrap();

    let unfinished = folder.path().join("taken.db.unfinished");
    std::fs::write(&unfinished, "").unwrap();
    let error = backup(url, &taken).unwrap_err().to_string();
    assert!(error.contains("delete it"), "{error}");
    std::fs::remove_file(&unfinished).unwrap();
    let error = backup(url, std::path::Path::new(""))
        .unwrap_err()
        .to_string();
    assert!(error.contains("needs a name"), "{error}");

    let absent = DatabaseUrl::Sqlite(folder.path().join("absent.db"));
    let error = backup(&absent, &taken).unwrap_err().to_string();
    assert!(error.contains("absent.db"), "{error}");
    backup(url, &folder.path().join("no-such-folder/backup.db")).unwrap_err();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_is_backed_up_by_its_own_tools() {
    let test = fresh_postgres().await;
    let folder = tempfile::tempdir().unwrap();
    let error = backup(&test.options().url, &folder.path().join("backup.db")).unwrap_err();
    assert!(error.to_string().contains("pg_dump"), "{error}");
}
