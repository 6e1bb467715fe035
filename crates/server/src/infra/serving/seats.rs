//! The seats of a listener: how many connections it has, and which of them must close.
//!
//! A connection waits for its client whenever none of its requests is complete and in progress,
//! also while the client does not read a response. One task enforces the time limits of waiting for
//! all connections of a listener, so that a request needs no timer.
//!
//! When all seats are taken, the network with the most seats loses the one that has waited longest.
//! So no network can starve another, and a client that sends its request at once is served even
//! beside idle clients of its own network.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::settings::ServingSettings;
use super::traffic::Traffic;
use crate::base::networks::Network;

/// How long a connection that was asked to end may wait for its client.
const LINGER: Duration = Duration::from_secs(2);

/// How often a client without a seat asks for another connection to close.
const PRESS_AGAIN: Duration = Duration::from_millis(100);

/// With more open requests than this, a connection gets no more than a few, and must close if it asks
/// for more. A client that reads no responses could otherwise keep a hundred on each of its
/// connections. An open request holds about 5 KiB.
const MANY_REQUESTS: u32 = 8_192;
const FEW_REQUESTS: u32 = 4;

/// The connections of one listener.
pub(super) struct Seats {
    settings: ServingSettings,
    traffic: Traffic,
    opened: Instant,
    /// Open requests of all connections.
    open: Arc<AtomicU32>,
    table: Mutex<Table>,
    /// Notified whenever a seat becomes free.
    freed: Notify,
}

#[derive(Default)]
struct Table {
    taken: HashMap<u64, Arc<Seat>>,
    networks: HashMap<Network, u32>,
    next: u64,
}

/// The state of one connection.
pub(super) struct Seat {
    opened: Instant,
    network: Network,
    /// Open requests of all connections.
    open_anywhere: Arc<AtomicU32>,
    /// Requests whose head has arrived and whose response has not been sent completely.
    open: AtomicU32,
    /// Open requests without a response yet.
    unanswered: AtomicU32,
    /// Unanswered requests that have arrived completely.
    working: AtomicU32,
    /// The client must start or finish a request head within `ServingSettings::head`.
    is_pressed: AtomicBool,
    /// It asked for more requests than it may have open. It is cut once none is in progress, without
    /// waiting for the client to read the responses.
    is_greedy: AtomicBool,
    /// HTTP/2 also sends bytes outside requests.
    is_http2: AtomicBool,
    /// When the current wait began, in milliseconds after `opened`.
    since: AtomicU64,
    /// When the connection was asked to end, in the same unit.
    told_at: AtomicU64,
    farewell: AtomicU8,
    told: Notify,
}

/// How a connection must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Farewell {
    None,
    /// Gracefully: requests in progress are finished.
    Polite,
    /// At once, unless a request is in progress.
    Cut,
}

