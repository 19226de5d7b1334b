//! The providers: one folder for each vendor, none of which knows another.

pub mod genesys_cloud;
pub mod talkdesk;
