//! One request and its answer: what every vendor shares, with the faults that need no knowledge of a vendor.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, RawPathParams, Request};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::Response;
use axum::routing::{MethodFilter, on};
use futures_util::stream;
use jiff::Timestamp;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

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

/// What is sent back.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("answers are plain structs with text keys");
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
        Self { status, headers, body: body.into() }
    }

    fn of_type(status: StatusCode, content_type: &'static str, body: &'static str) -> Self {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        Self { status, headers, body: Bytes::from_static(body.as_bytes()) }
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

/// Replaces a good answer by what a broken service or a gateway before it would send.
fn spoil(answer: Answer, fault: Option<&Fault>) -> Answer {
    let Answer { status, headers, .. } = &answer;
    let mut spoiled = match fault {
        Some(Fault::Html(status)) => Answer::of_type(
            *status,
            "text/html",
            "<html>\r\n<head><title>Bad Gateway</title></head>\r\n<body><h1>Bad Gateway</h1></body>\r\n</html>\r\n",
        ),
        Some(Fault::WrongJson) => {
            Answer::of_type(*status, "application/json", r#"[{"unexpected":{"shape":[1,"two",null]}}]"#)
        }
        Some(Fault::Garbage) => {
            Answer::of_type(*status, "application/json", "\u{0}}{ this is not JSON \u{fffd}")
        }
        _ => return answer,
    };
    // A gateway knows nothing of the vendor's own headers; the service itself still sends them.
    if !matches!(fault, Some(Fault::Html(_))) {
        for (name, value) in headers {
            spoiled.headers.entry(name).or_insert_with(|| value.clone());
        }
    }
    spoiled
}

fn send(answer: Answer, fault: Option<&Fault>) -> Response {
    let Answer { status, headers, body } = answer;
    let mut response = match fault {
        // At least one byte is missing, so that the fault is felt by short answers too.
        Some(Fault::Truncate(bytes)) => {
            cut(body.slice(..(*bytes).min(body.len().saturating_sub(1))), Some(body.len()))
        }
        _ => Response::new(Body::from(body)),
    };
    *response.status_mut() = status;
    response.headers_mut().extend(headers);
    response
}

/// An answer that ends early, and its connection with it. Without a body, not even the head is sent.
fn cut(sent: Bytes, promised: Option<usize>) -> Response {
    let broken = || Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted));
    let Some(promised) = promised else {
        return Response::new(Body::from_stream(stream::iter([broken()])));
    };
    let pieces = stream::unfold(Some(sent), move |sent| async move {
        let Some(sent) = sent else {
            // What was sent so far leaves for the peer before the connection breaks.
            tokio::task::yield_now().await;
            return Some((broken(), None));
        };
        Some((Ok(sent), None))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    response.headers_mut().insert(CONTENT_LENGTH, promised.into());
    response
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
    async fn a_scripted_error_has_the_vendors_shape_and_headers() {
        let fault = "{status: 429, code: too.many.requests, headers: {Retry-After: '7200'}}";
        let bench = bench(fault).await;
        let answer = bench.request(Method::GET, PATH).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(answer.headers()["retry-after"], "7200");
        let context = answer.headers()["inin-correlation-id"].to_str().unwrap().to_owned();
        let body: serde_json::Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!(body["code"], "too.many.requests");
        assert_eq!(body["contextId"], context.as_str());
        assert_eq!(bench.get(PATH).await.0, StatusCode::OK);
    }

    #[tokio::test]
    async fn a_gateway_answers_in_html() {
        let bench = bench("{html: 502}").await;
        let answer = bench.request(Method::GET, PATH).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
        assert_eq!(answer.headers()["content-type"], "text/html");
        assert!(!answer.headers().contains_key("inin-correlation-id"));
    }

    #[tokio::test]
    async fn spoiled_bodies_keep_the_status() {
        let bench = bench("{wrong_json: true}").await;
        let (status, body) = bench.get(PATH).await;
        assert!(status == StatusCode::OK && body.is_array());
        let bench = self::bench("{garbage: true}").await;
        let answer = bench.request(Method::GET, PATH).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(serde_json::from_slice::<serde_json::Value>(&answer.bytes().await.unwrap()).is_err());
    }

    #[tokio::test]
    async fn a_truncated_body_arrives_in_part() {
        for bytes in [20, 1_000_000] {
            let bench = bench(&format!("{{truncate: {bytes}}}")).await;
            let mut answer = bench.request(Method::GET, PATH).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK);
            let first = answer.chunk().await.unwrap().unwrap();
            assert!(!first.is_empty() && first.len() <= bytes);
            assert!(answer.chunk().await.is_err());
        }
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
}
