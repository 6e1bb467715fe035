//! Who is connected: how many may be, and who has to leave.
//!
//! A connection waits for its client whenever no whole request of it is being worked on. Waiting
//! has limits of time, which one keeper enforces for all connections of a listener: no timer is
//! started for a request. An answer that its client does not read is waited for, too. When every seat is taken, the network with the most seats gives up the
//! one that has waited longest, so that no network can starve another, and a client that asks at
//! once is served even among its own network's idlers.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout};

use super::settings::ServingSettings;
use super::traffic::Traffic;
use crate::base::limits::network;

/// How long a connection that was asked to end may take for it while it waits for its client.
const LINGER: Duration = Duration::from_secs(2);

/// How often a client that finds no seat has another one given up.
const PRESS_AGAIN: Duration = Duration::from_millis(100);

/// The connections of one listener.
pub(super) struct Seats {
    settings: ServingSettings,
    traffic: Traffic,
    opened: Instant,
    table: Mutex<Table>,
    /// Told whenever a seat becomes free.
    freed: Notify,
}

#[derive(Default)]
struct Table {
    taken: HashMap<u64, Arc<Seat>>,
    networks: HashMap<IpAddr, u32>,
    next: u64,
}

/// What is known of one connection.
pub(super) struct Seat {
    opened: Instant,
    network: IpAddr,
    /// Requests whose head has arrived and whose answer has not been taken to its end.
    open: AtomicU32,
    /// Those among them whose answer is not made yet.
    unanswered: AtomicU32,
    /// Those among the unanswered that have arrived whole.
    working: AtomicU32,
    /// The connection is to say or finish something within `ServingSettings::head`.
    is_pressed: AtomicBool,
    /// Streams of HTTP/2 also speak of other things than requests.
    is_http2: AtomicBool,
    /// When the present wait began, in milliseconds after `opened`.
    since: AtomicU64,
    /// When it was asked to end, in the same unit.
    told_at: AtomicU64,
    farewell: AtomicU8,
    told: Notify,
}

/// How a connection is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(super) enum Farewell {
    None,
    /// As HTTP has it: what was begun is finished.
    Polite,
    /// At once, unless it is working.
    Cut,
}

impl Seats {
    pub(super) fn new(settings: ServingSettings, traffic: Traffic) -> Self {
        Self {
            settings,
            traffic,
            opened: Instant::now(),
            table: Mutex::default(),
            freed: Notify::new(),
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A seat for a client at `ip`. Waits while all are taken, and makes somebody leave.
    pub(super) async fn take(self: &Arc<Self>, ip: IpAddr) -> Guard {
        let network = network(ip);
        loop {
            {
                let mut table = self.table();
                if table.taken.len() < self.settings.connections.get() as usize {
                    return self.seat(&mut table, network);
                }
                self.press_out(&table);
            }
            // Somebody who was working may wait for its client by then.
            let _pressed_again = timeout(PRESS_AGAIN, self.freed.notified()).await;
        }
    }

    fn seat(self: &Arc<Self>, table: &mut Table, network: IpAddr) -> Guard {
        let seat = Arc::new(Seat {
            opened: self.opened,
            network,
            open: AtomicU32::new(0),
            unanswered: AtomicU32::new(0),
            working: AtomicU32::new(0),
            is_pressed: AtomicBool::new(true),
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

    /// Makes one connection leave that waits for its client, if there is one.
    pub(super) fn make_room(&self) {
        self.press_out(&self.table());
    }

    /// Asks every connection to end when it has finished what it began.
    pub(super) fn dismiss(&self) {
        let now = self.elapsed();
        for seat in self.table().taken.values() {
            seat.tell(Farewell::Polite, now);
        }
    }

    /// How many seats are taken.
    pub(super) fn taken(&self) -> usize {
        self.table().taken.len()
    }

    /// Ends what has waited too long, again and again. Never returns.
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
    /// Tells the longest waiting connection of the greediest network to leave, if any waits.
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

    /// Whether a whole request is being worked on.
    pub(super) fn is_working(&self) -> bool {
        self.working.load(Ordering::Relaxed) > 0
    }

    /// Bytes have arrived: without a request, the beginning of one.
    pub(super) fn heard(&self) {
        let begins = !self.is_pressed.load(Ordering::Relaxed)
            && !self.is_http2.load(Ordering::Relaxed)
            && self.open.load(Ordering::Relaxed) == 0;
        if begins {
            self.wait_anew();
            self.is_pressed.store(true, Ordering::Relaxed);
        }
    }

    /// A request's head has arrived.
    pub(super) fn asked(self: &Arc<Self>, is_http2: bool) -> Exchange {
        self.open.fetch_add(1, Ordering::Relaxed);
        self.unanswered.fetch_add(1, Ordering::Relaxed);
        self.is_pressed.store(false, Ordering::Relaxed);
        self.is_http2.store(is_http2, Ordering::Relaxed);
        Exchange(Arc::new(Request {
            seat: Arc::clone(self),
            stage: AtomicU8::new(ARRIVING),
        }))
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

    /// False: it was told so already.
    fn tell(&self, farewell: Farewell, now: u64) -> bool {
        let is_news = self.farewell.fetch_max(farewell as u8, Ordering::Relaxed) < farewell as u8;
        if is_news {
            self.told_at.store(now, Ordering::Relaxed);
        }
        // Who was working when it was told to end at once has not.
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

    /// Returns when the connection is told to end.
    pub(super) async fn told(&self) -> Farewell {
        self.told.notified().await;
        self.farewell()
    }
}

/// A request from its head to the end of its answer. Clones are the same request.
#[derive(Clone)]
pub(super) struct Exchange(Arc<Request>);

struct Request {
    seat: Arc<Seat>,
    stage: AtomicU8,
}

/// The stages of a request, in their order.
const ARRIVING: u8 = 0;
const WHOLE: u8 = 1;
const ANSWERED: u8 = 2;

impl Exchange {
    /// The last byte of the request has arrived.
    pub(super) fn whole(&self) {
        if self.0.stage.fetch_max(WHOLE, Ordering::Relaxed) == ARRIVING {
            self.0.seat.working.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The answer is made: from now on the client is waited for, which has to read it.
    pub(super) fn answered(&self) {
        self.0.answered();
    }

    /// The client has room for more of the answer.
    ///
    /// Bytes written would not tell that: HTTP/2 also writes pings, and answers to them.
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
        // The wait begins before anybody can see that it has.
        self.seat.wait_anew();
        self.seat.unanswered.fetch_sub(1, Ordering::Release);
        if stage == WHOLE {
            self.seat.working.fetch_sub(1, Ordering::Release);
        }
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.answered();
        self.seat.wait_anew();
        self.seat.open.fetch_sub(1, Ordering::Release);
    }
}

/// A taken seat; it is free when this goes.
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
