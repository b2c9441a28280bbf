//! The socket itself: made, found, guarded.

use std::io;
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::sync::Arc;

use gantry_core::{Principal, Tasks};
use gantry_storage::DataFolder;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader,
};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

use super::Ends;
use crate::accept::serve_user;
use crate::http_stack::Front;

/// Connections at a time; a user has few commands running at once.
const MAX_CONNECTIONS: usize = 64;
/// The longest line that names an endpoint.
const LONGEST_PATH: u64 = 128;
const BUFFER: usize = 64 * 1024;

/// Makes the socket and serves it until `tasks` is told to stop.
pub(crate) fn start(folder: &Path, front: &Arc<Front>, tasks: &Tasks) -> io::Result<()> {
    let listener = bind(folder)?;
    tasks.spawn("local-accept", accept(listener, Arc::clone(front), tasks.clone()));
    Ok(())
}

/// The folder is held by the caller, so a socket that is there was left behind.
fn bind(folder: &Path) -> io::Result<UnixListener> {
    make(&DataFolder::socket_of(folder))
}

/// Makes a socket for this user alone, in the place of whatever is at the path.
pub(crate) fn make(socket: &Path) -> io::Result<UnixListener> {
    // Made under another name, so that nobody can connect before the mode is set.
    let fresh = socket.with_extension("new");
    remove(&fresh)?;
    let listener = short_path(&fresh, |path| UnixListener::bind(path))?;
    set_mode(&fresh)?;
    std::fs::rename(&fresh, socket)?;
    Ok(listener)
}

/// Takes the socket away at the end.
pub(crate) fn remove_socket(folder: &Path) {
    // What is left behind only makes the next command look for nobody.
    let _ = remove(&DataFolder::socket_of(folder));
}

/// Connects to the gateway that runs on a data folder, to speak MCP; `None` if there is none.
///
/// # Errors
/// There is a socket, and it cannot be used.
pub(crate) async fn connect(folder: &Path, view: &str) -> io::Result<Option<Ends>> {
    let Some(mut ends) = connect_http(folder).await? else { return Ok(None) };
    let path = if view.is_empty() { "/mcp\n".to_owned() } else { format!("/mcp/{view}\n") };
    ends.writer.write_all(path.as_bytes()).await?;
    Ok(Some(ends))
}

/// Connects to the gateway that runs on a data folder, to speak HTTP; `None` if there is none.
///
/// # Errors
/// There is a socket, and it cannot be used.
pub(crate) async fn connect_http(folder: &Path) -> io::Result<Option<Ends>> {
    let socket = DataFolder::socket_of(folder);
    let stream = match short_path(&socket, |path| std::os::unix::net::UnixStream::connect(path)) {
        Ok(stream) => stream,
        // Nobody listens any more, or never did.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    stream.set_nonblocking(true)?;
    let stream = UnixStream::from_std(stream)?;
    if !is_same_user(&stream)? {
        let message = "the gateway's socket belongs to a process of another user";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    let (reader, writer) = stream.into_split();
    Ok(Some(Ends { reader: Box::new(reader), writer: Box::new(writer) }))
}

async fn accept(listener: UnixListener, front: Arc<Front>, tasks: Tasks) {
    let permits = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let permit = Arc::clone(&permits).acquire_owned().await;
        let permit = permit.expect("the semaphore is never closed");
        let accepted = tokio::select! {
            () = tasks.stopping().cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                gantry_core::log::warn!(%error, "A connection to the socket could not be accepted.");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
                continue;
            }
        };
        let (front, stopping) = (Arc::clone(&front), tasks.clone());
        tasks.spawn("local-connection", async move {
            let _permit = permit;
            if let Err(error) = serve(stream, front, &stopping).await {
                gantry_core::log::warn!(%error, "A connection to the socket was not served.");
            }
        });
    }
}

async fn serve(stream: UnixStream, front: Arc<Front>, tasks: &Tasks) -> io::Result<()> {
    if !is_same_user(&stream)? {
        let message = "a process of another user connected";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    let (reader, writer) = stream.into_split();
    let mut reader = BufReader::with_capacity(BUFFER, reader);
    // No message and no path begins with a capital; every method of HTTP does.
    if reader.fill_buf().await?.first().is_some_and(u8::is_ascii_uppercase) {
        // The routes, as `server.socket` serves them.
        Box::pin(serve_user(tokio::io::join(reader, writer), front, tasks)).await;
        return Ok(());
    }
    let view = endpoint(&mut reader).await?;
    let principal = Arc::new(Principal::local());
    Box::pin(front.shared.gateway.serve_stream(reader, writer, principal, view)).await;
    Ok(())
}

/// Reads the line that names an endpoint, if the first byte begins one: no message does.
async fn endpoint<R>(reader: &mut R) -> io::Result<Box<str>>
where
    R: AsyncBufRead + Unpin,
{
    if reader.fill_buf().await?.first() != Some(&b'/') {
        return Ok("".into());
    }
    let mut line = Vec::new();
    reader.take(LONGEST_PATH).read_until(b'\n', &mut line).await?;
    let line = std::str::from_utf8(&line).unwrap_or_default().trim_end();
    match line.strip_prefix("/mcp") {
        Some("" | "/") => Ok("".into()),
        Some(rest) if rest.starts_with('/') => Ok(rest.trim_start_matches('/').into()),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "the first line names no endpoint")),
    }
}

/// Tells whether the process at the other end belongs to this user.
pub(crate) fn is_same_user(stream: &UnixStream) -> io::Result<bool> {
    Ok(stream.peer_cred()?.uid() == rustix::process::geteuid().as_raw())
}

fn remove(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn set_mode(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

/// Calls `act` with a path that fits into a socket's address, which has room for 107 bytes: a
/// longer one is named through the open folder.
fn short_path<T>(path: &Path, act: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    const ROOM: usize = 107;
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return act(path) };
    if path.as_os_str().len() <= ROOM || !cfg!(target_os = "linux") {
        return act(path);
    }
    let open = std::fs::File::open(folder)?;
    let through = Path::new("/proc/self/fd").join(open.as_raw_fd().to_string()).join(name);
    act(&through)
}

#[cfg(test)]
mod tests;
