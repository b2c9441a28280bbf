//! Tests of the services by their public face.

mod catalogue;
mod confidence_calculator;
mod examples;
mod performance;
mod quality;
mod reference;
mod rig;
mod semantic_similarity;
mod validation;
mod vector_ranking;
mod vector_similarity;
