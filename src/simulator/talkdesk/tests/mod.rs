//! The habits of the vendor, over HTTP.
