//! The way of an HTTP request from the connection to whoever answers it.
//!
//! [`http_stack`] is the one place that decides in which order things are done to a request. What
//! the layers do is in the modules below; limits on headers and on the time to send them are the
//! connection's (`accept`); limits on the body are the reader's; what happens to an MCP message is
//! the gateway's (`gantry_gateway::door`).

mod address;
mod compression;
mod cors;
mod gate;
mod limits;
mod refusal;
mod request_id;
mod route;
mod security_headers;
mod standing;
mod tls_only;
mod under_way;
mod via;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use gantry_core::correlation::{self, Correlation};
use gantry_gateway::door::HttpRequest;
use gantry_gateway::governance::traffic::Counted;
use gantry_policy::Shown;
use gantry_transport::server::ReplyBody;
use http::header::{ORIGIN, STRICT_TRANSPORT_SECURITY};
use http::{HeaderValue, Method, Request, Response, Uri};
use hyper::body::Incoming;
use tokio::time::Instant;

pub(crate) use compression::Compression;
pub(crate) use cors::Cors;
pub(crate) use gate::must_authenticate;
pub(crate) use refusal::Refusal;
pub(crate) use request_id::{RequestIds, RequestNames};
pub(crate) use route::{PATHS, ROUTES, Route};
pub(crate) use security_headers::SecurityHeaders;
pub(crate) use tls_only::hsts;
pub(crate) use under_way::Answer;
pub(crate) use via::{Face, Peer, Via};

use crate::api::{self, Api};
use crate::audit::seen::Seen;
use crate::identity::resource::{self, Resource};
use crate::live::Live;
use crate::routes;
use crate::services::plain;
use crate::shared::Shared;
use standing::Standing;
use under_way::UnderWay;

/// What answers requests: everything shared, and the routes that are not MCP.
#[derive(Debug)]
pub(crate) struct Front {
    pub(crate) shared: Arc<Shared>,
    pub(crate) routes: Router,
    pub(crate) api: Api,
}

/// What a connection remembers of its last request, for the next one.
#[derive(Debug, Default)]
pub(crate) struct Remembered {
    shown: Shown,
    counted: Counted,
}

/// Answers one request. The order of the layers is decided here and nowhere else.
pub(crate) async fn http_stack(
    front: &Front,
    from: (Via, &Remembered),
    request: Request<Incoming>,
) -> Response<Answer> {
    // 1. A name for the request: outermost, so that every answer and every log line carries it.
    let names = front.shared.request_ids.of(request.headers());
    let correlation = Correlation::new(Arc::clone(&names.request), Arc::clone(&names.correlation));
    // Pinned here: moved into the scope it would be copied whole, for each request.
    let answer = std::pin::pin!(named(front, from, request, names));
    correlation::within(Some(correlation), answer).await
}

