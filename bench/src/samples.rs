//! Medians and percentiles.

use std::time::Duration;

/// How long things took, in microseconds.
#[derive(Clone, Debug, Default)]
pub struct Latencies(Vec<u32>);

impl Latencies {
    pub fn add(&mut self, took: Duration) {
        self.0
            .push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
    }

    pub fn merge(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the percentile in milliseconds; 0 without samples.
    pub fn percentile_ms(&mut self, percent: usize) -> f64 {
        self.0.sort_unstable();
        let rank = (self.0.len() * percent).div_ceil(100).max(1) - 1;
        self.0
            .get(rank)
            .map_or(0.0, |&micros| f64::from(micros) / 1_000.0)
    }
}

/// The one in the middle by `key`; of an even number the lower of the two.
///
/// # Panics
/// If there is none.
pub fn median_by<T>(samples: &[T], key: impl Fn(&T) -> f64) -> &T {
    let mut order: Vec<&T> = samples.iter().collect();
    order.sort_by(|a, b| key(a).total_cmp(&key(b)));
    order[(order.len() - 1) / 2]
}

/// The smallest and the largest by `key`.
pub fn range_by<T>(samples: &[T], key: impl Fn(&T) -> f64) -> (f64, f64) {
    samples
        .iter()
        .map(key)
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        })
}

/// Rounded to `digits` behind the point: figures are no more precise than the measurement.
pub fn rounded(value: f64, digits: i32) -> f64 {
    let scale = 10_f64.powi(digits);
    (value * scale).round() / scale
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the values are exact")]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let mut latencies = Latencies::default();
        assert_eq!(latencies.percentile_ms(50), 0.0);
        for millis in (1..=200).rev() {
            latencies.add(Duration::from_millis(millis));
        }
        assert_eq!(latencies.percentile_ms(50), 100.0);
        assert_eq!(latencies.percentile_ms(99), 198.0);
        assert_eq!(latencies.percentile_ms(100), 200.0);
    }

    #[test]
    fn the_median_is_one_of_the_samples() {
        let samples = [3.0, 1.0, 2.0, 9.0];
        assert_eq!(*median_by(&samples, |&sample| sample), 2.0);
        assert_eq!(range_by(&samples, |&sample| sample), (1.0, 9.0));
        assert_eq!(rounded(0.41666, 3), 0.417);
    }
}
