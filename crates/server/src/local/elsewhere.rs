//! Where there are no unix sockets: nobody can be reached, and nobody is told so.

use std::io;
use std::path::Path;
use std::sync::Arc;

use gantry_core::Tasks;

use super::Ends;
use crate::http_stack::Front;

pub(crate) fn start(_: &Path, _: &Arc<Front>, _: &Tasks) -> io::Result<()> {
    Ok(())
}

pub(crate) fn remove_socket(_: &Path) {}

pub(crate) async fn connect(_: &Path, _: &str) -> io::Result<Option<Ends>> {
    Ok(None)
}

pub(crate) async fn connect_http(_: &Path) -> io::Result<Option<Ends>> {
    Ok(None)
}
