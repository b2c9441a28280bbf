//! A child process that hands its pipes to a test: what comes on stdin goes to a socket, and what
//! comes from the socket goes to stdout, to the byte. The test is the server then, and sees what a
//! child sees. It shares no code with Gantry.
//!
//! ```text
//! relay_stdio 127.0.0.1:PORT
//! ```

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    process::ExitCode,
    thread,
};

fn main() -> ExitCode {
    let address = std::env::args().nth(1).unwrap_or_default();
    let Ok(socket) = TcpStream::connect(address) else { return ExitCode::FAILURE };
    let Ok(inward) = socket.try_clone() else { return ExitCode::FAILURE };
    let outward = thread::spawn(move || copy(inward, std::io::stdout()));
    copy(std::io::stdin(), &socket);
    // The test closes its side when it has said everything.
    let _ = socket.shutdown(Shutdown::Write);
    let _ = outward.join();
    ExitCode::SUCCESS
}

/// Copies pieces as they come, until either side ends.
fn copy(mut from: impl Read, mut to: impl Write) {
    let mut piece = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from.read(&mut piece) {
        if to.write_all(&piece[..length]).and_then(|()| to.flush()).is_err() {
            return;
        }
    }
}
