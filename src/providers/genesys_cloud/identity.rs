//! Which organization the credentials belong to: `/api/v2/organizations/me`.

use std::sync::Arc;

use tokio::sync::OnceCell;

use super::wire::Label;
use crate::rest::{Call, Client, Error};

/// The organization's id, asked for once.
pub(super) struct Identity {
    client: Arc<Client>,
    id: OnceCell<String>,
}

#[derive(serde::Deserialize)]
struct Organization {
    #[serde(default)]
    id: Label,
}

impl Identity {
    pub(super) fn new(client: Arc<Client>) -> Self {
        Self { client, id: OnceCell::new() }
    }

    /// The id; empty when the vendor does not tell.
    pub(super) async fn id(&self) -> Result<&str, Error> {
        let ask = async || {
            let call = Call::get("getOrganization", &["api", "v2", "organizations", "me"]);
            self.client.json::<Organization>(&call).await.map(|organization| organization.id.0)
        };
        self.id.get_or_try_init(ask).await.map(String::as_str)
    }
}
