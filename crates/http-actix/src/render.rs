//! Renders a view as the JSON body of a response.

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde::Serialize;

use crate::body_memory::{FREE_BYTES, Reservation};
use crate::problem::{Problem, ProblemCode};
use crate::state::ApiState;

/// Returns a response with the value of `present` as its JSON body. A body that `reservation` says is large is rendered
/// away from the connections' threads, and the response holds the reservation until it is sent.
pub(crate) async fn render_json<T: Serialize>(
    state: &ApiState,
    reservation: Reservation,
    mut response: HttpResponseBuilder,
    present: impl FnOnce() -> T + Send + 'static,
) -> Result<HttpResponse, Problem> {
    let render = move || serde_json::to_vec(&present());
    let body = state.offload.run(reservation.bytes(), render).await?.map_err(|error| {
        tracing::error!(%error, "cannot serialize a response");
        Problem::new(ProblemCode::Internal)
    })?;
    let large = body.len() > FREE_BYTES;
    let mut response = response.insert_header((CONTENT_TYPE, "application/json")).body(body);
    if large {
        response.extensions_mut().insert(reservation);
    }
    Ok(response)
}
