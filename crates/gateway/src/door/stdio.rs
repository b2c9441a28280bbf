//! Both eras on one pipe: a message a line, in both directions.
//!
//! Nothing that comes in ends the connection: what cannot be read is answered with an error. When
//! the input ends, open calls are carried out, and what they said is written, before it is over.

mod connection;

use std::sync::Arc;
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use gantry_core::Principal;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::mpsc;

pub(super) use self::connection::{Connection, Eras};
use crate::Gateway;
use crate::hub::Sink;

/// Messages that may wait for a slow reader.
const QUEUE: usize = 256;
/// Bytes written at once.
const WRITE: usize = 64 * 1024;
/// How long to wait for the reader of the last messages.
const LAST_WORDS: Duration = Duration::from_secs(5);

impl Gateway {
    /// Serves one connection until its input ends, its output breaks, or the gateway stops.
    ///
    /// Dropping the future cancels what is open.
    pub async fn serve_stream<R, W>(
        self: &Arc<Self>,
        reader: R,
        writer: W,
        principal: Arc<Principal>,
        view: Box<str>,
    ) where
        R: AsyncRead + Unpin + Send,
        W: AsyncWrite + Unpin + Send,
    {
        let (sink, queue) = Sink::pipe(QUEUE);
        let connection = Connection::new(Arc::clone(self), principal, view, sink, Eras::Both);
        let mut writing = std::pin::pin!(write_lines(writer, queue));
        let written = tokio::select! {
            written = &mut writing => Some(written),
            () = connection.run(reader) => None,
        };
        connection.close().await;
        // The queue ends when nobody is left to send on it.
        drop(connection);
        let written = match written {
            Some(written) => Ok(written),
            None => tokio::time::timeout(LAST_WORDS, writing).await,
        };
        match written {
            Ok(Ok(())) => {}
            Ok(Err(error)) => gantry_core::log::debug!(%error, "The output of a connection broke."),
            Err(_) => gantry_core::log::debug!("The last messages of a connection were not read."),
        }
    }
}

/// Writes messages as lines until nobody can send one any more.
async fn write_lines<W>(mut writer: W, mut queue: mpsc::Receiver<Bytes>) -> std::io::Result<()>
where
    W: AsyncWrite + Unpin,
{
    let mut buffer = BytesMut::new();
    while let Some(message) = queue.recv().await {
        put_line(&mut buffer, &message);
        while buffer.len() < WRITE
            && let Ok(message) = queue.try_recv()
        {
            put_line(&mut buffer, &message);
        }
        writer.write_all(&buffer).await?;
        writer.flush().await?;
        if buffer.capacity() > WRITE {
            buffer = BytesMut::new();
        }
        buffer.clear();
    }
    writer.shutdown().await
}

/// Puts a message on one line. A line end within JSON is white space: in a string it is escaped.
fn put_line(buffer: &mut BytesMut, message: &[u8]) {
    buffer.reserve(message.len() + 1);
    let start = buffer.len();
    buffer.put_slice(message);
    for byte in &mut buffer[start..] {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
    buffer.put_u8(b'\n');
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::put_line;

    #[test]
    fn a_message_of_several_lines_is_written_as_one() {
        let mut buffer = BytesMut::new();
        put_line(&mut buffer, b"{\"a\":\r\n1}");
        put_line(&mut buffer, b"{}");
        assert_eq!(&buffer[..], b"{\"a\":  1}\n{}\n");
    }
}
