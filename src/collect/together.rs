//! The collectors of one organization begin together.

use std::sync::Arc;

use tokio_util::sync::{CancellationToken, DropGuard};

/// Has each collector of an organization wait until all have taken up what they remember: figures of one can depend on what
/// another remembers, and must not be shown in half of the light. Each has a clone of its own.
#[derive(Clone)]
pub struct Together {
    all_are_here: CancellationToken,
    /// The last one to be dropped, by whatever becomes of its owner, tells the others.
    here: Arc<DropGuard>,
}

impl Together {
    /// For the collectors of one organization.
    #[must_use]
    pub fn new() -> Self {
        let all_are_here = CancellationToken::new();
        Self { here: Arc::new(all_are_here.clone().drop_guard()), all_are_here }
    }

    /// Ends when all clones are here, or gone.
    pub async fn wait(self) {
        let Self { all_are_here, here } = self;
        drop(here);
        all_are_here.cancelled().await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn nobody_goes_on_before_all_are_here_or_gone() {
        let first = Together::new();
        let (second, third) = (first.clone(), first.clone());
        let mut wait = Box::pin(first.wait());
        assert!(timeout(Duration::from_secs(1), &mut wait).await.is_err());
        drop(third);
        assert!(timeout(Duration::from_secs(1), &mut wait).await.is_err());
        second.wait().await;
        wait.await;
    }
}
