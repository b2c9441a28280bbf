//! Tests of the services by their public face.

#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod confidence_calculator;
#[cfg(test)]
mod data_standardization;
#[cfg(test)]
mod examples;
#[cfg(test)]
mod judged;
#[cfg(test)]
mod performance;
#[cfg(test)]
mod quality;
#[cfg(test)]
mod reasoning_agent;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod semantic_similarity;
#[cfg(test)]
mod session_management;
#[cfg(test)]
mod validation;
#[cfg(test)]
mod vector_ranking;
#[cfg(test)]
mod vector_similarity;
