//! The shim's end of the control socket: the order comes in, with the child's pipes, and reports go out.

use std::{
    io::{self, IoSliceMut, Write as _},
    mem::MaybeUninit,
    os::fd::{BorrowedFd, OwnedFd},
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, recv, recvmsg, send,
};

use crate::wire::{Order, Report};

/// The child's ends of its pipes. Whoever holds them after the start keeps the gateway from seeing their end.
#[derive(Debug)]
pub(super) struct Pipes {
    pub(super) stdin: OwnedFd,
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
}

/// Takes the order and the pipes out of the control socket.
pub(super) fn receive(control: BorrowedFd<'_>) -> io::Result<(Order, Pipes)> {
    let mut byte = [0];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    recvmsg(control, &mut [IoSliceMut::new(&mut byte)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;

    let mut descriptors = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
        _ => None,
    });
    let mut descriptors = descriptors.next().into_iter().flatten();
    let mut next = || {
        descriptors.next().ok_or_else(|| io::Error::other("the gateway passed too few descriptors"))
    };
    let (order, pipes) = (next()?, Pipes { stdin: next()?, stdout: next()?, stderr: next()? });
    Ok((read_order(&order)?, pipes))
}

fn read_order(file: &OwnedFd) -> io::Result<Order> {
    let length = usize::try_from(rustix::fs::fstat(file)?.st_size).unwrap_or(0);
    let mut bytes = vec![0; length];
    let mut n_read = 0;
    // At offsets of our own: the one of the file is the gateway's and stands at the end.
    while let Some(rest @ [_, ..]) = bytes.get_mut(n_read..) {
        match rustix::io::pread(file, rest, n_read as u64)? {
            0 => break,
            n => n_read += n,
        }
    }
    Order::decode(&bytes)
}

/// Says whether the gateway has gone or changed its mind since it gave the order. It may still do so later; this spares
/// a child that nobody waits for.
pub(super) fn is_withdrawn(control: BorrowedFd<'_>) -> bool {
    let mut byte = [0];
    matches!(recv(control, &mut byte, RecvFlags::PEEK | RecvFlags::DONTWAIT), Ok((_, 0)))
}

/// Tells the gateway; if it is no more, nobody needs to know.
pub(super) fn report(control: BorrowedFd<'_>, report: &Report) {
    let bytes = report.encode();
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        match send(control, rest, SendFlags::NOSIGNAL) {
            Ok(n_sent) => rest = rest.get(n_sent..).unwrap_or_default(),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

/// Says why there is no shim, to the person who called this by hand or to the child's stderr.
pub(super) fn complain(error: &io::Error) {
    // A failure to write this has nowhere to go.
    let _ = writeln!(
        io::stderr(),
        "this command is for the gateway itself, which starts children with it: {error}"
    );
}
