//! Changing the configuration and the secrets of the running program.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    clippy::unwrap_used,
    reason = "a test that cannot go on has failed, and its figures are whole numbers"
)]

#[path = "../support/mod.rs"]
mod support;

mod changes;
mod lifecycle;
mod program;
mod rotation;
mod scene;
