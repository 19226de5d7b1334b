//! The seam between the loop and the providers.

use crate::model::{CollectError, Reading, Schedule};

/// Something that can be collected again and again.
pub trait Collector: Send + 'static {
    /// The configuration key, such as `usage`.
    fn name(&self) -> &'static str;

    /// Collects once. Whoever calls it may drop the future at any time: a collector changes what it remembers only
    /// between the vendor's answers, never halfway.
    fn collect(&mut self) -> impl Future<Output = Result<Reading, CollectError>> + Send;

    /// Ends when another collector of the organization has found out something that this one's figures depend on; never for
    /// one that depends on nobody. The future may be dropped and made again at any time.
    fn changed(&mut self) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }

    /// The figures of the last good run in the light of what others have found out since, without asking the vendor; `None`
    /// while there are none.
    fn reevaluate(&mut self) -> Option<Reading> {
        None
    }
}

/// Takes the collectors of one organization, as its provider makes them.
pub trait Launch {
    /// Has `collector` run by `schedule`.
    fn launch(&mut self, collector: impl Collector, schedule: Schedule);
}
