//! Feeds: the new events of a realm, read once for all of its streams on this node.
//!
//! The table is the truth. A feed reads what is new several times a second while anybody listens,
//! so that events of other nodes arrive within a second.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast::{Receiver, Sender};
use tokio::sync::watch;

use super::log;
use super::model::{Place, Recorded};
use crate::base::error::{Error, Result};
use crate::base::refs::RealmRef;
use crate::db::{Db, Rx};

/// How often a feed looks for new events.
const PERIOD: Duration = Duration::from_millis(250);
/// How many events a feed reads at a time, and how many it keeps for slow streams. A stream that is
/// slower reads the table itself.
const BATCH: u16 = 500;
/// How many streams a caller may have on a node.
pub const STREAMS_PER_CALLER: usize = 200;
/// When a caller with too many streams may try again, in seconds.
const RETRY_AFTER: u32 = 10;

/// The feeds of all realms. Cheap to clone.
#[derive(Clone)]
pub struct Feeds(Arc<Shared>);

struct Shared {
    db: Db,
    feeds: Mutex<HashMap<RealmRef, Arc<Feed>>>,
    callers: Mutex<HashMap<String, usize>>,
    closing: watch::Sender<bool>,
}

struct Feed {
    /// The place after the last event that was sent. Locked while one is sent.
    place: Mutex<Place>,
    events: Sender<Arc<Recorded>>,
}

/// What a stream hears, and from where on.
pub struct Subscription {
    pub events: Receiver<Arc<Recorded>>,
    /// Events after it are heard. Those before it are in the table.
    pub from: Place,
}

/// One of a caller's streams, until it is dropped.
pub struct Permit {
    feeds: Feeds,
    caller: String,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut callers = lock(&self.feeds.0.callers);
        if let Some(streams) = callers.get_mut(&self.caller) {
            *streams -= 1;
            if *streams == 0 {
                callers.remove(&self.caller);
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Feeds {
    pub fn new(db: Db) -> Self {
        Self(Arc::new(Shared {
            db,
            feeds: Mutex::default(),
            callers: Mutex::default(),
            closing: watch::Sender::new(false),
        }))
    }

    /// Ends every stream, so that the server can stop.
    pub fn close(&self) {
        self.0.closing.send_replace(true);
    }

    /// Becomes true when streams must end.
    pub fn closing(&self) -> watch::Receiver<bool> {
        self.0.closing.subscribe()
    }

    /// Counts a stream of a caller.
    ///
    /// # Errors
    /// `TooManyRequests` if the caller has as many as allowed.
    pub fn permit(&self, caller: String) -> Result<Permit> {
        let mut callers = lock(&self.0.callers);
        let streams = callers.entry(caller.clone()).or_insert(0);
        if *streams >= STREAMS_PER_CALLER {
            return Err(Error::TooManyRequests {
                retry_after: RETRY_AFTER,
            });
        }
        *streams += 1;
        drop(callers);
        Ok(Permit {
            feeds: self.clone(),
            caller,
        })
    }

    /// Subscribes to a realm's feed. The first subscriber starts it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn subscribe(&self, realm: RealmRef) -> Result<Subscription> {
        if let Some(subscription) = self.join(realm) {
            return Ok(subscription);
        }
        let end = self.0.db.read(async |rx| log::end(rx, realm).await).await?;
        let mut feeds = lock(&self.0.feeds);
        // Somebody else may have started it meanwhile.
        let feed = feeds.entry(realm).or_insert_with(|| {
            let feed = Arc::new(Feed {
                place: Mutex::new(end),
                events: Sender::new(usize::from(BATCH)),
            });
            tokio::spawn(self.clone().keep(realm, Arc::clone(&feed)));
            feed
        });
        Ok(feed.subscribe())
    }

    fn join(&self, realm: RealmRef) -> Option<Subscription> {
        let feeds = lock(&self.0.feeds);
        feeds.get(&realm).map(|feed| feed.subscribe())
    }

    async fn keep(self, realm: RealmRef, feed: Arc<Feed>) {
        let mut closing = self.closing();
        loop {
            let is_behind = match self.read(realm, &feed).await {
                Ok(read) => read == usize::from(BATCH),
                Err(error) => {
                    tracing::warn!(%error, "failed to read new events");
                    false
                }
            };
            if self.end_unheard(realm, &feed) {
                return;
            }
            if !is_behind {
                tokio::select! {
                    _told = closing.wait_for(|&closing| closing) => return,
                    () = tokio::time::sleep(PERIOD) => {}
                }
            }
        }
    }

    /// Removes the feed if it has no subscriber. The lock keeps new ones out.
    fn end_unheard(&self, realm: RealmRef, feed: &Feed) -> bool {
        let mut feeds = lock(&self.0.feeds);
        let is_unheard = feed.events.receiver_count() == 0;
        if is_unheard {
            feeds.remove(&realm);
        }
        is_unheard
    }

    async fn read(&self, realm: RealmRef, feed: &Feed) -> Result<usize> {
        let place = *lock(&feed.place);
        let limit = i64::from(BATCH);
        let read = async |rx: &mut Rx| log::after(rx, realm, place, limit).await;
        let events = self.0.db.read(read).await?;
        let number = events.len();
        for event in events {
            let mut place = lock(&feed.place);
            *place = event.place();
            let _nobody_listens = feed.events.send(Arc::new(event));
        }
        Ok(number)
    }
}

impl Feed {
    fn subscribe(&self) -> Subscription {
        let place = lock(&self.place);
        Subscription {
            events: self.events.subscribe(),
            from: *place,
        }
    }
}
