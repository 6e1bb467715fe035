//! The use cases of events: list, read.

use keymoor_types::{Seconds, Timestamp};

use super::filter::{Below, EventRef, Filter, Lane};
use super::model::{Place, Recorded, day_of};
use super::store;
use crate::base::context::Context;
use crate::base::error::Result;
use crate::base::paging::{Page, PageRequest};
use crate::base::refs::{RealmRef, Ref as _};
use crate::db::Rx;
use crate::slices::realms;

/// How many rows of the log a page reads at most. A page that ends here may have fewer items than
/// asked for, and continues at its token.
const ROWS_PER_PAGE: i64 = 20_000;
/// How many days of an index a page reads at most.
const DAYS_PER_PAGE: usize = 128;
/// The first rows are read in a few steps, because most pages are full soon.
const FIRST_ROWS: i64 = 500;
/// How far the times of two events may contradict the order of their commits.
const DISORDER: Seconds = Seconds::MINUTE.times(15);
/// How many rows the look-up of one event reads at a time.
const NEARBY_ROWS: i64 = 2_000;

/// Returns a page of a realm's events, newest first.
///
/// # Errors
/// `NotFound` for the realm.
pub async fn list(
    ctx: &Context,
    realm: RealmRef,
    filter: Filter,
    page: &PageRequest,
) -> Result<Page<Recorded>> {
    let (page, now) = (page.clone(), ctx.now);
    let read = async move |rx: &mut Rx| {
        realms::ops::require(rx, realm).await?;
        let mut reader = Reader {
            log: realm,
            filter,
            wanted: page.size as usize + 1,
            found: Vec::new(),
            rows_left: ROWS_PER_PAGE,
        };
        let after = page.after::<Below>()?;
        let stopped_at = match reader.lane(0) {
            Lane::Log => reader.read_log(rx, after).await?,
            _ => reader.read_days(rx, after, now).await?,
        };
        Ok(reader.page(&page, stopped_at))
    };
    ctx.scan(realm.tenant_id, read).await
}

struct Reader {
    log: RealmRef,
    filter: Filter,
    /// One more than the page has, to detect a next page.
    wanted: usize,
    found: Vec<Recorded>,
    rows_left: i64,
}

impl Reader {
    /// Returns the index that finds the fewest rows of this day.
    fn lane(&self, day: i64) -> Lane {
        match (&self.filter.correlation_id, self.filter.identity_id) {
            (Some(id), _) => Lane::Flow(day, id.clone()),
            (None, Some(id)) => Lane::Identity(day, id),
            (None, None) => Lane::Log,
        }
    }

    fn missing(&self) -> i64 {
        i64::try_from(self.wanted - self.found.len()).unwrap_or(i64::MAX)
    }

    /// Reads the log downwards. Returns where it stopped before the end, if it did.
    async fn read_log(&mut self, rx: &mut Rx, after: Option<Below>) -> Result<Option<Below>> {
        let mut below = match (after, self.filter.to) {
            (Some(after), _) => after.place,
            (None, Some(to)) => {
                let position = position_of(rx, self.log, to + DISORDER).await?;
                Place::before(position.saturating_add(1))
            }
            (None, None) => Place::end(),
        };
        let floor = match self.filter.from {
            Some(from) => position_of(rx, self.log, from - DISORDER).await?,
            None => -1,
        };
        if self.filter.is_empty() {
            self.found = store::below(rx, self.log, below, self.missing()).await?;
            return Ok(None);
        }
        let mut rows = FIRST_ROWS;
        while self.rows_left > 0 {
            let rows_now = rows.min(self.rows_left);
            let (missing, filter) = (self.missing(), &self.filter);
            let matching =
                store::matching_below(rx, self.log, below, filter, missing, rows_now).await?;
            self.found.extend(matching);
            if self.found.len() == self.wanted {
                return Ok(None);
            }
            match window_end(rx, self.log, below, rows_now).await? {
                Some(end) if end.position >= floor => below = end,
                _ => return Ok(None),
            }
            self.rows_left -= rows_now;
            rows *= 6;
        }
        Ok(Some(Below {
            day: 0,
            place: below,
        }))
    }

