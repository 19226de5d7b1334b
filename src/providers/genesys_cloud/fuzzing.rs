//! For [`crate::fuzzing`]: what reads the answers of Genesys Cloud.

use jiff::civil::{Date, date};

use super::billing::{billable_usage, contracts, invoices, trustee_overview};
use super::fold::{Fold, Party};
use super::period::Period;
use super::{jobs, legacy, limits, oauth_clients, wire};
use crate::fuzzing::check_samples;
use crate::model::Samples;
use crate::rest::RowSink;

/// Usage rows, one a line: the sums are those of the rows in any order, and none is larger than all rows together.
pub(crate) fn usage_rows(data: &[u8]) {
    let fold = |party: Party, rows: &mut dyn Iterator<Item = &[u8]>| {
        let mut fold = Fold::new(date(2026, 11, 1)..=date(2026, 11, 20), party);
        for row in rows {
            fold.row(row).ok()?;
        }
        Some(fold)
    };
    for party in [Party::Client, Party::ClientName, Party::Organization, Party::Asked] {
        let lines = || data.split(|byte| *byte == b'\n');
        let Some((forth, back)) = fold(party, &mut lines()).zip(fold(party, &mut lines().rev())) else {
            continue;
        };
        assert_eq!(forth.cells, back.cells, "the order of rows changes no sum");
        assert_eq!(forth.invalid_rows, back.invalid_rows);
        assert!(forth.cells.len() as u64 + forth.invalid_rows <= lines().count() as u64);
        let mut twice = fold(party, &mut lines()).expect("it was taken before");
        if twice.merge(forth).is_ok() {
            assert_eq!(twice.cells.len(), back.cells.len(), "the same rows are the same cells");
        }
    }
}

/// Rows of the billable usage report, one a line.
pub(crate) fn billable_usage(data: &[u8]) {
    billable_usage::samples(data.split(|byte| *byte == b'\n')).as_ref().map(check_samples);
}

/// A contract and, in the next line, the details of its periods.
pub(crate) fn contracts(data: &[u8]) {
    let mut lines = data.splitn(2, |byte| *byte == b'\n');
    let (contract, details) = (lines.next().unwrap_or_default(), lines.next().unwrap_or(b"{}"));
    let Some((samples, periods)) = contracts::figures(contract, details) else { return };
    check_samples(&samples);
    for period in &periods {
        assert!(period.allowance.is_none_or(f64::is_finite));
    }
    let terms = super::billing::terms::Terms { contract: periods, trustee: Vec::new() };
    let day = date(2026, 11, 20);
    let period = Period::of(day, &terms, Some(21));
    assert!((period.start..period.end).contains(&day), "the period of a day holds it");
}

/// What an invoice, an overview, the limits, the client list and the envelopes of queries are read from.
pub(crate) fn answers(data: &[u8]) {
    let all: [Option<Samples>; 3] = [
        invoices::samples(data),
        trustee_overview::samples(data).map(|(samples, _)| samples),
        oauth_clients::samples(data),
    ];
    all.iter().flatten().for_each(check_samples);
    assert!(limits::figures(data).unwrap_or_default().into_iter().all(|limit| (0.0..=1e15).contains(&limit)));
    let _ = jobs::next(data);
    if let Ok(envelope) = serde_json::from_slice::<legacy::Envelope>(data) {
        let _ = (envelope.after(), envelope.whole(()), envelope.state(()));
    }
}

/// A day in each of its forms.
pub(crate) fn days(text: &str) {
    let first = wire::first_day(text);
    if let Some((first, end)) = first.zip(wire::end_day(text)) {
        assert!(first <= end, "a day ends after it begins");
    }
    if let Some(day) = wire::day(text) {
        assert_eq!(first.map(Date::year), Some(day.year()));
    }
}
