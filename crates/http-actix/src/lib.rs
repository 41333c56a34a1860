//! The REST API on actix-web: translates a request on the wire into a use case's request, and its response back.
//!
//! This crate knows no database, no model runtime and no configuration file. It receives use cases and settings in an
//! [`ApiState`] and returns applications for actix-web: one for clients ([`api`]) and one for operators
//! ([`admin_api`]). [`Servers`] serves them on listeners with limits on time and connections; the in-process tests run
//! the same applications, with every middleware.
//!
//! Start reading at `routes`, which names every path, its methods and the controller of each. A controller extracts
//! (`extractors`), executes, and presents (`presenters`); every error becomes a problem of the closed catalog in
//! `problem`.

#![forbid(unsafe_code)]

mod access;
mod allowed_hosts;
mod assembly;
mod body_memory;
mod client_address;
mod connection;
mod controllers;
mod detached;
mod exports;
mod extractors;
mod middlewares;
mod offload;
mod openapi;
mod presenters;
mod problem;
mod render;
mod request_id;
mod revalidation;
mod routes;
mod server;
mod state;
mod static_site;
mod wire;

pub use access::Access;
pub use allowed_hosts::AllowedHosts;
pub use assembly::{admin_api, api};
pub use body_memory::BodyMemory;
pub use client_address::{ForwardedHeader, TrustedProxies};
pub use detached::Detached;
pub use exports::Exports;
pub use middlewares::describe_http_metrics;
pub use offload::Offload;
pub use openapi::openapi;
pub use presenters::{EventFrames, write_export};
pub use problem::{ProblemCode, problem_catalog_markdown};
pub use routes::{RouteMethods, admin_routes, public_routes};
pub use server::{BoundSockets, LimitsSettings, ServeError, ServerSettings, Servers};
pub use state::{ApiState, HttpSettings, SpanContent, UseCases};
pub use wire::{
    audit_line_json, key_json, limits_json, models_json, prediction_json, unstored_prediction_json,
};
