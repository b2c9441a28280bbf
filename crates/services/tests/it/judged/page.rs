//! The page that publishes the figures.
