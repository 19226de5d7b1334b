//! What billing tells about API requests: in which period they are counted, how many are included, what one more costs.

use std::sync::Arc;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::providers::genesys_cloud::settings::Price;

/// The terms of one billing period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(in crate::providers::genesys_cloud) struct PeriodTerms {
    /// The first day.
    pub(in crate::providers::genesys_cloud) start: Date,
    /// The day after the last one.
    pub(in crate::providers::genesys_cloud) end: Date,
    /// The requests that are included.
    pub(in crate::providers::genesys_cloud) allowance: Option<f64>,
    /// The price of one request beyond them.
    pub(in crate::providers::genesys_cloud) price: Option<Price>,
}

/// What is known so far, by source.
#[derive(Debug, Default, Clone, PartialEq)]
pub(in crate::providers::genesys_cloud) struct Terms {
    /// The periods of the organization's contract.
    pub(in crate::providers::genesys_cloud) contract: Vec<PeriodTerms>,
    /// The periods of a trustee overview of the organization itself.
    pub(in crate::providers::genesys_cloud) trustee: Vec<PeriodTerms>,
}

/// Where the collectors of billing leave what they found out for those of usage.
#[derive(Clone)]
pub(in crate::providers::genesys_cloud) struct Board(Arc<watch::Sender<Terms>>);

impl Board {
    pub(in crate::providers::genesys_cloud) fn new() -> Self {
        Self(Arc::new(watch::Sender::new(Terms::default())))
    }

    /// Changes what is known; readers hear of it only if it is different then.
    pub(super) fn update(&self, change: impl FnOnce(&mut Terms)) {
        self.0.send_if_modified(|terms| {
            let before = terms.clone();
            change(terms);
            *terms != before
        });
    }

    /// What is known now.
    pub(super) fn terms(&self) -> Terms {
        self.0.borrow().clone()
    }

    /// A reader, which has heard of everything so far.
    pub(in crate::providers::genesys_cloud) fn reader(&self) -> Reader {
        Reader(self.0.subscribe())
    }
}

/// Reads what is known.
pub(in crate::providers::genesys_cloud) struct Reader(watch::Receiver<Terms>);

impl Reader {
    /// What is known now; this reader has heard of it then.
    pub(in crate::providers::genesys_cloud) fn read(&mut self) -> Terms {
        self.0.borrow_and_update().clone()
    }

    /// Ends when there is something that this reader has not heard of.
    pub(in crate::providers::genesys_cloud) async fn changed(&mut self) {
        if self.0.changed().await.is_err() {
            // Nobody is left who could tell.
            std::future::pending::<()>().await;
        }
    }
}

impl Terms {
    /// The included requests of the period that contains `day`, by contract.
    pub(in crate::providers::genesys_cloud) fn allowance(&self, day: Date) -> Option<f64> {
        PeriodTerms::containing(&self.contract, day)?.allowance
    }

    /// The price of one request more in the period that contains `day`: by contract, else by overview.
    pub(in crate::providers::genesys_cloud) fn price(&self, day: Date) -> Option<&Price> {
        let price = |periods| PeriodTerms::containing(periods, day)?.price.as_ref();
        price(&self.contract).or_else(|| price(&self.trustee))
    }
}

impl PeriodTerms {
    /// The period of `periods` that contains `day`.
    pub(in crate::providers::genesys_cloud) fn containing(periods: &[Self], day: Date) -> Option<&Self> {
        periods.iter().find(|period| (period.start..period.end).contains(&day))
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn november() -> PeriodTerms {
        PeriodTerms { start: date(2026, 10, 21), end: date(2026, 11, 21), allowance: None, price: None }
    }

    #[test]
    fn the_end_of_a_period_is_not_in_it() {
        let periods = [november()];
        for (day, found) in [((2026, 10, 21), true), ((2026, 11, 20), true), ((2026, 11, 21), false)] {
            let day = date(day.0, day.1, day.2);
            assert_eq!(PeriodTerms::containing(&periods, day).is_some(), found, "{day}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn readers_hear_of_changes_and_of_nothing_else() {
        let board = Board::new();
        let mut reader = board.reader();
        let hears = async |reader: &mut Reader| {
            tokio::time::timeout(std::time::Duration::from_secs(1), reader.changed()).await.is_ok()
        };
        assert!(!hears(&mut reader).await);
        board.update(|terms| terms.contract = vec![november()]);
        assert!(hears(&mut reader).await);
        assert_eq!(reader.read().contract, [november()]);
        board.update(|terms| terms.contract = vec![november()]);
        assert!(!hears(&mut reader).await);
        drop(board);
        assert!(!hears(&mut reader).await);
    }
}
