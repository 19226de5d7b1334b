//! Queries that were started: they wait, they end, and after a while they are gone.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use jiff::Timestamp;

use super::query::{Query, Row};
use super::refusal::Refusal;
use super::traffic::Restated;
use super::world::World;
use crate::simulator::faults::{Fate, Fault};
use crate::simulator::locked;

/// How long results can be read.
const LIFETIME_SECONDS: i64 = 30 * 60;
/// Executions kept at a time; older ones are gone early.
const KEPT: usize = 2000;
/// Rows kept for the next page or poll. What does not fit is computed again, which gives the same rows.
const ROWS_KEPT: usize = 1_000_000;

/// Which operation may read the results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Family {
    Organization,
    /// A query or summary of this client.
    Client(String),
    Search,
    Job,
    /// A job of the owner of this client.
    ClientJob(String),
}

#[derive(Default)]
pub(super) struct Executions(VecDeque<Execution>);

struct Execution {
    id: String,
    family: Family,
    query: Query,
    started: Timestamp,
    /// The restated days as they were at the start: all pages show one state.
    restated: Restated,
    polls: u32,
    fate: Option<Fate>,
    rows: Option<Arc<Vec<Row>>>,
}

/// What a poll finds.
pub(super) enum Progress {
    /// Still at work; the number of the poll, from 0.
    Pending(u32),
    Failed,
    Cancelled,
    Done(Query, Arc<Vec<Row>>),
}

impl Executions {
    pub(super) fn start(
        &mut self,
        id: String,
        family: Family,
        query: Query,
        now: Timestamp,
        restated: Restated,
        fault: Option<&Fault>,
    ) {
        self.forget(now);
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        let fate = fate(fault);
        let execution = Execution { id, family, query, started: now, restated, polls: 0, fate, rows: None };
        self.0.push_back(execution);
    }

    /// Drops what is too old. A clock may go backwards, so the order of the queue says nothing about age.
    fn forget(&mut self, now: Timestamp) {
        self.0.retain(|execution| now.as_second() - execution.started.as_second() < LIFETIME_SECONDS);
    }

    fn find(&mut self, id: &str, family: &Family) -> Option<&mut Execution> {
        self.0.iter_mut().find(|execution| execution.id == id && execution.family == *family)
    }

    /// Keeps the rows of the newest executions.
    fn remember(&mut self, id: &str, family: &Family, rows: &Arc<Vec<Row>>) {
        if let Some(execution) = self.find(id, family) {
            execution.rows = Some(Arc::clone(rows));
        }
        let mut room = ROWS_KEPT;
        for execution in self.0.iter_mut().rev() {
            let length = execution.rows.as_ref().map_or(0, |rows| rows.len());
            match room.checked_sub(length) {
                Some(left) => room = left,
                // The one being read stays, however large: its next page is asked for soon.
                None if execution.id == id => room = 0,
                None => execution.rows = None,
            }
        }
    }
}

/// Looks at an execution once.
pub(super) fn poll(
    executions: &Mutex<Executions>,
    world: &World,
    (id, family): (&str, &Family),
    now: Timestamp,
    pending_polls: u32,
    fault: Option<&Fault>,
) -> Result<Progress, Refusal> {
    let (query, started, restated) = {
        let mut executions = locked(executions);
        executions.forget(now);
        let missing = || Refusal::not_found(format!("The requested query [{id}] was not found."));
        let execution = executions.find(id, family).ok_or_else(missing)?;
        execution.fate = fate(fault).or(execution.fate);
        let polls = execution.polls;
        execution.polls = polls.saturating_add(1);
        match execution.fate {
            Some(Fate::Lost) => return Err(missing()),
            Some(Fate::Endless) => return Ok(Progress::Pending(polls)),
            _ if polls < pending_polls => return Ok(Progress::Pending(polls)),
            Some(Fate::Failed) => return Ok(Progress::Failed),
            Some(Fate::Cancelled) => return Ok(Progress::Cancelled),
            None => {}
        }
        if let Some(rows) = &execution.rows {
            return Ok(Progress::Done(execution.query.clone(), Arc::clone(rows)));
        }
        (execution.query.clone(), execution.started, execution.restated.clone())
    };
    // Without the lock: a large world takes a while, and other requests go on.
    let rows = Arc::new(world.rows(&query, started, &restated));
    locked(executions).remember(id, family, &rows);
    Ok(Progress::Done(query, rows))
}

fn fate(fault: Option<&Fault>) -> Option<Fate> {
    match fault {
        Some(Fault::Job(fate)) => Some(*fate),
        _ => None,
    }
}
