//! Remembers which manifests an installed folder was made from.
//!
//! The stamp is written last, so that an installation that broke off is done again.

use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash as _, Hasher as _};
use std::path::Path;

use anyhow::Context as _;

use crate::workspace::Workspace;

/// The file in an installed folder that holds the fingerprint.
const FILE: &str = ".gantry-stamp";

/// The fingerprint of some files of the checkout.
///
/// It may differ between Rust releases; the worst that follows is one more installation.
pub(super) fn fingerprint(workspace: &Workspace, manifests: &[&str]) -> anyhow::Result<String> {
    let mut hasher = DefaultHasher::new();
    for manifest in manifests {
        let content = fs::read(workspace.path(manifest))
            .with_context(|| format!("failed to read `{manifest}`"))?;
        content.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

/// Whether `folder` was installed from manifests with this fingerprint.
pub(super) fn matches(folder: &Path, fingerprint: &str) -> bool {
    fs::read_to_string(folder.join(FILE)).is_ok_and(|found| found == fingerprint)
}

/// Marks `folder` as completely installed.
pub(super) fn write(folder: &Path, fingerprint: &str) -> anyhow::Result<()> {
    let path = folder.join(FILE);
    fs::write(&path, fingerprint).with_context(|| format!("failed to write `{}`", path.display()))
}
