//! What a request passes on its way to a provider: one function, one line a layer, outermost
//! first. This is the only place where that order is decided.

use std::sync::Arc;
use std::time::Duration;

use gantry_core::{CallContext, Outcome, ProviderError, Request};
use gantry_policy::hooks::Secrecy;
use gantry_protocol::{Message, method};
use tokio::time::Instant;
use tracing::Level;

use crate::Gateway;
use crate::governance::access::{self, Decided};
use crate::governance::audit::Call;
use crate::governance::traffic::{Looked, Rules, SeenLink};
use crate::governance::{audit, hooks, validation};
use crate::metrics::{ToolMeter, method_label, outcome};
use crate::snapshot::Target;
use crate::tap::{Pending, Whose};
use crate::traces;

/// Pause before the one repetition of a request that surely did not run.
const RETRY_PAUSE: Duration = Duration::from_millis(50);

/// Runs a request through the stack.
pub(super) async fn run(
    gateway: &Gateway,
    call: Call<'_>,
    request: Request,
) -> Result<Outcome, ProviderError> {
    let Call { target, context, .. } = call;
    // One look at the clock at each end, for all that measures.
    let begun = Instant::now();
    // Outermost: what is refused or cancelled below has its entry too, and what cannot have one does
    // not run.
    let audited = audit::begin(gateway, call, begun)?;
    // Around the rest, so that whatever is refused below is counted and logged as well.
    let record = Record::start(gateway, target, &request);
    // Around the attempts, which are one request to whoever reads the trace: its span is what the
    // server is told to be part of.
    let traced = traces::ask(context, target, &request);
    let inner = traced.as_ref().unwrap_or(context);
    // And around them for whoever watches, who sees a repeated request once.
    let seen = Seen::request(gateway, target, inner, &request);
    // What the lists could not decide, because it depends on the arguments. Inside of all that
    // counts and shows, so that a refusal is seen; before anything that costs a server something.
    // Where a person has to agree, the wait for them counts as part of the call.
    let inner = seen.context(inner);
    let outcome = match access::authorise(gateway, target, inner, request, &audited).await {
        Ok(Decided::Go(request)) => hooked((gateway, &audited), target, inner, request).await,
        Ok(Decided::Approved(request, binding)) => {
            let outcome = hooked((gateway, &audited), target, inner, request).await;
            outcome.and_then(|outcome| binding.carry(gateway, outcome))
        }
        Ok(Decided::Asks(outcome)) => Ok(outcome),
        Err(refusal) => Err(refusal),
    };
    // Whoever asked, the server or the policy: the request that answers is part of this one.
    gateway.traffic.answered(context, &outcome);
    traces::answered(context, traced.as_ref(), &outcome);
    let ended = Instant::now();
    record.finish(context, &outcome, ended - begun);
    seen.finish(&outcome);
    audited.finish(outcome, ended).await
}

