//! One request and its answer: what every vendor shares, with the faults that need no knowledge of a vendor.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, RawPathParams, Request};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::answer::{Answer, cut, send, spoil};
use super::faults::Fault;
use super::log::ReceivedRequest;
use super::wire::Cord;
use super::{Shared, locked};

/// The largest request body that is read: the limit `request.bytes.max` of Genesys Cloud.
pub(super) const BODY_BYTES_MAX: usize = 512_000;

/// A cloud that is played.
pub(super) trait Vendor: Send + Sync + 'static {
    /// What an operation's entry holds beside its address.
    type Handler: Sync + 'static;

    /// Everything that the vendor can be asked.
    const OPERATIONS: &'static [Operation<Self::Handler>];

    /// Answers one request. Faults that only the vendor understands are in `call.fault`.
    fn respond(&self, handler: &Self::Handler, call: &Call) -> Answer;

    /// An error in the vendor's own shape, for requests that reach no operation.
    fn refuse(&self, call: &Call, status: StatusCode) -> Answer;
}

/// An operation as the vendor's description has it.
pub(super) struct Operation<H> {
    pub(super) id: &'static str,
    pub(super) method: MethodFilter,
    pub(super) path: &'static str,
    pub(super) handler: H,
}

/// A request, read whole.
#[derive(Debug)]
pub(super) struct Call {
    /// When it is answered.
    pub(super) now: Timestamp,
    /// Which request of the simulator it is, from 1.
    pub(super) number: u64,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) parameters: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) fault: Option<Fault>,
}

impl Call {
    /// A parameter of the path; empty when there is none.
    pub(super) fn parameter(&self, name: &str) -> &str {
        self.parameters.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// A parameter of the query.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        let pairs = url::form_urlencoded::parse(self.query.as_deref().unwrap_or_default().as_bytes());
        pairs.into_iter().find(|(known, _)| known == name).map(|(_, value)| value.into_owned())
    }

