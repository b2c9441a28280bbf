//! One HTTP/1.1 connection, driven by whoever waits for its answer.
//!
//! hyper splits a connection into a sender and a driver that is meant to run in a task of its own.
//! Here the driver is polled by the task of the request: no task has to be woken to carry a request
//! further, none outlives anything, and dropping the future or the body closes the socket.
//!
//! Invariant: before the driver writes a request it reads, so a connection that the peer has
//! closed meanwhile hands the request back unsent.

use std::future::{Future as _, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use futures_util::task::AtomicWaker;
use http::{Request, Response};
use http_body::{Body as _, Frame};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::runtime;
use tokio::task::coop::unconstrained;

use crate::stream::Stream;

/// A request with its whole body.
pub(crate) type Outgoing = Request<Full<Bytes>>;

type Driver = http1::Connection<TokioIo<Stream>, Full<Bytes>>;

/// An open connection. Dropping it closes the socket.
pub(crate) struct Connection {
    sender: SendRequest<Full<Bytes>>,
    /// Boxed, so that passing a connection around moves a pointer. `None` once it has ended.
    driver: Option<Pin<Box<Driver>>>,
    bell: Arc<Bell>,
    /// The bell as the driver knows it: always the same one, whichever task drives.
    waker: Waker,
    /// Whose reactor watches the socket.
    home: runtime::Id,
}

/// Wakes the task that waits for the connection, and nobody while none does.
///
/// hyper wakes its driver whenever the other half of one of its channels is used. The other halves
/// are used by the task that drives, so without the bell each request would wake its own task, or
/// the one that used the connection before, once or twice for nothing.
///
/// Ordering: `wake` first marks and then looks for a task, a task first attaches and then looks
/// for the mark; so one of the two sees the other.
#[derive(Default)]
struct Bell {
    task: AtomicWaker,
    /// Whether there is something to do since the driver was polled last.
    rung: AtomicBool,
}

// === impl Connection ===

impl Connection {
    pub(crate) async fn open(stream: Stream, max_head: usize) -> hyper::Result<Self> {
        let mut builder = http1::Builder::new();
        builder.max_header_size(max_head);
        let (sender, driver) = builder.handshake(TokioIo::new(stream)).await?;
        let bell = Arc::<Bell>::default();
        let waker = Waker::from(Arc::clone(&bell));
        let home = runtime::Handle::current().id();
        Ok(Self { sender, driver: Some(Box::pin(driver)), bell, waker, home })
    }

    /// Returns the runtime that it was opened in.
    pub(crate) fn home(&self) -> runtime::Id {
        self.home
    }

    /// Sends the request in the slot and waits for the response's headers; the body is read by
    /// [`Self::poll_frame`]. A request that was not begun is put back into the slot.
    pub(crate) async fn exchange(
        &mut self,
        slot: &mut Option<Outgoing>,
    ) -> hyper::Result<Response<Incoming>> {
        let request = slot.take().expect("whoever asks for an exchange has filled the slot");
        self.bell.rung.store(true, Ordering::SeqCst);
        // Only driving brings the answer, so the answer itself need not wake anybody. Nor may it
        // be put off by the task's budget, for then nobody would come back to it.
        let mut answer = pin!(unconstrained(self.sender.try_send_request(request)));
        let outcome = poll_fn(|cx| {
            self.bell.attach(cx);
            self.drive();
            answer.as_mut().poll(&mut Context::from_waker(Waker::noop()))
        })
        .await;
        outcome.map_err(|mut failed| {
            *slot = failed.take_message();
            failed.into_error()
        })
    }

    /// Polls for the next piece of the present response's body.
    pub(crate) fn poll_frame(
        &mut self,
        incoming: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<hyper::Result<Frame<Bytes>>>> {
        let mut nobody = Context::from_waker(Waker::noop());
        // What was read with the headers comes first: often that is the whole body.
        self.bell.detach();
        if let Poll::Ready(frame) = Pin::new(&mut *incoming).poll_frame(&mut nobody) {
            return Poll::Ready(frame);
        }
        self.bell.attach(cx);
        if !self.drive() {
            return Poll::Pending;
        }
        self.bell.detach();
        let frame = Pin::new(incoming).poll_frame(&mut nobody);
        if frame.is_pending() {
            self.bell.attach(cx);
            if self.bell.rung.load(Ordering::SeqCst) {
                // It rang while it was detached, and so woke nobody.
                cx.waker().wake_by_ref();
            }
        }
        frame
    }

    /// Ends an exchange; returns whether another may begin.
    pub(crate) fn settle(&mut self) -> bool {
        self.bell.detach();
        if !self.sender.is_ready() {
            self.drive();
        }
        self.driver.is_some() && self.sender.is_ready()
    }

    /// Reads and writes as much as possible now; returns whether there was anything to do.
    fn drive(&mut self) -> bool {
        if !self.bell.rung.swap(false, Ordering::SeqCst) {
            return false;
        }
        let Some(driver) = &mut self.driver else { return false };
        if driver.as_mut().poll(&mut Context::from_waker(&self.waker)).is_ready() {
            // What went wrong is told to the one who waits for the answer or the body; a request
            // that was not begun is handed back when the driver is dropped.
            self.driver = None;
        }
        true
    }
}

// === impl Bell ===

impl Bell {
    /// Lets the bell wake this task.
    fn attach(&self, cx: &Context<'_>) {
        self.task.register(cx.waker());
    }

    /// Lets the bell wake nobody.
    fn detach(&self) {
        self.task.take();
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rung.store(true, Ordering::SeqCst);
        self.task.wake();
    }
}
