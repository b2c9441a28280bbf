//! `cargo xtask dist`: the binary as it is released.
//!
//! A call's way leads through code from all over the binary, and most of what stands around it never runs. So the binary is
//! built twice: first one that counts where it goes, which is put under the benchmark's load, then the one to release, in
//! which what was passed stands together and the rest out of its way (`docs/decisions/0052-profile-guided-releases.md`).
//! At last its code is put in the order in which it runs ([`layout`]).

use std::env;
use std::ffi::OsString;
use std::fs;
use std::hash::{DefaultHasher, Hasher as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::bench::{self, Gateway};
use crate::setup::{self, Scope};
use crate::shell;
use crate::workspace::Workspace;

mod layout;

pub(crate) use layout::has_programs;

/// The programs that merge profiles, the newest first. Older ones than these do not read what our compiler writes.
const NUMBERED: [&str; 4] =
    ["llvm-profdata-22", "llvm-profdata-21", "llvm-profdata-20", "llvm-profdata-19"];

/// What stands between two flags of the compiler.
const FLAGS_SEPARATOR: &str = "\u{1f}";

/// Returns where the binary is, and builds it unless it is there and nothing of what it is made of has changed since.
pub(crate) fn latest(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let released = workspace.target("dist/gantry");
    let sources = workspace.target("dist/released/release/gantry.d");
    let manifests = ["Cargo.toml", "Cargo.lock", "rust-toolchain.toml"];
    let manifests = manifests.map(|name| workspace.path(name));
    if is_newer(&released, &sources, &manifests) {
        return Ok(released);
    }
    println!(
        "building the binary as it is released, which takes about half an hour; `--plain` measures a plain one"
    );
    run(workspace)
}

/// Tells whether a file is newer than some others and than all that cargo names as its sources, in the form of makefiles.
fn is_newer(built: &Path, sources: &Path, others: &[PathBuf]) -> bool {
    let modified = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified()).ok();
    let (Some(built), Ok(text)) = (modified(built), fs::read_to_string(sources)) else {
        return false;
    };
    let Some((_, named)) = text.split_once(": ") else { return false };
    // A space that belongs to a name stands behind a backslash.
    let named = named.trim_end().replace("\\ ", "\0");
    let named = named.split(' ').map(|name| PathBuf::from(name.replace('\0', " ")));
    named.chain(others.iter().cloned()).all(|path| modified(&path).is_some_and(|at| at < built))
}

/// Builds the binary and returns where it is.
pub(crate) fn run(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    setup::run(workspace, Scope::Dist, false)?;
    let merger = merger(workspace)?;
    let folder = workspace.target("dist");
    let counts = folder.join("counts");
    empty(&counts)?;
    println!("1 of 4: a binary that counts where it goes");
    let counting = build(workspace, &folder.join("counting"), "-Cprofile-generate")?;
    println!("2 of 4: load for it");
    let gateway = Gateway { program: counting, counts: Some(counts.clone()) };
    let n_gateways = bench::exercise(workspace, &gateway)?;
    check(workspace, &counts, n_gateways)?;
    let profile = merge(workspace, &merger, &counts)?;
    println!("3 of 4: the binary to release");
    let mut flags = format!("-Cprofile-use={}", profile.display());
    if layout::is_possible() {
        flags.extend([FLAGS_SEPARATOR, layout::LINKED_WITH]);
    }
    let built = build(workspace, &folder.join("released"), &flags)?;
    let released = folder.join("gantry");
    if layout::is_possible() {
        println!("4 of 4: its code in the order in which it runs");
        layout::run(workspace, &built, &folder, &released)?;
    } else {
        println!("4 of 4: nothing, since binaries of this system cannot be laid out anew");
        fs::copy(&built, &released)
            .with_context(|| format!("failed to copy `{}`", built.display()))?;
    }
    println!("the binary to release is `{}`", released.display());
    Ok(released)
}

/// Makes an empty folder.
fn empty(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("failed to empty `{}`", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("failed to create `{}`", folder.display()))
}

/// Builds the gateway with flags for every crate. Both builds are otherwise the same: counts are kept
/// under names in which the units of code are, and whatever has another name has no counts.
fn build(workspace: &Workspace, folder: &Path, flags: &str) -> anyhow::Result<PathBuf> {
    let mut command = shell::cargo(workspace);
    command.args(["build", "--release", "--package", "gantry-cli", "--bin", "gantry"]);
    command.arg("--target-dir").arg(folder);
    // These may hold spaces, and win over flags of the environment, which are not part of a release.
    command.env("CARGO_ENCODED_RUSTFLAGS", flags);
    // Scripts that run while building count as well, and would leave their counts wherever they run.
    command.env("LLVM_PROFILE_FILE", folder.join("of-building.profraw"));
    shell::run(&mut command)?;
    Ok(folder.join("release/gantry"))
}

