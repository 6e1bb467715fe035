//! Values in, rows out, refusals by name.

use std::net::Ipv4Addr;

use keymoor_types::{ApplicationId, Rng, TenantId, Timestamp};

use super::*;
use crate::{Json, Params, Text, Values, record};

both_dbs!(
    parameters_are_bound_by_their_number_not_by_their_order,
    what_consists_of_several_parameters_is_bound_as_these,
    a_wrong_number_of_parameters_is_refused,
    values_come_back_as_they_went_in,
    one_and_opt_insist_on_the_number_of_rows,
    returning_gives_rows_and_exec_counts_them,
    constraints_have_the_same_names_on_both,
    an_error_never_quotes_a_value,
);

struct Sevens;

impl Rng for Sevens {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

type Stored = (
    i64,
    bool,
    String,
    Vec<u8>,
    [u8; 32],
    TenantId,
    ApplicationId,
    Timestamp,
    Json<Vec<String>>,
    Text<Ipv4Addr>,
);
type Nulls = (
    Option<bool>,
    Option<String>,
    Option<[u8; 32]>,
    Option<Timestamp>,
);

#[derive(Debug, PartialEq)]
struct Probe {
    value: i64,
    id: i64,
}

record!(Probe { id, value });

impl Params for Probe {
    fn bind<'a>(&'a self, values: &mut Values<'a>) {
        values.push(&self.id);
        values.push(&self.value);
    }
}

async fn parameters_are_bound_by_their_number_not_by_their_order(db: Db) {
    let sql = "SELECT CAST($2 AS BIGINT), CAST($1 AS BIGINT), CAST($2 AS BIGINT)";
    let row: (i64, i64, i64) = select(&db, sql, &(1_i64, 2_i64)).await.unwrap();
    assert_eq!(row, (2, 1, 2));
}

async fn what_consists_of_several_parameters_is_bound_as_these(db: Db) {
    let sql = "SELECT CAST($1 AS BIGINT), CAST($2 AS BIGINT), CAST($3 AS TEXT),
                          CAST($4 AS BIGINT), CAST($5 AS BOOLEAN)";
    let probe = Probe { id: 1, value: 2 };
    let row: (i64, i64, String, i64, bool) =
        select(&db, sql, &((probe, "three"), (), (4_i64, Some(true))))
            .await
            .unwrap();
    assert_eq!(row, (1, 2, "three".to_owned(), 4, true));
    let probe = Probe { id: 1, value: 2 };
    let sql = "SELECT CAST($1 AS BIGINT), CAST($2 AS BIGINT)";
    assert_eq!(select(&db, sql, &probe).await, Ok((1_i64, 2_i64)));
    assert_eq!(
        select(&db, "SELECT CAST($1 AS TEXT)", "one").await,
        Ok("one".to_owned())
    );
}

async fn a_wrong_number_of_parameters_is_refused(db: Db) {
    let sql = "SELECT CAST($1 AS BIGINT)";
    let refused = select::<i64>(&db, sql, &(1_i64, 2_i64)).await;
    assert_eq!(refused, Err(Error::Parameters { given: 2 }));
    let refused = select::<i64>(&db, sql, &()).await;
    assert_eq!(refused, Err(Error::Parameters { given: 0 }));
}

async fn values_come_back_as_they_went_in(db: Db) {
    db.write(async |tx| {
        tx.batch(Sql {
            sqlite: "CREATE TABLE probe_values (
                a INTEGER, b INTEGER, c TEXT, d BLOB, e BLOB, f INTEGER, g TEXT, h INTEGER, i TEXT,
                j TEXT
            ) STRICT",
            postgres: "CREATE TABLE probe_values (
                a BIGINT, b BOOLEAN, c TEXT, d BYTEA, e BYTEA, f BIGINT, g TEXT, h BIGINT, i TEXT,
                j TEXT
            )",
        })
        .await
    })
    .await
    .unwrap();
    let values: Stored = (
        i64::MIN,
        true,
        "käse 🧀 '; --".to_owned(),
        vec![],
        [0xff; 32],
        TenantId::from_i64(i64::MAX),
        ApplicationId::generate(Timestamp::from_seconds(1), &Sevens),
        Timestamp::from_micros(-1),
        Json(vec!["\"".to_owned()]),
        Text(Ipv4Addr::LOCALHOST),
    );
    let stored = values.clone();
    db.write(async move |tx| {
        tx.exec(
            "INSERT INTO probe_values VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            &stored,
        )
        .await?;
        tx.exec(
            "INSERT INTO probe_values (a, h) VALUES (0, $1)",
            &None::<i64>,
        )
        .await
    })
    .await
    .unwrap();
    let read: Stored = select(&db, "SELECT * FROM probe_values WHERE b", &())
        .await
        .unwrap();
    assert_eq!(read, values);
    let sql = "SELECT b, c, d, h FROM probe_values WHERE a = 0";
    assert_eq!(
        select::<Nulls>(&db, sql, &()).await,
        Ok((None, None, None, None))
    );
    assert!(matches!(
        select::<(bool, String, Vec<u8>, i64)>(&db, sql, &()).await,
        Err(Error::Column {
            index: 0,
            expected: "bool"
        })
    ));
    let sql = "SELECT e FROM probe_values WHERE a < $1";
    assert!(matches!(
        select::<[u8; 16]>(&db, sql, &0_i64).await,
        Err(Error::Column { index: 0, .. })
    ));
}

