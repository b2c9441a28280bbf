//! What commands ask of services: which there are, and how one is where it listens.

use std::time::Duration;

use bytes::Bytes;
use gantry_net::{Client, ClientConfig, Limits};
use gantry_services::{catalogue, page};
use http::{HeaderMap, Method};
use serde_json::Value;

use crate::config::ServiceDoors;

/// Whoever does not answer within this is not well.
const PATIENCE: Duration = Duration::from_secs(5);
/// A larger answer is none of a service.
const LARGEST: usize = 64 * 1024;

/// A built-in service, as a command lists it.
#[derive(Debug, Clone, Copy)]
pub struct ServiceEntry {
    /// Its name.
    pub name: &'static str,
    /// The port of its listener, if it has one.
    pub port: u16,
    /// How many tools its clients count on.
    pub n_tools: usize,
    /// How many further tools it has.
    pub n_extras: usize,
    /// What it is for.
    pub description: &'static str,
}

/// Returns every service that is offered, in the order of their ports, which are those of an instance.
pub fn service_entries(instance: u16) -> Vec<ServiceEntry> {
    catalogue::offered()
        .map(|service| ServiceEntry {
            name: service.name,
            port: ServiceDoors::port(service, instance),
            n_tools: service.tools.len(),
            n_extras: service.extras.iter().map(|tools| tools.len()).sum(),
            description: service.description,
        })
        .collect()
}

/// Returns the page of a service for people, as Markdown; `None` if none of this name is offered.
pub fn service_page(name: &str) -> Option<String> {
    catalogue::offered().find(|service| service.name == name).map(page::page)
}

/// Asks a service how it is, by its listener as any probe does; `endpoint` is the URL of its MCP
/// endpoint.
///
/// # Errors
///
/// Why there is no answer, for a person.
pub async fn service_health(endpoint: &str) -> Result<Value, String> {
    // Without a proxy: it is on this machine, or on an address of it.
    let client = Client::new(ClientConfig { connect_timeout: PATIENCE, ..ClientConfig::default() });
    let told = |error: &(dyn std::error::Error + 'static)| gantry_core::chain(error);
    let target = client.target(endpoint).and_then(|target| target.with_path("/health"));
    let target = target.map_err(|error| told(&error))?;
    let limits = Limits { head: Some(PATIENCE), body_idle: Some(PATIENCE) };
    let answer = target.send(Method::GET, HeaderMap::new(), Bytes::new(), limits).await;
    let answer = answer.map_err(|error| told(&error))?;
    let body = answer.into_body().collect(LARGEST).await.map_err(|error| told(&error))?;
    serde_json::from_slice(&body).map_err(|_| "the answer is no JSON".to_owned())
}
