//! Every use case over the fakes of `testkit`, with its failures.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod keyed_requests;
mod world;

mod predict_sentiment;
mod predict_sentiment_batch;
mod stream_predictions;

mod delete_prediction;
mod deliver_events;
mod export_predictions;
mod get_prediction;
mod idempotency;
mod list_predictions;
mod rank_terms;

mod audit;
mod authenticate;
mod keys;
mod limits;
mod tenants;

mod check_health;
mod choose_model;
mod list_models;
mod load_and_unload_model;
mod log_action;
mod project_analytics;
mod sequence_events;
mod trends;
