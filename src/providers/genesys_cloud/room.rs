//! How many sums may be held at once: by one query, or by all queries of a collector together.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::rest::RowsRefused;

/// Most sums that are held; a row that needs one more ends the run, because a sum that leaves rows out would lie.
pub(super) const SUMS_LIMIT: usize = 300_000;

/// Room for so many sums, of all who share it.
#[derive(Debug, Clone)]
pub(super) struct Room {
    held: Arc<AtomicUsize>,
    limit: usize,
    /// What is told to be too many.
    of: &'static str,
}

/// What one holder has of a room; it is given back with it.
#[derive(Debug)]
pub(super) struct Share {
    room: Room,
    held: usize,
}

impl Room {
    pub(super) fn new(limit: usize, of: &'static str) -> Self {
        Self { held: Arc::default(), limit, of }
    }

    pub(super) fn share(&self) -> Share {
        Share { room: self.clone(), held: 0 }
    }
}

impl Share {
    /// Makes it a share of `sums`, unless that is more than there is room for.
    pub(super) fn grow_to(&mut self, sums: usize) -> Result<(), RowsRefused> {
        let Room { held, limit, of } = &self.room;
        let more = sums.saturating_sub(self.held);
        self.held += more;
        let all = held.fetch_add(more, Ordering::Relaxed) + more;
        if all > *limit { Err(RowsRefused { limit: *limit, of }) } else { Ok(()) }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.room.held.fetch_sub(self.held, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_holds_is_missing_to_the_others_until_it_is_given_back() {
        let room = Room::new(10, "sums");
        let (mut one, mut other) = (room.share(), room.share());
        one.grow_to(4).unwrap();
        one.grow_to(6).unwrap();
        other.grow_to(4).unwrap();
        assert_eq!(other.grow_to(5), Err(RowsRefused { limit: 10, of: "sums" }));
        drop(one);
        other.grow_to(10).unwrap();
        drop(other);
        room.share().grow_to(10).unwrap();
    }
}
