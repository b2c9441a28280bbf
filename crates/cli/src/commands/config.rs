//! `gantry config`: shows what was understood, or the schema.

use gantry_server::config::json_schema;

use crate::cli::{ConfigCommand, ConfigFormat};
use crate::failure::Failure;
use crate::output;
use crate::place::Place;

pub(crate) fn run(place: &Place, command: &ConfigCommand) -> Result<(), Failure> {
    match command {
        ConfigCommand::Show { format: ConfigFormat::Yaml } => {
            output::text(&place.config()?.normalized_yaml())
        }
        ConfigCommand::Show { format: ConfigFormat::Json } => {
            output::json(&place.config()?.normalized_json())
        }
        ConfigCommand::Schema => output::json(&json_schema()),
    }
}
