/// Numbers that look random and are the same for the same seed on every machine: SplitMix64
/// (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Creates the sequence for `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next 64 bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Returns the next byte.
    pub const fn byte(&mut self) -> u8 {
        self.bits().to_be_bytes()[0]
    }

    /// Returns a number from 0 to `bound` - 1, or 0 if `bound` is 0. Small bounds only: the bias is
    /// `bound` / 2^64.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = bound.max(1) as u64;
        usize::try_from(self.bits() % bound).expect("less than a usize")
    }

    /// Returns true with probability 1 / `of`.
    pub fn one_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    /// Returns one of `choices`.
    ///
    /// # Panics
    /// If `choices` is empty.
    pub fn pick<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[self.below(choices.len())]
    }

    /// Returns up to `most` bytes.
    pub fn some_bytes(&mut self, most: usize) -> Vec<u8> {
        let length = self.below(most + 1);
        (0..length).map(|_| self.byte()).collect()
    }

    /// Returns `bytes` with one change: a bit, a byte, a number's neighbour, a stretch removed,
    /// repeated or inserted. Never `bytes` unchanged, unless nothing can be changed.
    #[must_use]
    pub fn changed(&mut self, bytes: &[u8]) -> Vec<u8> {
        for _ in 0..8 {
            let changed = self.perhaps_changed(bytes);
            if changed != bytes {
                return changed;
            }
        }
        bytes.to_vec()
    }

    fn perhaps_changed(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut changed = bytes.to_vec();
        let at = self.below(bytes.len());
        let to = at + self.below((bytes.len() - at).min(16) + 1);
        match self.below(8) {
            0 => changed.truncate(at),
            1 => drop(changed.drain(at..to)),
            2 => drop(changed.splice(at..at, bytes[at..to].iter().copied())),
            3 => drop(changed.splice(at..at, self.some_bytes(8))),
            _ if bytes.is_empty() => changed.push(self.byte()),
            4 => changed[at] = self.byte(),
            5 => changed[at] = changed[at].wrapping_add(1),
            6 => changed[at] = changed[at].wrapping_sub(1),
            _ => changed[at] ^= 1 << self.below(8),
        }
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_names_one_sequence() {
        // The first outputs for seed 0 of the generator's reference implementation.
        let mut dice = Dice::new(0);
        assert_eq!(dice.bits(), 0xe220_a839_7b1d_cdaf);
        assert_eq!(dice.bits(), 0x6e78_9e6a_a1b9_65f4);
    }

    #[test]
    fn a_change_changes() {
        let mut dice = Dice::new(1);
        for length in [0, 1, 2, 100] {
            let bytes = vec![0x41; length];
            for _ in 0..200 {
                assert_ne!(dice.changed(&bytes), bytes);
            }
        }
    }
}
