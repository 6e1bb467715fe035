//! The same work by rusqlite alone: one thread, one connection, the layer's settings.

use std::cell::Cell;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use rusqlite::{Connection, params};

use super::work::{
    CLAIM, CREDENTIALS, INSERT_CODE, INSERT_CREDENTIAL, INSERT_EVENT, INSERT_JOB, JOBS, READ,
    SCHEMA, TENANT, TEXT, Work, scattered,
};

pub(crate) struct Bare {
    conn: Connection,
    last: Cell<i64>,
}

impl Bare {
    pub(crate) fn prepare(path: &Path) -> Result<Self> {
        let conn = Connection::open(path)?;
        conn.pragma_update(None, "journal_mode", "wal")?;
        conn.pragma_update(None, "synchronous", "full")?;
        conn.pragma_update(None, "wal_autocheckpoint", 4_000)?;
        conn.pragma_update(None, "cache_size", -32 * 1_024)?;
        let bare = Self {
            conn,
            last: Cell::new(CREDENTIALS),
        };
        bare.conn.execute_batch("BEGIN")?;
        for statement in SCHEMA {
            bare.conn.execute(statement, [])?;
        }
        for id in 1..=CREDENTIALS {
            if id <= JOBS {
                bare.exec(INSERT_JOB, params![TENANT, id, TEXT])?;
            }
            bare.insert_credential(id)?;
        }
        bare.conn.execute_batch("COMMIT")?;
        Ok(bare)
    }

    /// With `group` transactions' work in one commit.
    pub(crate) fn per_s(&self, work: Work, group: usize, time: Duration) -> Result<f64> {
        let started = Instant::now();
        let mut done = 0_u32;
        while started.elapsed() < time {
            if work == Work::Read {
                self.once(work)?;
                done += 1;
                continue;
            }
            self.conn.execute_batch("BEGIN IMMEDIATE")?;
            for _ in 0..group {
                self.once(work)?;
                done += 1;
            }
            self.conn.execute_batch("COMMIT")?;
        }
        Ok(f64::from(done) / started.elapsed().as_secs_f64())
    }

    fn once(&self, work: Work) -> Result<()> {
        let id = self.last.get() + 1;
        self.last.set(id + 1);
        let rows = match work {
            Work::Bind => {
                let claimed = self.exec(CLAIM, params![id, TENANT, id % JOBS + 1])?;
                self.insert_credential(id)?;
                self.insert_events(id)?;
                claimed
            }
            Work::SignIn => {
                let code = params![TENANT, id, TEXT, scattered(id), id];
                let inserted = self.exec(INSERT_CODE, code)?;
                self.insert_events(id)?;
                inserted
            }
            Work::Read => {
                let mut read = self.conn.prepare_cached(READ)?;
                let key = params![TENANT, id % CREDENTIALS + 1];
                let (_jwk, _thumbprint): (String, [u8; 32]) =
                    read.query_row(key, |row| Ok((row.get(0)?, row.get(1)?)))?;
                1
            }
        };
        ensure!(rows == 1, "{work:?} touched {rows} rows");
        Ok(())
    }

    fn insert_credential(&self, id: i64) -> Result<()> {
        self.exec(INSERT_CREDENTIAL, params![TENANT, id, TEXT, scattered(id)])?;
        Ok(())
    }

    fn insert_events(&self, id: i64) -> Result<()> {
        for id in [id, id + 1] {
            self.exec(INSERT_EVENT, params![TENANT, id, TEXT])?;
        }
        Ok(())
    }

    fn exec(&self, sql: &str, params: &[&dyn rusqlite::ToSql]) -> Result<usize> {
        Ok(self.conn.prepare_cached(sql)?.execute(params)?)
    }
}
