//! The last step of a release: the code that runs is put together, in the order in which it runs.
//!
//! The compiler orders code within its functions only. LLVM's BOLT takes the finished binary apart: it counts in a copy
//! which blocks and calls run under the benchmark's loads, moves these out into pages of their own, and leaves everything
//! else where it is (`docs/decisions/0055-releases-are-laid-out.md`).

use std::env::consts::OS;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::bench::{self, Gateway};
use crate::shell;
use crate::workspace::Workspace;

/// The programs that take binaries apart, the newest first, and of each the one that merges its counts.
const PROGRAMS: [(&str, &str); 5] = [
    ("llvm-bolt", "merge-fdata"),
    ("llvm-bolt-22", "merge-fdata-22"),
    ("llvm-bolt-21", "merge-fdata-21"),
    ("llvm-bolt-20", "merge-fdata-20"),
    ("llvm-bolt-19", "merge-fdata-19"),
];

/// What is done to the binary. It keeps its line numbers; and the header that keeps its stack from being executed, of which
/// BOLT can make use for itself.
const HOW: [&str; 7] = [
    "-reorder-blocks=ext-tsp",
    "-reorder-functions=hfsort+",
    "-split-functions",
    "-split-all-cold",
    "-split-eh",
    "-icf=1",
    "-update-debug-sections",
];

/// What the linker has to leave in the binary for it.
pub(super) const LINKED_WITH: &str = "-Clink-arg=-Wl,--emit-relocs";

/// The pair of programs.
struct Programs {
    bolt: PathBuf,
    merger: PathBuf,
}

/// Whether binaries of this system can be laid out.
pub(super) fn is_possible() -> bool {
    OS == "linux"
}

/// Whether the programs are here, where they can be used.
pub(crate) fn has_programs(workspace: &Workspace) -> bool {
    !is_possible() || programs(workspace).is_some()
}

/// Lays a binary out anew into `released`; `folder` is for what is needed meanwhile.
pub(super) fn run(
    workspace: &Workspace,
    built: &Path,
    folder: &Path,
    released: &Path,
) -> anyhow::Result<()> {
    let Some(programs) = programs(workspace) else {
        bail!(
            "no program lays out binaries: install LLVM's BOLT 19 or newer, such as Debian's `bolt-19`"
        );
    };
    let counts = folder.join("order");
    super::empty(&counts)?;
    let counting = folder.join("gantry-counting");
    let mut command = shell::command(workspace, &programs.bolt);
    command.arg(built).args(["-instrument", "-instrumentation-file-append-pid", "-o"]);
    command.arg(&counting);
    command.arg(with_path("-instrumentation-file=", &counts.join("counts"))?);
    quietly(&mut command, &folder.join("instrument.log"))?;
    let gateway = Gateway { program: counting, counts: None };
    let n_gateways = bench::exercise(workspace, &gateway)?;
    super::check(workspace, &counts, n_gateways)?;

    let merged = folder.join("order.fdata");
    let mut command = shell::command(workspace, &programs.merger);
    for entry in fs::read_dir(&counts).context("the counts cannot be listed")? {
        command.arg(entry.context("the counts cannot be listed")?.path());
    }
    command.arg("-o").arg(&merged);
    quietly(&mut command, &folder.join("merge.log"))?;
    let mut command = shell::command(workspace, &programs.bolt);
    command.arg(built).arg("-o").arg(released).args(HOW).arg(with_path("-data=", &merged)?);
    quietly(&mut command, &folder.join("layout.log"))
}

/// An option of BOLT and its path in one argument.
fn with_path(option: &str, path: &Path) -> anyhow::Result<String> {
    let path = path.to_str().with_context(|| format!("`{}` is not UTF-8", path.display()))?;
    Ok(format!("{option}{path}"))
}

/// Runs a program that says more than anybody reads into a log.
fn quietly(command: &mut std::process::Command, log: &Path) -> anyhow::Result<()> {
    let file =
        File::create(log).with_context(|| format!("failed to create `{}`", log.display()))?;
    let both = file.try_clone().context("a handle cannot be copied")?;
    shell::run(command.stdout(file).stderr(both))
        .with_context(|| format!("what it said is in `{}`", log.display()))
}

fn programs(workspace: &Workspace) -> Option<Programs> {
    // BOLT looks for a library of its own beside itself, and Debian's is found by a link from elsewhere.
    let find = |name| shell::find_program(workspace, name)?.canonicalize().ok();
    PROGRAMS
        .iter()
        .find_map(|(bolt, merger)| Some(Programs { bolt: find(bolt)?, merger: find(merger)? }))
}
