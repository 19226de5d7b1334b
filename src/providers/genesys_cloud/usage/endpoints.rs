//! The endpoints of one day.

use std::collections::HashMap;

use crate::catalogue::genesys_cloud::ENDPOINT_LAST_DAY_REQUESTS;
use crate::model::Samples;
use crate::providers::genesys_cloud::counts::StatusCounts;
use crate::providers::genesys_cloud::fold::Cell;

/// The `largest` endpoints of `cells`, which are of one day, and all others folded; zeros are left out.
pub(super) fn endpoints(cells: &HashMap<Cell, StatusCounts>, largest: usize) -> Samples {
    let mut samples = Samples::default();
    for (Cell { party: client_id, method, template_uri, .. }, counts) in cells {
        for (status, requests) in counts.above_zero() {
            let labels = [client_id, method, template_uri, status];
            samples.push(&ENDPOINT_LAST_DAY_REQUESTS, labels, requests as f64);
        }
    }
    samples.keep_largest(&ENDPOINT_LAST_DAY_REQUESTS, largest);
    samples
}
