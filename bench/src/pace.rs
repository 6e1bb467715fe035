//! How fast one thing can be done over and over.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::cores::thread_time;

/// A rate, and what of it is work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pace {
    /// How often in a second, one after the other.
    pub per_s: f64,
    /// Processor time of one, in microseconds; the rest is waiting.
    pub us: f64,
}

impl Pace {
    /// Does `work` again and again in this thread for `time`.
    pub fn measure(time: Duration, mut work: impl FnMut() -> Result<()>) -> Result<Self> {
        let (started, used) = (Instant::now(), thread_time()?);
        let mut done = 0_u32;
        while started.elapsed() < time {
            work()?;
            done += 1;
        }
        let used = thread_time()?.saturating_sub(used);
        Ok(Self {
            per_s: f64::from(done) / started.elapsed().as_secs_f64(),
            us: used.as_secs_f64() * 1e6 / f64::from(done),
        })
    }

    /// What lies between two measurements.
    pub fn between(self, other: Self) -> Self {
        Self {
            per_s: f64::midpoint(self.per_s, other.per_s),
            us: f64::midpoint(self.us, other.us),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_is_no_work() {
        let nap = Duration::from_millis(5);
        let pace = Pace::measure(10 * nap, || {
            std::thread::sleep(nap);
            Ok(())
        })
        .unwrap();
        assert!(pace.per_s <= 200.0, "{pace:?}");
        assert!(pace.us < 5_000.0, "{pace:?}");
    }

    #[test]
    fn two_measurements_are_averaged() {
        let pace = |per_s, us| Pace { per_s, us };
        assert_eq!(pace(1.0, 4.0).between(pace(3.0, 8.0)), pace(2.0, 6.0));
    }
}
