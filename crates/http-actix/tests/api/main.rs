//! The API as clients see it: the whole assembly with every middleware, in process, over the fakes of `testkit`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod access;
mod analytics;
mod bad_input;
mod batch;
mod bodies;
mod caching;
mod compression;
mod console;
mod cors;
mod deadlines;
mod docs;
mod document;
mod events;
mod export;
mod failures;
mod headers;
mod health;
mod hosts;
mod idempotency;
mod keys;
mod limits;
mod listing;
mod models;
mod observation;
mod options;
mod predictions;
mod rate_limit;
mod slow_clients;
mod stream;
mod support;
mod trends;
mod usage;
mod wire;
