//! Chance that can be repeated: numbers drawn from a seed and from what they are drawn for.

/// A seed, narrowed step by step to one purpose. The same steps always give the same draw, in any order of asking.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(scramble(seed))
    }

    /// The dice for one number within this purpose: an index, a day.
    #[must_use]
    pub(super) fn of(self, number: u64) -> Self {
        Self(scramble(self.0 ^ number.wrapping_add(0x9e37_79b9_7f4a_7c15)))
    }

    /// The dice for one word within this purpose.
    #[must_use]
    pub(super) fn named(self, word: &str) -> Self {
        // FNV-1a; `scramble` does the mixing.
        let hash = word.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
        self.of(hash)
    }

    /// The draw as a whole number.
    pub(super) fn number(self) -> u64 {
        self.0
    }

    /// The draw from 0 to below 1.
    pub(super) fn unit(self) -> f64 {
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The draw from `low` to below `high`.
    pub(super) fn between(self, low: f64, high: f64) -> f64 {
        low + self.unit() * (high - low)
    }

    /// The draw as one of `choices`.
    pub(super) fn choose<T: Copy>(self, choices: &[T], otherwise: T) -> T {
        let position = self.0.checked_rem(choices.len() as u64).and_then(|rest| usize::try_from(rest).ok());
        position.and_then(|position| choices.get(position)).copied().unwrap_or(otherwise)
    }

    /// The draw in the form of a random UUID.
    pub(super) fn uuid(self) -> String {
        let (high, low) = (self.0, self.of(1).0);
        format!(
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            (high >> 16) & 0xffff,
            high & 0xfff,
            0x8000 | (low >> 48) & 0x3fff,
            low & 0xffff_ffff_ffff
        )
    }
}

/// The last step of `splitmix64`.
fn scramble(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_depends_on_the_seed_and_the_purpose_alone() {
        let dice = Dice::new(7);
        assert_eq!(dice.of(1).number(), Dice::new(7).of(1).number());
        assert_ne!(dice.of(1).number(), dice.of(2).number());
        assert_ne!(dice.named("a").number(), Dice::new(8).named("a").number());
    }

    #[test]
    fn draws_stay_within_their_bounds() {
        for number in 0..1000 {
            let dice = Dice::new(0).of(number);
            assert!((0.0..1.0).contains(&dice.unit()));
            assert!((2.0..3.0).contains(&dice.between(2.0, 3.0)));
            assert_eq!(dice.uuid().len(), 36);
        }
        assert_eq!(Dice::new(0).choose(&[], 5), 5);
    }
}