impl Seats {
    pub(super) fn new(settings: ServingSettings, traffic: Traffic) -> Self {
        Self {
            settings,
            traffic,
            opened: Instant::now(),
            open: Arc::default(),
            table: Mutex::default(),
            freed: Notify::new(),
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a seat for a client at `ip`. While all are taken, asks another connection to close and
    /// waits.
    pub(super) async fn take(self: &Arc<Self>, ip: IpAddr) -> Guard {
        let network = Network::of(ip);
        loop {
            {
                let mut table = self.table();
                if table.taken.len() < self.settings.connections.get() as usize {
                    return self.seat(&mut table, network);
                }
                self.press_out(&table);
            }
            // By the next attempt, a connection that was working may be waiting for its client.
            let _pressed_again = timeout(PRESS_AGAIN, self.freed.notified()).await;
        }
    }

    fn seat(self: &Arc<Self>, table: &mut Table, network: Network) -> Guard {
        let seat = Arc::new(Seat {
            opened: self.opened,
            network,
            open_anywhere: Arc::clone(&self.open),
            open: AtomicU32::new(0),
            unanswered: AtomicU32::new(0),
            working: AtomicU32::new(0),
            is_pressed: AtomicBool::new(true),
            is_greedy: AtomicBool::new(false),
            is_http2: AtomicBool::new(false),
            since: AtomicU64::new(self.elapsed()),
            told_at: AtomicU64::new(0),
            farewell: AtomicU8::new(Farewell::None as u8),
            told: Notify::new(),
        });
        let id = table.next;
        table.next += 1;
        table.taken.insert(id, Arc::clone(&seat));
        self.traffic.accepted.inc();
        self.traffic.open.inc();
        *table.networks.entry(network).or_default() += 1;
        Guard {
            id,
            seat,
            seats: Arc::clone(self),
        }
    }

    fn elapsed(&self) -> u64 {
        millis(self.opened.elapsed())
    }

    fn press_out(&self, table: &Table) {
        if table.press_out(self.elapsed()) {
            self.traffic.pressed_out.inc();
        }
    }

    /// Closes one connection that waits for its client, if any.
    pub(super) fn make_room(&self) {
        self.press_out(&self.table());
    }

    /// Asks every connection to end after its requests in progress.
    pub(super) fn dismiss(&self) {
        let now = self.elapsed();
        for seat in self.table().taken.values() {
            seat.tell(Farewell::Polite, now);
        }
    }

    /// The number of taken seats.
    pub(super) fn taken(&self) -> usize {
        self.table().taken.len()
    }

    /// Ends connections that have waited too long, periodically. Never returns.
    pub(super) async fn keep(&self) {
        let shortest = self.settings.head.min(self.settings.idle);
        let mut ticks = tokio::time::interval((shortest / 4).min(Duration::from_secs(1)));
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let now = self.elapsed();
            for seat in self.table().taken.values() {
                let overdue = seat.overdue(&self.settings, now);
                if overdue.is_some_and(|farewell| seat.tell(farewell, now)) {
                    self.traffic.timed_out.inc();
                }
            }
        }
    }
}

impl Table {
    /// Closes the longest-waiting connection of the network with the most seats, if any waits.
    fn press_out(&self, now: u64) -> bool {
        let waiting = self
            .taken
            .iter()
            .filter(|(_, seat)| seat.farewell() < Farewell::Cut && !seat.is_working());
        let longest = waiting.max_by_key(|(id, seat)| {
            let share = self.networks.get(&seat.network);
            (share, now.saturating_sub(seat.since()), u64::MAX - *id)
        });
        longest.is_some_and(|(_, seat)| seat.tell(Farewell::Cut, now))
    }
}

impl Seat {
    fn elapsed(&self) -> u64 {
        millis(self.opened.elapsed())
    }

    fn since(&self) -> u64 {
        self.since.load(Ordering::Relaxed)
    }

    fn wait_anew(&self) {
        self.since.store(self.elapsed(), Ordering::Relaxed);
    }

    /// Whether a complete request is in progress.
    pub(super) fn is_working(&self) -> bool {
        self.working.load(Ordering::Relaxed) > 0
    }

    /// Records that bytes have arrived. Without an open request, they begin one.
    pub(super) fn heard(&self) {
        let begins = !self.is_pressed.load(Ordering::Relaxed)
            && !self.is_http2.load(Ordering::Relaxed)
            && self.open.load(Ordering::Relaxed) == 0;
        if begins {
            self.wait_anew();
            self.is_pressed.store(true, Ordering::Relaxed);
        }
    }

    /// Records that a request's head has arrived. `None`: there are too many open requests to
    /// accept another one of this connection.
    ///
    /// Cutting the connection would not be enough: it is polled again only after it has read
    /// everything that its client sent, and then its requests are in progress.
    pub(super) fn asked(self: &Arc<Self>, is_http2: bool) -> Option<Exchange> {
        let anywhere = self.open_anywhere.load(Ordering::Relaxed);
        if anywhere >= MANY_REQUESTS && self.open.load(Ordering::Relaxed) >= FEW_REQUESTS {
            self.is_greedy.store(true, Ordering::Relaxed);
            self.tell(Farewell::Cut, self.elapsed());
            return None;
        }
        self.open.fetch_add(1, Ordering::Relaxed);
        self.open_anywhere.fetch_add(1, Ordering::Relaxed);
        self.unanswered.fetch_add(1, Ordering::Relaxed);
        self.is_pressed.store(false, Ordering::Relaxed);
        self.is_http2.store(is_http2, Ordering::Relaxed);
        Some(Exchange(Arc::new(Request {
            seat: Arc::clone(self),
            stage: AtomicU8::new(ARRIVING),
        })))
    }

