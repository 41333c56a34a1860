//! The cases, by what they are about. Each is an `async fn` over a harness and stands in the list of `list.rs`.

pub mod unit_of_work;
