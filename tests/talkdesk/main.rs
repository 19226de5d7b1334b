//! Talkdesk as its documentation is: contradictory. The whole exporter against vendors that answer in every shape it allows, and
//! in some that it does not.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

mod failures;
mod figures;
mod paging;
mod scene;
mod simulated;
#[path = "../support/mod.rs"]
mod support;
