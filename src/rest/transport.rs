//! The one HTTP client of the process: connections, trust, proxy, and how much may be in flight.

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use reqwest::{Certificate, NoProxy, Proxy};
use secrecy::ExposeSecret;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::secret::{Fingerprint, Secret};

/// A connection that takes longer than this has failed, however long a request may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Which proxy vendor requests go through.
#[derive(Debug, Clone)]
pub enum ProxyChoice {
    /// What `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY` say.
    Environment,
    /// This one; `NO_PROXY` still applies.
    Url(Secret),
    /// None, whatever the environment says.
    Direct,
}

/// The HTTP client that all organizations share.
pub struct Transport {
    http: reqwest::Client,
    in_flight: Semaphore,
    concurrency: NonZeroUsize,
    made_of: MadeOf,
}

/// What a transport was made of: of files what was in them.
#[derive(PartialEq, Eq)]
struct MadeOf {
    request_timeout: Duration,
    concurrency: NonZeroUsize,
    proxy: Option<Fingerprint>,
    certificates: Option<Fingerprint>,
}

impl Transport {
    /// Builds the client. `request_timeout` covers one request, its body included.
    ///
    /// # Errors
    /// When the proxy URL or the CA file cannot be used, or the system has no trust anchors.
    pub fn new(
        request_timeout: Duration,
        concurrency: NonZeroUsize,
        proxy: &ProxyChoice,
        ca_file: Option<&Path>,
    ) -> anyhow::Result<Self> {
        use anyhow::Context;
        let mut made_of = MadeOf { request_timeout, concurrency, proxy: None, certificates: None };
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("ccaas-exporter/", env!("CARGO_PKG_VERSION")))
            .timeout(request_timeout)
            .connect_timeout(CONNECT_TIMEOUT.min(request_timeout))
            // A redirect would take the bearer token to wherever it points.
            .redirect(reqwest::redirect::Policy::none())
            // Tries are counted and paid for: only `Client` repeats a request.
            .retry(reqwest::retry::never());
        builder = match proxy {
            ProxyChoice::Environment => builder,
            ProxyChoice::Direct => builder.no_proxy(),
            ProxyChoice::Url(url) => {
                let url = url.read()?;
                made_of.proxy = Some(Fingerprint::of_secret(&url));
                let proxy = Proxy::all(url.expose_secret())
                    .map_err(reqwest::Error::without_url)
                    .context("global.proxy_url is not a proxy URL")?;
                builder.proxy(proxy.no_proxy(NoProxy::from_env()))
            }
        };
        if let Some(path) = ca_file {
            let bundle =
                std::fs::read(path).with_context(|| format!("cannot read the CA file {}", path.display()))?;
            made_of.certificates = Some(Fingerprint::of(&bundle));
            let certificates = Certificate::from_pem_bundle(&bundle)
                .with_context(|| format!("the CA file {} holds no PEM certificates", path.display()))?;
            builder = builder.tls_certs_merge(certificates);
        }
        let http =
            builder.build().context("cannot build the HTTP client (are CA certificates installed?)")?;
        Ok(Self { http, in_flight: Semaphore::new(concurrency.get()), concurrency, made_of })
    }

    /// Whether `other` would send requests in the same way: equal settings, equal proxy, equal certificates.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        self.made_of == other.made_of
    }

    /// The places that one organization may take, half of all: a vendor that hangs must not hold up the others.
    pub(super) fn share(&self) -> Semaphore {
        Semaphore::new(self.concurrency.get().div_ceil(2))
    }

    pub(super) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    /// A place among the requests in flight, to be held until the body is read.
    pub(super) async fn place(&self) -> SemaphorePermit<'_> {
        self.in_flight.acquire().await.expect("the semaphore is never closed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transport_is_like_another_when_what_its_files_hold_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (file, other) = (folder.path().join("proxy"), folder.path().join("other"));
        let write =
            |path: &Path, port: u16| std::fs::write(path, format!("http://u:p@proxy:{port}")).unwrap();
        let make = |seconds, path: &Path| {
            let proxy = ProxyChoice::Url(Secret::File(path.to_owned()));
            Transport::new(Duration::from_secs(seconds), NonZeroUsize::MIN, &proxy, None).unwrap()
        };
        write(&file, 1);
        write(&other, 1);
        let transport = make(30, &file);
        assert!(transport.is_like(&make(30, &file)) && transport.is_like(&make(30, &other)));
        assert!(!transport.is_like(&make(31, &file)));
        write(&file, 2);
        assert!(!transport.is_like(&make(30, &file)));
    }
}
