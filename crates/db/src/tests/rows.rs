//! Rows read by the names of their columns, alone and beside others.

use keymoor_types::Timestamp;

use super::*;
use crate::{Json, Text, record};

both_dbs!(
    what_was_inserted_by_its_columns_is_read_by_them,
    columns_in_another_order_change_nothing,
    a_column_that_is_missing_is_named,
    a_row_of_another_width_than_its_type_is_refused,
    a_tuple_shares_the_columns_among_its_members,
    a_column_of_another_type_is_refused,
);

#[derive(Clone, Debug, PartialEq)]
struct Book {
    id: i64,
    authors: Vec<String>,
    edition: u8,
    created_at: Timestamp,
    updated_at: Timestamp,
}

record!(Book as columns {
    id: "book_id",
    authors: Json("author_names"),
    edition: Text,
    created_at,
    updated_at,
});

/// Times of different values, so that one can't pass for the other.
fn book() -> Book {
    Book {
        id: 7,
        authors: vec!["Ada".to_owned(), "Bob".to_owned()],
        edition: 2,
        created_at: Timestamp::from_micros(1),
        updated_at: Timestamp::from_micros(2),
    }
}

const BOOKS: Sql = Sql {
    sqlite: "CREATE TABLE books (book_id INTEGER, author_names TEXT, edition TEXT,
                 created_at INTEGER, updated_at INTEGER, shelf INTEGER) STRICT",
    postgres: "CREATE TABLE books (book_id BIGINT, author_names TEXT, edition TEXT,
                   created_at BIGINT, updated_at BIGINT, shelf BIGINT)",
};

/// Makes the table with [`book`] on shelf 9.
async fn shelve(db: &Db) {
    const INSERT: &str = concat!(
        "INSERT INTO books (",
        columns!(),
        ", shelf) VALUES ($1, $2, $3, $4, $5, $6)"
    );
    let make = async |tx: &mut Tx| {
        tx.batch(BOOKS).await?;
        tx.exec(INSERT, &(&book(), 9_i64)).await
    };
    assert_eq!(db.write(make).await, Ok(1));
}

#[test]
fn columns_are_named_as_in_sql() {
    assert_eq!(
        columns!(),
        "book_id, author_names, edition, created_at, updated_at"
    );
}

async fn what_was_inserted_by_its_columns_is_read_by_them(db: Db) {
    shelve(&db).await;
    let sql = concat!("SELECT ", columns!(), " FROM books");
    assert_eq!(select(&db, sql, &()).await, Ok(book()));
    let plain = "SELECT author_names, edition, shelf FROM books";
    let held = ("[\"Ada\",\"Bob\"]".to_owned(), "2".to_owned(), 9_i64);
    assert_eq!(select(&db, plain, &()).await, Ok(held));
}

async fn columns_in_another_order_change_nothing(db: Db) {
    shelve(&db).await;
    for sql in [
        "SELECT book_id, author_names, edition, updated_at, created_at FROM books",
        "SELECT updated_at, created_at, edition, author_names, book_id FROM books",
        "SELECT b.created_at, b.book_id, b.author_names, b.updated_at, b.edition FROM books b",
        "UPDATE books SET shelf = 1
         RETURNING edition, updated_at, book_id, created_at, author_names",
    ] {
        let found = db
            .write(async move |tx| tx.all::<Book>(sql, &()).await)
            .await;
        assert_eq!(found, Ok(vec![book()]), "{sql}");
    }
}

async fn a_column_that_is_missing_is_named(db: Db) {
    shelve(&db).await;
    for (sql, name) in [
        (
            "SELECT book_id, author_names, edition, created_at FROM books",
            "updated_at",
        ),
        (
            "SELECT book_id, author_names, edition, created_at, created_at FROM books",
            "updated_at",
        ),
        (
            "SELECT book_id AS id, author_names, edition, created_at, updated_at FROM books",
            "book_id",
        ),
        (
            "SELECT shelf, author_names, edition, created_at, updated_at FROM books",
            "book_id",
        ),
        // Also where there is no row.
        ("SELECT shelf FROM books WHERE shelf = 0", "book_id"),
    ] {
        let refused = db.read(async |rx| rx.opt::<Book>(sql, &()).await).await;
        assert_eq!(refused, Err(Error::NoColumn { name }), "{sql}");
    }
}

async fn a_row_of_another_width_than_its_type_is_refused(db: Db) {
    shelve(&db).await;
    let sql = concat!("SELECT ", columns!(), ", shelf FROM books");
    let refused = Err::<Book, _>(Error::Columns {
        expected: 5,
        found: 6,
    });
    assert_eq!(select(&db, sql, &()).await, refused);
    let sql = "SELECT book_id, shelf FROM books";
    let refused = Err::<i64, _>(Error::Columns {
        expected: 1,
        found: 2,
    });
    assert_eq!(select(&db, sql, &()).await, refused);
    let refused = Err::<(i64, i64, i64), _>(Error::Columns {
        expected: 3,
        found: 2,
    });
    assert_eq!(select(&db, sql, &()).await, refused);
}

async fn a_tuple_shares_the_columns_among_its_members(db: Db) {
    shelve(&db).await;
    let behind = concat!("SELECT ", columns!(), ", shelf FROM books");
    assert_eq!(select(&db, behind, &()).await, Ok((book(), 9_i64)));
    // What has no name gets the first column that is left.
    let before = concat!("SELECT shelf, ", columns!(), " FROM books");
    assert_eq!(select(&db, before, &()).await, Ok((book(), 9_i64)));
    assert_eq!(select(&db, before, &()).await, Ok((9_i64, book())));
    // The same names twice: the first of them is the first member's.
    let two = "SELECT b.created_at, b.book_id, b.author_names, b.edition, b.updated_at,
                      c.book_id, c.author_names, c.edition, 3 AS created_at, 4 AS updated_at
               FROM books b, books c";
    let twice: (Book, (Book,)) = select(&db, two, &()).await.unwrap();
    let later = Book {
        created_at: Timestamp::from_micros(3),
        updated_at: Timestamp::from_micros(4),
        ..book()
    };
    assert_eq!(twice, (book(), (later,)));
}

async fn a_column_of_another_type_is_refused(db: Db) {
    shelve(&db).await;
    let sql = "SELECT 'now' AS created_at, book_id, author_names, edition, updated_at FROM books";
    let refused = select::<Book>(&db, sql, &()).await;
    assert!(
        matches!(refused, Err(Error::Column { index: 0, .. })),
        "{refused:?}"
    );
}
