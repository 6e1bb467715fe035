//! Randomness as a parameter.

/// A source of cryptographically secure random bytes.
///
/// Production code has one implementation, over the operating system's generator. Tests may use a
/// seeded one.
pub trait Rng: Send + Sync {
    /// Fills `bytes` with unpredictable bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// Generates `N` random bytes.
impl dyn Rng + '_ {
    /// Returns an array of `N` random bytes.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }
}
