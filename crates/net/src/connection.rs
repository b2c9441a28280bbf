//! One HTTP/1.1 connection, driven by whoever waits for its answer.
//!
//! hyper splits a connection into a sender and a driver that is meant to run in a task of its own.
//! Here the driver is polled by the task of the request: that saves two wake-ups a request, no
//! task outlives anything, and dropping the future or the body closes the socket.
//!
//! Invariant: before the driver writes a request it reads, so a connection that the peer has
//! closed meanwhile hands the request back unsent.

use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::TrySendError;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;

use crate::stream::Stream;

/// A request with its whole body.
pub(crate) type Outgoing = Request<Full<Bytes>>;

type Driver = http1::Connection<TokioIo<Stream>, Full<Bytes>>;

/// An open connection. Dropping it closes the socket.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// Boxed, so that passing a connection around moves a pointer. `None` once it has ended.
    driver: Option<Pin<Box<Driver>>>,
}

impl Connection {
    pub(crate) async fn open(stream: Stream, max_head: usize) -> hyper::Result<Self> {
        let mut builder = http1::Builder::new();
        builder.max_header_size(max_head);
        let (sender, driver) = builder.handshake(TokioIo::new(stream)).await?;
        Ok(Self { sender, driver: Some(Box::pin(driver)) })
    }

    /// Sends a request and waits for the response's headers. The body needs [`Self::drive`].
    pub(crate) async fn exchange(
        &mut self,
        request: Outgoing,
    ) -> Result<Response<Incoming>, TrySendError<Outgoing>> {
        let mut answer = pin!(self.sender.try_send_request(request));
        let driver = &mut self.driver;
        poll_fn(|cx| {
            drive(driver, cx);
            answer.as_mut().poll(cx)
        })
        .await
    }

    /// Reads and writes as much as possible now.
    pub(crate) fn drive(&mut self, cx: &mut Context<'_>) {
        drive(&mut self.driver, cx);
    }

    /// Returns whether the last exchange is over and another may begin.
    pub(crate) fn settle(&mut self) -> bool {
        // Nobody is to be woken by an idle connection: it is polled again when it is used.
        self.drive(&mut Context::from_waker(Waker::noop()));
        self.driver.is_some() && self.sender.is_ready()
    }
}

fn drive(driver: &mut Option<Pin<Box<Driver>>>, cx: &mut Context<'_>) {
    let ended = driver.as_mut().is_some_and(|driver| driver.as_mut().poll(cx).is_ready());
    if ended {
        // What went wrong is told to the one who waits for the answer or the body; a request that
        // was not begun is handed back when the driver is dropped.
        *driver = None;
    }
}
