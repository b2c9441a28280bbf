//! Where there are no unix sockets: nobody can be reached, and nobody is told so.

use std::io;
use std::path::Path;
use std::sync::Arc;

use gantry_core::Tasks;
use gantry_gateway::Gateway;

use super::Ends;

pub(crate) fn start(_: &Path, _: &Arc<Gateway>, _: &Tasks) -> io::Result<()> {
    Ok(())
}

pub(crate) fn remove_socket(_: &Path) {}

pub(crate) async fn connect(_: &Path, _: &str) -> io::Result<Option<Ends>> {
    Ok(None)
}
