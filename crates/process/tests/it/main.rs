//! Real children behind real shims. Every process of a test carries a mark of its own in its environment, by which all
//! of them are found, wherever they fled to.

#![cfg(target_os = "linux")]

// `cfg(test)` holds anyway; written out, it tells clippy that the functions between the tests are test code too.
#[cfg(test)]
mod cost;
#[cfg(test)]
mod end;
#[cfg(test)]
mod hygiene;
#[cfg(test)]
mod pipes;
#[cfg(test)]
mod start;
#[cfg(test)]
mod support;
