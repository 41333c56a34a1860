//! Predictions to keep: complete, different from one another, and made in order.
