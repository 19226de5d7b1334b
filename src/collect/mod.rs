//! Collecting in the background: one task for each collector of each organization, for ever.
//!
//! The loop knows nothing of vendors, and the collectors nothing of schedules. A collector is never run twice at once, because
//! its task owns it; its trouble stays its own, because nothing else waits for it.

mod run;
mod schedule;
#[cfg(test)]
mod tests;

pub use run::{Runner, run};
