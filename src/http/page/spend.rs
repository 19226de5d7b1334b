//! Money by month: the running month against the one before, each currency by itself.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::words::{Number, Percent, share};
use crate::model::MonthSpend;

/// In the first tenth of a month a few hours decide, and there is no forecast; the recording rule has the same limit.
const FORECAST_FROM: f64 = 0.1;

/// What is told of it.
pub(super) struct SpendView {
    /// The newest month, such as `Nov 2026`, and the one before it.
    pub(super) month: String,
    pub(super) is_running: bool,
    pub(super) previous: Option<String>,
    pub(super) currencies: Vec<Currency>,
}

/// One currency. `None` is not zero: there are no rows.
pub(super) struct Currency {
    pub(super) code: String,
    pub(super) amount: Option<Number>,
    pub(super) previous: Option<Number>,
    pub(super) bar: Percent,
    /// The month before on the same scale.
    pub(super) previous_bar: Option<Percent>,
    /// The bar in words.
    pub(super) text: String,
    /// Of the month before; as is the forecast.
    pub(super) share: Option<String>,
    pub(super) forecast: Option<String>,
}

impl SpendView {
    /// Of the months, the newest one first; `None` if there are none.
    pub(super) fn new(months: &[MonthSpend], now: Timestamp) -> Option<Self> {
        let [newest, earlier @ ..] = months else { return None };
        let previous = earlier.first();
        let mut amounts: BTreeMap<&str, [Option<f64>; 2]> = BTreeMap::new();
        for (place, month) in [Some(newest), previous].into_iter().enumerate() {
            for (amount, currency) in month.into_iter().flat_map(|month| &month.amounts) {
                amounts.entry(currency).or_default()[place] = Some(*amount);
            }
        }
        let (month, previous) = (name(&newest.month), previous.map(|month| name(&month.month)));
        let elapsed = elapsed(&newest.month, &now.to_zoned(TimeZone::UTC)).filter(|_| newest.is_running);
        let currencies = amounts
            .into_iter()
            .map(|(code, [amount, before])| {
                let forecast = amount.zip(elapsed).map(|(amount, elapsed)| amount / elapsed);
                Currency::new(code, [amount, before, forecast], previous.as_deref())
            })
            .collect();
        Some(Self { month, is_running: newest.is_running, previous, currencies })
    }
}

impl Currency {
    fn new(code: &str, [amount, before, forecast]: [Option<f64>; 3], previous: Option<&str>) -> Self {
        let (now, then) = (amount.unwrap_or_default(), before.unwrap_or_default());
        let scale = now.max(then);
        let part = before.filter(|before| *before > 0.0).map(|before| share(now, before));
        let forecast = forecast.filter(|_| part.is_some()).map(|forecast| share(forecast, then));
        let text = match (&part, previous) {
            (Some(part), Some(previous)) => match &forecast {
                Some(forecast) => format!("{part} of {previous}, {forecast} by forecast"),
                None => format!("{part} of {previous}"),
            },
            _ => "nothing to compare with".to_owned(),
        };
        Self {
            code: if code.is_empty() { "(no currency told)".to_owned() } else { code.to_owned() },
            amount: amount.map(Number::amount),
            previous: before.map(Number::amount),
            bar: Percent::of(now, scale),
            previous_bar: before.map(|before| Percent::of(before, scale)),
            text,
            share: part,
            forecast,
        }
    }
}

/// How much of a month is over, if it is the present one (UTC) and no longer young.
fn elapsed(month: &str, now: &Zoned) -> Option<f64> {
    let over = f64::from(now.day() - 1) + f64::from(now.hour()) / 24.0;
    let elapsed = over / f64::from(now.days_in_month());
    (now.strftime("%Y-%m").to_string() == month && elapsed >= FORECAST_FROM).then_some(elapsed)
}

/// `Nov 2026` for `2026-11`.
fn name(month: &str) -> String {
    let day: Result<Date, _> = format!("{month}-01").parse();
    day.map_or_else(|_| month.to_owned(), |day| day.strftime("%b\u{a0}%Y").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currencies_are_told_apart_and_what_is_missing_is_not_zero() {
        let month = |month: &str, is_running, amounts: &[(f64, &str)]| MonthSpend {
            month: month.to_owned(),
            is_running,
            amounts: amounts.iter().map(|(amount, code)| (*amount, (*code).to_owned())).collect(),
        };
        let months = [
            month("2026-11", true, &[(50.0, "USD")]),
            month("2026-10", false, &[(100.0, "USD"), (7.0, "EUR")]),
        ];
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let view = SpendView::new(&months, at("2026-11-03T23:59:59Z")).unwrap();
        assert_eq!((view.month.as_str(), view.previous.as_deref()), ("Nov\u{a0}2026", Some("Oct\u{a0}2026")));
        let [eur, usd] = &view.currencies[..] else { panic!("two currencies") };
        assert_eq!((eur.code.as_str(), &eur.amount), ("EUR", &None));
        assert_eq!(
            (usd.bar.to_string(), usd.text.as_str()),
            ("50.00%".to_owned(), "50\u{a0}% of Oct\u{a0}2026")
        );
        for (now, text) in [
            ("2026-11-04T00:00:00Z", "50\u{a0}% of Oct\u{a0}2026, 500\u{a0}% by forecast"),
            ("2026-11-16T00:00:00Z", "50\u{a0}% of Oct\u{a0}2026, 100\u{a0}% by forecast"),
            ("2026-12-16T00:00:00Z", "50\u{a0}% of Oct\u{a0}2026"),
        ] {
            assert_eq!(SpendView::new(&months, at(now)).unwrap().currencies[1].text, text, "{now}");
        }
        assert!(SpendView::new(&[], at("2026-11-16T00:00:00Z")).is_none());
        let odd = [month("x", true, &[])];
        assert!(SpendView::new(&odd, at("2026-11-16T00:00:00Z")).unwrap().currencies.is_empty());
    }
}
