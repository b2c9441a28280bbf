//! Tests of the services by their public face.

mod catalogue;
mod confidence_calculator;
mod data_standardization;
mod examples;
mod judged;
mod performance;
mod quality;
mod reasoning_agent;
mod reference;
mod rig;
mod semantic_similarity;
mod session_management;
mod validation;
mod vector_ranking;
mod vector_similarity;
