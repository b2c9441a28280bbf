//! Tests of the server through its public face: real sockets on free ports, a real data folder.

#[cfg(test)]
mod actuator;
#[cfg(test)]
mod api;
#[cfg(test)]
mod config;
#[cfg(test)]
mod doors;
#[cfg(test)]
mod figures;
#[cfg(test)]
mod foreign;
#[cfg(test)]
mod health;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod listeners;
#[cfg(test)]
mod panics;
mod promises;
#[cfg(test)]
mod reload;
#[cfg(test)]
mod seen;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
mod socket;
#[cfg(test)]
mod support;
#[cfg(test)]
mod tls;
