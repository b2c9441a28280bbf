//! Which services there are.

use crate::service::Service;
use crate::{
    confidence_calculator, data_standardization, reasoning_agent, resource_streaming,
    semantic_similarity, session_management, transport_layer, vector_ranking, vector_similarity,
};

/// The port of the first service; the others follow without a gap.
pub const FIRST_PORT: u16 = 8101;

/// In the order of their ports, which begin at [`FIRST_PORT`].
static CATALOGUE: [&Service; 9] = [
    &data_standardization::SERVICE,
    &vector_similarity::SERVICE,
    &vector_ranking::SERVICE,
    &transport_layer::SERVICE,
    &reasoning_agent::SERVICE,
    &session_management::SERVICE,
    &resource_streaming::SERVICE,
    &confidence_calculator::SERVICE,
    &semantic_similarity::SERVICE,
];

/// Returns the services in the order of their ports.
pub fn catalogue() -> &'static [&'static Service] {
    &CATALOGUE
}

/// Returns those that have tools. One without any would be an endpoint that does nothing.
pub fn offered() -> impl Iterator<Item = &'static Service> {
    CATALOGUE.iter().copied().filter(|service| service.every_tool().next().is_some())
}

/// Finds a service by its name.
pub fn find(name: &str) -> Option<&'static Service> {
    CATALOGUE.iter().copied().find(|service| service.name == name)
}