    /// The text of a header; none if it is absent or not text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// What the requests of one server share.
#[derive(Clone)]
pub(super) struct Front {
    pub(super) shared: Arc<Shared>,
    /// Ends the requests that would hang for ever.
    pub(super) stopping: CancellationToken,
}

/// Adds the operations of a vendor to a router.
pub(super) fn mount<V: Vendor>(router: Router, front: &Front, vendor: &Arc<V>) -> Router {
    V::OPERATIONS.iter().fold(router, |router, operation| {
        let (front, vendor) = (front.clone(), Arc::clone(vendor));
        let handler = move |parameters: RawPathParams, request: Request| {
            let parameters =
                parameters.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            front.clone().handle(operation.id, parameters, request, {
                let vendor = Arc::clone(&vendor);
                move |call| match call {
                    Ok(call) => vendor.respond(&operation.handler, &call),
                    Err((call, status)) => vendor.refuse(&call, status),
                }
            })
        };
        router.route(operation.path, on(operation.method, handler))
    })
}

impl Front {
    /// Reads a request, lets a fault have its way, and answers. `respond` gets an error for a body that is too long.
    pub(super) async fn handle(
        self,
        operation: &'static str,
        parameters: Vec<(String, String)>,
        request: Request,
        respond: impl FnOnce(Result<Call, (Call, StatusCode)>) -> Answer,
    ) -> Response {
        let (head, body) = request.into_parts();
        let number = locked(&self.shared.log).arrived(ReceivedRequest {
            operation,
            method: head.method.to_string(),
            path: head.uri.path().to_owned(),
            query: head.uri.query().map(str::to_owned),
            status: None,
        });
        let fault = locked(&self.shared.faults).hit(operation);
        match &fault {
            Some(Fault::Delay(length)) => {
                tokio::select! {
                    () = tokio::time::sleep(*length) => {}
                    () = self.stopping.cancelled() => return cut(Bytes::new(), None),
                }
            }
            Some(Fault::Hang) => {
                self.stopping.cancelled().await;
                return cut(Bytes::new(), None);
            }
            Some(Fault::Reset) => {
                if let Some(ConnectInfo(cord)) = head.extensions.get::<ConnectInfo<Cord>>() {
                    cord.cut();
                }
                return cut(Bytes::new(), None);
            }
            _ => {}
        }
        let body = axum::body::to_bytes(body, BODY_BYTES_MAX).await;
        let too_long = body.is_err();
        let call = Call {
            now: self.shared.clock.now(),
            number,
            path: head.uri.path().to_owned(),
            query: head.uri.query().map(str::to_owned),
            parameters,
            headers: head.headers,
            body: body.unwrap_or_default(),
            fault: fault.clone(),
        };
        let answer = respond(if too_long { Err((call, StatusCode::PAYLOAD_TOO_LARGE)) } else { Ok(call) });
        let answer = spoil(answer, fault.as_ref());
        locked(&self.shared.log).answered(number, answer.status.as_u16());
        send(answer, fault.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use reqwest::{Method, StatusCode};

    use crate::simulator::testing::{Bench, options};

    const PATH: &str = "/api/v2/organizations/me";

    async fn bench(fault: &str) -> Bench {
        Bench::with_faults(&format!("faults: [{{operation: getOrganization, times: 1, fault: {fault}}}]"))
            .await
    }

    #[tokio::test]
    async fn a_reset_connection_gives_no_answer_at_all() {
        let bench = bench("{reset: true}").await;
        let error = bench.request(Method::GET, PATH).send().await.unwrap_err();
        assert!(format!("{error:?}").contains("ConnectionReset"), "{error:?}");
        assert_eq!(bench.simulator.requests().last().unwrap().status, None);
        assert_eq!(bench.get(PATH).await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_hanging_request_is_seen_and_ends_with_the_server() {
        let simulator = crate::simulator::Simulator::new(options());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}{PATH}", listener.local_addr().unwrap());
        let yaml = "faults: [{operation: '*', times: 1, fault: {hang: true}}]";
        simulator.set_scenario(crate::simulator::Scenario::parse(yaml).unwrap());
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let server = tokio::spawn(crate::simulator::serve(listener, simulator.clone(), async {
            let _ = stopped.await;
        }));
        let request = tokio::spawn(reqwest::get(url));
        while simulator.count("getOrganization") == 0 {
            tokio::task::yield_now().await;
        }
        assert!(!request.is_finished());
        stop.send(()).unwrap();
        assert!(request.await.unwrap().is_err());
        server.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_delayed_answer_is_late_but_good() {
        let bench = bench("{delay: 20ms}").await;
        let before = tokio::time::Instant::now();
        assert_eq!(bench.get(PATH).await.0, StatusCode::OK);
        assert!(before.elapsed() >= Duration::from_millis(20));
    }

    #[tokio::test]
    async fn a_body_beyond_the_limit_is_refused() {
        let bench = Bench::start(options()).await;
        let request = bench.request(Method::POST, "/api/v2/usage/query").body(vec![b' '; 600_000]);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::PAYLOAD_TOO_LARGE);
    }

    #[tokio::test]
    async fn strange_paths_and_methods_are_refused_in_the_vendors_shape() {
        let bench = Bench::start(options()).await;
        let (status, body) = bench.get("/api/v2/nothing").await;
        assert_eq!((status, body["code"].as_str()), (StatusCode::NOT_FOUND, Some("not.found")));
        let (status, body) = bench.post(PATH, &serde_json::json!({})).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
        assert_eq!(body["status"], 405);
        assert_eq!(bench.simulator.count("unknown"), 2);
    }

    #[tokio::test]
    async fn the_front_page_says_how_to_use_it() {
        let bench = Bench::start(options()).await;
        let page = bench.http.get(bench.url("/")).send().await.unwrap().text().await.unwrap();
        let (_, organization) = bench.get(PATH).await;
        let (_, accounts) = bench.get("/express/accounts").await;
        for word in [
            "demo-secret",
            "token_url",
            "getUsageAggregatesJob",
            "listMonthlyUsage",
            organization["id"].as_str().unwrap(),
            accounts["_embedded"]["accounts"][0]["id"].as_str().unwrap(),
        ] {
            assert!(page.contains(word), "{word}\n{page}");
        }
    }
}
