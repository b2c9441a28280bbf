//! Schemas of arguments and answers, made from their types.

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::Value;

/// Returns the schema of arguments: JSON Schema 2020-12, whole in itself.
pub(crate) fn input<T: JsonSchema>() -> Value {
    make::<T>(SchemaSettings::draft2020_12().for_deserialize())
}

/// Returns the schema of an answer.
pub(crate) fn output<T: JsonSchema>() -> Value {
    make::<T>(SchemaSettings::draft2020_12().for_serialize())
}

fn make<T: JsonSchema>(settings: SchemaSettings) -> Value {
    let settings = settings.with(|settings| {
        // 2020-12 is what MCP presumes.
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    });
    let mut schema = settings.with_transform(Plain).into_generator().into_root_schema_for::<T>();
    // The type's name is nothing to a client, and its comment is about the code.
    schema.remove("title");
    schema.remove("description");
    schema.to_value()
}

/// Takes away what validators do not know: `double`, `uint32` and the like are formats of `OpenAPI`.
#[derive(Debug, Clone, Copy)]
struct Plain;

impl Transform for Plain {
    fn transform(&mut self, schema: &mut Schema) {
        schema.remove("format");
        transform_subschemas(self, schema);
    }
}