/// The layers below the name.
async fn named(
    front: &Front,
    (via, remembered): (Via, &Remembered),
    request: Request<Incoming>,
    names: RequestNames,
) -> Response<Answer> {
    let shared = &front.shared;
    let request_id = Arc::clone(&names.request);
    // 2. One configuration for the whole request, whatever is reloaded meanwhile.
    let live = shared.live.load_full();
    let begun = Instant::now();
    let (parts, body) = request.into_parts();
    // A copy of a pointer, because whoever answers takes the rest.
    let uri = parts.uri.clone();
    // A route's further path is its own one from here on.
    let own_path = live.config.paths.own(uri.path());
    let route = via.face.route(own_path.unwrap_or(uri.path()));
    let method = parts.method.clone();
    let origin = parts.headers.get(ORIGIN).cloned();
    let packing = live.compression.as_ref().and_then(|way| Some((way, way.wanted(&parts)?)));
    // 3. From where: the address of the client behind trusted proxies. Before anything is written
    //    down, so that whatever is refused is said of the right one.
    let (via, told) = address::find(&live, via, &parts.headers);
    // 4. The access line and the counters: around everything that may refuse.
    let under_way = UnderWay::of(&shared.http_metrics.under_way, route, &parts);
    let access = Access::begin(&request_id, &parts, route, begun);
    let shown = (&method, &uri, &parts.headers);
    let seen = Seen::of(&shared.gateway.audit, shown, via.peer.address());
    let (mut is_ours, mut standing, mut rate, mut resource) = (false, None, None, None);
    let mut who = None;
    let answer = async {
        // 5. Host and Origin: before anything is looked up, on every route. A page that rebound
        //    its name learns nothing, not even whether a token would be needed.
        //    Only a probe of HTTP/1.0, which has no `Host`, need not say whom it means.
        if !gate::is_nameless_probe(route, &parts) {
            gate::is_meant_for_us(&live, &parts.uri, &parts.headers)?;
        }
        is_ours = true;
        // 6. Whether anybody may come from there: before a route is told from nothing.
        address::is_readable(told)?;
        address::may_come(&live, via, route, &parts.headers)?;
        // 7. Where it came in: a listener that sends everybody to TLS answers nothing else, and a
        //    route that it does not show is nowhere, whoever asks.
        if let Some(answer) = tls_only::redirect(&live, via, &parts) {
            return Ok(answer);
        }
        if !via.face.shows(route) {
            return Err(Refusal::nothing_at(parts.uri.path()));
        }
        // 8. Preflight: browsers send it without credentials, so it stands above authentication.
        if let Some(answer) = live.cors.preflight(&parts.method, &parts.headers) {
            return Ok(answer);
        }
        // 9. Who asks: before the body is read, so that a stranger cannot make us read one.
        let oauth = live.config.auth.oauth.as_ref();
        // Where a service listens, the whole endpoint is that service.
        let named = via.face.service().map_or(route, |_| Route::Mcp { view: "" });
        resource = oauth.and_then(|oauth| Resource::of(oauth, via.is_tls, &parts, named));
        let from = (via, &remembered.shown);
        let right = authenticate(shared, &live, (route, from), &parts, resource.as_ref()).await?;
        if let Some(principal) = right.principal() {
            seen.let_in(principal);
        }
        let shown = (&parts.headers, resource.as_ref());
        standing = Standing::of(shared, &right, via.peer, shown);
        // 10. How much they may ask: after it is known who they are, and before a body is read.
        let from = (via, &remembered.counted);
        rate = limits::admit(shared, &right, &parts, route, from)
            .inspect_err(|_| who = right.principal().cloned())?;
        // 11. Whoever answers.
        let (address, request_id) = (via.peer.address(), Arc::clone(&request_id));
        let (is_tls, service) = (via.is_tls, via.face.service());
        let passed = Passed { parts, body, own_path, service, address, is_tls, request_id };
        Ok(hand_over(front, &live, (route, right), (passed, &seen)).await)
    };
    let answer: Result<_, Refusal> = answer.await;
    let mut response = answer.unwrap_or_else(|refusal: Refusal| {
        let refusal = refusal.inviting(resource.as_ref().map(|resource| &resource.invitation));
        shared.http_metrics.refused(refusal.code());
        seen.refused(refusal.code(), refusal.why_denied(), who.as_ref());
        if route.is_mcp() {
            shared.gateway.tap.refused(method.as_str(), None, refusal.message());
        }
        if route.is_api() {
            refusal.into_api().into_response(&request_id, &*shared.gateway.clock)
        } else {
            refusal.into_response(route.is_mcp(), &request_id)
        }
    });
    if let Some(rate) = rate {
        // Unless the answer is itself one of a limit that was reached, of a tool.
        rate.write(response.headers_mut());
    }
    live.tell_browsers((route, &method), via, origin.filter(|_| is_ours), &mut response);
    if let Some((compression, wanted)) = packing {
        response = compression.pack(wanted, response);
    }
    names.write(response.headers_mut());
    shared.http_metrics.answered(route, &method, response.status(), begun.elapsed());
    access.end(&response);
    let guard = || standing.map(|standing| standing.guard(shared));
    response.map(|body| UnderWay::until_sent(under_way, body, guard))
}