async fn one_and_opt_insist_on_the_number_of_rows(db: Db) {
    let (sql, none, many) = (
        "SELECT id FROM probe_rows WHERE id >= $1",
        Err::<i64, _>(Error::NoRow),
        Err::<i64, _>(Error::ManyRows),
    );
    assert_eq!(select(&db, sql, &0_i64).await, none);
    db.write(async |tx| {
        insert(tx, 1).await?;
        insert(tx, 2).await
    })
    .await
    .unwrap();
    assert_eq!(select(&db, sql, &0_i64).await, many);
    let opt = async |from: i64| -> Result<Option<i64>> {
        db.read(async |rx| rx.opt(sql, &from).await).await
    };
    assert_eq!(opt(0).await, Err(Error::ManyRows));
    assert_eq!(opt(2).await, Ok(Some(2)));
    assert_eq!(opt(3).await, Ok(None));
}

async fn returning_gives_rows_and_exec_counts_them(db: Db) {
    let (returned, touched) = db
        .write(async |tx| {
            insert(tx, 1).await?;
            insert(tx, 2).await?;
            let sql = "UPDATE probe_rows SET value = $2 WHERE id = $1 RETURNING id, value";
            let returned: Option<Probe> = tx.opt(sql, &(2_i64, 5_i64)).await?;
            Ok((returned, tx.exec("DELETE FROM probe_rows", &()).await?))
        })
        .await
        .unwrap();
    assert_eq!((returned, touched), (Some(Probe { id: 2, value: 5 }), 2));
}

async fn constraints_have_the_same_names_on_both(db: Db) {
    let try_out = async |statements: &[&'static str]| {
        let statements = statements.to_vec();
        db.write(async move |tx| {
            for sql in &statements {
                tx.exec(*sql, &()).await?;
            }
            Ok(())
        })
        .await
    };
    let unique = |name: &str| {
        Err(Error::Unique {
            constraint: name.to_owned(),
        })
    };
    let (a_token, same_token, same_owner) = (
        "INSERT INTO probe_tokens VALUES (1, 'a', 1)",
        "INSERT INTO probe_tokens VALUES (1, 'a', 2)",
        "INSERT INTO probe_tokens VALUES (1, 'b', 1)",
    );
    assert_eq!(
        try_out(&[a_token, same_token]).await,
        unique("probe_tokens_pkey")
    );
    assert_eq!(
        try_out(&[a_token, same_owner]).await,
        unique("probe_tokens_owner")
    );
    let row = "INSERT INTO probe_rows VALUES (1, 0)";
    assert_eq!(try_out(&[row, row]).await, unique("probe_rows_pkey"));
    assert_eq!(
        try_out(&["INSERT INTO probe_rows VALUES (1, -1)"]).await,
        Err(Error::Check {
            constraint: "probe_rows_value".to_owned()
        })
    );
    assert_eq!(
        try_out(&["INSERT INTO probe_rows VALUES (1, NULL)"]).await,
        Err(Error::NotNull {
            column: "probe_rows.value".to_owned()
        })
    );
    let orphan = "INSERT INTO probe_children VALUES (1, 1)";
    assert_eq!(try_out(&[orphan]).await, Err(Error::ForeignKey));
    let still_referred_to = "DELETE FROM probe_rows";
    assert_eq!(
        try_out(&[row, orphan, still_referred_to]).await,
        Err(Error::ForeignKey)
    );
}

async fn an_error_never_quotes_a_value(db: Db) {
    let refused = db
        .write(async |tx| {
            let sql = "INSERT INTO probe_tokens VALUES ($1, $2, $1)";
            tx.exec(sql, &(1_i64, "s3cret")).await?;
            tx.exec(sql, &(1_i64, "s3cret")).await
        })
        .await
        .unwrap_err();
    assert!(!format!("{refused} {refused:?}").contains("s3cret"));
    let wrong_type = db
        .write(async |tx| {
            tx.exec("INSERT INTO probe_rows VALUES (1, $1)", &"s3cret")
                .await
        })
        .await
        .unwrap_err();
    assert!(!format!("{wrong_type} {wrong_type:?}").contains("s3cret"));
}
