//! The era of an upstream: cases 14 to 27.
