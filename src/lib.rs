//! A Prometheus exporter for the API usage and billing figures of contact-centre clouds.

pub mod catalogue;
pub mod clock;
pub mod config;
pub mod model;
pub mod providers;
pub mod secret;
pub mod simulator;
