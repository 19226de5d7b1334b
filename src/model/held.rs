//! How much vendor text is held at a time.

use super::{Failure, Reason};

/// Counts the vendor text that a run of a collector holds, and refuses more than it may.
///
/// Answers are bounded one by one, but a run reads many: without this a vendor that sends long texts on many pages could fill
/// the memory with them.
#[derive(Debug)]
pub struct HeldText {
    held: usize,
    limit: usize,
}

impl HeldText {
    /// What most collectors may hold, in bytes: three hundred thousand sums of usual length.
    pub const USUAL: usize = 32 * 1024 * 1024;

    /// Nothing so far, and `limit` bytes at the most.
    #[must_use]
    pub fn up_to(limit: usize) -> Self {
        Self { held: 0, limit }
    }

    /// Counts `bytes` more.
    ///
    /// # Errors
    /// [`Reason::Limit`] when that is more than may be held.
    pub fn hold(&mut self, bytes: usize) -> Result<(), Failure> {
        self.held = self.held.saturating_add(bytes);
        if self.held <= self.limit {
            return Ok(());
        }
        let message = format!("the answers hold more than {} bytes of text", self.limit);
        Err(Failure::new(Reason::Limit, message))
    }
}

impl Default for HeldText {
    fn default() -> Self {
        Self::up_to(Self::USUAL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_itself_may_be_held_and_no_byte_more() {
        let mut held = HeldText::up_to(10);
        assert_eq!((held.hold(4), held.hold(6)), (Ok(()), Ok(())));
        assert_eq!(held.hold(1).unwrap_err().reason, Reason::Limit);
        assert!(held.hold(usize::MAX).is_err(), "it does not wrap around");
    }
}