impl Live {
    /// Writes into the head of an answer what browsers have to know of it; the origin is that of a
    /// page that may read it.
    fn tell_browsers(
        &self,
        (route, method): (Route<'_>, &Method),
        via: Via,
        origin: Option<HeaderValue>,
        answer: &mut Response<ReplyBody>,
    ) {
        let headers = answer.headers_mut();
        if let Some(origin) = origin {
            self.cors.allow(origin, headers);
        }
        if let Some(hsts) = self.hsts.as_ref().filter(|_| via.is_tls) {
            headers.insert(STRICT_TRANSPORT_SECURITY, hsts.clone());
        }
        self.security_headers.write(route, method, headers);
    }
}

/// A request that may be answered.
struct Passed {
    parts: http::request::Parts,
    body: Incoming,
    /// The route's own path, where it was asked for by another one.
    own_path: Option<&'static str>,
    /// The service whose listener it came by.
    service: Option<&'static str>,
    /// From where it came, unless by a unix socket.
    address: Option<IpAddr>,
    /// Whether it came by TLS.
    is_tls: bool,
    request_id: Arc<str>,
}

/// Gives a request to whoever answers on its route.
async fn hand_over(
    front: &Front,
    live: &Arc<Live>,
    (route, right): (Route<'_>, Right),
    (passed, seen): (Passed, &Seen<'_>),
) -> Response<ReplyBody> {
    let gateway = &front.shared.gateway;
    let Passed { mut parts, body, own_path, service, address, is_tls, request_id } = passed;
    match (route, right) {
        (Route::Mcp { view }, Right::Client(principal)) => {
            let request =
                HttpRequest { parts, body, view: view.into(), principal, address, request_id };
            if service.is_some() {
                // Who asks there may be a client of the servers that it stands in for.
                return Box::pin(plain::serve(gateway, request)).await;
            }
            Box::pin(gateway.serve_http(request)).await
        }
        (Route::Sse { view }, Right::Client(principal)) => {
            let request =
                HttpRequest { parts, body, view: view.into(), principal, address, request_id };
            gateway.serve_sse(&request)
        }
        (Route::Messages, Right::Client(principal)) => {
            let request =
                HttpRequest { parts, body, view: "".into(), principal, address, request_id };
            Box::pin(gateway.serve_messages(request)).await
        }
        (Route::ProtectedResource { resource }, _) => {
            let oauth = live.config.auth.oauth.as_ref();
            let told = oauth.and_then(|oauth| resource::metadata(oauth, is_tls, &parts, resource));
            told.unwrap_or_else(|| {
                Refusal::nothing_at(parts.uri.path()).into_response(false, &request_id)
            })
        }
        (_, Right::Api(caller)) => {
            let asked = api::Asked { parts, body, caller, request_id, seen };
            Box::pin(front.api.answer(&front.shared, Arc::clone(live), asked)).await
        }
        (_, right) => {
            let asked = routes::Asked {
                request_id,
                may_see_details: matches!(right, Right::Details),
                address,
                service,
                is_api: route.is_api(),
                clock: Arc::clone(&gateway.clock),
            };
            if let Some(own) = own_path {
                parts.uri = Uri::from_static(own);
            }
            let request = Request::from_parts(parts, axum::body::Body::new(body));
            Box::pin(routes::answer(&front.routes, asked, request)).await
        }
    }
}

/// What a caller has shown to be.
enum Right {
    /// A client of the MCP endpoints.
    Client(Arc<gantry_core::Principal>),
    /// Somebody who may use some of the HTTP API.
    Api(api::Caller),
    /// Someone who may see details.
    Details,
    /// Anybody.
    Nothing,
}

impl Right {
    /// Returns who it is, if that is known.
    fn principal(&self) -> Option<&Arc<gantry_core::Principal>> {
        match self {
            Self::Client(principal) => Some(principal),
            Self::Api(caller) => caller.principal.as_ref(),
            Self::Details | Self::Nothing => None,
        }
    }
}

/// Decides who calls and whether the route is open to them.
async fn authenticate(
    shared: &Shared,
    live: &Live,
    (route, (via, shown)): (Route<'_>, (Via, &Shown)),
    parts: &http::request::Parts,
    resource: Option<&Resource>,
) -> Result<Right, Refusal> {
    let asking = gate::Asking {
        live,
        keys: &shared.keys,
        admin: &shared.admin,
        peer: via.peer,
        headers: &parts.headers,
        shown,
        resource,
    };
    // Ordering: what is asked below does not wait.
    asking.prepare(&shared.fetcher).await;
    match route {
        Route::Mcp { .. } | Route::Sse { .. } | Route::Messages => {
            if let Some(local) = asking.same_user() {
                return Ok(Right::Client(local));
            }
            asking.is_not_forwarded_unasked()?;
            asking.client().map(Right::Client)
        }
        Route::Api => asking.api_caller().map(Right::Api),
        Route::Admin => asking.administrator().map(|()| Right::Details),
        Route::Loggers | Route::CircuitBreakers if parts.method != Method::GET => {
            asking.administrator().map(|()| Right::Details)
        }
        Route::Metrics if is_open_to_everybody(live, via) => Ok(Right::Details),
        Route::Metrics | Route::Actuator | Route::Loggers | Route::CircuitBreakers
            if !asking.may_see_details() =>
        {
            asking.details_denied()
        }
        Route::Metrics | Route::Actuator | Route::Loggers | Route::CircuitBreakers => {
            Ok(Right::Details)
        }
        Route::Ready | Route::Health | Route::ActuatorHealth if asking.may_see_details() => {
            Ok(Right::Details)
        }
        Route::Ready | Route::Health | Route::ActuatorHealth => Ok(Right::Nothing),
        Route::Index | Route::Info | Route::Unknown | Route::ProtectedResource { .. } => {
            Ok(Right::Nothing)
        }
    }
}

/// Tells whether a listener shows figures to everybody, which the configuration has to say.
fn is_open_to_everybody(live: &Live, via: Via) -> bool {
    via.face == Face::Metrics && live.config.metrics.anonymous
}

/// The line that says what was asked and answered; nothing when nobody reads it.
struct Access {
    line: Option<Line>,
}

struct Line {
    request_id: Arc<str>,
    method: Method,
    path: String,
    route: &'static str,
    begun: Instant,
}

impl Access {
    fn begin(
        request_id: &Arc<str>,
        parts: &http::request::Parts,
        route: Route<'_>,
        begun: Instant,
    ) -> Self {
        let is_read = tracing::enabled!(target: "gantry_server::access", tracing::Level::DEBUG);
        let line = is_read.then(|| Line {
            request_id: Arc::clone(request_id),
            method: parts.method.clone(),
            // Without the query: people put tokens there.
            path: parts.uri.path().to_owned(),
            route: route.name(),
            begun,
        });
        Self { line }
    }

    /// Writes the line once the headers of the answer are known; a stream may go on after it.
    fn end(self, response: &Response<ReplyBody>) {
        let Some(line) = self.line else { return };
        gantry_core::log::debug!(
            target: "gantry_server::access",
            request_id = &*line.request_id,
            method = %line.method,
            path = line.path,
            route = line.route,
            status = response.status().as_u16(),
            duration_ms = u64::try_from(line.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            "Answered."
        );
    }
}
