//! Somebody who follows a page: a folder, a gateway that serves there, and a shell.

use std::{ffi::OsString, os::unix::fs::PermissionsExt as _, path::PathBuf, time::Duration};

use tempfile::TempDir;

use crate::support::{
    gantry::{Gantry, Setup},
    node, process,
    wait::eventually,
};

/// How long a block may take.
pub(super) const COMMAND: Duration = Duration::from_mins(1);

/// Where a gateway listens by default, and so in every page.
const DEFAULT: &str = "127.0.0.1:8080";

/// How the gateway is run before it is installed. `cargo xtask smoke` tries that; here it is run
/// as it was built.
const BY_CARGO: &str = "cargo run --release -- ";

/// One page, followed from its first block on.
pub(super) struct Lesson {
    gantry: Gantry,
    /// Programs that the page takes for installed.
    programs: TempDir,
}

impl Lesson {
    /// Starts a gateway without configuration.
    pub(super) async fn begin() -> Self {
        let programs = tempfile::Builder::new().prefix("gantry-").tempdir();
        let programs = programs.expect("a temporary folder can be made");
        let gantry = env!("CARGO_BIN_EXE_gantry");
        std::os::unix::fs::symlink(gantry, programs.path().join("gantry"))
            .expect("a link can be made in one's own folder");
        let npx = programs.path().join("npx");
        std::fs::write(&npx, npx_script()).expect("a file can be written in one's own folder");
        std::fs::set_permissions(&npx, std::fs::Permissions::from_mode(0o755))
            .expect("a file of one's own can be made a program");
        let path = path_with(&programs);
        let gantry = Setup::new("").variable("PATH", path).start().await;
        let folder = folder_of(&gantry);
        // Where a gateway keeps its data if nothing else is said.
        std::os::unix::fs::symlink(folder.join("data"), folder.join("gantry-data"))
            .expect("a link can be made in one's own folder");
        Self { gantry, programs }
    }

    /// Runs a block, and waits as a reader would until what it changed has come into force.
    pub(super) async fn run(&mut self, place: &str, script: &str) {
        let file = self.gantry.config();
        let before = std::fs::read_to_string(&file).unwrap_or_default();
        let reloads = self.reloads();
        let address = self.gantry.url("").replace("http://", "");
        let script = script.replace(DEFAULT, &address).replace(BY_CARGO, "gantry ");
        let mut command = process::command("sh");
        // A failure anywhere fails the block.
        command.args(["-e", "-c", &script]).current_dir(folder_of(&self.gantry));
        command.env("PATH", path_with(&self.programs)).env("HOME", folder_of(&self.gantry));
        let finished = process::run(command, COMMAND).await;
        let finished = finished.unwrap_or_else(|reason| panic!("{place}: {reason}"));
        assert!(finished.status.success(), "{place}: {finished}\n{}", self.gantry.log());
        if std::fs::read_to_string(&file).unwrap_or_default() == before {
            return;
        }
        eventually("the changed configuration", async || (self.reloads() > reloads).then_some(()))
            .await;
        eventually("every server to be started", async || {
            let listed = self.gantry.run(&["servers", "list", "--format", "json"]).await;
            (!listed.stdout.contains("\"starting\"")).then_some(())
        })
        .await;
    }

    /// How often a configuration was taken up or refused.
    fn reloads(&self) -> usize {
        self.gantry.log().matches("gantry_server::reload").count()
    }
}

fn folder_of(gantry: &Gantry) -> PathBuf {
    let file = gantry.config();
    file.parent().expect("a file is in a folder").to_owned()
}

fn path_with(programs: &TempDir) -> OsString {
    let mut path = OsString::from(programs.path());
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    path
}

/// `npx -y PACKAGE ARGUMENTS...` for the packages that are installed already.
fn npx_script() -> String {
    format!(
        "#!/bin/sh\n[ \"$1\" = -y ] || exit 2\npackage=$2\nshift 2\nexec '{}' '{}'/\"$package\"/dist/index.js \"$@\"\n",
        node::node().display(),
        node::modules().display()
    )
}
