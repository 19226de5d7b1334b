//! What a collector tells people of an organization besides its samples: the few figures that they look for first.

use std::borrow::Cow;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The figures at a glance. They are those of the samples, in another form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Overview {
    /// Requests against what is included in a billing period.
    FairUse(FairUse),
    /// Money by month, the newest one first.
    Spend(Vec<MonthSpend>),
}

/// Requests of a billing period that count towards fair use. All days are UTC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FairUse {
    /// The first day of the period.
    pub period_start: Date,
    /// The day after its last one.
    pub period_end: Date,
    /// Where the period comes from.
    pub period_source: Cow<'static, str>,
    /// The newest complete day: all figures are up to its end.
    pub newest_day: Date,
    /// Requests from the start of the period on.
    pub to_date: u64,
    /// The length of the trailing window in days.
    pub trailing_days: u16,
    /// Requests a day, as the mean of the trailing window.
    pub trailing_mean: f64,
    /// The requests that the period includes, if anybody has told.
    pub allowance: Option<Allowance>,
    /// The price of one request beyond them, and its currency.
    pub unit_price: Option<(f64, String)>,
    /// Requests of the days that were read, the oldest first: the period, or more days where it is young.
    pub days: Vec<(Date, u64)>,
}

/// The requests that are included in a billing period.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Allowance {
    /// How many.
    pub requests: f64,
    /// Where the number comes from.
    pub source: Cow<'static, str>,
}

/// The consumption of one month.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MonthSpend {
    /// The month as `YYYY-MM`.
    pub month: String,
    /// Whether it was running when it was read.
    pub is_running: bool,
    /// Amount and currency, which are never added up. A month without any has no rows.
    pub amounts: Vec<(f64, String)>,
}

impl FairUse {
    /// Days from the end of the newest complete one to the end of the period.
    #[must_use]
    pub fn days_left(&self) -> u32 {
        let days = self.newest_day.until(self.period_end).map_or(0, |span| span.get_days());
        u32::try_from(days - 1).unwrap_or(0)
    }

    /// Days of the whole period.
    #[must_use]
    pub fn period_days(&self) -> u32 {
        let days = self.period_start.until(self.period_end).map_or(0, |span| span.get_days());
        u32::try_from(days).unwrap_or(0)
    }

    /// Requests at the end of the period, if all days that are left are like the mean of the trailing ones.
    #[must_use]
    pub fn forecast(&self) -> f64 {
        self.to_date as f64 + self.trailing_mean * f64::from(self.days_left())
    }

    /// Requests beyond the allowance at the end of the period by the same forecast; none without an allowance.
    #[must_use]
    pub fn overage(&self) -> Option<f64> {
        Some((self.forecast() - self.allowance.as_ref()?.requests).max(0.0))
    }

    /// What they would cost, and in which currency.
    #[must_use]
    pub fn overage_amount(&self) -> Option<(f64, &str)> {
        let (price, currency) = self.unit_price.as_ref()?;
        Some((self.overage()? * price, currency))
    }

    /// Whether more is used than is included.
    #[must_use]
    pub fn is_exceeded(&self) -> bool {
        self.allowance.as_ref().is_some_and(|allowance| self.to_date as f64 > allowance.requests)
    }

    /// Whether the forecast is beyond what is included.
    #[must_use]
    pub fn will_be_exceeded(&self) -> bool {
        self.overage().is_some_and(|overage| overage > 0.0)
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn fair_use(newest_day: i8, to_date: u64) -> FairUse {
        FairUse {
            period_start: date(2026, 11, 1),
            period_end: date(2026, 12, 1),
            period_source: "calendar_month".into(),
            newest_day: date(2026, 11, newest_day),
            to_date,
            trailing_days: 7,
            trailing_mean: 100.0,
            allowance: Some(Allowance { requests: 3000.0, source: "config".into() }),
            unit_price: Some((0.5, "EUR".to_owned())),
            days: Vec::new(),
        }
    }

    #[test]
    fn the_forecast_adds_the_mean_for_each_day_that_is_left() {
        let fair_use = fair_use(20, 2100);
        assert_eq!((fair_use.days_left(), fair_use.period_days()), (10, 30));
        assert!((fair_use.forecast() - 3100.0).abs() < 1e-9);
        assert_eq!(fair_use.overage(), Some(100.0));
        assert_eq!(fair_use.overage_amount(), Some((50.0, "EUR")));
        assert!(fair_use.will_be_exceeded() && !fair_use.is_exceeded());
    }

    #[test]
    fn on_the_last_day_nothing_is_left_and_the_forecast_is_what_was_used() {
        let fair_use = fair_use(30, 3001);
        assert_eq!(fair_use.days_left(), 0);
        assert!((fair_use.forecast() - 3001.0).abs() < 1e-9);
        assert!(fair_use.is_exceeded());
    }

    #[test]
    fn what_fits_is_no_overage_and_without_an_allowance_nobody_knows() {
        let fits = fair_use(20, 1000);
        assert_eq!(fits.overage(), Some(0.0));
        assert!(!fits.will_be_exceeded());
        let unknown = FairUse { allowance: None, ..fair_use(20, 1000) };
        assert_eq!((unknown.overage(), unknown.overage_amount()), (None, None));
        assert!(!unknown.is_exceeded());
    }
}