    /// Reads the days of an index downwards.
    async fn read_days(
        &mut self,
        rx: &mut Rx,
        after: Option<Below>,
        now: Timestamp,
    ) -> Result<Option<Below>> {
        let Some(oldest) = store::first_day(rx, self.log).await? else {
            return Ok(None);
        };
        // Nodes' clocks differ, and so may this one and that of the last event.
        let newest = self.filter.to.map_or(day_of(now) + 1, day_of);
        let oldest = self
            .filter
            .from
            .map_or(oldest, |from| oldest.max(day_of(from)));
        let (mut day, mut below) = match after {
            Some(after) => (after.day, after.place),
            None => (newest, Place::end()),
        };
        for _ in 0..DAYS_PER_PAGE {
            if day < oldest {
                return Ok(None);
            }
            if let Some(stopped_at) = self.read_day(rx, day, below).await? {
                return Ok(Some(stopped_at));
            }
            if self.found.len() == self.wanted {
                return Ok(None);
            }
            (day, below) = (day - 1, Place::end());
        }
        Ok(Some(Below { day, place: below }))
    }

    async fn read_day(&mut self, rx: &mut Rx, day: i64, mut below: Place) -> Result<Option<Below>> {
        let lane = self.lane(day);
        let mut rows = self.missing();
        while self.rows_left > 0 {
            let read = store::below_in(rx, self.log, &lane, below, rows).await?;
            let is_end = i64::try_from(read.len()).is_ok_and(|read| read < rows);
            self.rows_left -= rows;
            below = read.last().map_or(below, Recorded::place);
            let matching = read.into_iter().filter(|event| self.filter.matches(event));
            self.found.extend(matching);
            if self.found.len() >= self.wanted {
                self.found.truncate(self.wanted);
                return Ok(None);
            }
            if is_end {
                return Ok(None);
            }
            rows = (rows * 6).min(5_000);
        }
        Ok(Some(Below { day, place: below }))
    }

    fn page(mut self, page: &PageRequest, stopped_at: Option<Below>) -> Page<Recorded> {
        let has_more = self.found.len() == self.wanted;
        self.found.truncate(page.size as usize);
        let last = self.found.last().filter(|_| has_more);
        let after_last = last.map(|event| Below {
            day: day_of(event.created_at),
            place: event.place(),
        });
        Page {
            next_after: after_last.or(stopped_at).map(|below| below.to_string()),
            items: self.found,
            total_size: 0,
        }
    }
}

/// Returns the place of the last of the next `rows` rows below a place. `None`: there are fewer.
async fn window_end(rx: &mut Rx, log: RealmRef, below: Place, rows: i64) -> Result<Option<Place>> {
    let places = store::places_below(rx, log, below, rows).await?;
    let is_full = i64::try_from(places.len()).is_ok_and(|number| number == rows);
    Ok(places.last().copied().filter(|_| is_full))
}

/// Returns the first position in the log whose event is not older than `at`, if times and commits
/// have the same order.
async fn position_of(rx: &mut Rx, log: RealmRef, at: Timestamp) -> Result<i64> {
    let Some(last) = store::last_position(rx, log).await? else {
        return Ok(0);
    };
    let (mut low, mut high) = (0, last + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        match store::from_position(rx, log, middle).await? {
            Some((position, time)) if time < at => low = position + 1,
            _ => high = middle,
        }
    }
    Ok(low)
}

/// Returns an event.
///
/// # Errors
/// `NotFound`, also if more time passed between the event and its commit than any request takes.
pub async fn get(ctx: &Context, at: EventRef) -> Result<Recorded> {
    let found = ctx
        .scan(at.tenant_id, async move |rx: &mut Rx| find(rx, at).await)
        .await?;
    found.ok_or_else(|| at.not_found())
}

/// Finds an event near the place where its time belongs: no index has the id.
async fn find(rx: &mut Rx, at: EventRef) -> Result<Option<Recorded>> {
    let log = at.realm();
    if let Some(event) = store::at(rx, log, Place::of(0, at.event_id)).await? {
        return Ok(Some(event));
    }
    let time = at.event_id.created_at();
    let low = position_of(rx, log, time - DISORDER).await?;
    let near = position_of(rx, log, time).await?;
    let high = position_of(rx, log, time + DISORDER).await?;
    let (mut up, mut down) = (Place::before(near), Place::before(near));
    loop {
        let above = store::places_from(rx, log, up, NEARBY_ROWS).await?;
        let under = store::places_below(rx, log, down, NEARBY_ROWS).await?;
        let found = above
            .iter()
            .chain(&under)
            .find(|it| it.event_id == at.event_id);
        if let Some(found) = found {
            return store::at(rx, log, *found).await;
        }
        let is_over =
            |last: Option<&Place>| last.is_none_or(|it| it.position < low || it.position > high);
        if is_over(above.last()) && is_over(under.last()) {
            return Ok(None);
        }
        up = above.last().copied().unwrap_or(up);
        down = under.last().copied().unwrap_or(down);
    }
}
