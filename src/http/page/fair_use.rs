//! Fair use of a billing period: the bar of what is used, and the chart of its days.

use jiff::ToSpan;
use jiff::civil::Date;

use super::words::{Number, Percent, counted, day, share, short_day};
use crate::model::FairUse;

/// The chart shows so many days to come at the most.
const LONGEST_FORECAST: usize = 93;

/// How much room a day's name takes below the chart, in percent of its width on a phone and on a desk.
const LABEL_WIDTHS: [f64; 2] = [19.0, 8.5];

/// Everything that there is to tell of it.
pub(super) struct FairUseView {
    pub(super) used: Number,
    pub(super) used_share: Option<String>,
    pub(super) forecast: Number,
    pub(super) forecast_share: Option<String>,
    pub(super) allowance: Option<Number>,
    /// Where the allowance comes from, in words.
    pub(super) allowance_source: &'static str,
    /// What is left of the allowance by the forecast, or is missing.
    pub(super) balance: Option<Balance>,
    pub(super) mean: Number,
    pub(super) trailing: String,
    pub(super) last_day: Option<Number>,
    pub(super) newest_day: String,
    pub(super) newest_day_short: String,
    pub(super) period: String,
    pub(super) period_source: &'static str,
    pub(super) days_left: String,
    /// Whether any days are left.
    pub(super) is_running: bool,
    pub(super) bar: Option<Bar>,
}

/// The forecast as against the allowance.
pub(super) struct Balance {
    pub(super) requests: Number,
    pub(super) is_over: bool,
    /// What the requests beyond the allowance would cost, and in which currency.
    pub(super) amount: Option<(Number, String)>,
}

/// The bar: what is used, what is to come, and where the allowance ends. Places are along its length.
pub(super) struct Bar {
    /// What is used of the allowance.
    pub(super) used: Percent,
    /// What is used beyond it.
    pub(super) used_over: Percent,
    /// To where the forecast goes within the allowance.
    pub(super) forecast: Percent,
    /// What is forecast beyond it, from where to what length.
    pub(super) forecast_over: (Percent, Percent),
    pub(super) allowance: Percent,
    /// The same in words.
    pub(super) text: String,
}

/// The days of the period, those before it where it is young, and those to come.
pub(super) struct Chart {
    pub(super) days: Vec<Column>,
    /// The days to come: all are like the mean.
    pub(super) forecast: Vec<Column>,
    pub(super) labels: Vec<Label>,
    /// Where the period starts, if days before it are shown.
    pub(super) start: Option<Percent>,
    /// How high the allowance is, spread evenly over the period.
    pub(super) pace: Option<(Percent, Number)>,
    /// The top of the scale and its half.
    pub(super) top: Number,
    pub(super) middle: Number,
    pub(super) text: String,
}

/// A day of the chart.
pub(super) struct Column {
    pub(super) x: Percent,
    pub(super) width: Percent,
    pub(super) y: Percent,
    pub(super) height: Percent,
    pub(super) day: String,
    /// `YYYY-MM-DD`.
    pub(super) value: String,
    pub(super) requests: Number,
    pub(super) is_of_period: bool,
}

/// A day below the chart.
pub(super) struct Label {
    pub(super) x: Percent,
    pub(super) anchor: &'static str,
    /// Whether a phone has no room for it.
    pub(super) is_for_wide: bool,
    pub(super) text: String,
}

