//! The habits, as code.
fn main() {}
