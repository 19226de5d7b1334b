//! A Prometheus exporter for the API usage and billing figures of contact-centre clouds.

pub mod app;
pub mod artifacts;
pub mod catalogue;
pub mod cli;
pub mod clock;
mod collect;
pub mod collector;
pub mod config;
pub mod exposition;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod http;
pub mod lifecycle;
pub mod model;
pub mod providers;
pub mod reference;
mod rest;
pub mod secret;
pub mod serve;
pub mod simulator;
mod storage;
pub mod store;
pub mod telemetry;