impl From<&FairUse> for FairUseView {
    fn from(fair_use: &FairUse) -> Self {
        let (used, forecast) = (fair_use.to_date as f64, fair_use.forecast());
        let allowance = fair_use.allowance.as_ref().map(|allowance| allowance.requests);
        let left = usize::try_from(fair_use.days_left()).unwrap_or_default();
        let newest = fair_use.days.last().filter(|(day, _)| *day == fair_use.newest_day);
        Self {
            used: Number::whole(used),
            used_share: allowance.map(|allowance| share(used, allowance)),
            forecast: Number::whole(forecast),
            forecast_share: allowance.map(|allowance| share(forecast, allowance)),
            allowance: allowance.map(Number::whole),
            allowance_source: allowance_source(fair_use),
            balance: allowance.map(|allowance| Balance {
                requests: Number::whole((forecast - allowance).abs()),
                is_over: fair_use.will_be_exceeded(),
                amount: fair_use
                    .overage_amount()
                    .filter(|_| fair_use.will_be_exceeded())
                    .map(|(amount, currency)| (Number::amount(amount), currency.to_owned())),
            }),
            mean: Number::whole(fair_use.trailing_mean),
            trailing: counted(usize::from(fair_use.trailing_days), "day"),
            last_day: newest.map(|(_, requests)| Number::whole(*requests as f64)),
            newest_day: day(fair_use.newest_day),
            newest_day_short: short_day(fair_use.newest_day),
            period: format!(
                "{} to {}",
                short_day(fair_use.period_start),
                day(fair_use.period_end.saturating_sub(1.day()))
            ),
            period_source: period_source(&fair_use.period_source),
            is_running: left > 0,
            days_left: match left {
                0 => "none".to_owned(),
                days => counted(days, "day"),
            },
            bar: allowance.map(|allowance| Bar::new(used, forecast, allowance)),
        }
    }
}

fn allowance_source(fair_use: &FairUse) -> &'static str {
    match fair_use.allowance.as_ref().map(|allowance| &*allowance.source) {
        Some("contract") => "from the contract",
        Some("licenses") => "from the configured licences",
        Some(_) => "from the configuration",
        None => "",
    }
}

fn period_source(source: &str) -> &'static str {
    match source {
        "contract" => "from the contract",
        "trustee" => "from the partner's overview",
        "anchor_day" => "from the configured anchor day",
        _ => "the calendar month, as nobody has told another",
    }
}

impl Bar {
    fn new(used: f64, forecast: f64, allowance: f64) -> Self {
        let scale = allowance.max(forecast).max(used);
        let place = |requests: f64| Percent::of(requests, scale);
        let within = place(used.min(allowance));
        let end = place(forecast);
        let forecast_over = place(used.max(allowance).min(forecast));
        Self {
            used: within,
            used_over: place(used).from(place(allowance)),
            forecast: place(forecast.min(allowance)),
            forecast_over: (forecast_over, end.from(forecast_over)),
            allowance: place(allowance),
            text: format!(
                "{} of the allowance used, {} by forecast at the end of the period",
                share(used, allowance),
                share(forecast, allowance)
            ),
        }
    }
}

impl Chart {
    pub(super) fn new(fair_use: &FairUse) -> Self {
        let period_days = f64::from(fair_use.period_days());
        let pace = fair_use.allowance.as_ref().map(|allowance| allowance.requests / period_days.max(1.0));
        let left = usize::try_from(fair_use.days_left()).unwrap_or_default().min(LONGEST_FORECAST);
        let slots = fair_use.days.len() + left;
        let highest = fair_use.days.iter().map(|(_, requests)| *requests as f64).fold(0.0, f64::max);
        let top = scale_top(highest.max(fair_use.trailing_mean).max(pace.unwrap_or_default()));
        let column = |slot: usize, date: Date, requests: f64| {
            let height = Percent::of(requests, top);
            Column {
                x: Percent::of(slot as f64 + 0.14, slots as f64),
                width: Percent::of(0.72, slots as f64),
                y: height.rest(),
                height,
                day: day(date),
                value: date.to_string(),
                requests: Number::whole(requests),
                is_of_period: date >= fair_use.period_start,
            }
        };
        let days = fair_use
            .days
            .iter()
            .enumerate()
            .map(|(slot, (date, requests))| column(slot, *date, *requests as f64));
        let to_come = fair_use.newest_day.series(1.day()).skip(1).take(left);
        let forecast =
            to_come.zip(fair_use.days.len()..).map(|(date, slot)| column(slot, date, fair_use.trailing_mean));
        let (days, forecast): (Vec<Column>, Vec<Column>) = (days.collect(), forecast.collect());
        let start = days.iter().position(|column| column.is_of_period).filter(|slot| *slot > 0);
        Self {
            labels: labels(fair_use, slots),
            start: start.map(|slot| Percent::of(slot as f64, slots as f64)),
            pace: pace.map(|pace| (Percent::of(pace, top).rest(), Number::whole(pace))),
            top: Number::whole(top),
            middle: Number::whole(top / 2.0),
            text: text(fair_use),
            days,
            forecast,
        }
    }

