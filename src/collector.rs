//! The seam between the loop and the providers.

use crate::model::{CollectError, Reading};

/// Something that can be collected again and again.
pub trait Collector: Send + 'static {
    /// The configuration key, such as `usage`.
    fn name(&self) -> &'static str;

    /// Collects once. Whoever calls it may drop the future at any time: a collector changes what it remembers only
    /// between the vendor's answers, never halfway.
    fn collect(&mut self) -> impl Future<Output = Result<Reading, CollectError>> + Send;
}
