//! The work through the product's database layer.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use keymoor_bench::samples::Latencies;
use keymoor_db::{DatabaseUrl, Db, Options, Tx};

use super::Load;
use super::work::{
    CLAIM, CREDENTIALS, INSERT_CODE, INSERT_CREDENTIAL, INSERT_EVENT, INSERT_JOB, JOBS, READ,
    SCHEMA, TENANT, TEXT, Work, scattered,
};

/// Rows a transaction while rows are prepared.
const SLICE: i64 = 100;

pub(crate) struct Layer {
    db: Db<anyhow::Error>,
    /// The last id given away.
    last: Arc<AtomicI64>,
}

impl Layer {
    pub(crate) async fn prepare(url: &str) -> Result<Self> {
        let url: DatabaseUrl = url.parse()?;
        let db = Db::open(&Options::from(url))?;
        db.write(async |tx: &mut Tx| {
            for statement in SCHEMA {
                tx.exec(statement, &()).await?;
            }
            Ok(())
        })
        .await?;
        for slice in 0..CREDENTIALS / SLICE {
            let ids = (slice * SLICE + 1)..=((slice + 1) * SLICE);
            db.write(async move |tx: &mut Tx| {
                for id in ids.clone() {
                    if id <= JOBS {
                        tx.exec(INSERT_JOB, &(TENANT, id, TEXT)).await?;
                    }
                    insert_credential(tx, id).await?;
                }
                Ok(())
            })
            .await?;
        }
        Ok(Self {
            db,
            last: Arc::new(AtomicI64::new(CREDENTIALS)),
        })
    }

    /// So many callers, each of which starts again when it has an answer.
    pub(crate) async fn run(&self, work: Work, callers: usize, time: Duration) -> Result<Load> {
        let started = Instant::now();
        let end = started + time;
        let mut running = Vec::with_capacity(callers);
        for _ in 0..callers {
            let (db, last) = (self.db.clone(), Arc::clone(&self.last));
            running.push(tokio::spawn(async move {
                let mut latencies = Latencies::default();
                loop {
                    let begun = Instant::now();
                    if begun >= end {
                        return Ok::<_, anyhow::Error>(latencies);
                    }
                    // Two ids, the second of which is for the second event.
                    let id = last.fetch_add(2, Ordering::Relaxed) + 1;
                    once(&db, work, id).await?;
                    latencies.add(begun.elapsed());
                }
            }));
        }
        let mut load = Load::default();
        for caller in running {
            load.latencies.merge(caller.await??);
        }
        load.elapsed = started.elapsed();
        Ok(load)
    }
}

async fn once(db: &Db<anyhow::Error>, work: Work, id: i64) -> Result<()> {
    let rows = match work {
        Work::Bind => {
            db.write(async move |tx: &mut Tx| {
                let job = id % JOBS + 1;
                let claimed = tx.exec(CLAIM, &(id, TENANT, job)).await?;
                insert_credential(tx, id).await?;
                insert_events(tx, id).await?;
                Ok(claimed)
            })
            .await?
        }
        Work::SignIn => {
            db.write(async move |tx: &mut Tx| {
                let hash = scattered(id);
                let code = tx.exec(INSERT_CODE, &(TENANT, id, TEXT, hash, id)).await?;
                insert_events(tx, id).await?;
                Ok(code)
            })
            .await?
        }
        Work::Read => {
            let credential = id % CREDENTIALS + 1;
            db.read(async |rx| {
                let found: Option<(String, [u8; 32])> = rx.opt(READ, &(TENANT, credential)).await?;
                Ok(u64::from(found.is_some()))
            })
            .await?
        }
    };
    ensure!(rows == 1, "{work:?} touched {rows} rows");
    Ok(())
}

async fn insert_credential(tx: &mut Tx, id: i64) -> Result<()> {
    let thumbprint = scattered(id);
    tx.exec(INSERT_CREDENTIAL, &(TENANT, id, TEXT, thumbprint))
        .await?;
    Ok(())
}

async fn insert_events(tx: &mut Tx, id: i64) -> Result<()> {
    for id in [id, id + 1] {
        tx.exec(INSERT_EVENT, &(TENANT, id, TEXT)).await?;
    }
    Ok(())
}