    /// Whether days before the period are shown.
    pub(super) fn has_earlier(&self) -> bool {
        self.start.is_some()
    }
}

/// A round number that is not below the highest one.
fn scale_top(highest: f64) -> f64 {
    let unit = 10_f64.powf(highest.max(1.0).log10().floor());
    let steps = [1.0, 1.2, 1.6, 2.0, 2.4, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    steps.into_iter().map(|step| step * unit).find(|top| *top >= highest).unwrap_or(highest)
}

/// The days that are named below the chart: those that matter most, as far as there is room.
fn labels(fair_use: &FairUse, slots: usize) -> Vec<Label> {
    let Some((first, _)) = fair_use.days.first() else { return Vec::new() };
    let last = first.saturating_add(i64::try_from(slots).unwrap_or(i64::MAX).saturating_sub(1).days());
    let mut labels: Vec<Label> = Vec::new();
    for date in [fair_use.newest_day, fair_use.period_start, last, *first] {
        let slot = first.until(date).map_or(-1, |span| span.get_days());
        if date > last || slot < 0 {
            continue;
        }
        let x = Percent::of(f64::from(slot) + 0.5, slots as f64);
        let anchor = match x.value() {
            left if left < LABEL_WIDTHS[0] / 2.0 => "start",
            right if right > 100.0 - LABEL_WIDTHS[0] / 2.0 => "end",
            _ => "middle",
        };
        let label = |is_for_wide| Label { x, anchor, is_for_wide, text: short_day(date) };
        let fits = |width: f64| labels.iter().all(|other| !label(false).touches(other, width));
        let is_for_wide = !fits(LABEL_WIDTHS[0]);
        if fits(LABEL_WIDTHS[1]) {
            labels.push(label(is_for_wide));
        }
    }
    labels
}

impl Label {
    /// Whether it touches another one, if both are so wide.
    fn touches(&self, other: &Self, width: f64) -> bool {
        let start = |label: &Self| match label.anchor {
            "start" => label.x.value(),
            "end" => label.x.value() - width,
            _ => label.x.value() - width / 2.0,
        };
        (start(self) - start(other)).abs() < width
    }
}

/// The chart in words.
fn text(fair_use: &FairUse) -> String {
    let Some(((first, _), (highest_day, highest))) =
        fair_use.days.first().zip(fair_use.days.iter().max_by_key(|(_, requests)| *requests))
    else {
        return "No day has been read yet.".to_owned();
    };
    let pace = fair_use.allowance.as_ref().map(|allowance| {
        let pace = allowance.requests / f64::from(fair_use.period_days().max(1));
        format!("; the allowance lasts for {} a day", Number::whole(pace).exact)
    });
    format!(
        "Requests that count towards fair use, day by day from {} to {}. The highest day is {} with {}. The mean of the last {} \
         is {} a day{}.",
        day(*first),
        day(fair_use.newest_day),
        day(*highest_day),
        Number::whole(*highest as f64).exact,
        counted(usize::from(fair_use.trailing_days), "day"),
        Number::whole(fair_use.trailing_mean).exact,
        pace.unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::model::Allowance;

    fn fair_use(to_date: u64, allowance: Option<f64>) -> FairUse {
        FairUse {
            period_start: date(2026, 11, 1),
            period_end: date(2026, 12, 1),
            period_source: "anchor_day".into(),
            newest_day: date(2026, 11, 20),
            to_date,
            trailing_days: 7,
            trailing_mean: 100.0,
            allowance: allowance.map(|requests| Allowance { requests, source: "config".into() }),
            unit_price: None,
            days: (1..=20).map(|day| (date(2026, 11, day), 100)).collect(),
        }
    }

    fn bar(to_date: u64) -> Bar {
        FairUseView::from(&fair_use(to_date, Some(2000.0))).bar.unwrap()
    }

    #[test]
    fn the_parts_of_a_bar_lie_side_by_side_on_both_sides_of_the_allowance() {
        let places = |bar: Bar| {
            let (over, length) = bar.forecast_over;
            [bar.used, bar.used_over, bar.forecast, over, length, bar.allowance]
                .map(|place| place.to_string())
        };
        assert_eq!(places(bar(500)), ["25.00%", "0.00%", "75.00%", "75.00%", "0.00%", "100.00%"]);
        // 1,500 now and 2,500 at the end: the scale is the forecast's.
        assert_eq!(places(bar(1500)), ["60.00%", "0.00%", "80.00%", "80.00%", "20.00%", "80.00%"]);
        // Nothing is forecast within an allowance that is used up.
        assert_eq!(places(bar(3000)), ["50.00%", "25.00%", "50.00%", "75.00%", "25.00%", "50.00%"]);
    }

    #[test]
    fn without_an_allowance_there_is_neither_bar_nor_pace() {
        let view = FairUseView::from(&fair_use(500, None));
        let chart = Chart::new(&fair_use(500, None));
        assert!(view.bar.is_none() && view.balance.is_none() && chart.pace.is_none());
        assert_eq!((chart.days.len(), chart.forecast.len()), (20, 10));
    }

    #[test]
    fn a_chart_holds_all_its_columns_and_its_labels_do_not_touch() {
        let chart = Chart::new(&fair_use(2000, Some(2000.0)));
        for column in chart.days.iter().chain(&chart.forecast) {
            assert!(column.x.value() + column.width.value() <= 100.0);
            assert!((column.y.value() + column.height.value() - 100.0).abs() < 1e-9);
        }
        assert!(chart.start.is_none(), "the period starts with the first day that is shown");
        let named: Vec<(&str, bool)> =
            chart.labels.iter().map(|label| (label.text.as_str(), label.is_for_wide)).collect();
        assert_eq!(named, [("20\u{a0}Nov", false), ("1\u{a0}Nov", false), ("30\u{a0}Nov", false)]);
        for (place, one) in chart.labels.iter().enumerate() {
            assert!(chart.labels[..place].iter().all(|other| !one.touches(other, LABEL_WIDTHS[0])));
        }
        // With days before it and few to come there is less room.
        let late = FairUse {
            newest_day: date(2026, 11, 26),
            days: (1..=26).map(|day| (date(2026, 11, day), 100)).collect(),
            ..fair_use(2000, None)
        };
        let labels = labels(&late, 30);
        assert_eq!(labels[2].text, "30\u{a0}Nov");
        assert!(labels[2].is_for_wide && !labels[0].is_for_wide);
    }

    #[test]
    fn a_chart_without_days_says_so() {
        let chart = Chart::new(&FairUse { days: Vec::new(), trailing_mean: 0.0, ..fair_use(0, None) });
        assert_eq!(chart.text, "No day has been read yet.");
        assert!(chart.labels.is_empty());
    }

    #[test]
    fn the_scale_ends_at_a_round_number() {
        for (highest, top) in [(0.0, 1.0), (1.0, 1.0), (412_345.0, 500_000.0), (990.0, 1000.0)] {
            assert!((scale_top(highest) - top).abs() < 1e-6, "{highest}");
        }
    }
}
