//! `data_standardization`: one form for what was written in many.

use crate::service::Service;

mod address;
mod amount;
mod company;
mod date;
mod number;
mod person;
mod phone;
mod places;
mod quantity;
mod reading;
mod table;
mod text;
mod wordlists;

/// The service.
pub static SERVICE: Service = Service {
    name: "data_standardization",
    port: 8101,
    title: "Data standardization",
    description: "Brings accounts, locations and products into hierarchies of four levels, and \
                  values of many kinds into one form, and says how sure it is and why.",
    tools: &[],
    extras: &[],
    resources: &[],
    prompts: &[],
};
