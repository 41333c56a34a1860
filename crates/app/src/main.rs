//! Undertone: the program.
fn main() {}