    fn overdue(&self, settings: &ServingSettings, now: u64) -> Option<Farewell> {
        let waited = |since| Duration::from_millis(now.saturating_sub(since));
        // The body of a request has its own limit.
        if self.unanswered.load(Ordering::Relaxed) > 0 {
            return None;
        }
        if self.farewell() > Farewell::None {
            let told_at = self.told_at.load(Ordering::Relaxed);
            let is_late = waited(told_at.max(self.since())) >= LINGER;
            return is_late.then_some(Farewell::Cut);
        }
        let waited = waited(self.since());
        if self.is_pressed.load(Ordering::Relaxed) {
            (waited >= settings.head).then_some(Farewell::Cut)
        } else {
            (waited >= settings.idle).then_some(Farewell::Polite)
        }
    }

    /// Returns false if the connection already had this notice.
    fn tell(&self, farewell: Farewell, now: u64) -> bool {
        let is_news = self.farewell.fetch_max(farewell as u8, Ordering::Relaxed) < farewell as u8;
        if is_news {
            self.told_at.store(now, Ordering::Relaxed);
        }
        // A connection that was working at the first notice ignored it.
        if is_news || farewell == Farewell::Cut {
            self.told.notify_one();
        }
        is_news
    }

    pub(super) fn farewell(&self) -> Farewell {
        match self.farewell.load(Ordering::Relaxed) {
            0 => Farewell::None,
            1 => Farewell::Polite,
            _ => Farewell::Cut,
        }
    }

    /// Waits until the connection must end.
    pub(super) async fn told(&self) -> Farewell {
        self.told.notified().await;
        self.farewell()
    }
}

/// A request from its head to the end of its response. Clones are the same request.
#[derive(Clone)]
pub(super) struct Exchange(Arc<Request>);

struct Request {
    seat: Arc<Seat>,
    stage: AtomicU8,
}

/// The stages of a request, in order.
const ARRIVING: u8 = 0;
const WHOLE: u8 = 1;
const ANSWERED: u8 = 2;

impl Exchange {
    /// Records that the last byte of the request has arrived, or that no more is read of it.
    pub(super) fn whole(&self) {
        if self.0.stage.fetch_max(WHOLE, Ordering::Relaxed) == ARRIVING {
            self.0.seat.working.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Records that the response exists. From now on the connection waits for its client to read it.
    pub(super) fn answered(&self) {
        self.0.answered();
    }

    /// Records that the client accepts more of the response.
    ///
    /// Written bytes would not show that: HTTP/2 also writes pings and their acknowledgements.
    pub(super) fn read_on(&self) {
        self.0.seat.wait_anew();
    }
}

impl Request {
    fn answered(&self) {
        let stage = self.stage.fetch_max(ANSWERED, Ordering::Relaxed);
        if stage == ANSWERED {
            return;
        }
        // The new start of the wait must be visible before the counts change.
        self.seat.wait_anew();
        self.seat.unanswered.fetch_sub(1, Ordering::Release);
        if stage == WHOLE {
            self.seat.working.fetch_sub(1, Ordering::Release);
        }
        if self.seat.is_greedy.load(Ordering::Relaxed) {
            self.seat.told.notify_one();
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.answered();
        self.seat.wait_anew();
        self.seat.open.fetch_sub(1, Ordering::Release);
        self.seat.open_anywhere.fetch_sub(1, Ordering::Release);
    }
}

/// A taken seat. Dropping it frees the seat.
pub(super) struct Guard {
    id: u64,
    seats: Arc<Seats>,
    pub(super) seat: Arc<Seat>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        let mut table = self.seats.table();
        table.taken.remove(&self.id);
        let network = self.seat.network;
        if let Some(count) = table.networks.get_mut(&network) {
            *count -= 1;
            if *count == 0 {
                table.networks.remove(&network);
            }
        }
        drop(table);
        self.seats.traffic.open.dec();
        self.seats.freed.notify_one();
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
