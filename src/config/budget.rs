//! Whether what an organization's collectors plan fits the organization's own rate limit.

use super::value::Value;
use crate::model::{Estimate, Excess, Plan};

/// Refuses a plan that cannot fit, by what is certain of it; `rate_limit` and `collectors` are the sections it comes from.
pub(super) fn check(plan: &Plan, rate_limit: &Value, collectors: &Value) {
    let key = plan.limit.key();
    for excess in plan.excesses(Estimate::Least) {
        match excess {
            Excess::Day { .. } => {
                rate_limit.fault(format!("{excess}; raise {key}, refresh less often, or ask for less"));
            }
            Excess::Run { collector, .. } => {
                let advice = format!("give it a longer refresh or timeout, ask for less, or raise {key}");
                collectors.child(collector).fault(format!("{excess}; {advice}"));
            }
        }
    }
}
