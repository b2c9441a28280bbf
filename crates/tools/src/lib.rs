//! What a configuration declares itself, without a server behind it: prompts and resources.
//!
//! [`template`] is the text with places in it, [`prompt`] and [`resource`] are what is declared,
//! and [`Declared`] offers them as any other provider does. Everything here is made once, when a
//! configuration is read, and never changes; a new configuration makes a new one.

pub mod prompt;
pub mod resource;
pub mod template;

mod declared;

pub use declared::Declared;
pub use prompt::{Argument, Prompt, Role, Utterance};
pub use resource::Resource;
pub use template::Template;
