//! `confidence_calculator`: how far a conclusion can be trusted.
//!
//! A module for each tool; what a confidence depends on is in [`factors`].

use crate::service::Service;

mod alignment;
mod analysis_prompt;
mod calibration;
mod evidence;
mod factors;
mod reasoning;
mod status;
mod uncertainty;

/// The service.
pub static SERVICE: Service = Service {
    name: "confidence_calculator",
    port: 8108,
    title: "Confidence calculator",
    description: "Says how far a conclusion can be trusted, and why.",
    tools: &[
        reasoning::TOOL,
        evidence::TOOL,
        alignment::TOOL,
        uncertainty::ADJUST,
        uncertainty::FALLBACK,
        status::TOOL,
    ],
    extras: &[&[calibration::RECORD, calibration::CALIBRATE]],
    resources: &[status::RESOURCE],
    prompts: &[analysis_prompt::PROMPT],
};
