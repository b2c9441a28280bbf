//! Those who sign tokens, and whether their keys can be had.

use gantry_core::ErrorCode;
use gantry_server::tokens::issuers;

use super::{Finding, Subject};
use crate::line::Line;

/// Their keys can be fetched from here. Nothing is told where there are none.
pub(super) fn publish_keys(subject: &Subject<'_>) -> Vec<Finding> {
    let Some(config) = subject.config() else { return Vec::new() };
    let asked = Line::new().and_then(|line| line.wait(issuers(config, &subject.env)));
    let found = |(issuer, keys)| match keys {
        Ok(1) => Finding::good(format!("`{issuer}` publishes 1 key")),
        Ok(n) => Finding::good(format!("`{issuer}` publishes {n} keys")),
        Err(reason) => vec![
            Finding::bad(format!("the keys of `{issuer}` cannot be fetched: {reason}"))
                .with_code(Some(ErrorCode::IssuerUnreachable))
                .with_hint("clients with its tokens are answered with 503 until they can"),
        ],
    };
    asked.unwrap_or_default().into_iter().flat_map(found).collect()
}
