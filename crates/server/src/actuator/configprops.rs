//! `GET /actuator/configprops`: the configuration in force, as `gantry config show` writes it:
//! every default included, every secret left out.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::http_stack::Refusal;
use crate::routes::{Asked, json_body, refused};
use crate::shared::Shared;

/// The part in which keys of the top level stand that hold no others.
const TOP: &str = "gantry";

pub(super) async fn all(State(shared): State<Arc<Shared>>) -> Response {
    json_body(StatusCode::OK, &context(&beans(&shared)))
}

/// `GET /actuator/configprops/{prefix}`: one part of the file.
pub(super) async fn one(
    State(shared): State<Arc<Shared>>,
    Extension(asked): Extension<Asked>,
    Path(prefix): Path<String>,
) -> Response {
    let Some(bean) = beans(&shared).remove(&prefix) else {
        let path = format!("/actuator/configprops/{prefix}");
        return refused(Refusal::nothing_at(&path), &asked);
    };
    json_body(StatusCode::OK, &context(&Map::from_iter([(prefix, bean)])))
}

fn context(beans: &Map<String, Value>) -> Value {
    json!({ "contexts": { "gantry": { "beans": beans } } })
}

/// Each key of the top level with what is below it.
fn beans(shared: &Shared) -> Map<String, Value> {
    let mut beans = Map::new();
    let mut top = Map::new();
    if let Value::Object(members) = shared.live.load().config.normalized_json() {
        for (key, value) in members {
            if value.is_object() {
                let bean = json!({ "prefix": key, "properties": value });
                beans.insert(key, bean);
            } else {
                top.insert(key, value);
            }
        }
    }
    beans.insert(TOP.to_owned(), json!({ "prefix": "", "properties": top }));
    beans
}
