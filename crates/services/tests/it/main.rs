//! Tests of the services by their public face.

mod catalogue;
mod examples;
mod reference;
mod rig;
mod semantic_similarity;
mod session_management;
mod vector_ranking;
mod vector_similarity;
