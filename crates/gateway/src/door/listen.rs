//! `subscriptions/listen`: a modern client's long stream of changes.
//!
//! The acknowledgement says what is honoured, and nothing is sent before it. What then comes is in
//! the [`hub`](crate::hub).

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream;
use gantry_core::{CallContext, ErrorCode};
use gantry_protocol::{Id, Message, RpcError};
use gantry_transport::server::ReplyBody;
use http::Response;

use super::http::Arrival;
use super::reply::{self, coded};
use super::sessions::unknown_view;
use crate::Gateway;
use crate::dispatch::Subscription;
use crate::hub::{Listen, ListenFilter, ListenParts, Sink, Subscriptions, lists_of};
use crate::snapshot::View;

/// URIs that one listen stream may name.
const MAX_RESOURCES: usize = 1000;
/// Subscriptions opened upstream at once for one stream.
const AT_ONCE: usize = 8;

/// Holds a listen stream open; dropped, it ends, upstream too.
#[derive(Debug)]
pub(super) struct OpenListen {
    number: u64,
    taken: Taken,
}

/// Subscriptions that end upstream when this is dropped.
#[derive(Debug)]
struct Taken {
    gateway: Arc<Gateway>,
    subscriptions: Vec<(Box<str>, Subscription)>,
}

/// Serves a listen request that came by POST.
pub(super) async fn post(
    gateway: &Arc<Gateway>,
    arrival: &Arrival,
    context: CallContext,
    message: &Message,
) -> Response<ReplyBody> {
    let Some(id) = message.id() else { return reply::accepted() };
    if !arrival.accepts.events {
        return gateway.refuse(Some(id), &reply::not_acceptable("text/event-stream"));
    }
    let (sink, body) = Sink::events(arrival.keep_alive);
    let view = arrival.origin.view.clone();
    match open(gateway, view, context, message, sink).await {
        Ok(open) => body.holding((open, gateway.count_stream())).into_response(),
        Err(error) => reply::own(arrival.accepts, id, Err(error)),
    }
}

/// Opens a listen stream on a way to the client.
pub(super) async fn open(
    gateway: &Arc<Gateway>,
    view_name: Box<str>,
    context: CallContext,
    message: &Message,
    sink: Sink,
) -> Result<OpenListen, RpcError> {
    let id = message.id().cloned().unwrap_or_else(|| Id::from(0));
    let mut filter = ListenFilter::read(message.param("notifications")).ok_or_else(|| {
        RpcError::invalid_params("`params.notifications` must be an object of what to listen for")
    })?;
    if filter.resources.len() > MAX_RESOURCES {
        let text = format!("a stream can name {MAX_RESOURCES} resources");
        return Err(RpcError::invalid_params(text));
    }
    let view = gateway
        .registry
        .view_for(&view_name, &context, false)
        .await
        .ok_or_else(|| unknown_view(&view_name).error)?;
    let wanted = std::mem::take(&mut filter.resources);
    // Dropped on the way out, whatever the reason, it takes the subscriptions back.
    let mut taken = Taken { gateway: Arc::clone(gateway), subscriptions: Vec::new() };
    taken.subscribe(&view, &context, wanted).await;
    filter.resources = taken.subscriptions.iter().map(|(uri, _)| uri.to_string()).collect();
    let subscriptions: Subscriptions = taken.subscriptions.as_slice().into();
    let listen = Listen::new(ListenParts {
        id,
        view: view_name,
        context,
        filter,
        subscriptions,
        sink,
        lists: lists_of(&view),
    });
    let open = OpenListen { number: listen.number, taken };
    if gateway.hub.add_listen(listen) {
        Ok(open)
    } else {
        Err(coded(ErrorCode::Overloaded, "too many listen streams are open; close some").error)
    }
}

impl Taken {
    /// Subscribes to what can be; the rest is not honoured.
    async fn subscribe(&mut self, view: &View, context: &CallContext, uris: Vec<String>) {
        let gateway = Arc::clone(&self.gateway);
        let mut outcomes = stream::iter(uris)
            .map(async |uri: String| {
                let outcome = crate::dispatch::subscribe(&gateway, view, context, &uri).await;
                (uri, outcome)
            })
            .buffered(AT_ONCE);
        while let Some((uri, outcome)) = outcomes.next().await {
            match outcome {
                Ok(subscription) => self.subscriptions.push((uri.into(), subscription)),
                Err(error) => {
                    gantry_core::log::debug!(%uri, %error, "A resource is not honoured in a listen stream.");
                }
            }
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let subscriptions = std::mem::take(&mut self.subscriptions);
        if subscriptions.is_empty() {
            return;
        }
        let gateway = Arc::clone(&self.gateway);
        self.gateway.tasks.spawn("end-listen", async move {
            for (uri, subscription) in subscriptions {
                crate::dispatch::unsubscribe(&gateway, &subscription, &uri).await;
            }
        });
    }
}

impl OpenListen {
    /// Lets the stream hear what the server of its endpoint logs, too.
    pub(super) fn hear_log(&self) {
        self.taken.gateway.hub.hear_log(self.number);
    }

    /// Ends the stream with the result of its request.
    pub(super) fn conclude(&self) {
        self.taken.gateway.hub.conclude_listen(self.number);
    }
}

impl Drop for OpenListen {
    fn drop(&mut self) {
        self.taken.gateway.hub.remove_listen(self.number);
    }
}
