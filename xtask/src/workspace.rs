//! Where things are: the root of the checkout and the folders under `target` that our commands fill.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

/// The checkout, and where cargo builds it.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
    /// Whether nobody sits at the terminal: `CI` is set to something that means yes.
    pub(crate) is_ci: bool,
}

impl Workspace {
    /// Finds the checkout that this binary was built from.
    pub(crate) fn locate() -> anyhow::Result<Self> {
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        let root = own.parent().context("the folder of `xtask` has no parent")?.to_path_buf();
        let target = env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| root.join("target"), |given| root.join(given));
        let is_ci = env::var_os("CI")
            .is_some_and(|value| !matches!(value.to_str(), Some("" | "0" | "false")));
        Ok(Self { root, target, is_ci })
    }

    /// The root of the checkout.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A file or folder of the checkout.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// A file or folder under cargo's target folder.
    pub(crate) fn target(&self, relative: &str) -> PathBuf {
        self.target.join(relative)
    }

    /// The folder of npm packages that the tests use.
    pub(crate) fn node_modules(&self) -> PathBuf {
        self.target("peers/node/node_modules")
    }

    /// A program of the Python environment that the tests use.
    pub(crate) fn python_program(&self, name: &str) -> PathBuf {
        self.target("peers/python/bin").join(name)
    }

    /// Where cargo installs tools for us, out of the way of the developer's own.
    pub(crate) fn tools(&self) -> PathBuf {
        self.target("tools")
    }
}
