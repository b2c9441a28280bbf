//! What decides about requests before they are carried out, as a client and an operator see it.

mod traffic;
