//! What Spring Boot's actuator tells of an application, for probes, scripts and dashboards that ask
//! in its way: health with its groups, information, metrics by name, the configuration.
//!
//! The shapes are Spring Boot's; the answers are true of this gateway. Who may ask what is decided
//! by `http_stack`; `/actuator/prometheus` is `/metrics` and is answered in `routes`.

mod configprops;
mod health;
mod info;
mod meters;

use std::sync::Arc;

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::StatusCode;
use serde_json::{Value, json};

use crate::routes::json_body;
use crate::shared::Shared;

/// What there is, and where; the second path has parts that the caller fills in.
const LINKS: [(&str, &str); 9] = [
    ("self", "/actuator"),
    ("health", "/actuator/health"),
    ("health-path", "/actuator/health/{*path}"),
    ("info", "/actuator/info"),
    ("metrics", "/actuator/metrics"),
    ("metrics-requiredMetricName", "/actuator/metrics/{requiredMetricName}"),
    ("prometheus", "/actuator/prometheus"),
    ("configprops", "/actuator/configprops"),
    ("configprops-prefix", "/actuator/configprops/{prefix}"),
];

/// Makes the routes.
pub(crate) fn router() -> Router<Arc<Shared>> {
    Router::new()
        .route("/actuator", get(links))
        .route("/actuator/", get(links))
        .route("/actuator/health", get(health::whole))
        .route("/actuator/health/{*path}", get(health::part))
        .route("/actuator/info", get(info::info))
        .route("/actuator/metrics", get(meters::names))
        .route("/actuator/metrics/{name}", get(meters::one))
        .route("/actuator/configprops", get(configprops::all))
        .route("/actuator/configprops/{prefix}", get(configprops::one))
}

/// `GET /actuator`: paths rather than addresses, because only the caller knows by which name it came.
async fn links() -> Response {
    let link = |(name, href): (&str, &str)| {
        (name.to_owned(), json!({ "href": href, "templated": href.contains('{') }))
    };
    let links: serde_json::Map<String, Value> = LINKS.into_iter().map(link).collect();
    json_body(StatusCode::OK, &json!({ "_links": links }))
}
