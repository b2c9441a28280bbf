//! Tests of the services by their public face.

mod catalogue;
mod data_standardization;
mod examples;
mod judged;
mod reasoning_agent;
mod rig;
mod vector_similarity;
