//! Tests of the services by their public face.

mod catalogue;
mod examples;
mod rig;
mod session_management;
mod vector_similarity;
