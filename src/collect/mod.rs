//! Collecting in the background: one task for each collector of each organization, for ever.
//!
//! The loop knows nothing of vendors, and the collectors nothing of schedules. A collector is never run twice at once, because
//! its task owns it; its trouble stays its own, because nothing else waits for it.

mod run;
mod schedule;

pub use run::{Runner, run};

use crate::model::{CollectError, Reading};

/// Something that can be collected again and again.
pub trait Collector: Send + 'static {
    /// The configuration key, such as `usage`.
    fn name(&self) -> &'static str;

    /// Collects once. Whoever calls it may drop the future at any time: a collector changes what it remembers only
    /// between the vendor's answers, never halfway.
    fn collect(&mut self) -> impl Future<Output = Result<Reading, CollectError>> + Send;
}
