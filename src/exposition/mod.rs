//! Samples to text. Pure: no clock, no network, no globals.
//!
//! A collector's samples are [encoded](encode()) once, when they arrive, into the finished lines of each family, kept deflated.
//! A [`render()`] puts HELP, TYPE and the lines of all collectors together, by family and then organization, into one [`Piece`]
//! that answers every scrape until something changes. The text is valid in both formats, as all vendor families are gauges;
//! only the exporter's own families differ, and they follow as a piece of their own.

mod encode;
mod piece;
mod render;
mod selection;

pub use encode::{Encoded, encode};
pub use piece::{Deflater, Piece, gzip, inflate};
pub use render::{LEVEL, Part, render};
pub use selection::Selection;

/// An exposition format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// The Prometheus text format 0.0.4.
    Text,
    /// `OpenMetrics` 1.0.0.
    OpenMetrics,
}

impl Format {
    /// The value of `Content-Type`.
    #[must_use]
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// What stands after the last family.
    #[must_use]
    pub fn end(self) -> &'static str {
        match self {
            Self::Text => "",
            Self::OpenMetrics => "# EOF\n",
        }
    }
}
