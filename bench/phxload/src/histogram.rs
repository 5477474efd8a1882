//! A log-linear histogram of times: nanoseconds in, microseconds out, within 1 % of the truth.

/// Each power of two is divided into 2^SUB_BITS equal buckets.
const SUB_BITS: u32 = 7;
const SUB_COUNT: u64 = 1 << SUB_BITS;

pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    sum_ns: u128,
    max_ns: u64,
}

impl Histogram {
    pub fn new() -> Self {
        Histogram { buckets: vec![0; (65 - SUB_BITS as usize) << SUB_BITS], count: 0, sum_ns: 0, max_ns: 0 }
    }

    pub fn add(&mut self, ns: u64) {
        self.buckets[bucket_of(ns)] += 1;
        self.count += 1;
        self.sum_ns += u128::from(ns);
        self.max_ns = self.max_ns.max(ns);
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    /// The time that the given part of all entries did not exceed; 0 when there are none.
    pub fn quantile_us(&self, part: f64) -> f64 {
        if self.count == 0 {
            return 0.0;
        }
        let wanted = ((self.count as f64 * part).ceil() as u64).clamp(1, self.count);
        let mut seen = 0;
        for (bucket, entries) in self.buckets.iter().enumerate() {
            seen += entries;
            if seen >= wanted {
                return middle_of(bucket).min(self.max_ns) as f64 / 1000.0;
            }
        }
        unreachable!("the buckets hold as many entries as were counted")
    }

    pub fn max_us(&self) -> f64 {
        self.max_ns as f64 / 1000.0
    }

    pub fn mean_us(&self) -> f64 {
        if self.count == 0 {
            return 0.0;
        }
        self.sum_ns as f64 / self.count as f64 / 1000.0
    }
}

fn bucket_of(ns: u64) -> usize {
    if ns < SUB_COUNT {
        return ns as usize;
    }
    let shift = 63 - ns.leading_zeros() - SUB_BITS;
    (((shift + 1) as usize) << SUB_BITS) + ((ns >> shift) & (SUB_COUNT - 1)) as usize
}

fn middle_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < SUB_COUNT {
        return bucket;
    }
    let shift = (bucket >> SUB_BITS) - 1;
    let low = (SUB_COUNT + (bucket & (SUB_COUNT - 1))) << shift;
    low + ((1 << shift) >> 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_within_one_percent() {
        let mut times = Histogram::new();
        for us in 1..=100_000u64 {
            times.add(us * 1000);
        }
        for (part, want) in [(0.5, 50_000.0), (0.9, 90_000.0), (0.99, 99_000.0), (0.999, 99_900.0)] {
            let got = times.quantile_us(part);
            assert!((got - want).abs() / want < 0.01, "{part}: {got} is not near {want}");
        }
        assert_eq!(times.max_us(), 100_000.0);
        assert_eq!(times.count(), 100_000);
    }

    #[test]
    fn a_bucket_holds_the_times_near_its_middle() {
        for ns in [0u64, 1, 127, 128, 129, 255, 256, 1000, 123_456_789, u64::MAX / 2] {
            let error = (middle_of(bucket_of(ns)) as f64 - ns as f64).abs();
            assert!(error <= ns as f64 * 0.01, "{ns} is off by {error}");
        }
    }

    #[test]
    fn an_empty_histogram_has_no_times() {
        let times = Histogram::new();
        assert_eq!((times.quantile_us(0.99), times.mean_us(), times.max_us()), (0.0, 0.0, 0.0));
    }
}
