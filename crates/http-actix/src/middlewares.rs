//! What runs around every request, whatever its route.

mod accept_encoding;
mod admit;
mod authenticate;
mod connection;
mod cors;
mod drain;
mod guarded_body;
mod host;
mod observe;
mod request_id;
mod root_span;
mod security_headers;
mod span_content;

pub(crate) use accept_encoding::accept_encoding;
pub(crate) use admit::{RATE_LIMIT, RATE_LIMIT_POLICY, admit};
pub(crate) use authenticate::{X_API_KEY, admit_everyone, authenticate};
pub(crate) use connection::mark_connection;
pub(crate) use cors::{cors, present_cors_refusal};
pub(crate) use drain::close_while_draining;
pub(crate) use host::check_host;
pub use observe::describe_http_metrics;
pub(crate) use observe::observe;
pub(crate) use request_id::request_id;
pub(crate) use root_span::RequestSpan;
pub(crate) use security_headers::security_headers;
