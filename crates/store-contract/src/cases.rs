//! The cases, by what they are about. Each is an `async fn` over a harness and stands in the list of `list.rs`.

pub mod round_trips;
pub mod round_trips_of_options;
pub mod round_trips_of_scores;
pub mod round_trips_of_texts;

pub mod deletion;
pub mod tenants;
pub mod unit_of_work;

pub mod filters;
pub mod listing;
pub mod search;

pub mod leases;
pub mod outbox;
pub mod schema;
pub mod seeding;
