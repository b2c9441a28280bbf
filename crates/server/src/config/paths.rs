//! `health.path` and `metrics.path`: further names of two routes, checked.

use super::check::Checker;
use super::path::Path;
use super::raw;
use crate::http_stack::Route;

/// Longer ones are a mistake.
const LONGEST: usize = 200;
const HEALTH: &str = "/health";
const METRICS: &str = "/metrics";

/// The further paths of two routes; each may be the route's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Answered like `/health`.
    pub health: String,
    /// Answered like `/metrics`.
    pub metrics: String,
}

impl Paths {
    /// Returns the route's own path if `path` is a further one.
    pub(crate) fn own(&self, path: &str) -> Option<&'static str> {
        if path == self.health {
            Some(HEALTH)
        } else if path == self.metrics {
            Some(METRICS)
        } else {
            None
        }
    }
}

/// Checks both.
pub(crate) fn check(
    health: &raw::Health,
    metrics: &raw::Metrics,
    checker: &mut Checker<'_>,
) -> Paths {
    let root = Path::root();
    let (at_health, at_metrics) = (root.key("health").key("path"), root.key("metrics").key("path"));
    check_one(&health.path, HEALTH, &at_health, checker);
    check_one(&metrics.path, METRICS, &at_metrics, checker);
    if health.path == metrics.path {
        let message = format!("`{at_metrics}` and `{at_health}` are both `{}`", metrics.path);
        checker.conflict(&at_metrics, message, Some("give each a path of its own"));
    }
    Paths { health: health.path.clone(), metrics: metrics.path.clone() }
}

fn check_one(written: &str, own: &str, path: &Path, checker: &mut Checker<'_>) {
    if !is_path(written) {
        let expected = "a path such as `/healthz`: a slash, then letters, digits and `/_.~-`";
        checker.invalid(path, written, expected);
    } else if written != own && Route::of(written) != Route::Unknown {
        let hint = format!("`{own}` is always served; take a path that nothing else has");
        let message = format!("`{path}` is `{written}`, which is another route's");
        checker.conflict(path, message, Some(&hint));
    }
}

fn is_path(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/_.~-".contains(&byte);
    text.starts_with('/')
        && text.len() <= LONGEST
        && text.bytes().all(is_plain)
        // What would be taken for another path by whoever tidies paths up on the way.
        && text.split('/').skip(1).all(|step| !matches!(step, "" | "." | ".."))
}
