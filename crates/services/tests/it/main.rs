//! Tests of the services by their public face.

mod catalogue;
mod data_standardization;
mod examples;
mod judged;
mod reasoning_agent;
mod reference;
mod rig;
mod semantic_similarity;
mod session_management;
mod vector_ranking;
mod vector_similarity;