/// What an operator lets look at calls and results: inside of what is allowed, and around all that
/// counts or keeps anything. What a hook refuses uses up no limit, and a kept answer is what the server
/// said, looked at anew for each caller.
async fn hooked(
    (gateway, audited): (&Gateway, &audit::Recorded<'_>),
    target: &Target<'_>,
    context: &CallContext,
    request: Request,
) -> Result<Outcome, ProviderError> {
    let carry = |request| permitted(gateway, target, context, request);
    hooks::around((gateway, audited), target, context, request, carry).await
}

/// What decides whether the request is carried out, and how often.
async fn permitted(
    gateway: &Gateway,
    target: &Target<'_>,
    context: &CallContext,
    request: Request,
) -> Result<Outcome, ProviderError> {
    // Before the limits: what the tool does not take is no call of it.
    if let Some(refused) = validation::refuse(target, &request) {
        return Ok(refused);
    }
    // Limits of tools: first, because a call counts wherever its answer comes from. Those of callers
    // were asked at the door.
    gateway.traffic.admit_tool(target, context, &request)?;
    // Everything else is there only for calls that something is said of.
    match gateway.traffic.rules(target, &request) {
        None => with_one_retry(target, context, request).await,
        // Behind a pointer, so that what is rare makes no future larger.
        Some(rules) => Box::pin(governed(Arc::new(rules), context, request)).await,
    }
}

/// A call that something is said of.
async fn governed(
    rules: Arc<Rules>,
    context: &CallContext,
    mut request: Request,
) -> Result<Outcome, ProviderError> {
    // The time limit of one attempt: progress renews it, and it stands still while a person is asked.
    request.timeout = rules.timeout();
    // Kept answers: above all that protects the server, which they cost nothing; and one call for
    // everybody who asks for the same, so that what is below sees it once.
    let looked = rules.look(context, &request, |context| {
        let (rules, request) = (Arc::clone(&rules), request.clone());
        async move { protected(&rules, &context, request).await }
    });
    match looked {
        Looked::Found(outcome) => Ok(outcome),
        Looked::Flying(flight) => match flight.landed().await {
            Some(outcome) => outcome,
            None => protected(&rules, context, request).await,
        },
        Looked::Hinted(hinted) => {
            let outcome = protected(&rules, context, request).await;
            rules.keep(&hinted, &outcome);
            outcome
        }
        Looked::Nothing => protected(&rules, context, request).await,
    }
}

/// What protects a server from too many calls, and calls from a server that fails.
async fn protected(
    rules: &Rules,
    context: &CallContext,
    request: Request,
) -> Result<Outcome, ProviderError> {
    // Room: around the attempts, which are one call to whoever waits.
    let _places = rules.places().await?;
    // Repetition: around the breaker, which counts each attempt, and stops a call that goes on.
    let (seen, context) = SeenLink::around(context);
    let mut attempts = rules.attempts();
    let mut last = None;
    loop {
        // Breaker: innermost, because it is about what the server does with an attempt. Who is
        // stopped between two of them learns what became of the one before.
        let passage = match rules.breaker() {
            Ok(passage) => passage,
            Err(refused) => return last.unwrap_or(Err(refused)),
        };
        let provider = rules.provider();
        let outcome = provider.handle(&context, request.clone()).await;
        if let Some(passage) = passage {
            passage.settle(&outcome);
        }
        if !attempts.again(provider, (&request, rules.local()), &seen, &outcome).await {
            return outcome;
        }
        rules.repeated();
        last = Some(outcome);
    }
}

/// What holds for every call: only what was surely not carried out is sent again, and only once.
async fn with_one_retry(
    target: &Target<'_>,
    context: &CallContext,
    request: Request,
) -> Result<Outcome, ProviderError> {
    let provider = &target.server.provider;
    // The second try wants the request again; a clone shares the bytes.
    let first = provider.handle(context, request.clone()).await;
    match first {
        Err(ProviderError::Unavailable {
            unsent: true,
            reason: "upstream_lost" | "upstream_unreachable" | "session_gone",
            ..
        }) => {
            tokio::time::sleep(RETRY_PAUSE).await;
            provider.handle(context, request).await
        }
        outcome => outcome,
    }
}

/// The target of the line for each request to a server.
const REQUESTS: &str = "gantry_gateway::requests";

/// One request as whoever watches the tap sees it; nothing if nobody does.
struct Seen(Option<Box<(Pending, CallContext)>>);

impl Seen {
    fn request(
        gateway: &Gateway,
        target: &Target<'_>,
        context: &CallContext,
        request: &Request,
    ) -> Self {
        let (tap, server) = (&gateway.tap, &target.server.name);
        let whose = Whose::of(context).with(target.secrecy());
        let pending = tap.to_upstream(whose, &request.message, server, &target.local);
        // A question of the gateway's own repeats the arguments.
        let is_secret = target.secrecy() != Secrecy::default();
        let watched = || tap.watched(context, server, is_secret);
        Self(pending.map(|pending| Box::new((pending, watched()))))
    }

    /// Returns the context under which the request is carried out.
    fn context<'a>(&'a self, unseen: &'a CallContext) -> &'a CallContext {
        self.0.as_deref().map_or(unseen, |(_, context)| context)
    }

    fn finish(self, outcome: &Result<Outcome, ProviderError>) {
        if let Some(seen) = self.0 {
            seen.0.ended(outcome, outcome_label(outcome));
        }
    }
}

/// One request in metrics and logs.
struct Record<'a> {
    gateway: &'a Gateway,
    target: &'a Target<'a>,
    /// Known to the snapshot, so that a client cannot make series.
    tool: Option<&'a ToolMeter>,
    method: &'static str,
}

impl<'a> Record<'a> {
    fn start(gateway: &'a Gateway, target: &'a Target<'_>, request: &Request) -> Self {
        let method = request.message.method();
        say_the_request(target, method);
        Self {
            gateway,
            target,
            tool: target.meter.filter(|_| method == method::TOOLS_CALL),
            method: method_label(method),
        }
    }

    fn finish(
        &self,
        context: &CallContext,
        outcome: &Result<Outcome, ProviderError>,
        elapsed: Duration,
    ) {
        let outcome = outcome_label(outcome);
        let (metrics, server) = (&self.gateway.metrics, self.target.server);
        server.meters.ended(metrics, &server.name, (self.method, outcome), elapsed);
        if let Some(tool) = self.tool {
            tool.ended(metrics, (&server.name, &self.target.local), outcome);
        }
        gantry_core::log::debug!(
            request_id = %context.request_id,
            principal = %context.principal.subject,
            upstream = &*server.name,
            tool = self.tool.map(|_| &*self.target.local),
            method = self.method,
            outcome,
            duration_ms = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            "A request was carried out."
        );
    }
}

/// The line that filters for logs of MCP clients look for, on a target of its own. It has its
/// words from the snapshot and from the protocol; no client makes them.
fn say_the_request(target: &Target<'_>, method: &str) {
    if target.server.upstream.is_none() || !tracing::enabled!(target: REQUESTS, Level::DEBUG) {
        return;
    }
    let server = &target.server.name;
    match method {
        method::TOOLS_CALL | method::PROMPTS_GET => {
            let name = &target.local;
            gantry_core::log::debug!(target: REQUESTS, "MCP request to server {server}: {method} {name}");
        }
        method => {
            let method = method_label(method);
            gantry_core::log::debug!(target: REQUESTS, "MCP request to server {server}: {method}");
        }
    }
}

fn outcome_label(result: &Result<Outcome, ProviderError>) -> &'static str {
    match result {
        Ok(Outcome::Complete(result)) if is_tool_error(&result.message) => outcome::TOOL_ERROR,
        Ok(Outcome::Complete(_)) => outcome::OK,
        Ok(Outcome::NeedsInput(_)) => outcome::INPUT_REQUIRED,
        Err(ProviderError::Answered { .. } | ProviderError::Refused(_)) => outcome::ERROR,
        Err(ProviderError::Unavailable { .. }) => outcome::UNAVAILABLE,
        Err(ProviderError::TimedOut { .. }) => outcome::TIMEOUT,
        Err(ProviderError::Cancelled) => outcome::CANCELLED,
    }
}

fn is_tool_error(answer: &Message) -> bool {
    answer.result_member("isError") == Some(b"true")
}
