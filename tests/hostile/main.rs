//! A vendor that answers what it should not: no sum that lies, no panic, no storm, no memory filled, and never a word of it in
//! the open.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

#[path = "../support/mod.rs"]
mod support;

mod bodies;
mod connections;
mod figures;
mod memory;
mod shapes;
mod vendor;
