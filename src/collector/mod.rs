//! The seam between the loop and the providers.

mod jobs;
mod memory;

pub use jobs::{Jobs, Keep, PendingJob, PendingJobs};
pub use memory::Memory;

use crate::model::{CollectError, Reading, Schedule};

/// Something that can be collected again and again.
pub trait Collector: Send + 'static {
    /// The configuration key, such as `usage`.
    fn name(&self) -> &'static str;

    /// Collects once. Whoever calls it may drop the future at any time: a collector changes what it remembers only
    /// between the vendor's answers, never halfway. What it starts at the vendor and does not read to the end it leaves in
    /// `jobs`, where the next run finds it, also after a restart.
    fn collect(&mut self, jobs: &PendingJobs) -> impl Future<Output = Result<Reading, CollectError>> + Send;

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

    /// What it must know again after a restart to go on as if there had been none; asked for after each good run.
    fn memory(&self) -> Memory {
        Memory::default()
    }

    /// Takes back what it remembered, before its first run and whatever the configuration was then.
    ///
    /// # Errors
    /// When that is of another shape; then it starts without a memory.
    fn recall(&mut self, _memory: &Memory) -> Result<(), serde_json::Error> {
        Ok(())
    }
}

/// Takes the collectors of one organization, as its provider makes them.
pub trait Launch {
    /// Has `collector` run by `schedule`.
    fn launch(&mut self, collector: impl Collector, schedule: Schedule);
}