/// Looks whether each gateway has left its counts: one that had to be killed has none, and what it alone passed would be
/// built as if nobody needed it.
fn check(workspace: &Workspace, counts: &Path, n_gateways: usize) -> anyhow::Result<()> {
    let found = fs::read_dir(counts).map_or(0, Iterator::count);
    if found != n_gateways {
        bail!(
            "{found} of {n_gateways} gateways left their counts in `{}`; do they end in time? their logs are in `{}`",
            counts.display(),
            workspace.target("bench").display()
        );
    }
    Ok(())
}

/// Makes one profile of all counts, under a name that changes with it, so that cargo builds anew.
fn merge(workspace: &Workspace, merger: &Path, counts: &Path) -> anyhow::Result<PathBuf> {
    let merged = counts.join("merged.profdata");
    let mut command = shell::command(workspace, merger);
    command.args(["merge", "--output"]).arg(&merged).arg(counts);
    shell::run(&mut command).context("the counts cannot be merged")?;
    let bytes =
        fs::read(&merged).with_context(|| format!("failed to read `{}`", merged.display()))?;
    let profile = counts.join(profile_name(&bytes));
    fs::rename(&merged, &profile)
        .with_context(|| format!("failed to rename `{}`", merged.display()))?;
    Ok(profile)
}

fn profile_name(bytes: &[u8]) -> String {
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    format!("{:016x}.profdata", hasher.finish())
}

/// Finds the program that merges profiles: the toolchain's own, or one of the system.
fn merger(workspace: &Workspace) -> anyhow::Result<PathBuf> {
    let compiler = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
    let libraries =
        shell::capture(shell::command(workspace, compiler).args(["--print", "target-libdir"]))?;
    let own = Path::new(libraries.trim()).with_file_name("bin").join("llvm-profdata");
    if own.is_file() {
        return Ok(own);
    }
    match NUMBERED.iter().find_map(|name| shell::find_program(workspace, name)) {
        Some(found) => Ok(found),
        None => bail!(
            "no program merges profiles; `rustup component add llvm-tools` brings one, or a package such as `llvm-19`"
        ),
    }
}

/// Whether profiles can be merged here.
pub(crate) fn has_merger(workspace: &Workspace) -> bool {
    merger(workspace).is_ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::time::{Duration, SystemTime};

    use super::{check, is_newer, profile_name};
    use crate::workspace::Workspace;

    #[test]
    fn a_gateway_without_counts_is_told() {
        let workspace = Workspace::locate().unwrap();
        let folder = workspace.target("test-of-counts");
        assert!(check(&workspace, &folder, 1).is_err(), "not even a folder is there");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("one.profraw"), "").unwrap();
        assert!(check(&workspace, &folder, 1).is_ok());
        let told = check(&workspace, &folder, 2).unwrap_err().to_string();
        assert!(told.starts_with("1 of 2 gateways left their counts"), "{told}");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_binary_is_built_anew_once_anything_of_it_has_changed() {
        let folder = Workspace::locate().unwrap().target("test of sources");
        fs::create_dir_all(&folder).unwrap();
        let [built, source, manifest, list] =
            ["built", "source.rs", "Cargo.toml", "built.d"].map(|name| folder.join(name));
        let changed = |path: &Path, seconds| {
            let file =
                fs::File::options().write(true).create(true).truncate(false).open(path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
        };
        let name = source.display().to_string().replace(' ', "\\ ");
        fs::write(&list, format!("built: {name} {name}\n")).unwrap();
        let others = [manifest.clone()];
        assert!(!is_newer(&built, &list, &others), "nothing is there yet");
        for (of_source, of_manifest, expected) in
            [(5, 5, true), (15, 5, false), (5, 15, false), (10, 5, false)]
        {
            changed(&built, 10);
            changed(&source, of_source);
            changed(&manifest, of_manifest);
            assert_eq!(is_newer(&built, &list, &others), expected, "{of_source}, {of_manifest}");
        }
        fs::remove_file(&source).unwrap();
        assert!(!is_newer(&built, &list, &others), "a source is gone");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn another_profile_has_another_name() {
        assert_eq!(profile_name(b"one"), profile_name(b"one"));
        assert_ne!(profile_name(b"one"), profile_name(b"two"));
    }
}
