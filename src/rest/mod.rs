//! HTTP to vendors, and the only room that names `reqwest`.
//!
//! A [`Client`] belongs to one organization. It sends [`Call`]s with a bearer token that it fetches, renews early and once more
//! when it is refused; it keeps the organization's rate limit, repeats what a moment's patience may mend, and turns everything
//! else into an [`Error`] whose [`Kind`] is a decision. It knows no vendor: what differs between them is a [`Dialect`].
//!
//! A token never leaves for a host that was not configured: redirects are refused and paths are built from segments.
//! No error or log line holds a secret, a token, a query string or a body.

mod call;
mod channel;
mod client;
mod credential;
mod documented;
mod error;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod governor;
mod rows;
mod token;
mod transport;

pub use call::Call;
pub use client::{Client, Dialect, Endpoint, RowSink, Rows, RowsRefused};
#[cfg(test)]
pub(crate) use documented::tests as documented_tests;
pub use documented::{Documentation, Fields};
pub use error::{Error, Kind};
pub use transport::{ProxyChoice, Transport};
